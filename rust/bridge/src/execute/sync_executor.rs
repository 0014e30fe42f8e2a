use std::sync::Arc;

use conductor_core::worker::{ReadyQueue, TaskRunner};
use pyo3::prelude::*;

use super::lane::PyLane;
use crate::convert::{from_millis, to_python};

/// The functions of one worker, run by Python threads that each hold a lane.
#[pyclass(frozen, name = "SyncExecutor", module = "conductor_fast._core")]
pub(crate) struct PySyncExecutor {
    pub(crate) queue: Arc<ReadyQueue>,
    pub(crate) runner: Arc<TaskRunner>,
    pub(crate) worker_id: Arc<str>,
    /// The function asks for the `Task`, not for its input.
    pub(crate) whole_task: bool,
    pub(crate) to_plain: Py<PyAny>,
}

#[pymethods]
impl PySyncExecutor {
    fn lane(&self, py: Python<'_>) -> PyLane {
        PyLane::new(
            Arc::clone(&self.queue),
            Arc::clone(&self.worker_id),
            self.whole_task,
            self.to_plain.clone_ref(py),
        )
    }

    fn pause(&self) {
        self.runner.pause();
    }

    fn resume(&self) {
        self.runner.resume();
    }

    /// The threads are the caller's to add.
    fn set_thread_count(&self, py: Python<'_>, thread_count: usize) -> PyResult<()> {
        self.runner.set_thread_count(thread_count).map_err(|error| to_python(py, &error))
    }

    fn set_poll_interval(&self, poll_interval_millis: f64) {
        self.runner.set_poll_interval(from_millis(poll_interval_millis));
    }

    fn close(&self) {
        self.queue.close();
    }
}
