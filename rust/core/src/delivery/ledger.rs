use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::held::{Held, HoldId, Stage};
use super::lease::{CancelTask, Lease, LeaseClock, Leases};
use super::polls::Polls;
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
    /// With the clock of its lease; `None` once the server has ended the task.
    held: HashMap<HoldId, (Held, Option<LeaseClock>)>,
    /// The latest holding of each task: a server may hand out a task twice. It outlives the holding for as
    /// long as a poll is in flight that may bring the task once more.
    latest: HashMap<Arc<str>, HoldId>,
    polls: HashMap<Arc<str>, Polls>,
    leases: Leases,
}

impl State {
    fn is_empty(&self) -> bool {
        self.polls_in_flight == 0 && self.held.is_empty()
    }
}

/// Counted as a poll in flight until it is dropped, whatever becomes of the poll and of what it brings.
pub struct PollInFlight {
    ledger: Arc<Ledger>,
    task_type: Arc<str>,
    number: u64,
}

impl Drop for PollInFlight {
    fn drop(&mut self) {
        let mut guard = self.ledger.lock();
        let state = &mut *guard;
        state.polls_in_flight -= 1;
        if let Some(polls) = state.polls.get_mut(&self.task_type) {
            polls.ended(self.number, |task_id| _ = state.latest.remove(&task_id));
        }
        self.ledger.tell(state);
    }
}

impl Ledger {
    pub fn poll(self: &Arc<Self>, task_type: &Arc<str>) -> PollInFlight {
        let mut state = self.lock();
        state.polls_in_flight += 1;
        let number = state.polls.entry(Arc::clone(task_type)).or_default().begun();
        PollInFlight { ledger: Arc::clone(self), task_type: Arc::clone(task_type), number }
    }

    /// Enters a task that was handed out. `None`: it runs here already, or its result waits for the server's
    /// yes or has just got it, so that this is a second delivery of the same attempt, which must not run.
    pub fn hold(&self, task_id: &Arc<str>, task_type: &Arc<str>, clock: LeaseClock) -> Option<HoldId> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let id = HoldId(state.last_id + 1);
        match state.latest.entry(Arc::clone(task_id)) {
            Entry::Vacant(entry) => _ = entry.insert(id),
            Entry::Occupied(mut entry) => {
                let before = state.held.get(entry.get());
                if before.is_none_or(|(held, _)| held.stage != Stage::HandedIn) {
                    return None;
                }
                entry.insert(id);
            }
        }
        state.last_id += 1;
        let held =
            Held { task_id: Arc::clone(task_id), task_type: Arc::clone(task_type), stage: Stage::Running };
        state.held.insert(id, (held, Some(clock)));
        Some(id)
    }

    /// Their functions have returned; `true`: with IN_PROGRESS.
    pub fn finished(&self, ids: impl Iterator<Item = (HoldId, bool)>) {
        let mut state = self.lock();
        for (id, in_progress) in ids {
            if let Some((held, _)) = state.held.get_mut(&id) {
                held.stage = if in_progress { Stage::HandedIn } else { Stage::Undelivered };
            }
        }
    }

    pub fn holds(&self, id: HoldId) -> bool {
        self.lock().held.contains_key(&id)
    }

    /// Was the task handed out again since, so that nobody waits for this holding's IN_PROGRESS any more?
    pub fn is_superseded(&self, id: HoldId) -> bool {
        let state = self.lock();
        let latest = state.held.get(&id).and_then(|(held, _)| state.latest.get(&held.task_id));
        latest.is_some_and(|latest| *latest != id)
    }

    pub fn settled(&self, id: HoldId) {
        let mut guard = self.lock();
        let state = &mut *guard;
        if let Some((held, _)) = state.held.remove(&id)
            && state.latest.get(&held.task_id) == Some(&id)
        {
            let polls = state.polls.get_mut(&held.task_type);
            let expected =
                held.stage == Stage::Undelivered && polls.is_some_and(|polls| polls.settled(&held.task_id));
            if !expected {
                state.latest.remove(&held.task_id);
            }
        }
        if !state.leases.is_empty() {
            state.leases.end(id);
        }
        self.tell(state);
    }

    /// Extends the lease of a task from now on, until it is settled. Nothing if the server does not wait
    /// for a word about it, if the server has ended it, or if the lease is extended already.
    pub fn lease(&self, id: HoldId, identity: &TaskIdentity, cancel: Option<Arc<dyn CancelTask>>) {
        let mut state = self.lock();
        let Some((held, Some(clock))) = state.held.get(&id) else { return };
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
        let Some((held, clock)) = state.held.get_mut(&id) else { return false };
        *clock = None;
        held.stage == Stage::Running
    }

    /// Takes the beats that are due, most urgent first, and tells when the next ones are.
    pub fn due_beats(self: &Arc<Self>, now: Instant) -> (Vec<Beat>, Option<Instant>) {
        let mut state = self.lock();
        let due = state.leases.take_due(now);
        let beats = due.into_iter().map(|(id, lease)| Beat {
            id,
            next_due: now + lease.again(),
            is_running: state.held.get(&id).is_some_and(|(held, _)| held.stage == Stage::Running),
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
        self.lock().held.values().map(|(held, _)| held.clone()).collect()
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
        ledger.finished([(ended, false)].into_iter());
        assert!(!ledger.ended_by_server(ended));
        ledger.lease(ended, &identity(), None);
        assert_eq!(ledger.due_beats(at(60)).1, None);
        assert_eq!(ledger.held().len(), 2);
    }

    #[test]
    fn empty_again_only_after_the_last_yes() {
        let ledger = Arc::new(Ledger::default());
        assert!(ledger.wait_empty(Duration::ZERO));
        let poll = ledger.poll(&"greet".into());
        let hold = || ledger.hold(&"t1".into(), &"greet".into(), clock(0));
        let first = hold().unwrap();
        ledger.finished([(first, true)].into_iter());
        let second = hold().unwrap();
        drop(poll);
        ledger.settled(first);
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
    #[test]
    fn a_task_is_held_once_unless_it_was_handed_in() {
        let ledger = Ledger::default();
        let hold = || ledger.hold(&"t1".into(), &"greet".into(), clock(0));
        let first = hold().unwrap();
        assert_eq!(hold(), None, "it runs here");
        ledger.finished([(first, false)].into_iter());
        assert_eq!(hold(), None, "its result waits for the yes");
        ledger.settled(first);
        let polling = hold().expect("the server may know better");
        ledger.finished([(polling, true)].into_iter());
        let again = hold().expect("IN_PROGRESS: its yes may still be on the way");
        assert!(ledger.is_superseded(polling) && !ledger.is_superseded(again));
        ledger.settled(polling);
        assert_eq!(hold(), None, "the late yes was to the first holding");
        ledger.settled(again);
        assert!(ledger.held().is_empty() && hold().is_some());
    }

    #[test]
    fn a_poll_in_flight_may_bring_what_was_settled_meanwhile() {
        let ledger = Arc::new(Ledger::default());
        let task_type: Arc<str> = "greet".into();
        let hold = || ledger.hold(&"t1".into(), &task_type, clock(0));
        let settle = |id, in_progress| {
            ledger.finished([(id, in_progress)].into_iter());
            ledger.settled(id);
        };
        let poll = ledger.poll(&task_type);
        settle(hold().unwrap(), true);
        settle(hold().expect("handed in"), false);
        assert_eq!(hold(), None, "the poll was sent before the yes");
        let _another = ledger.poll(&task_type);
        drop(poll);
        settle(hold().expect("this poll was sent after it"), false);
        assert_eq!(hold(), None);
    }
}
