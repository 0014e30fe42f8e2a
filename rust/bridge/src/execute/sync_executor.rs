use std::sync::Arc;

use conductor_core::worker::{ReadyQueue, TaskRunner};
use pyo3::prelude::*;

use super::lane::PyLane;
use crate::convert::Nan;

/// The functions of one worker, run by Python threads that each hold a lane.
#[pyclass(frozen, name = "SyncExecutor", module = "conductor_fast._core")]
pub(crate) struct PySyncExecutor {
    pub(crate) queue: Arc<ReadyQueue>,
    pub(crate) runner: Arc<TaskRunner>,
    pub(crate) worker_id: Arc<str>,
    /// The function asks for the `Task`, not for its input.
    pub(crate) whole_task: bool,
    pub(crate) to_plain: Py<PyAny>,
    pub(crate) nan: Nan,
}

#[pymethods]
impl PySyncExecutor {
    fn lane(&self, py: Python<'_>) -> PyLane {
        PyLane::new(
            Arc::clone(&self.queue),
            Arc::clone(&self.worker_id),
            self.whole_task,
            self.to_plain.clone_ref(py),
            self.nan,
        )
    }

    fn close(&self) {
        self.queue.close();
    }
}
