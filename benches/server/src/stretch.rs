use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::options::{Arrivals, Options};
use crate::report;
use crate::tasks::{Counts, SECOND, Tasks};

/// Which part of the run is measured, told to the harness while it happens. Times are nanoseconds.
#[derive(Debug)]
pub(crate) struct Stretch {
    warm_up: u64,
    length: u64,
    arrivals: Arrivals,
    first_poll_unix: Option<f64>,
    first_result_unix: Option<f64>,
    start: Option<u64>,
    before: Option<Counts>,
    after: Option<Counts>,
}

impl Stretch {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            warm_up: nanos(options.warm_up_seconds),
            length: nanos(options.seconds),
            arrivals: options.arrivals,
            first_poll_unix: None,
            first_result_unix: None,
            start: None,
            before: None,
            after: None,
        }
    }

    /// Looks at the clock and at the counts: called after every round of events.
    pub(crate) fn step(&mut self, tasks: &mut Tasks, now: u64) -> io::Result<()> {
        if self.first_poll_unix.is_none() && tasks.counts.polls > 0 {
            self.first_poll_unix = Some(unix_now());
        }
        let results = tasks.counts.completed + tasks.counts.not_completed + tasks.counts.wrong_output;
        if self.first_result_unix.is_none() && results > 0 {
            self.first_result_unix = Some(unix_now());
        }
        let works =
            if self.arrivals == Arrivals::Never { self.first_poll_unix } else { self.first_result_unix };
        let Some(start) = self.start else {
            if works.is_some() {
                self.start = Some(now + self.warm_up);
                report::event("working", json!({}))?;
            }
            return Ok(());
        };
        if self.before.is_none() && now >= start {
            self.before = Some(tasks.counts);
            tasks.recording = true;
            self.start = Some(now);
            report::event("started", json!({}))?;
        } else if self.before.is_some() && self.after.is_none() && now >= start + self.length {
            self.after = Some(tasks.counts);
            tasks.recording = false;
            self.length = now - start;
            report::event("measured", json!({}))?;
        }
        Ok(())
    }

    /// When `step` has to be called next, whatever happens.
    pub(crate) fn next(&self) -> Option<u64> {
        match (self.before, self.after) {
            (None, _) => self.start,
            (Some(_), None) => Some(self.start? + self.length),
            _ => None,
        }
    }

    /// The last line.
    #[expect(clippy::cast_precision_loss, reason = "minutes in ns")]
    pub(crate) fn end(&self, tasks: &Tasks, most_connections: usize) -> io::Result<()> {
        let stretch = self.before.zip(self.after).map(|(before, after)| report::between(&before, &after));
        let fields = json!({
            "seconds": self.length as f64 / SECOND,
            "first_poll_unix": self.first_poll_unix,
            "first_result_unix": self.first_result_unix,
            "stretch": stretch,
            "latencies": report::latencies(self.arrivals, &tasks.finished),
            "whole_run": tasks.counts,
            "outstanding": tasks.outstanding(),
            "most_connections": most_connections,
        });
        report::event("ended", fields)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a run")]
pub(crate) fn nanos(seconds: f64) -> u64 {
    (seconds * SECOND) as u64
}

fn unix_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
