use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pyo3::Python;

use crate::memory;

/// So much waits at most: neither the I/O thread nor a function waits for a listener or a log handler.
pub(super) const CAPACITY: usize = 10_000;
/// What arrives is gathered for so long, so that under load the thread that takes it takes the GIL a few
/// hundred times a second and not once for each.
const GATHER: Duration = Duration::from_millis(5);

/// What happened, on its way to the one Python thread that tells it, in order.
pub(super) struct BatchQueue<T> {
    state: Mutex<State<T>>,
    arrived: Condvar,
}

struct State<T> {
    waiting: Vec<T>,
    dropped: usize,
    closed: bool,
}

/// All that waited, and how many did not find room since the last batch.
pub(super) struct Batch<T> {
    pub(super) items: Vec<T>,
    pub(super) dropped: usize,
}

impl<T> Default for BatchQueue<T> {
    fn default() -> Self {
        let state = State { waiting: Vec::new(), dropped: 0, closed: false };
        Self { state: Mutex::new(state), arrived: Condvar::new() }
    }
}

impl<T: Send> BatchQueue<T> {
    /// Never blocks. Counts `item` as dropped if `capacity` of them wait already. Not a `Py` in it is let go
    /// under the lock.
    pub(super) fn push(&self, item: T, capacity: usize) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        if state.waiting.len() >= capacity {
            state.dropped += 1;
            return;
        }
        state.waiting.push(item);
        if state.waiting.len() == 1 {
            self.arrived.notify_one();
        }
    }

    /// Waits for something and takes all; an empty batch after `timeout`, `None` once closed and empty.
    pub(super) fn take(&self, py: Python<'_>, timeout: Option<Duration>) -> Option<Batch<T>> {
        // Detached only to wait: the interpreter may end a thread that attaches at its exit, and by then
        // this is closed.
        if !self.lock().closed {
            py.detach(|| {
                // These threads are the ones that may be kept for some milliseconds.
                memory::give_back();
                self.gather(timeout);
            });
        }
        let mut state = self.lock();
        let (items, dropped) = (std::mem::take(&mut state.waiting), std::mem::take(&mut state.dropped));
        (!state.closed || !items.is_empty()).then_some(Batch { items, dropped })
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    fn gather(&self, timeout: Option<Duration>) {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let mut state = self.lock();
        while state.waiting.is_empty() && !state.closed {
            state = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return,
                Some(left) => {
                    self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        if !state.closed && state.waiting.len() < CAPACITY / 4 {
            drop(state);
            std::thread::sleep(GATHER);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
