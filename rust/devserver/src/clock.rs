//! One reading of the clock per request, as an instant and as the server's milliseconds.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment: `instant` for deadlines, `millis` (since 1970) for what the server writes into a task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) instant: Instant,
    pub(crate) millis: u64,
}

impl Now {
    pub(crate) fn after_seconds(self, seconds: u64) -> Instant {
        // A century is "never"; an unchecked sum of a client's u64 would panic.
        self.instant + Duration::from_secs(seconds.min(100 * 365 * 86_400))
    }
}

/// Wall clock derived from the monotonic one, so that `scheduledTime <= startTime <= endTime` always holds.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    started_millis: u64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), started_millis: whole_millis(since_1970) }
    }

    pub(crate) fn now(&self) -> Now {
        let instant = Instant::now();
        Now { instant, millis: self.started_millis + whole_millis(instant - self.started) }
    }

    /// Milliseconds since the server's start.
    pub(crate) fn elapsed_millis(&self) -> u64 {
        whole_millis(self.started.elapsed())
    }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
