use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use foldhash::fast::RandomState;
use tokio::sync::{Notify, watch};

use super::held::{Held, HoldId, Stage};
use super::lease::{LeaseClock, Leases};
use super::level::Level;
use super::polls::Polls;
use crate::observe::OutboxView;
use crate::settings::HighWater;

/// What this host owes the server: polls in flight, and every task from the poll's answer to the
/// server's yes. A drain is over when it is empty. It keeps the leases too, so that a lease ends exactly
/// when its task is settled, whichever way that comes about.
#[derive(Default)]
pub struct Ledger {
    state: Mutex<State>,
    /// What a drain waits for may be over.
    pub(super) changed: Condvar,
    /// A lease is due earlier than any before.
    pub(super) sooner: Notify,
    /// Too much waits for the server's yes for more tasks to be taken.
    is_full: watch::Sender<bool>,
}

#[derive(Default)]
pub(super) struct State {
    level: Level,
    /// Reports that the server took, heartbeats too: what tells a bad result from a sick server.
    pub(super) accepted: u64,
    pub(super) last_id: u64,
    pub(super) polls_in_flight: usize,
    pub(super) held: HashMap<HoldId, Holding, RandomState>,
    /// How many of them wait on disk.
    pub(super) on_disk: usize,
    /// Since when all of them do.
    pub(super) settled_since: Option<Instant>,
    /// The latest holding of each task: a server may hand out a task twice. It outlives the holding for as
    /// long as a poll is in flight that may bring the task once more.
    pub(super) latest: HashMap<Arc<str>, HoldId, RandomState>,
    pub(super) polls: HashMap<Arc<str>, Polls>,
    pub(super) leases: Leases,
}

pub(super) struct Holding {
    pub(super) held: Held,
    /// Of its lease; `None` once the server has ended the task.
    pub(super) clock: Option<LeaseClock>,
    /// Since when its result waits for delivery, and the size of that.
    waits: Option<(Instant, usize)>,
}

/// A function has returned.
pub(super) struct Returned {
    pub id: HoldId,
    /// Of the result, in bytes.
    pub size: usize,
    /// With IN_PROGRESS.
    pub in_progress: bool,
}

impl State {
    pub(super) fn enter(&mut self, id: HoldId, task_id: &Arc<str>, task_type: &Arc<str>, clock: LeaseClock) {
        let held = Held {
            task_id: Arc::clone(task_id),
            task_type: Arc::clone(task_type),
            stage: Stage::Running,
            is_on_disk: false,
        };
        self.held.insert(id, Holding { held, clock: Some(clock), waits: None });
    }
}

impl Ledger {
    pub fn new(mark: HighWater) -> Self {
        let state = State { level: Level::new(mark), ..State::default() };
        Self { state: Mutex::new(state), ..Self::default() }
    }

    /// True while too much waits for the server's yes.
    pub fn is_full(&self) -> watch::Receiver<bool> {
        self.is_full.subscribe()
    }

    pub(super) fn took_heartbeat(&self) {
        self.lock().accepted += 1;
    }

    pub(super) fn accepted(&self) -> u64 {
        self.lock().accepted
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
                if before.is_none_or(|before| before.held.stage != Stage::HandedIn) {
                    return None;
                }
                entry.insert(id);
            }
        }
        state.last_id += 1;
        state.enter(id, task_id, task_type, clock);
        Some(id)
    }

    /// Their functions have returned, and their results wait for delivery from `now` on. `due` is told of each
    /// when the server's patience with its task ends, if it does.
    pub(super) fn finished(
        &self,
        now: Instant,
        results: impl Iterator<Item = Returned>,
        mut due: impl FnMut(Option<Instant>),
    ) {
        let mut guard = self.lock();
        let state = &mut *guard;
        for Returned { id, size, in_progress } in results {
            let Some(holding) = state.held.get_mut(&id) else {
                due(None);
                continue;
            };
            due(holding.clock.as_ref().and_then(LeaseClock::end));
            holding.held.stage = if in_progress { Stage::HandedIn } else { Stage::Undelivered };
            if holding.waits.replace((now, size)).is_none() {
                state.level.add(size);
            }
        }
        self.tell_level(state);
    }

    fn tell_level(&self, state: &State) {
        let is_high = state.level.is_high();
        if *self.is_full.borrow() != is_high {
            self.is_full.send_replace(is_high);
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

    /// Was the task handed out again since, so that nobody waits for this holding's IN_PROGRESS any more?
    pub fn is_superseded(&self, id: HoldId) -> bool {
        let state = self.lock();
        let latest = state.held.get(&id).and_then(|holding| state.latest.get(&holding.held.task_id));
        latest.is_some_and(|latest| *latest != id)
    }

    pub fn settled(&self, id: HoldId) {
        self.remove(id, false, |_| ());
    }

    /// As `settled`, by the server's yes at `now`. If the deadline was over `late` is called, before anybody
    /// who waits is told.
    pub fn delivered(&self, id: HoldId, now: Instant, late: impl FnOnce()) {
        self.remove(id, true, |holding| {
            if holding.clock.as_ref().and_then(LeaseClock::end).is_some_and(|end| end < now) {
                late();
            }
        });
    }

    fn remove(&self, id: HoldId, was_accepted: bool, look: impl FnOnce(&Holding)) {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.accepted += u64::from(was_accepted);
        if let Some(holding) = state.held.remove(&id) {
            look(&holding);
            if let Some((_, size)) = holding.waits {
                state.level.remove(size);
                self.tell_level(state);
            }
            state.on_disk -= usize::from(holding.held.is_on_disk);
            let Held { task_id, task_type, stage, .. } = &holding.held;
            if state.latest.get(task_id) == Some(&id) {
                let polls = state.polls.get_mut(task_type);
                let expected =
                    *stage == Stage::Undelivered && polls.is_some_and(|polls| polls.settled(task_id));
                if !expected {
                    state.latest.remove(task_id);
                }
            }
        }
        if !state.leases.is_empty() {
            state.leases.end(id);
        }
        self.tell(state);
    }

    pub fn held(&self) -> Vec<Held> {
        self.lock().held.values().map(|entry| entry.held.clone()).collect()
    }

    pub(super) fn tell(&self, state: &State) {
        if state.polls_in_flight == 0 && state.held.len() == state.on_disk {
            self.changed.notify_all();
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wire::TaskIdentity;

    pub(crate) fn identity() -> TaskIdentity {
        TaskIdentity { task_id: "t1".into(), workflow_instance_id: "w1".into() }
    }

    pub(crate) fn clock(response_timeout: u64) -> LeaseClock {
        LeaseClock { since: Instant::now(), response_timeout: Duration::from_secs(response_timeout) }
    }

    pub(crate) fn returned(id: HoldId, size: usize, in_progress: bool) -> Returned {
        Returned { id, size, in_progress }
    }

    #[test]
    fn a_delivery_is_late_after_the_last_word_and_the_response_timeout() {
        let ledger = Arc::new(Ledger::default());
        let clock = clock(10);
        let at = |seconds| clock.since + Duration::from_secs(seconds);
        let hold = |id: &str, clock| ledger.hold(&id.into(), &"greet".into(), clock).unwrap();
        let is_late = |id, now| {
            let mut is_late = false;
            ledger.delivered(id, now, || is_late = true);
            is_late
        };
        let (in_time, late) = (hold("t1", clock), hold("t2", clock));
        assert!(!is_late(in_time, at(10)));
        assert!(is_late(late, at(11)));
        assert!(!is_late(late, at(11)), "settled already");
        let never = hold("t1", LeaseClock { response_timeout: Duration::ZERO, ..clock });
        assert!(!is_late(never, at(9_000)));
        let extended = hold("t1", clock);
        ledger.lease(extended, &identity(), None);
        for mut beat in ledger.due_beats(at(8)).0 {
            beat.succeeded(at(8));
        }
        assert!(!is_late(extended, at(18)));
    }

    #[test]
    fn a_task_is_held_once_unless_it_was_handed_in() {
        let ledger = Ledger::default();
        let hold = || ledger.hold(&"t1".into(), &"greet".into(), clock(0));
        let first = hold().unwrap();
        assert_eq!(hold(), None, "it runs here");
        ledger.finished(Instant::now(), [returned(first, 7, false)].into_iter(), drop);
        assert_eq!(hold(), None, "its result waits for the yes");
        ledger.settled(first);
        let polling = hold().expect("the server may know better");
        ledger.finished(Instant::now(), [returned(polling, 7, true)].into_iter(), drop);
        let again = hold().expect("IN_PROGRESS: its yes may still be on the way");
        assert!(ledger.is_superseded(polling) && !ledger.is_superseded(again));
        ledger.settled(polling);
        assert_eq!(hold(), None, "the late yes was to the first holding");
        ledger.settled(again);
        assert!(ledger.held().is_empty() && hold().is_some());
    }
}
