use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::executor::{Assignment, Executor};
use super::running::{Ended, Pace, Run};
use super::waiting::Waiting;
use crate::delivery::HoldId;

/// Tasks that wait for an event loop: an [`Executor`] that wakes it once per burst. The loop takes all
/// that may start with `take_all`; what arrives before it does needs no second wake.
pub struct BurstQueue {
    state: Mutex<State>,
    /// Wakes the loop, from any thread: it must not block.
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct State {
    waiting: Waiting,
    /// The loop was woken and has not taken since.
    is_woken: bool,
    /// Tasks that the loop has taken and that were cancelled since it looked.
    cancelled: Vec<HoldId>,
}

impl BurstQueue {
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { state: Mutex::default(), wake: Box::new(wake) }
    }

    pub fn take_all(&self) -> Vec<(Run, Assignment)> {
        let now = Instant::now();
        let mut state = self.lock();
        state.is_woken = false;
        std::iter::from_fn(|| state.waiting.start(now)).collect()
    }

    /// A run is over, at `at`. The loop is woken, once for all that end before it takes, if a task waits for that.
    pub fn ended(&self, run: Run, at: Instant) {
        let mut state = self.lock();
        let took = state.waiting.running.started(run).map(|started| at - started);
        state.waiting.running.end(Ended { run, at, took });
        self.wake_if_due(state);
    }

    /// Which of the tasks that the loop has taken were cancelled since the last call.
    pub fn take_cancelled(&self) -> Vec<HoldId> {
        std::mem::take(&mut self.lock().cancelled)
    }

    fn wake_if_due(&self, mut state: MutexGuard<'_, State>) {
        if !state.is_woken && state.waiting.startable() > 0 {
            state.is_woken = true;
            drop(state);
            (self.wake)();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Executor for BurstQueue {
    fn submit(&self, batch: Vec<Assignment>) -> bool {
        let mut state = self.lock();
        state.waiting.extend(batch);
        self.wake_if_due(state);
        false
    }

    fn set_limit(&self, limit: usize) {
        let mut state = self.lock();
        state.waiting.running.set_limit(limit);
        self.wake_if_due(state);
    }

    fn pace(&self, now: Instant) -> Pace {
        self.lock().waiting.running.pace(now)
    }

    fn take_back(&self, now: Option<Instant>) -> (Vec<Assignment>, Option<Instant>) {
        self.lock().waiting.take_back(now)
    }

    fn relieve(&self) -> bool {
        false
    }

    fn cancel(&self, hold: HoldId) -> bool {
        let mut state = self.lock();
        if let Some(assignment) = state.waiting.remove(hold) {
            drop(state);
            assignment.completion.discard();
            return true;
        }
        state.cancelled.push(hold);
        drop(state);
        (self.wake)();
        false
    }
}
