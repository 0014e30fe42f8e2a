use std::sync::Arc;
use std::time::Duration;

use conductor_core::observe::{Area, EventSink as _, Level, LogRecord, Returned, WorkerMetrics};
use conductor_core::wire::{PolledTask, Status, TaskExecLog, TaskIdentity, TaskResult, TaskResultWriter};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::event_queue::{Execution, Step};
use super::forward::Forward;
use crate::convert::{Encoder, Nan, decode};
use crate::memory;

/// How the tasks of one worker are read and reported.
pub(crate) struct Reporting {
    pub(crate) worker_id: Arc<str>,
    /// The function asks for the `Task`, not for its input.
    pub(crate) whole_task: bool,
    pub(crate) to_plain: Py<PyAny>,
    pub(crate) nan: Nan,
    pub(crate) metrics: Arc<WorkerMetrics>,
    pub(crate) forward: Arc<Forward>,
}

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
    ) -> Result<Bound<'py, PyDict>, TaskResult> {
        let (json, what) =
            if self.whole_task { (task.raw(), "The task") } else { (task.input(), "inputData") };
        memory::passed(json.len());
        decode(py, json, what).map_err(|reason| {
            self.metrics.not_executed("unreadable_input");
            let status = Status::FailedWithTerminalError;
            TaskResultWriter::failure(&task.identity, &self.worker_id, status, &reason)
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
        let encoded = self.encode(output, &mut writer);
        self.returned(task, took, Status::Completed, encoded.as_ref().ok());
        match encoded.map(drop) {
            Ok(()) => writer.finish(&task.identity),
            Err(reason) => TaskResultWriter::unsendable(&task.identity, &self.worker_id, &reason, &[]),
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
        let encoded = self.encode(output, &mut writer);
        if let Some(took) = returned_after {
            self.returned(task, took, status, encoded.as_ref().ok());
        }
        if let Err(reason) = encoded {
            return Ok(TaskResultWriter::unsendable(&task.identity, &self.worker_id, &reason, &logs));
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
    fn returned(&self, task: &PolledTask, took: Duration, status: Status, output_size: Option<&usize>) {
        let how = match status {
            _ if output_size.is_none() => Returned::Failed("unsendable_output"),
            Status::Completed => Returned::Completed,
            Status::InProgress => Returned::InProgress,
            failed => Returned::Failed(failed.name()),
        };
        self.metrics.returned(took, how, output_size.copied());
        if self.forward.events.is_some() {
            self.tell(task, Step::Completed { took, output_size: output_size.copied() });
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
    fn encode(&self, output: &Bound<'_, PyDict>, writer: &mut TaskResultWriter) -> Result<usize, String> {
        let to_plain = self.to_plain.bind(output.py());
        let start = writer.body.len();
        writer.output(|out| {
            Encoder { out, to_plain, nan: self.nan }.encode(output).map_err(|error| error.reason())
        })?;
        let size = writer.body.len() - start;
        memory::passed(size);
        Ok(size)
    }
}
