use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::executor::{Assignment, Executor};
use super::run_time::{RunTime, threads_to_wake};
use crate::delivery::HoldId;

/// Tasks that wait for a thread, and threads that wait for a task: an [`Executor`] over threads that
/// somebody else makes and that call `take`.
#[derive(Default)]
pub struct ReadyQueue {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Assignment>,
    run_time: RunTime,
    /// Threads between their first and their last `take`.
    threads: usize,
    /// Threads that sleep and that nobody has woken.
    parked: usize,
    /// Wakes given and not yet used: tells a wake from a spurious one.
    wakes: usize,
    /// How many to wake at the next relief: doubles while nothing moves.
    relief: usize,
    started_since_relief: bool,
    closed: bool,
}

impl ReadyQueue {
    /// The next task if one is ready. `took` is the time of the function that the caller ran before.
    pub fn try_take(&self, took: Option<Duration>) -> Option<Assignment> {
        let mut state = self.lock();
        if let Some(took) = took {
            state.run_time.record(took);
        }
        state.next()
    }

    /// Waits for the next task; `None` once the queue is closed and empty. Blocks: never call it while
    /// attached to Python.
    pub fn take(&self) -> Option<Assignment> {
        let mut state = self.lock();
        loop {
            if let Some(assignment) = state.next() {
                return Some(assignment);
            }
            if state.closed {
                return None;
            }
            state.parked += 1;
            while state.wakes == 0 && !state.closed {
                state = self.woken.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.wakes > 0 {
                state.wakes -= 1;
            } else {
                state.parked -= 1;
            }
        }
    }

    /// A thread begins or ends its service.
    pub fn enlist(&self) {
        self.lock().threads += 1;
    }

    pub fn resign(&self) {
        self.lock().threads -= 1;
    }

    /// Lets the threads go once nothing waits.
    pub fn close(&self) {
        self.lock().closed = true;
        self.woken.notify_all();
    }

    fn wake(&self, state: &mut State, count: usize) {
        state.parked -= count;
        state.wakes += count;
        for _ in 0..count {
            self.woken.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self) -> Option<Assignment> {
        let assignment = self.waiting.pop_front()?;
        self.started_since_relief = true;
        Some(assignment)
    }
}

impl Executor for ReadyQueue {
    fn submit(&self, batch: Vec<Assignment>) -> bool {
        let mut state = self.lock();
        let arrived = batch.len();
        state.waiting.extend(batch);
        let awake = state.threads.saturating_sub(state.parked);
        let count = threads_to_wake(state.run_time.mean(), arrived, state.parked, awake);
        self.wake(&mut state, count);
        count < arrived && state.parked > 0
    }

    fn relieve(&self) -> bool {
        let mut state = self.lock();
        if state.waiting.is_empty() {
            state.relief = 0;
            return false;
        }
        if std::mem::take(&mut state.started_since_relief) {
            state.relief = 0;
        } else {
            state.relief = state.relief.saturating_mul(2).max(1);
            let count = state.relief.min(state.parked).min(state.waiting.len());
            self.wake(&mut state, count);
        }
        true
    }

    fn cancel(&self, hold: HoldId) -> bool {
        let mut state = self.lock();
        let is_it = |waiting: &Assignment| waiting.completion.is_of(hold);
        let Some(assignment) = state.waiting.iter().position(is_it).and_then(|at| state.waiting.remove(at))
        else {
            return false;
        };
        drop(state);
        assignment.completion.discard();
        true
    }
}
