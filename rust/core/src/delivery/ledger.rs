use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::held::{Held, HoldId, Stage};
use super::lease::{CancelTask, Lease, LeaseClock, Leases};
use crate::observe::OutboxView;
use crate::wire::TaskIdentity;

/// What this host owes the server: polls in flight, and every task from the poll's answer to the
/// server's yes. A drain is over when it is empty. It keeps the leases too, so that a lease ends exactly
/// when its task is settled, whichever way that comes about.
#[derive(Default)]
pub struct Ledger {
    state: Mutex<State>,
    changed: Condvar,
    /// A lease is due earlier than any before.
    sooner: Notify,
}

#[derive(Default)]
struct State {
    last_id: u64,
    polls_in_flight: usize,
    held: HashMap<HoldId, Entry>,
    leases: Leases,
}

struct Entry {
    held: Held,
    /// Of its lease; `None` once the server has ended the task.
    clock: Option<LeaseClock>,
    /// Since when its result waits for delivery, and the size of that.
    waits: Option<(Instant, usize)>,
}

impl State {
    fn is_empty(&self) -> bool {
        self.polls_in_flight == 0 && self.held.is_empty()
    }
}

/// Counted as a poll in flight until it is dropped, whatever becomes of the poll.
pub struct PollInFlight(Arc<Ledger>);

impl Drop for PollInFlight {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.polls_in_flight -= 1;
        self.0.tell(&state);
    }
}

impl Ledger {
    pub fn poll(self: &Arc<Self>) -> PollInFlight {
        self.lock().polls_in_flight += 1;
        PollInFlight(Arc::clone(self))
    }

    pub fn hold(&self, task_id: &Arc<str>, task_type: &Arc<str>, clock: LeaseClock) -> HoldId {
        let mut state = self.lock();
        state.last_id += 1;
        let id = HoldId(state.last_id);
        let held =
            Held { task_id: Arc::clone(task_id), task_type: Arc::clone(task_type), stage: Stage::Running };
        state.held.insert(id, Entry { held, clock: Some(clock), waits: None });
        id
    }

    /// Their results, of so many bytes, wait for delivery from `now` on.
    pub fn finished(&self, now: Instant, results: impl Iterator<Item = (HoldId, usize)>) {
        let mut state = self.lock();
        for (id, size) in results {
            if let Some(entry) = state.held.get_mut(&id) {
                entry.held.stage = Stage::Undelivered;
                entry.waits = Some((now, size));
            }
        }
    }

    /// What waits for delivery at `now`.
    pub fn outbox(&self, now: Instant) -> OutboxView {
        let state = self.lock();
        let waiting = state.held.values().filter_map(|entry| entry.waits);
        waiting.fold(OutboxView::default(), |all, (since, size)| OutboxView {
            results: all.results + 1,
            bytes: all.bytes + size,
            oldest_age: all.oldest_age.max(Some(now.saturating_duration_since(since))),
        })
    }

    pub fn holds(&self, id: HoldId) -> bool {
        self.lock().held.contains_key(&id)
    }

    pub fn settled(&self, id: HoldId) {
        self.remove(id, |_| ());
    }

    /// As `settled`, by the server's yes at `now`. If the deadline was over `late` is called, before anybody
    /// who waits is told.
    pub fn delivered(&self, id: HoldId, now: Instant, late: impl FnOnce()) {
        self.remove(id, |entry| {
            if entry.clock.as_ref().is_some_and(|clock| {
                !clock.response_timeout.is_zero() && clock.since + clock.response_timeout < now
            }) {
                late();
            }
        });
    }

    fn remove(&self, id: HoldId, look: impl FnOnce(&Entry)) {
        let mut state = self.lock();
        if let Some(entry) = state.held.remove(&id) {
            look(&entry);
        }
        if !state.leases.is_empty() {
            state.leases.end(id);
        }
        self.tell(&state);
    }

    /// Extends the lease of a task from now on, until it is settled. Nothing if the server does not wait
    /// for a word about it, if the server has ended it, or if the lease is extended already.
    pub fn lease(&self, id: HoldId, identity: &TaskIdentity, cancel: Option<Arc<dyn CancelTask>>) {
        let mut state = self.lock();
        let Some(Entry { held, clock: Some(clock), .. }) = state.held.get(&id) else { return };
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

    /// Blocks the caller until nothing is owed; false if that took longer than `timeout`.
    pub fn wait_empty(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.lock();
        while !state.is_empty() {
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                return false;
            };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    pub fn held(&self) -> Vec<Held> {
        self.lock().held.values().map(|entry| entry.held.clone()).collect()
    }

    fn tell(&self, state: &State) {
        if state.is_empty() {
            self.changed.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        if let Some(Entry { clock: Some(clock), .. }) = self.ledger.lock().held.get_mut(&self.id) {
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
    use super::*;

    fn identity() -> TaskIdentity {
        TaskIdentity { task_id: "t1".into(), workflow_instance_id: "w1".into() }
    }

    fn clock(response_timeout: u64) -> LeaseClock {
        LeaseClock { since: Instant::now(), response_timeout: Duration::from_secs(response_timeout) }
    }

    #[test]
    fn a_lease_lasts_until_its_task_is_settled_or_ended() {
        let ledger = Arc::new(Ledger::default());
        let clock = clock(10);
        let hold = |clock| ledger.hold(&"t1".into(), &"greet".into(), clock);
        let (never, settled, ended) =
            (hold(LeaseClock { response_timeout: Duration::ZERO, ..clock }), hold(clock), hold(clock));
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
        ledger.finished(at(60), [(ended, 0)].into_iter());
        assert!(!ledger.ended_by_server(ended));
        ledger.lease(ended, &identity(), None);
        assert_eq!(ledger.due_beats(at(60)).1, None);
        assert_eq!(ledger.held().len(), 2);
    }

    #[test]
    fn a_delivery_is_late_after_the_last_word_and_the_response_timeout() {
        let ledger = Arc::new(Ledger::default());
        let clock = clock(10);
        let at = |seconds| clock.since + Duration::from_secs(seconds);
        let hold = |clock| ledger.hold(&"t1".into(), &"greet".into(), clock);
        let is_late = |id, now| {
            let mut is_late = false;
            ledger.delivered(id, now, || is_late = true);
            is_late
        };
        let (in_time, late) = (hold(clock), hold(clock));
        assert!(!is_late(in_time, at(10)));
        assert!(is_late(late, at(11)));
        assert!(!is_late(late, at(11)), "settled already");
        let never = hold(LeaseClock { response_timeout: Duration::ZERO, ..clock });
        assert!(!is_late(never, at(9_000)));
        let extended = hold(clock);
        ledger.lease(extended, &identity(), None);
        for mut beat in ledger.due_beats(at(8)).0 {
            beat.succeeded(at(8));
        }
        assert!(!is_late(extended, at(18)));
    }

    #[test]
    fn empty_again_only_after_the_last_yes() {
        let ledger = Arc::new(Ledger::default());
        assert!(ledger.wait_empty(Duration::ZERO));
        let poll = ledger.poll();
        let first = ledger.hold(&"t1".into(), &"greet".into(), clock(0));
        let second = ledger.hold(&"t1".into(), &"greet".into(), clock(0));
        drop(poll);
        let returned = Instant::now();
        ledger.finished(returned, [(first, 7)].into_iter());
        let outbox = ledger.outbox(returned + Duration::from_secs(3));
        assert_eq!((outbox.results, outbox.bytes), (1, 7));
        assert_eq!(outbox.oldest_age, Some(Duration::from_secs(3)));
        ledger.settled(first);
        assert_eq!(ledger.outbox(returned), OutboxView::default());
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
