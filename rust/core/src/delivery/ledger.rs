use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One holding of one task. A task that was handed in with IN_PROGRESS may come back before the answer
/// to that report does, so the task id alone does not tell two holdings apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HoldId(u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Polled; its function has not returned yet.
    Running,
    /// Its result waits for the server's yes.
    Undelivered,
}

#[derive(Debug, Clone)]
pub struct Held {
    pub task_id: Arc<str>,
    pub task_type: Arc<str>,
    pub stage: Stage,
}

/// What this host owes the server: polls in flight, and every task from the poll's answer to the
/// server's yes. A drain is over when it is empty.
#[derive(Debug, Default)]
pub struct Ledger {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    last_id: u64,
    polls_in_flight: usize,
    held: HashMap<HoldId, Held>,
}

impl State {
    fn is_empty(&self) -> bool {
        self.polls_in_flight == 0 && self.held.is_empty()
    }
}

/// Counted as a poll in flight until it is dropped, whatever becomes of the poll.
#[derive(Debug)]
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

    pub fn hold(&self, task_id: &Arc<str>, task_type: &Arc<str>) -> HoldId {
        let mut state = self.lock();
        state.last_id += 1;
        let id = HoldId(state.last_id);
        let held =
            Held { task_id: Arc::clone(task_id), task_type: Arc::clone(task_type), stage: Stage::Running };
        state.held.insert(id, held);
        id
    }

    pub fn finished(&self, ids: impl Iterator<Item = HoldId>) {
        let mut state = self.lock();
        for id in ids {
            if let Some(held) = state.held.get_mut(&id) {
                held.stage = Stage::Undelivered;
            }
        }
    }

    pub fn settled(&self, id: HoldId) {
        let mut state = self.lock();
        state.held.remove(&id);
        self.tell(&state);
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
        self.lock().held.values().cloned().collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_again_only_after_the_last_yes() {
        let ledger = Arc::new(Ledger::default());
        assert!(ledger.wait_empty(Duration::ZERO));
        let poll = ledger.poll();
        let first = ledger.hold(&"t1".into(), &"greet".into());
        let second = ledger.hold(&"t1".into(), &"greet".into());
        drop(poll);
        ledger.finished([first].into_iter());
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
}
