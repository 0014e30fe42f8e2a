use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use conductor_core::wire::PolledTask;
use conductor_core::worker::{Assignment, Completion, Ended, ReadyQueue, Run};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::reporting::{Outcome, Reporting, complete};
use crate::convert::decode;

/// One thread's way to its tasks: take one, then hand in its outcome and take the next, if there is one, in the same call.
///
/// The thread is Python's and its loop is Python code: under a user's function there is no frame of ours,
/// so that a thread which the interpreter ends at exit unwinds through C alone.
#[pyclass(frozen, name = "Lane", module = "conductor_fast._core")]
pub(crate) struct PyLane {
    queue: Arc<ReadyQueue>,
    reporting: Arc<Reporting>,
    /// Only this lane's thread touches it; the lock is never contended and never held over Python code.
    current: Mutex<Option<Current>>,
}

struct Current {
    task: Arc<PolledTask>,
    completion: Completion,
    run: Run,
    started: Instant,
    /// It is told already how the function ended.
    raised: bool,
}

impl PyLane {
    pub(super) fn new(queue: Arc<ReadyQueue>, reporting: Arc<Reporting>) -> Self {
        queue.enlist();
        Self { queue, reporting, current: Mutex::new(None) }
    }

    fn next<'py>(
        &self,
        py: Python<'py>,
        mut ended: Option<Ended>,
        may_wait: bool,
    ) -> Option<Bound<'py, PyAny>> {
        loop {
            // First without detaching: under load the next task is there, and a detach is a chance to
            // lose the GIL to another thread for nothing.
            let (run, assignment) = match self.queue.try_take(ended.take()) {
                Some(started) => started,
                None if may_wait => self.wait(py)?,
                None => return None,
            };
            let Assignment { task, completion, .. } = assignment;
            match self.reporting.arguments(py, &task) {
                Ok(arguments) => {
                    self.reporting.started(&task);
                    let started = Instant::now();
                    let current = Current { task: Arc::new(task), completion, run, started, raised: false };
                    *self.lock() = Some(current);
                    return Some(arguments);
                }
                Err(result) => {
                    complete(py, completion, result);
                    ended = Some(Ended { run, at: Instant::now(), took: None });
                }
            }
        }
    }

    fn wait(&self, py: Python<'_>) -> Option<(Run, Assignment)> {
        let (started, woken) = py.detach(|| (self.queue.take(), Instant::now()));
        if started.is_some() {
            self.reporting.metrics.waited_for_gil(woken.elapsed());
        }
        started
    }

    fn current(&self) -> PyResult<Current> {
        self.lock().take().ok_or_else(no_task)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_task() -> PyErr {
    PyRuntimeError::new_err("no task is running on this lane")
}

impl Drop for PyLane {
    fn drop(&mut self) {
        if let Some(Current { run, .. }) = self.lock().take() {
            self.queue.ended(Ended { run, at: Instant::now(), took: None });
        }
        self.queue.resign();
    }
}

#[pymethods]
impl PyLane {
    /// Waits for a task; returns its input (or the whole task), `None` once the executor is closed.
    fn take<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.next(py, None, true)
    }

    /// COMPLETED with `output`; then the next task, if one is there. It does not wait: while it did, the caller
    /// would keep the output, and each idle thread the memory of its last task.
    fn complete<'py>(
        &self,
        py: Python<'py>,
        output: &Bound<'py, PyDict>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Current { task, completion, run, started, .. } = self.current()?;
        let at = Instant::now();
        let took = at - started;
        complete(py, completion, self.reporting.completed(&task, output, took));
        drop(task);
        Ok(self.next(py, Some(Ended { run, at, took: Some(took) }), false))
    }

    /// Any other outcome; then as `complete`. `logs` are (text, milliseconds since 1970).
    #[pyo3(signature = (status, output, *, reason=None, callback_after_seconds=None, logs=None, external_output_payload_storage_path=None))]
    #[expect(clippy::too_many_arguments, reason = "the fields of a task result")]
    fn report<'py>(
        &self,
        py: Python<'py>,
        status: &str,
        output: &Bound<'py, PyDict>,
        reason: Option<&str>,
        callback_after_seconds: Option<u64>,
        logs: Option<Vec<(String, i64)>>,
        external_output_payload_storage_path: Option<&str>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (task, returned_after) = {
            let current = self.lock();
            let current = current.as_ref().ok_or_else(no_task)?;
            (Arc::clone(&current.task), (!current.raised).then(|| current.started.elapsed()))
        };
        let outcome =
            Outcome { status, reason, callback_after_seconds, logs, external_output_payload_storage_path };
        let result = self.reporting.reported(&task, output, outcome, returned_after)?;
        let Current { completion, run, started, .. } = self.current()?;
        let at = Instant::now();
        complete(py, completion, result);
        drop(task);
        Ok(self.next(py, Some(Ended { run, at, took: Some(at - started) }), false))
    }

    /// The function has raised; a `report` follows.
    fn raised(&self, cause: &Bound<'_, PyAny>) {
        let ended = self.lock().as_mut().map(|current| {
            current.raised = true;
            (Arc::clone(&current.task), current.started.elapsed())
        });
        if let Some((task, took)) = ended {
            self.reporting.raised(&task, took, cause);
        }
    }

    /// The whole current task, decoded anew at each call.
    fn task<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let task = self.lock().as_ref().map(|current| Arc::clone(&current.task)).ok_or_else(no_task)?;
        decode(py, task.raw(), "The task").map_err(PyValueError::new_err)
    }

    /// Task type, task id and workflow id of the current task.
    fn ids(&self) -> PyResult<(String, String, String)> {
        let current = self.lock();
        let current = current.as_ref().ok_or_else(no_task)?;
        Ok(self.reporting.ids(&current.task))
    }

    /// Has the server ended the current task? Only known of workers whose leases are extended.
    fn cancelled(&self) -> bool {
        self.lock().as_ref().is_some_and(|current| current.completion.is_cancelled())
    }
}
