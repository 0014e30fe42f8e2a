use std::sync::Arc;
use std::time::Instant;

use tokio::sync::futures::Notified;

use super::held::{HoldId, Stage};
use super::lease::{CancelTask, Lease};
use super::ledger::{Holding, Ledger};
use crate::wire::TaskIdentity;

impl Ledger {
    /// Extends the lease of a task from now on, until it is settled. Nothing if the server does not wait
    /// for a word about it, if the server has ended it, or if the lease is extended already.
    pub fn lease(&self, id: HoldId, identity: &TaskIdentity, cancel: Option<Arc<dyn CancelTask>>) {
        let mut state = self.lock();
        let Some(Holding { held, clock: Some(clock), .. }) = state.held.get(&id) else { return };
        let Some(interval) = clock.interval() else { return };
        if state.leases.is_tracked(id) {
            return;
        }
        let due = clock.since + interval;
        let lease =
            Lease { identity: identity.clone(), task_type: Arc::clone(&held.task_type), interval, cancel };
        if state.leases.track(id, lease, due) {
            self.sooner.notify_one();
        }
    }

    /// The server has ended this task: its lease is over, whatever becomes of its function. True if that
    /// still runs; else it was our own result that ended the task, or it does not matter any more.
    pub fn ended_by_server(&self, id: HoldId) -> bool {
        let mut state = self.lock();
        state.leases.end(id);
        let Some(entry) = state.held.get_mut(&id) else { return false };
        entry.clock = None;
        entry.held.stage == Stage::Running
    }

    /// Takes the beats that are due, most urgent first, and tells when the next ones are.
    pub fn due_beats(self: &Arc<Self>, now: Instant) -> (Vec<Beat>, Option<Instant>) {
        let mut state = self.lock();
        let due = state.leases.take_due(now);
        let beats = due.into_iter().map(|(id, lease)| Beat {
            id,
            next_due: now + lease.again(),
            is_running: state.held.get(&id).is_some_and(|entry| entry.held.stage == Stage::Running),
            lease,
            ledger: Arc::clone(self),
        });
        (beats.collect(), state.leases.next_due())
    }

    /// Ready when a lease is due earlier than `due_beats` has told.
    pub fn sooner(&self) -> Notified<'_> {
        self.sooner.notified()
    }
}

/// One extension of one lease, taken until it is dropped: so that none is lost, not even by a panic.
pub struct Beat {
    pub id: HoldId,
    pub lease: Lease,
    /// Its function has not returned yet.
    pub is_running: bool,
    next_due: Instant,
    ledger: Arc<Ledger>,
}

impl Beat {
    /// The server took the extension that was sent at `sent`.
    pub fn succeeded(&mut self, sent: Instant) {
        self.next_due = sent + self.lease.interval;
        let mut state = self.ledger.lock();
        state.accepted += 1;
        if let Some(Holding { clock: Some(clock), .. }) = state.held.get_mut(&self.id) {
            clock.since = sent;
        }
    }

    pub fn missed(&mut self, now: Instant) {
        self.next_due = now + self.lease.again();
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        if self.ledger.lock().leases.beaten(self.id, self.next_due) {
            self.ledger.sooner.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::delivery::lease::LeaseClock;
    use crate::delivery::ledger::Returned;
    use crate::delivery::ledger::tests::{clock, identity};

    #[test]
    fn a_lease_lasts_until_its_task_is_settled_or_ended() {
        let ledger = Arc::new(Ledger::default());
        let clock = clock(10);
        let hold = |id: &str, clock| ledger.hold(&id.into(), &"greet".into(), clock).unwrap();
        let (never, settled, ended) = (
            hold("t1", LeaseClock { response_timeout: Duration::ZERO, ..clock }),
            hold("t2", clock),
            hold("t3", clock),
        );
        for id in [never, settled, ended] {
            ledger.lease(id, &identity(), None);
        }
        let at = |seconds| clock.since + Duration::from_secs(seconds);
        assert_eq!(ledger.due_beats(at(7)).1, Some(at(8)));
        let (beats, next) = ledger.due_beats(at(8));
        assert_eq!((beats.len(), next), (2, None));
        assert!(beats.iter().all(|beat| beat.is_running));
        for mut beat in beats {
            beat.succeeded(at(9));
        }
        assert_eq!(ledger.due_beats(at(9)).1, Some(at(17)), "8 s after it was sent");
        ledger.settled(settled);
        assert!(!ledger.ended_by_server(settled), "seen late: our own result has ended it");
        assert!(ledger.ended_by_server(ended));
        ledger.finished(at(60), [Returned { id: ended, size: 0, in_progress: false }].into_iter(), drop);
        assert!(!ledger.ended_by_server(ended));
        ledger.lease(ended, &identity(), None);
        assert_eq!(ledger.due_beats(at(60)).1, None);
        assert_eq!(ledger.held().len(), 2);
    }
}
