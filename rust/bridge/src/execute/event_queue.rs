use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use conductor_core::observe::{Happening, TaskRunnerEvent};
use conductor_core::wire::TaskIdentity;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::batch_queue::{Batch, BatchQueue, CAPACITY};
use crate::convert::{decode, to_python};

/// What happened to one call of a function.
pub(crate) struct Execution {
    pub(crate) identity: TaskIdentity,
    pub(crate) worker_id: Arc<str>,
    pub(crate) step: Step,
}

pub(crate) enum Step {
    Started,
    Completed { took: Duration, output_size: Option<usize> },
    Failed { took: Duration, cause: Py<PyAny> },
}

enum What {
    Core(Happening),
    Execution(Execution),
}

struct Event {
    at: SystemTime,
    task_type: Arc<str>,
    what: What,
}

/// The name of an event and its fields, `timestamp` in seconds since 1970 among them.
pub(crate) type NamedFields<'py> = (&'static str, Bound<'py, PyDict>);

/// Events on their way to the Python thread that hands them to listeners.
#[derive(Default)]
pub(crate) struct EventQueue(BatchQueue<Event>);

impl EventQueue {
    pub(super) fn core(&self, event: TaskRunnerEvent) {
        self.push(Event { at: SystemTime::now(), task_type: event.task_type, what: What::Core(event.what) });
    }

    pub(super) fn execution(&self, task_type: &Arc<str>, execution: Execution) {
        let task_type = Arc::clone(task_type);
        self.push(Event { at: SystemTime::now(), task_type, what: What::Execution(execution) });
    }

    /// Waits for events and takes all, with the number of those that were dropped since; `None` once closed
    /// and empty. Detaches while it waits.
    pub(crate) fn take<'py>(&self, py: Python<'py>) -> PyResult<Option<(Vec<NamedFields<'py>>, usize)>> {
        let Some(Batch { items, dropped }) = self.0.take(py, None) else { return Ok(None) };
        let events: PyResult<_> = items.into_iter().map(|event| event.named_fields(py)).collect();
        Ok(Some((events?, dropped)))
    }

    pub(super) fn close(&self) {
        self.0.close();
    }

    fn push(&self, event: Event) {
        self.0.push(event, CAPACITY);
    }
}

impl Event {
    fn named_fields(self, py: Python<'_>) -> PyResult<NamedFields<'_>> {
        let fields = PyDict::new(py);
        fields.set_item("task_type", &*self.task_type)?;
        let at = self.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        fields.set_item("timestamp", at.as_secs_f64())?;
        let name = match self.what {
            What::Core(what) => core_fields(&fields, what)?,
            What::Execution(execution) => execution_fields(&fields, execution)?,
        };
        Ok((name, fields))
    }
}

fn core_fields(fields: &Bound<'_, PyDict>, what: Happening) -> PyResult<&'static str> {
    let py = fields.py();
    Ok(match what {
        Happening::PollStarted { worker_id, poll_count } => {
            fields.set_item("worker_id", worker_id)?;
            fields.set_item("poll_count", poll_count)?;
            "PollStarted"
        }
        Happening::PollCompleted { duration, tasks_received } => {
            fields.set_item("duration_ms", millis(duration))?;
            fields.set_item("tasks_received", tasks_received)?;
            "PollCompleted"
        }
        Happening::PollFailure { duration, cause } => {
            fields.set_item("duration_ms", millis(duration))?;
            fields.set_item("cause", to_python(py, &cause).into_value(py))?;
            "PollFailure"
        }
        Happening::TaskUpdateCompleted { task_id, workflow_instance_id, duration } => {
            fields.set_item("task_id", &*task_id)?;
            fields.set_item("workflow_instance_id", &*workflow_instance_id)?;
            fields.set_item("duration_ms", millis(duration))?;
            "TaskUpdateCompleted"
        }
        Happening::TaskUpdateFailure { task_id, workflow_instance_id, cause, tries, result } => {
            fields.set_item("task_id", &*task_id)?;
            fields.set_item("workflow_instance_id", &*workflow_instance_id)?;
            fields.set_item("cause", to_python(py, &cause).into_value(py))?;
            fields.set_item("retry_count", tries)?;
            let result = decode(py, &result, "the result").map_err(PyValueError::new_err)?;
            fields.set_item("task_result", result)?;
            "TaskUpdateFailure"
        }
        Happening::TaskPaused => "TaskPaused",
        Happening::TaskExecutionQueueFull => "TaskExecutionQueueFull",
    })
}

fn execution_fields(fields: &Bound<'_, PyDict>, execution: Execution) -> PyResult<&'static str> {
    let Execution { identity, worker_id, step } = execution;
    fields.set_item("task_id", &*identity.task_id)?;
    fields.set_item("worker_id", &*worker_id)?;
    fields.set_item("workflow_instance_id", &*identity.workflow_instance_id)?;
    Ok(match step {
        Step::Started => "TaskExecutionStarted",
        Step::Completed { took, output_size } => {
            fields.set_item("duration_ms", millis(took))?;
            fields.set_item("output_size_bytes", output_size)?;
            "TaskExecutionCompleted"
        }
        Step::Failed { took, cause } => {
            fields.set_item("duration_ms", millis(took))?;
            fields.set_item("cause", cause)?;
            "TaskExecutionFailure"
        }
    })
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
