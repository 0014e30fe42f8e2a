use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::executor::{Assignment, Executor};
use super::run_time::threads_to_wake;
use super::running::{Ended, Pace, Run};
use super::waiting::Waiting;
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
    waiting: Waiting,
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
    /// The run before, which the caller did, is over; and the next task, if one is ready.
    pub fn try_take(&self, ended: Option<Ended>) -> Option<(Run, Assignment)> {
        let mut state = self.lock();
        // No more than the end of the last run: the clock is read once a task.
        let now = ended.map_or_else(Instant::now, |ended| ended.at);
        if let Some(ended) = ended {
            state.waiting.running.end(ended);
        }
        state.next(now)
    }

    /// Waits for the next task; `None` once the queue is closed and empty. Blocks: never call it while
    /// attached to Python.
    pub fn take(&self) -> Option<(Run, Assignment)> {
        let mut state = self.lock();
        loop {
            if let Some(started) = state.next(Instant::now()) {
                return Some(started);
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

    /// A run is over, and its thread takes no other.
    pub fn ended(&self, ended: Ended) {
        self.lock().waiting.running.end(ended);
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

    /// Lets go of the lock first: on one core a thread that is woken under it runs against it, and sleeps again.
    fn wake(&self, mut state: MutexGuard<'_, State>, count: usize) {
        state.parked -= count;
        state.wakes += count;
        drop(state);
        for _ in 0..count {
            self.woken.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self, now: Instant) -> Option<(Run, Assignment)> {
        let started = self.waiting.start(now)?;
        self.started_since_relief = true;
        Some(started)
    }
}

impl Executor for ReadyQueue {
    fn submit(&self, batch: Vec<Assignment>) -> bool {
        let mut state = self.lock();
        let arrived = batch.len();
        state.waiting.extend(batch);
        let awake = state.threads.saturating_sub(state.parked);
        let room = arrived.min(state.waiting.running.room());
        let mean = state.waiting.running.run_time().mean();
        let count = threads_to_wake(mean, room, state.parked, awake);
        let needs_relief = count < room && state.parked > count;
        self.wake(state, count);
        needs_relief
    }

    fn set_limit(&self, limit: usize) {
        let mut state = self.lock();
        state.waiting.running.set_limit(limit);
        let count = state.waiting.startable().min(state.parked);
        self.wake(state, count);
    }

    fn pace(&self, now: Instant) -> Pace {
        self.lock().waiting.running.pace(now)
    }

    fn take_back(&self, now: Option<Instant>) -> (Vec<Assignment>, Option<Instant>) {
        self.lock().waiting.take_back(now)
    }

    fn relieve(&self) -> bool {
        let mut state = self.lock();
        if state.waiting.startable() == 0 {
            state.relief = 0;
            return false;
        }
        if std::mem::take(&mut state.started_since_relief) {
            state.relief = 0;
        } else {
            state.relief = state.relief.saturating_mul(2).max(1);
            let count = state.relief.min(state.parked).min(state.waiting.startable());
            self.wake(state, count);
        }
        true
    }

    fn cancel(&self, hold: HoldId) -> bool {
        let Some(assignment) = self.lock().waiting.remove(hold) else { return false };
        assignment.completion.discard();
        true
    }
}
