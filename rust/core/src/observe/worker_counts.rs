use std::collections::BTreeMap;
use std::time::Duration;

use super::error_counts::ErrorLabel;
use super::histogram::{Distribution, RecentDistribution};

/// Durations by how it ended, when they were read.
#[derive(Debug, Clone, Default)]
pub struct OutcomeTimes {
    pub succeeded: RecentDistribution,
    pub failed: RecentDistribution,
    /// Seconds of the last one; 0 without any.
    pub last: f64,
}

impl OutcomeTimes {
    pub fn count(&self) -> u64 {
        self.succeeded.all.count() + self.failed.all.count()
    }
}

/// What was counted of one queue until it was read. Plain data.
#[derive(Debug, Clone, Default)]
pub struct WorkerCounts {
    pub polls: u64,
    pub poll_time: OutcomeTimes,
    pub poll_errors: BTreeMap<ErrorLabel, u64>,
    /// Failed polls that may have brought tasks.
    pub polls_ambiguous: u64,
    pub last_successful_poll_age: Option<Duration>,
    pub last_poll_failed: bool,
    pub paused: u64,
    pub queue_full: u64,
    pub update_succeeded: Distribution,
    pub update_failed: Distribution,
    pub update_errors: BTreeMap<ErrorLabel, u64>,
    pub delivered_after_deadline: u64,
    /// Tasks that went back unstarted.
    pub handed_back: u64,
    /// Of tasks that the server did not know any more.
    pub results_gone: u64,
    /// Results that the server will never take.
    pub dead_letters: u64,
    pub executions_started: u64,
    pub execute_time: OutcomeTimes,
    /// Runs that ended with IN_PROGRESS.
    pub in_progress: u64,
    pub execute_errors: BTreeMap<ErrorLabel, u64>,
    pub result_size: Distribution,
    pub last_result_size: u64,
    pub gil_wait: Distribution,
}

impl WorkerCounts {
    /// Functions that run now.
    pub fn running(&self) -> u64 {
        self.executions_started.saturating_sub(self.execute_time.count())
    }

    /// Runs that ended with COMPLETED.
    pub fn completed(&self) -> u64 {
        self.execute_time.succeeded.all.count().saturating_sub(self.in_progress)
    }

    /// Tasks that ended in failure.
    pub fn failed(&self) -> u64 {
        self.execute_errors.values().sum()
    }

    /// Adds those of another domain of the same task type.
    pub fn merge(&mut self, other: &Self) {
        for (counter, more) in [
            (&mut self.polls, other.polls),
            (&mut self.polls_ambiguous, other.polls_ambiguous),
            (&mut self.paused, other.paused),
            (&mut self.queue_full, other.queue_full),
            (&mut self.delivered_after_deadline, other.delivered_after_deadline),
            (&mut self.handed_back, other.handed_back),
            (&mut self.results_gone, other.results_gone),
            (&mut self.dead_letters, other.dead_letters),
            (&mut self.executions_started, other.executions_started),
            (&mut self.in_progress, other.in_progress),
        ] {
            *counter += more;
        }
        for (errors, more) in [
            (&mut self.poll_errors, &other.poll_errors),
            (&mut self.update_errors, &other.update_errors),
            (&mut self.execute_errors, &other.execute_errors),
        ] {
            for (label, count) in more {
                *errors.entry(label.clone()).or_default() += count;
            }
        }
        for (times, more) in
            [(&mut self.poll_time, &other.poll_time), (&mut self.execute_time, &other.execute_time)]
        {
            times.succeeded.merge(&more.succeeded);
            times.failed.merge(&more.failed);
            times.last = times.last.max(more.last);
        }
        for (distribution, more) in [
            (&mut self.update_succeeded, &other.update_succeeded),
            (&mut self.update_failed, &other.update_failed),
            (&mut self.result_size, &other.result_size),
            (&mut self.gil_wait, &other.gil_wait),
        ] {
            distribution.merge(more);
        }
        self.last_poll_failed |= other.last_poll_failed;
        self.last_result_size = self.last_result_size.max(other.last_result_size);
        self.last_successful_poll_age = match (self.last_successful_poll_age, other.last_successful_poll_age)
        {
            (Some(age), Some(more)) => Some(age.min(more)),
            (age, more) => age.or(more),
        };
    }
}
