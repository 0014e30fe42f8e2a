use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

const NOTHING_DUE: u64 = u64::MAX;

/// Since when a poll loop owes its next step. Written by the loop, read by whoever asks for its health.
///
/// A poll in flight is due when the server may no longer hold it, the next one after the delay before it.
/// Nothing is due while there is no free slot or the worker is paused. Failed polls are steps too: a server
/// that is down is no reason to restart its workers.
#[derive(Debug)]
pub(super) struct Progress {
    start: Instant,
    /// Milliseconds after `start`.
    due: AtomicU64,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), due: AtomicU64::new(NOTHING_DUE) }
    }

    pub(super) fn nothing_due(&self) {
        self.due.store(NOTHING_DUE, Ordering::Relaxed);
    }

    /// The next step is due `after` from now.
    pub(super) fn due(&self, after: Duration) {
        self.due_at(self.start.elapsed().saturating_add(after));
    }

    /// How long the next step is overdue.
    pub(super) fn overdue(&self) -> Duration {
        self.overdue_at(self.start.elapsed())
    }

    /// After how long it is overdue by `limit`, unless it is done by then; zero if it is already.
    pub(super) fn stalls_in(&self, limit: Duration) -> Duration {
        let now = self.start.elapsed();
        match self.due.load(Ordering::Relaxed) {
            // What becomes due from now on is not overdue before.
            NOTHING_DUE => limit,
            due => Duration::from_millis(due).saturating_add(limit).saturating_sub(now),
        }
    }

    fn due_at(&self, at: Duration) {
        let millis = u64::try_from(at.as_millis()).unwrap_or(NOTHING_DUE);
        self.due.store(millis, Ordering::Relaxed);
    }

    fn overdue_at(&self, now: Duration) -> Duration {
        now.saturating_sub(Duration::from_millis(self.due.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_step_is_overdue_from_its_moment_on() {
        let progress = Progress::new();
        assert_eq!(progress.overdue_at(ms(60_000)), ms(0), "nothing was ever due");
        progress.due_at(ms(1_000));
        for (now, overdue) in [(0, 0), (999, 0), (1_000, 0), (1_001, 1), (17_000, 16_000)] {
            assert_eq!(progress.overdue_at(ms(now)), ms(overdue), "{now}");
        }
        progress.due_at(ms(5_000));
        assert_eq!(progress.overdue_at(ms(5_250)), ms(250), "a later step takes its place");
        progress.nothing_due();
        assert_eq!(progress.overdue_at(ms(u64::MAX - 1)), ms(0));
    }

    #[test]
    fn delays_of_any_length_are_told() {
        let progress = Progress::new();
        progress.due(Duration::MAX);
        assert_eq!(progress.overdue(), Duration::ZERO);
        progress.due(Duration::ZERO);
        assert!(progress.overdue() < ms(60_000));
    }
}
