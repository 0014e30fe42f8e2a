use std::sync::Arc;

use conductor_core::worker::TaskRunner;
use pyo3::prelude::*;

use super::bell::Bell;
use super::coroutines::Coroutines;
use super::job::PyJob;

/// The coroutines of one worker, run by an event loop that watches `fileno()`.
#[pyclass(frozen, name = "AsyncExecutor", module = "conductor_fast._core")]
pub(crate) struct PyAsyncExecutor {
    pub(crate) coroutines: Arc<Coroutines>,
    pub(crate) runner: Arc<TaskRunner>,
    pub(crate) bell: Arc<Bell>,
}

#[pymethods]
impl PyAsyncExecutor {
    /// Readable when tasks wait or were cancelled.
    fn fileno(&self) -> i32 {
        self.bell.fileno()
    }

    /// All tasks that wait and may start.
    fn drain(&self) -> Vec<PyJob> {
        // Heard first: what arrives from here on rings again.
        self.bell.hear();
        let started = self.coroutines.queue.take_all();
        started.into_iter().map(|(run, assignment)| PyJob::new(&self.coroutines, run, assignment)).collect()
    }

    /// No job begins from now on.
    fn close(&self) {
        self.coroutines.close();
    }

    /// The asyncio tasks that run.
    fn tasks(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.coroutines.tasks(py)
    }

    /// Of those, the ones that the server has ended since the last call.
    fn take_cancelled(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        self.coroutines.take_cancelled(py)
    }
}

impl Drop for PyAsyncExecutor {
    fn drop(&mut self) {
        // Whoever ran them is gone: their tasks are to be reported as lost, which a job does when it goes.
        self.coroutines.let_go();
    }
}
