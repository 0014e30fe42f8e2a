use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use conductor_core::observe::{Area, EventSink as _, Level, LogRecord, Returned, WorkerMetrics};
use conductor_core::supervise::contain;
use conductor_core::wire::{PolledTask, Status, TaskExecLog, TaskIdentity, TaskResult, TaskResultWriter};
use conductor_core::worker::Completion;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::event_queue::{Execution, Step};
use super::forward::Forward;
use crate::convert::{Encoder, Members, Nan, decode};
use crate::memory;

/// How the tasks of one worker are read and reported.
pub(crate) struct Reporting {
    pub(crate) worker_id: Arc<str>,
    /// The function asks for the `Task`, not for its input.
    pub(crate) whole_task: bool,
    /// What it takes of its input, if it is to get the values alone.
    pub(crate) members: Option<Members>,
    pub(crate) to_plain: Py<PyAny>,
    pub(crate) nan: Nan,
    pub(crate) metrics: Arc<WorkerMetrics>,
    pub(crate) forward: Arc<Forward>,
    /// One line tells of all faults of the engine at tasks of this worker.
    pub(crate) told_of_fault: AtomicBool,
}

/// Why an output is not sent.
enum Unsent {
    /// It cannot be JSON.
    Unsendable(String),
    /// The engine panicked.
    Fault(String),
}

impl Unsent {
    /// As the error of the run.
    fn label(&self) -> &'static str {
        match self {
            Self::Unsendable(_) => "unsendable_output",
            Self::Fault(_) => FAULT,
        }
    }
}

/// Detached where the result is written to a socket.
pub(super) fn complete(py: Python<'_>, completion: Completion, result: TaskResult) {
    if completion.posts() {
        py.detach(|| completion.complete(result));
    } else {
        completion.complete(result);
    }
}

const FAULT: &str = "engine_fault";

/// An outcome other than COMPLETED with a dict.
pub(crate) struct Outcome<'a> {
    pub(crate) status: &'a str,
    pub(crate) reason: Option<&'a str>,
    pub(crate) callback_after_seconds: Option<u64>,
    /// Text, milliseconds since 1970.
    pub(crate) logs: Option<Vec<(String, i64)>>,
    pub(crate) external_output_payload_storage_path: Option<&'a str>,
}

impl Reporting {
    /// What the function gets; or the result of a task whose input cannot be read.
    pub(crate) fn arguments<'py>(
        &self,
        py: Python<'py>,
        task: &PolledTask,
    ) -> Result<Bound<'py, PyAny>, TaskResult> {
        let (json, name) =
            if self.whole_task { (task.raw(), "The task") } else { (task.input(), "inputData") };
        memory::passed(json.len());
        let read = self.contained(py, task, "read its input", || {
            match self.members.as_ref().and_then(|members| members.decode(py, json)) {
                Some(values) => Ok(values.into_any()),
                None => decode(py, json, name).map(Bound::into_any),
            }
        });
        let (what, status, reason) = match read {
            Ok(Ok(arguments)) => return Ok(arguments),
            Ok(Err(reason)) => ("unreadable_input", Status::FailedWithTerminalError, reason),
            Err(fault) => (FAULT, Status::Failed, fault),
        };
        self.metrics.not_executed(what);
        Err(TaskResultWriter::failure(&task.identity, &self.worker_id, status, &reason))
    }

    /// A panic costs this task alone, and its thread goes on. The error is the reason of the task's failure.
    fn contained<T>(
        &self,
        py: Python<'_>,
        task: &PolledTask,
        what: &str,
        work: impl FnOnce() -> T,
    ) -> Result<T, String> {
        let tell = || {
            let (task_type, task_id) = (&self.metrics.task_type, &task.identity.task_id);
            let message = format!(
                "the engine panicked while it {what}: task {task_id} fails, and so will others of {task_type:?} \
                 like it, of which no line tells; please report it"
            );
            let record = LogRecord::new(Area::Engine, Level::Error, message);
            self.forward.log(record.of_type(task_type).of_task(&task.identity));
        };
        contain(&self.told_of_fault, tell, work).ok_or_else(|| {
            // Whatever the fault left behind would be the next call's.
            drop(PyErr::take(py));
            format!("The worker's engine panicked while it {what}")
        })
    }

    /// `took`: for how long the function ran.
    pub(crate) fn completed(
        &self,
        task: &PolledTask,
        output: &Bound<'_, PyDict>,
        took: Duration,
    ) -> TaskResult {
        let mut writer = TaskResultWriter::begin(&task.identity, &self.worker_id, Status::Completed);
        let encoded = self.encode(task, output, &mut writer);
        self.returned(task, took, Status::Completed, &encoded);
        match encoded {
            Ok(_) => writer.finish(&task.identity),
            Err(unsent) => self.unsent(task, &unsent, &[]),
        }
    }

    /// `returned_after`: for how long the function ran, if it is to be told that it returned.
    pub(crate) fn reported(
        &self,
        task: &PolledTask,
        output: &Bound<'_, PyDict>,
        outcome: Outcome<'_>,
        returned_after: Option<Duration>,
    ) -> PyResult<TaskResult> {
        let status = Status::from_name(outcome.status).ok_or_else(|| {
            PyValueError::new_err(format!("{:?} is no status of a task result", outcome.status))
        })?;
        let logs: Vec<_> = outcome
            .logs
            .unwrap_or_default()
            .into_iter()
            .map(|(log, created_time)| TaskExecLog { log, created_time })
            .collect();
        let mut writer = TaskResultWriter::begin(&task.identity, &self.worker_id, status);
        let encoded = self.encode(task, output, &mut writer);
        if let Some(took) = returned_after {
            self.returned(task, took, status, &encoded);
        }
        if let Err(unsent) = encoded {
            return Ok(self.unsent(task, &unsent, &logs));
        }
        if let Some(reason) = outcome.reason {
            writer.reason_for_incompletion(reason);
        }
        if let Some(seconds) = outcome.callback_after_seconds {
            writer.callback_after_seconds(seconds);
        }
        if let Some(path) = outcome.external_output_payload_storage_path {
            writer.external_output_payload_storage_path(path);
        }
        writer.logs(&task.identity, &logs);
        Ok(writer.finish(&task.identity))
    }

    /// Task type, task id, workflow id.
    pub(super) fn ids(&self, task: &PolledTask) -> (String, String, String) {
        let TaskIdentity { task_id, workflow_instance_id } = &task.identity;
        (self.metrics.task_type.to_string(), task_id.to_string(), workflow_instance_id.to_string())
    }

    pub(super) fn started(&self, task: &PolledTask) {
        self.metrics.execution_started();
        if self.forward.events.is_some() {
            self.tell(task, Step::Started);
        }
    }

    pub(super) fn raised(&self, task: &PolledTask, took: Duration, cause: &Bound<'_, PyAny>) {
        match cause.get_type().name() {
            Ok(class) => self.metrics.raised(took, &class.to_string_lossy()),
            Err(_) => self.metrics.raised(took, "other"),
        }
        self.tell(task, Step::Failed { took, cause: cause.clone().unbind() });
        if self.forward.wants_log(Area::Worker, Level::Warning) {
            let message = format!("the function raised at task {}", task.identity.task_id);
            let record = LogRecord::new(Area::Worker, Level::Warning, message);
            let record = record.of_type(&self.metrics.task_type).of_task(&task.identity);
            self.forward.log_raised(record, cause);
        }
    }

    /// Told before the result is on its way, so that no event of the result comes before it.
    fn returned(&self, task: &PolledTask, took: Duration, status: Status, encoded: &Result<usize, Unsent>) {
        let how = match (encoded, status) {
            (Err(unsent), _) => Returned::Failed(unsent.label()),
            (_, Status::Completed) => Returned::Completed,
            (_, Status::InProgress) => Returned::InProgress,
            (_, failed) => Returned::Failed(failed.name()),
        };
        let output_size = encoded.as_ref().ok().copied();
        self.metrics.returned(took, how, output_size);
        if self.forward.events.is_some() {
            self.tell(task, Step::Completed { took, output_size });
        }
    }

    #[cold]
    fn tell(&self, task: &PolledTask, step: Step) {
        if let Some(events) = &self.forward.events {
            let (identity, worker_id) = (task.identity.clone(), Arc::clone(&self.worker_id));
            events.execution(&self.metrics.task_type, Execution { identity, worker_id, step });
        }
    }

    /// The output into `writer` and its size, or why it cannot be sent.
    fn encode(
        &self,
        task: &PolledTask,
        output: &Bound<'_, PyDict>,
        writer: &mut TaskResultWriter,
    ) -> Result<usize, Unsent> {
        let py = output.py();
        let to_plain = self.to_plain.bind(py);
        let start = writer.body.len();
        let write = || {
            writer.output(|out| {
                Encoder { out, to_plain, nan: self.nan }.encode(output).map_err(|error| error.reason())
            })
        };
        let written = self.contained(py, task, "wrote its output", write).map_err(Unsent::Fault)?;
        written.map_err(Unsent::Unsendable)?;
        let size = writer.body.len() - start;
        memory::passed(size);
        Ok(size)
    }

    #[cold]
    fn unsent(&self, task: &PolledTask, unsent: &Unsent, logs: &[TaskExecLog]) -> TaskResult {
        match unsent {
            Unsent::Unsendable(reason) => {
                TaskResultWriter::unsendable(&task.identity, &self.worker_id, reason, logs)
            }
            Unsent::Fault(reason) => {
                TaskResultWriter::failure(&task.identity, &self.worker_id, Status::Failed, reason)
            }
        }
    }
}
