use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use conductor_core::wire::{PolledTask, TaskResult};
use conductor_core::worker::{Assignment, Completion, Run};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::coroutines::Coroutines;
use super::reporting::{Outcome, complete};
use crate::convert::decode;

/// One task of a coroutine: reported once, by whoever holds it.
#[pyclass(frozen, name = "Job", module = "conductor_fast._core")]
pub(crate) struct PyJob {
    coroutines: Arc<Coroutines>,
    run: Run,
    task: PolledTask,
    /// Never locked over Python code.
    state: Mutex<State>,
    started: OnceLock<Instant>,
    /// It is told already how the function ended.
    raised: AtomicBool,
}

struct State {
    /// Present until reported.
    completion: Option<Completion>,
    /// The task's context, if the function asked for it.
    made: Option<Py<PyAny>>,
}

impl PyJob {
    pub(super) fn new(coroutines: &Arc<Coroutines>, run: Run, assignment: Assignment) -> Self {
        let Assignment { task, completion, .. } = assignment;
        let state = Mutex::new(State { completion: Some(completion), made: None });
        let (started, raised) = (OnceLock::new(), AtomicBool::new(false));
        Self { coroutines: Arc::clone(coroutines), run, task, state, started, raised }
    }

    fn took(&self, now: Instant) -> Duration {
        self.started.get().map(|started| now - *started).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn report_to_core(&self, py: Python<'_>, result: TaskResult, now: Instant) -> PyResult<()> {
        let completion = self.lock().completion.take();
        let completion =
            completion.ok_or_else(|| PyRuntimeError::new_err("this task is reported already"))?;
        complete(py, completion, result);
        self.ended(now);
        Ok(())
    }

    fn ended(&self, now: Instant) {
        self.coroutines.forget(self.run);
        self.coroutines.queue.ended(self.run, now);
    }
}

impl Drop for PyJob {
    fn drop(&mut self) {
        if self.lock().completion.is_some() {
            self.ended(Instant::now());
        }
    }
}

#[pymethods]
impl PyJob {
    /// The coroutine begins, run by `task`, which is kept until it is reported: what its function gets. `None` if
    /// it is not to run: the input cannot be read, which is reported here; or the server has ended the task, or
    /// the executor is closed, and it counts as lost.
    ///
    /// Kept from here on and not earlier: a task that is cancelled before it begins never comes here, and would be
    /// kept for ever. The loop has a strong reference until then.
    fn start<'py>(&self, py: Python<'py>, task: Py<PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let may_run = |completion: &&Completion| !completion.is_cancelled() && !self.coroutines.is_closed();
        let hold = self.lock().completion.as_ref().filter(may_run).and_then(Completion::hold);
        let Some(hold) = hold else { return Ok(None) };
        let reporting = &self.coroutines.reporting;
        match reporting.arguments(py, &self.task) {
            Ok(arguments) => {
                self.coroutines.keep(self.run, hold, task);
                reporting.started(&self.task);
                let _ = self.started.set(Instant::now());
                Ok(Some(arguments))
            }
            Err(result) => {
                self.report_to_core(py, result, Instant::now())?;
                Ok(None)
            }
        }
    }

    /// COMPLETED with `output`. False: it is not, since the function asked for its context, to which it may
    /// have added.
    fn complete(&self, output: &Bound<'_, PyDict>) -> PyResult<bool> {
        if self.lock().made.is_some() {
            return Ok(false);
        }
        let now = Instant::now();
        let result = self.coroutines.reporting.completed(&self.task, output, self.took(now));
        self.report_to_core(output.py(), result, now)?;
        Ok(true)
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
        let returned_after = (!self.raised.load(Ordering::Relaxed)).then(|| self.took(Instant::now()));
        let outcome =
            Outcome { status, reason, callback_after_seconds, logs, external_output_payload_storage_path };
        let result = self.coroutines.reporting.reported(&self.task, output, outcome, returned_after)?;
        self.report_to_core(output.py(), result, Instant::now())
    }

    /// The coroutine has raised; a `report` follows.
    fn raised(&self, cause: &Bound<'_, PyAny>) {
        self.raised.store(true, Ordering::Relaxed);
        self.coroutines.reporting.raised(&self.task, self.took(Instant::now()), cause);
    }

    /// The whole task, decoded anew at each call.
    fn task<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        decode(py, self.task.raw(), "The task").map_err(PyValueError::new_err)
    }

    /// Task type, task id and workflow id.
    fn ids(&self) -> (String, String, String) {
        self.coroutines.reporting.ids(&self.task)
    }

    /// Has the server ended this task? Only known of workers whose leases are extended.
    fn cancelled(&self) -> bool {
        self.lock().completion.as_ref().is_some_and(Completion::is_cancelled)
    }

    /// The context of the task, kept here while it is to be reported, and no longer: it holds this job.
    #[getter]
    fn made(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.lock().made.as_ref().map(|made| made.clone_ref(py))
    }

    #[setter]
    fn set_made(&self, made: Option<Py<PyAny>>) {
        let before = {
            let mut state = self.lock();
            if state.completion.is_none() {
                return;
            }
            std::mem::replace(&mut state.made, made)
        };
        drop(before);
    }
}
