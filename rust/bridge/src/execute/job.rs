use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use conductor_core::wire::{PolledTask, TaskResult};
use conductor_core::worker::{Assignment, BurstQueue, Completion, Run};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::reporting::{Outcome, Reporting};
use crate::convert::decode;

/// One task of a coroutine: reported once, by whoever holds it.
#[pyclass(frozen, name = "Job", module = "conductor_fast._core")]
pub(crate) struct PyJob {
    queue: Arc<BurstQueue>,
    run: Run,
    reporting: Arc<Reporting>,
    task: PolledTask,
    /// Present until reported. Never locked over Python code.
    completion: Mutex<Option<Completion>>,
    started: OnceLock<Instant>,
    /// It is told already how the function ended.
    raised: AtomicBool,
}

impl PyJob {
    /// With what the function gets; `None` if the input cannot be read, which is reported here.
    pub(super) fn start<'py>(
        py: Python<'py>,
        queue: &Arc<BurstQueue>,
        reporting: &Arc<Reporting>,
        (run, assignment): (Run, Assignment),
    ) -> Option<(Self, Bound<'py, PyDict>)> {
        let Assignment { task, completion, .. } = assignment;
        match reporting.arguments(py, &task) {
            Ok(arguments) => {
                let completion = Mutex::new(Some(completion));
                let (queue, reporting) = (Arc::clone(queue), Arc::clone(reporting));
                let (started, raised) = (OnceLock::new(), AtomicBool::new(false));
                Some((Self { queue, run, reporting, task, completion, started, raised }, arguments))
            }
            Err(result) => {
                completion.complete(result);
                queue.ended(run);
                None
            }
        }
    }

    fn took(&self) -> Duration {
        self.started.get().map(Instant::elapsed).unwrap_or_default()
    }

    fn completion(&self) -> MutexGuard<'_, Option<Completion>> {
        self.completion.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report_to_core(&self, result: TaskResult) -> PyResult<()> {
        let completion = self.completion().take();
        completion.ok_or_else(|| PyRuntimeError::new_err("this task is reported already"))?.complete(result);
        self.queue.ended(self.run);
        Ok(())
    }
}

impl Drop for PyJob {
    fn drop(&mut self) {
        if self.completion().is_some() {
            self.queue.ended(self.run);
        }
    }
}

#[pymethods]
impl PyJob {
    /// COMPLETED with `output`.
    fn complete(&self, output: &Bound<'_, PyDict>) -> PyResult<()> {
        let result = self.reporting.completed(&self.task, output, self.took());
        self.report_to_core(result)
    }

    /// Any other outcome.
    #[pyo3(signature = (status, output, *, reason=None, callback_after_seconds=None, logs=None, external_output_payload_storage_path=None))]
    fn report(
        &self,
        status: &str,
        output: &Bound<'_, PyDict>,
        reason: Option<&str>,
        callback_after_seconds: Option<u64>,
        logs: Option<Vec<(String, i64)>>,
        external_output_payload_storage_path: Option<&str>,
    ) -> PyResult<()> {
        let returned_after = (!self.raised.load(Ordering::Relaxed)).then(|| self.took());
        let outcome =
            Outcome { status, reason, callback_after_seconds, logs, external_output_payload_storage_path };
        let result = self.reporting.reported(&self.task, output, outcome, returned_after)?;
        self.report_to_core(result)
    }

    /// The coroutine is about to run.
    fn started(&self) {
        self.reporting.started(&self.task);
        let _ = self.started.set(Instant::now());
    }

    /// The coroutine has raised; a `report` follows.
    fn raised(&self, cause: &Bound<'_, PyAny>) {
        self.raised.store(true, Ordering::Relaxed);
        self.reporting.raised(&self.task, self.took(), cause);
    }

    /// The whole task, decoded anew at each call.
    fn task<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        decode(py, self.task.raw(), "The task").map_err(PyValueError::new_err)
    }

    /// Task type, task id and workflow id.
    fn ids(&self) -> (String, String, String) {
        self.reporting.ids(&self.task)
    }

    /// Has the server ended this task? Only known of workers whose leases are extended.
    fn cancelled(&self) -> bool {
        self.completion().as_ref().is_some_and(Completion::is_cancelled)
    }
}
