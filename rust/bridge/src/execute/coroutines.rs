use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use conductor_core::delivery::HoldId;
use conductor_core::worker::{BurstQueue, Run};
use pyo3::prelude::*;

use super::reporting::Reporting;

/// What the jobs of one worker share.
pub(crate) struct Coroutines {
    pub(super) queue: Arc<BurstQueue>,
    pub(super) reporting: Arc<Reporting>,
    /// The asyncio tasks of the jobs that run, by the place of their run: the loop itself keeps weak references
    /// only. Here and not in a dict of Python's, which would need a done-callback a task, and so a turn of the
    /// loop. Used from the loop's thread; no object is let go while it is locked.
    running: Mutex<Vec<Option<Running>>>,
    is_closed: AtomicBool,
}

struct Running {
    hold: HoldId,
    task: Py<PyAny>,
}

impl Coroutines {
    pub(crate) fn new(queue: Arc<BurstQueue>, reporting: Arc<Reporting>) -> Self {
        Self { queue, reporting, running: Mutex::default(), is_closed: AtomicBool::new(false) }
    }

    pub(super) fn keep(&self, run: Run, hold: HoldId, task: Py<PyAny>) {
        let mut running = self.lock();
        if running.len() <= run.place() {
            running.resize_with(run.place() + 1, || None);
        }
        if let Some(place) = running.get_mut(run.place()) {
            *place = Some(Running { hold, task });
        }
    }

    /// Before the run is over, for its place is another one's after that.
    pub(super) fn forget(&self, run: Run) {
        let ended = self.lock().get_mut(run.place()).and_then(Option::take);
        drop(ended);
    }

    pub(super) fn tasks(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.lock().iter().flatten().map(|running| running.task.clone_ref(py)).collect()
    }

    pub(super) fn take_cancelled(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        let cancelled = self.queue.take_cancelled();
        if cancelled.is_empty() {
            return Vec::new();
        }
        let running = self.lock();
        let ended = running.iter().flatten().filter(|running| cancelled.contains(&running.hold));
        ended.map(|running| running.task.clone_ref(py)).collect()
    }

    /// None begins from now on.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    pub(super) fn let_go(&self) {
        let running = std::mem::take(&mut *self.lock());
        drop(running);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<Running>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
