//! One attempt of a task, and its JSON (`Task.java`).

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::identifier::{IdentifierText, Identifiers};
use crate::status::TaskStatus;
use crate::template::Template;

/// A task as the server holds it. Times in milliseconds since 1970, 0 = not yet.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) sequence: u64,
    pub(crate) template: Arc<Template>,
    /// Raw JSON, written in place; of `push_raw_input` it may be anything.
    pub(crate) input: Bytes,
    pub(crate) workflow_instance_id: Arc<str>,
    /// Changed only by `TaskStore::set_status`, which keeps the census.
    pub(crate) status: TaskStatus,
    pub(crate) retry_count: u32,
    /// Among all attempts of its workflow, counted from 1 (`seq`).
    pub(crate) number: u32,
    pub(crate) poll_count: u32,
    pub(crate) scheduled_millis: u64,
    pub(crate) start_millis: u64,
    pub(crate) end_millis: u64,
    pub(crate) update_millis: u64,
    pub(crate) start_delay_seconds: u64,
    pub(crate) callback_after_seconds: u64,
    /// The attempt before this one.
    pub(crate) retried_task_id: Option<IdentifierText>,
    /// A new attempt has followed this one.
    pub(crate) retried: bool,
    /// The next task of its workflow has followed this one.
    pub(crate) executed: bool,
    pub(crate) reason_for_incompletion: Option<Box<str>>,
    /// Shared by all tasks of one poll.
    pub(crate) worker_id: Option<Arc<str>>,
    /// Raw JSON object; `None` is `{}`.
    pub(crate) output: Option<Box<[u8]>>,
    /// Raw JSON objects, as the worker sent them.
    pub(crate) logs: Vec<Box<str>>,
    /// Stands in its queue's ready list. Entries of tasks that are not queued any more are skipped there.
    pub(crate) queued: bool,
    /// The one thing that time will do: `SCHEDULED`: become ready; `IN_PROGRESS`: time out.
    pub(crate) alarm: Option<Instant>,
}

impl Task {
    pub(crate) fn new(
        sequence: u64,
        template: Arc<Template>,
        input: Bytes,
        workflow_instance_id: Arc<str>,
        scheduled_millis: u64,
    ) -> Self {
        Self {
            sequence,
            template,
            input,
            workflow_instance_id,
            status: TaskStatus::Scheduled,
            retry_count: 0,
            number: 1,
            poll_count: 0,
            scheduled_millis,
            start_millis: 0,
            end_millis: 0,
            update_millis: 0,
            start_delay_seconds: 0,
            callback_after_seconds: 0,
            retried_task_id: None,
            retried: false,
            executed: false,
            reason_for_incompletion: None,
            worker_id: None,
            output: None,
            logs: Vec::new(),
            queued: false,
            alarm: None,
        }
    }

    /// Appends the task's JSON in the field order of server 3.32.3.
    pub(crate) fn write_json(&self, identifiers: &Identifiers, out: &mut Vec<u8>) {
        let template = &*self.template;
        text(out, &template.before_status);
        text(out, self.status.name());
        text(out, "\",\"inputData\":");
        out.extend_from_slice(&self.input);
        number(out, &template.before_retry_count, u64::from(self.retry_count));
        number(out, ",\"seq\":", u64::from(self.number));
        number(out, &template.before_poll_count, u64::from(self.poll_count));
        number(out, &template.before_scheduled_time, self.scheduled_millis);
        number(out, ",\"startTime\":", self.start_millis);
        number(out, ",\"endTime\":", self.end_millis);
        number(out, ",\"updateTime\":", self.update_millis);
        number(out, ",\"startDelayInSeconds\":", self.start_delay_seconds);
        if let Some(retried_task_id) = &self.retried_task_id {
            text(out, ",\"retriedTaskId\":\"");
            out.extend_from_slice(retried_task_id);
            text(out, "\"");
        }
        text(out, if self.retried { ",\"retried\":true" } else { ",\"retried\":false" });
        text(out, if self.executed { ",\"executed\":true" } else { ",\"executed\":false" });
        string(out, &template.before_workflow_instance_id, &self.workflow_instance_id);
        text(out, &template.before_task_id);
        out.extend_from_slice(&identifiers.task_id(self.sequence));
        text(out, "\"");
        if let Some(reason) = &self.reason_for_incompletion {
            string(out, ",\"reasonForIncompletion\":", reason);
        }
        number(out, ",\"callbackAfterSeconds\":", self.callback_after_seconds);
        if let Some(worker_id) = &self.worker_id {
            string(out, ",\"workerId\":", worker_id);
        }
        text(out, ",\"outputData\":");
        out.extend_from_slice(self.output.as_deref().unwrap_or(b"{}"));
        number(out, &template.before_queue_wait_time, self.queue_wait_millis());
        text(out, ",\"loopOverTask\":false}");
    }

    /// `Task.getQueueWaitTime`.
    fn queue_wait_millis(&self) -> u64 {
        let callback_millis = self.callback_after_seconds.saturating_mul(1000);
        self.start_millis.saturating_sub(self.scheduled_millis).saturating_sub(callback_millis)
    }
}

fn text(out: &mut Vec<u8>, piece: &str) {
    out.extend_from_slice(piece.as_bytes());
}

fn number(out: &mut Vec<u8>, before: &str, value: u64) {
    text(out, before);
    text(out, itoa::Buffer::new().format(value));
}

fn string(out: &mut Vec<u8>, before: &str, value: &str) {
    text(out, before);
    // Writing a string to a Vec cannot fail.
    let _ = serde_json::to_writer(out, value);
}
