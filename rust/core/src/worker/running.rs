use std::time::{Duration, Instant};

use super::run_time::RunTime;

/// One run of a worker's function, as its executor knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run(usize);

impl Run {
    /// Its number, which no other run has at the same time; a new one is taken only while none is free.
    pub fn place(self) -> usize {
        self.0
    }
}

/// A run that is over.
#[derive(Debug, Clone, Copy)]
pub struct Ended {
    pub run: Run,
    pub at: Instant,
    /// The function's own time, without the wait for the GIL before it, which would make it look long enough
    /// to wake a thread for each task; `None` if it was not called.
    pub took: Option<Duration>,
}

/// How fast a worker works.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pace {
    /// Runs that have ended and were timed.
    pub timed: u64,
    pub run_time: RunTime,
    /// For how long the oldest of those that run has run.
    pub oldest: Option<Duration>,
}

/// What runs, since when, and how long it took. Pure: `now` comes from the caller.
#[derive(Debug, Default)]
pub(super) struct Running {
    /// So many may run at once.
    limit: usize,
    count: usize,
    /// When each run started; `None` is a place that is free.
    started: Vec<Option<Instant>>,
    free: Vec<usize>,
    run_time: RunTime,
    timed: u64,
}

impl Running {
    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// How many more may start.
    pub(super) fn room(&self) -> usize {
        self.limit.saturating_sub(self.count)
    }

    pub(super) fn start(&mut self, now: Instant) -> Run {
        self.count += 1;
        let place = self.free.pop().unwrap_or_else(|| {
            self.started.push(None);
            self.started.len() - 1
        });
        if let Some(started) = self.started.get_mut(place) {
            *started = Some(now);
        }
        Run(place)
    }

    pub(super) fn end(&mut self, Ended { run: Run(place), took, .. }: Ended) {
        if self.started.get_mut(place).and_then(Option::take).is_none() {
            return;
        }
        self.free.push(place);
        self.count -= 1;
        if let Some(took) = took {
            self.run_time.record(took);
            self.timed += 1;
        }
    }

    /// Since when a run has run.
    pub(super) fn started(&self, Run(place): Run) -> Option<Instant> {
        self.started.get(place).copied().flatten()
    }

    pub(super) fn run_time(&self) -> RunTime {
        self.run_time
    }

    pub(super) fn pace(&self, now: Instant) -> Pace {
        let oldest = self.started.iter().flatten().min();
        Pace {
            timed: self.timed,
            run_time: self.run_time,
            oldest: oldest.map(|started| now.saturating_duration_since(*started)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn places_are_used_again_and_runs_are_timed() {
        let (mut running, start) = (Running::default(), Instant::now());
        assert_eq!(running.room(), 0);
        running.set_limit(2);
        let first = running.start(start);
        let second = running.start(start + ms(1));
        assert_eq!(running.room(), 0);
        assert_eq!(running.pace(start + ms(5)).oldest, Some(ms(5)));
        let ended = |run, took| Ended { run, at: start, took };
        assert_eq!(running.started(first), Some(start));
        running.end(ended(first, Some(ms(4))));
        running.end(ended(first, Some(ms(9))));
        assert_eq!(running.room(), 1, "a run ends once");
        let pace = running.pace(start + ms(5));
        assert_eq!((pace.timed, pace.oldest, pace.run_time.mean()), (1, Some(ms(4)), Some(ms(4))));
        assert_eq!(running.start(start + ms(6)), first);
        running.set_limit(1);
        assert_eq!(running.room(), 0);
        running.end(ended(second, None));
        assert_eq!(running.room(), 0);
        let pace = running.pace(start + ms(6));
        assert_eq!((pace.timed, pace.oldest), (1, Some(ms(0))));
    }
}
