//! What time will do, soonest first.
//!
//! An ordered set instead of a heap: a finished task's response timeout can be taken out again. In a heap it
//! would stay for its hour, at 60,000 tasks a second some 200 million entries.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;

#[derive(Debug, Default)]
pub(crate) struct Alarms {
    due: BTreeSet<(Instant, u64)>,
    /// Until when the timer task sleeps; `None` = until it is told.
    sleeping_until: Option<Instant>,
    /// Tells the timer task that something sooner was set.
    pub(crate) sooner: Arc<Notify>,
}

impl Alarms {
    pub(crate) fn set(&mut self, at: Instant, sequence: u64) {
        self.due.insert((at, sequence));
        if self.sleeping_until.is_none_or(|until| at < until) {
            self.sleeping_until = Some(at);
            self.sooner.notify_one();
        }
    }

    pub(crate) fn clear(&mut self, at: Instant, sequence: u64) {
        self.due.remove(&(at, sequence));
    }

    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<u64> {
        let &(at, sequence) = self.due.first()?;
        if at > now {
            return None;
        }
        self.due.pop_first();
        Some(sequence)
    }

    /// The next moment to look; the caller sleeps until then.
    pub(crate) fn sleep_until(&mut self) -> Option<Instant> {
        self.sleeping_until = self.due.first().map(|&(at, _)| at);
        self.sleeping_until
    }
}
