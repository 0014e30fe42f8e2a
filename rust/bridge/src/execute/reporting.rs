use std::sync::Arc;

use conductor_core::wire::{PolledTask, Status, TaskExecLog, TaskResult, TaskResultWriter};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{Encoder, Nan, decode};

/// How the tasks of one worker are read and reported.
pub(crate) struct Reporting {
    pub(crate) worker_id: Arc<str>,
    /// The function asks for the `Task`, not for its input.
    pub(crate) whole_task: bool,
    pub(crate) to_plain: Py<PyAny>,
    pub(crate) nan: Nan,
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
        let arguments = if self.whole_task {
            decode(py, task.raw(), "The task")
        } else {
            decode(py, task.input(), "inputData")
        };
        arguments.map_err(|reason| {
            let status = Status::FailedWithTerminalError;
            TaskResultWriter::failure(&task.identity, &self.worker_id, status, &reason)
        })
    }

    pub(crate) fn completed(&self, task: &PolledTask, output: &Bound<'_, PyDict>) -> TaskResult {
        let mut writer = TaskResultWriter::begin(&task.identity, &self.worker_id, Status::Completed);
        match self.encode(output, &mut writer) {
            Ok(()) => writer.finish(&task.identity),
            Err(reason) => TaskResultWriter::unsendable(&task.identity, &self.worker_id, &reason, &[]),
        }
    }

    pub(crate) fn reported(
        &self,
        task: &PolledTask,
        output: &Bound<'_, PyDict>,
        outcome: Outcome<'_>,
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
        if let Err(reason) = self.encode(output, &mut writer) {
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

    /// The output into `writer`, or why it cannot be sent.
    fn encode(&self, output: &Bound<'_, PyDict>, writer: &mut TaskResultWriter) -> Result<(), String> {
        let to_plain = self.to_plain.bind(output.py());
        writer.output(|out| {
            Encoder { out, to_plain, nan: self.nan }.encode(output).map_err(|error| error.reason())
        })
    }
}
