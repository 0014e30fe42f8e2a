use std::sync::Arc;

use conductor_core::worker::{ReadyQueue, TaskRunner};
use pyo3::prelude::*;

use super::lane::PyLane;
use super::reporting::Reporting;

/// The functions of one worker, run by Python threads that each hold a lane.
#[pyclass(frozen, name = "SyncExecutor", module = "conductor_fast._core")]
pub(crate) struct PySyncExecutor {
    pub(crate) queue: Arc<ReadyQueue>,
    pub(crate) runner: Arc<TaskRunner>,
    pub(crate) reporting: Arc<Reporting>,
}

#[pymethods]
impl PySyncExecutor {
    fn lane(&self) -> PyLane {
        PyLane::new(Arc::clone(&self.queue), Arc::clone(&self.reporting))
    }

    fn close(&self) {
        self.queue.close();
    }
}
