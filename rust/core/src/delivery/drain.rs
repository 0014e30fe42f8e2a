use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::ledger::{Ledger, State};

/// After a stop, what is on disk already still gets so long: a last burst to a server that takes it.
const LAST_BURST: Duration = Duration::from_secs(3);

impl State {
    /// Zero once nothing has to be waited for; `None` while what is waited for is not on disk.
    fn time_to_wait(&mut self, now: Instant) -> Option<Duration> {
        if self.polls_in_flight == 0 && self.held.is_empty() {
            return Some(Duration::ZERO);
        }
        if self.polls_in_flight > 0 || self.held.len() > self.on_disk {
            self.settled_since = None;
            return None;
        }
        Some((*self.settled_since.get_or_insert(now) + LAST_BURST).saturating_duration_since(now))
    }
}

impl Ledger {
    /// Blocks the caller until nothing is owed, or only what is on disk and has had its last burst; false if
    /// that took longer than `timeout`.
    pub fn wait_empty(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let burst = state.time_to_wait(now);
            if burst == Some(Duration::ZERO) {
                return true;
            }
            let left = deadline.saturating_duration_since(now);
            if left.is_zero() {
                return false;
            }
            let left = burst.map_or(left, |burst| burst.min(left));
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::delivery::held::Stage;
    use crate::delivery::ledger::tests::{clock, returned};
    use crate::observe::OutboxView;

    #[test]
    fn empty_again_only_after_the_last_yes() {
        let ledger = Arc::new(Ledger::default());
        assert!(ledger.wait_empty(Duration::ZERO));
        let poll = ledger.poll(&"greet".into());
        let hold = || ledger.hold(&"t1".into(), &"greet".into(), clock(0));
        let first = hold().unwrap();
        let returned_at = Instant::now();
        ledger.finished(returned_at, [returned(first, 7, true)].into_iter(), drop);
        let second = hold().unwrap();
        drop(poll);
        let outbox = ledger.outbox(returned_at + Duration::from_secs(3));
        assert_eq!((outbox.results, outbox.bytes), (1, 7));
        assert_eq!(outbox.oldest_age, Some(Duration::from_secs(3)));
        ledger.settled(first);
        assert_eq!(ledger.outbox(returned_at), OutboxView::default());
        assert!(!ledger.wait_empty(Duration::from_millis(1)));
        assert_eq!(ledger.held().len(), 1);
        assert_eq!(ledger.held()[0].stage, Stage::Running);
        let waiter = std::thread::spawn({
            let ledger = Arc::clone(&ledger);
            move || ledger.wait_empty(Duration::from_secs(10))
        });
        ledger.settled(second);
        assert!(waiter.join().unwrap());
    }
}
