use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;

/// Refused above this by the server (ExecutionService.java:113).
const MAX_POLL_TIMEOUT: Duration = Duration::from_millis(5_000);
/// More slots than this in one worker is a mistake in a unit, not a wish.
const MAX_THREAD_COUNT: usize = 10_000;
/// Polls that bring more cost no less a task, and what is held here nobody else can run.
const MAX_PREFETCH: usize = 64;

/// What passes between the starts of two polls while there is nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollInterval {
    /// The user's own value: kept as it is, without jitter.
    Exactly(Duration),
    /// Nobody asked for a value: from 1 ms, doubling up to this.
    UpTo(Duration),
}

/// How many tasks are polled ahead of the slots that run them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefetch {
    /// What the worker is expected to finish while the next poll is on its way.
    Auto,
    Fixed(usize),
}

impl Prefetch {
    /// Never more than this.
    pub const fn most(self) -> usize {
        match self {
            Self::Auto => MAX_PREFETCH,
            Self::Fixed(count) => count,
        }
    }
}

/// One worker: a queue (task type and domain), the name it polls under, and how.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    pub task_type: Arc<str>,
    pub domain: Option<String>,
    pub worker_id: String,
    /// So many tasks run at once, each in a slot of its own.
    pub thread_count: usize,
    pub poll_interval: PollInterval,
    /// How long the server may hold a poll; `None` leaves it to the engine.
    pub poll_timeout: Option<Duration>,
    pub prefetch: Prefetch,
    /// The leases of its running tasks are extended, and a cancelled task is noticed.
    pub lease_extend_enabled: bool,
    /// Polls only once it is resumed.
    pub paused: bool,
}

impl WorkerConfig {
    pub fn validate(&self) -> Result<(), Error> {
        let bad = |field, problem: String| Err(Error::configuration(field, problem));
        let task_type = &self.task_type;
        if task_type.is_empty() {
            return bad(
                "task_definition_name",
                "a worker needs the name of the task type it polls for".into(),
            );
        }
        if task_type.contains('/') {
            return bad(
                "task_definition_name",
                format!("{task_type:?} holds a '/', which the server's router refuses; rename the task type"),
            );
        }
        self.check_thread_count(self.thread_count)?;
        if let Some(poll_timeout) = self.poll_timeout.filter(|given| *given > MAX_POLL_TIMEOUT) {
            let given = poll_timeout.as_millis();
            return bad(
                "poll_timeout",
                format!("worker {task_type:?}: {given} ms is more than the 5000 ms that the server allows"),
            );
        }
        if self.prefetch.most() > MAX_PREFETCH {
            let given = self.prefetch.most();
            return bad(
                "prefetch",
                format!(
                    "worker {task_type:?}: {given} is more than {MAX_PREFETCH}, beyond which nothing is won"
                ),
            );
        }
        Ok(())
    }

    /// Can this worker have so many slots?
    pub fn check_thread_count(&self, given: usize) -> Result<(), Error> {
        if (1..=MAX_THREAD_COUNT).contains(&given) {
            return Ok(());
        }
        let task_type = &self.task_type;
        let problem = format!("worker {task_type:?}: {given} is not between 1 and {MAX_THREAD_COUNT}");
        Err(Error::configuration("thread_count", problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(task_type: &str, thread_count: usize, poll_timeout: u64) -> WorkerConfig {
        WorkerConfig {
            task_type: task_type.into(),
            domain: None,
            worker_id: "me".into(),
            thread_count,
            poll_interval: PollInterval::UpTo(Duration::from_millis(100)),
            poll_timeout: Some(Duration::from_millis(poll_timeout)),
            prefetch: Prefetch::Auto,
            lease_extend_enabled: false,
            paused: false,
        }
    }

    #[test]
    fn bad_settings_name_the_field_and_the_worker() {
        worker("greet", 1, 5_000).validate().unwrap();
        for (config, field) in [
            (worker("", 1, 0), "task_definition_name"),
            (worker("a/b", 1, 0), "task_definition_name"),
            (worker("greet", 0, 0), "thread_count"),
            (worker("greet", 10_001, 0), "thread_count"),
            (worker("greet", 1, 5_001), "poll_timeout"),
            (WorkerConfig { prefetch: Prefetch::Fixed(65), ..worker("greet", 1, 0) }, "prefetch"),
        ] {
            let error = config.validate().expect_err(field).to_string();
            assert!(error.starts_with(field), "{error}");
        }
    }
}
