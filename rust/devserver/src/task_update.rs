//! What a result, a lease extension and the passing of time do to a task (`WorkflowExecutorOps.updateTask`,
//! `DeciderService.java`).

use std::sync::Arc;

use crate::clock::Now;
use crate::identifier::as_str;
use crate::status::TaskStatus;
use crate::task::Task;
use crate::task_result::TaskResult;
use crate::task_store::TaskStore;

/// The server's `taskOutputPayloadSizeThreshold` at which a task fails, in bytes.
const MAX_OUTPUT_BYTES: usize = 10_485_760;
/// `TaskResult.setReasonForIncompletion` cuts to this many UTF-16 units.
const MAX_REASON_UNITS: usize = 500;

/// An update that the real server answers with an error.
#[derive(Debug)]
pub(crate) enum UpdateError {
    UnknownWorkflow,
    UnknownTask,
    NoStatus,
}

/// What v2 needs to know after an update.
#[derive(Debug)]
pub(crate) struct Updated {
    pub(crate) task_type: Arc<str>,
    pub(crate) queue: usize,
    /// v2 hands out a next task only then; never after a lease extension.
    pub(crate) hands_out_next: bool,
}

impl TaskStore {
    pub(crate) fn update(&mut self, result: &TaskResult<'_>, now: Now) -> Result<Updated, UpdateError> {
        let found =
            self.identifiers.sequence(&result.task_id).filter(|&found| self.tasks.get(found).is_some());
        if result.extend_lease {
            return self.extend_lease(found.ok_or(UpdateError::UnknownTask)?, now);
        }
        let Some(task) = found.and_then(|found| self.tasks.get(found)) else {
            return Err(self.unknown(&result.workflow_instance_id));
        };
        if *task.workflow_instance_id != *result.workflow_instance_id
            && !self.knows_workflow(&result.workflow_instance_id)
        {
            return Err(UpdateError::UnknownWorkflow);
        }
        let sequence = task.sequence;
        if !task.status.is_terminal() {
            let status = result.status.ok_or(UpdateError::NoStatus)?;
            self.apply(sequence, status, result, now);
        }
        self.updated(sequence)
    }

    /// Lets time do what is due: retries and callbacks become ready, silent tasks time out.
    pub(crate) fn expire(&mut self, now: Now) {
        while let Some(sequence) = self.alarms.pop_due(now.instant) {
            let Some(task) = self.tasks.get_mut(sequence) else { continue };
            task.alarm = None;
            if task.status == TaskStatus::Scheduled {
                self.make_ready(sequence);
                continue;
            }
            task.reason_for_incompletion = Some(
                format!(
                    "responseTimeout: {} exceeded for the taskId: {} with Task Definition: {}",
                    task.template.rules.response_timeout_seconds,
                    as_str(&self.identifiers.task_id(sequence)),
                    task.template.task_type
                )
                .into(),
            );
            self.finish(sequence, TaskStatus::TimedOut, now);
        }
    }

    fn extend_lease(&mut self, sequence: u64, now: Now) -> Result<Updated, UpdateError> {
        if let Some(task) = self.tasks.get_mut(sequence)
            && !task.status.is_terminal()
        {
            task.update_millis = now.millis;
            if task.status == TaskStatus::InProgress {
                self.start_response_timeout(sequence, now);
            }
        }
        self.updated(sequence).map(|updated| Updated { hands_out_next: false, ..updated })
    }

    fn apply(&mut self, sequence: u64, status: TaskStatus, result: &TaskResult<'_>, now: Now) {
        let Some(task) = self.tasks.get_mut(sequence) else { return };
        if task.worker_id.as_deref() != result.worker_id.as_deref() {
            task.worker_id = result.worker_id.as_deref().map(Arc::from);
        }
        task.reason_for_incompletion = result.reason_for_incompletion.as_deref().map(cut_reason);
        task.callback_after_seconds = result.callback_after_seconds;
        task.logs.extend(result.logs.iter().map(|log| Box::from(log.get())));
        let output = result.output_data.unwrap_or_default();
        if output.len() > MAX_OUTPUT_BYTES {
            // The two blanks before "is" are the server's.
            let reason = format!(
                "The payload size: {} of task: {} in workflow: {}  is greater than the permissible limit: \
                 {MAX_OUTPUT_BYTES} bytes",
                output.len(),
                result.task_id,
                task.workflow_instance_id
            );
            task.reason_for_incompletion = Some(reason.into());
            task.output = None;
            self.finish(sequence, TaskStatus::FailedWithTerminalError, now);
            return;
        }
        task.output = result.output_data.map(Box::from);
        if status.is_terminal() {
            self.finish(sequence, status, now);
            return;
        }
        task.update_millis = now.millis;
        self.set_status(sequence, TaskStatus::Scheduled);
        self.clear_alarm(sequence);
        if result.callback_after_seconds == 0 {
            self.make_ready(sequence);
        } else {
            self.withdraw(sequence);
            self.set_alarm(sequence, now.after_seconds(result.callback_after_seconds));
        }
    }

    /// Ends an attempt; a retriable one with retries left is followed by a new task.
    pub(crate) fn finish(&mut self, sequence: u64, status: TaskStatus, now: Now) {
        self.set_status(sequence, status);
        self.clear_alarm(sequence);
        self.withdraw(sequence);
        let next_sequence = self.tasks.next_sequence();
        let Some(task) = self.tasks.get_mut(sequence) else { return };
        task.end_millis = now.millis;
        let rules = task.template.rules;
        let has_workflow = task.template.has_workflow;
        if !status.is_retriable() || task.retry_count >= rules.retry_count_limit {
            if has_workflow {
                self.workflow_task_ended(sequence, now);
            }
            return;
        }
        task.retried = true;
        let delay_seconds = rules.delay_seconds(task.retry_count);
        let mut next = Task::new(
            next_sequence,
            Arc::clone(&task.template),
            task.input.clone(),
            Arc::clone(&task.workflow_instance_id),
            now.millis,
        );
        next.retry_count = task.retry_count + 1;
        next.number = task.number + 1;
        next.start_delay_seconds = delay_seconds;
        next.reason_for_incompletion.clone_from(&task.reason_for_incompletion);
        next.retried_task_id = Some(self.identifiers.task_id(sequence));
        if has_workflow && let Some(workflow) = self.workflows.get_mut(&next.workflow_instance_id) {
            workflow.tasks.push(next_sequence);
            workflow.update_millis = now.millis;
        }
        self.add(next);
        if delay_seconds == 0 {
            self.make_ready(next_sequence);
        } else {
            self.set_alarm(next_sequence, now.after_seconds(delay_seconds));
        }
    }

    fn updated(&self, sequence: u64) -> Result<Updated, UpdateError> {
        let task = self.tasks.get(sequence).ok_or(UpdateError::UnknownTask)?;
        Ok(Updated {
            task_type: Arc::clone(&task.template.task_type),
            queue: task.template.queue,
            hands_out_next: task.status.is_terminal(),
        })
    }

    /// The server looks for the workflow first.
    fn unknown(&self, workflow_instance_id: &str) -> UpdateError {
        if self.knows_workflow(workflow_instance_id) {
            UpdateError::UnknownTask
        } else {
            UpdateError::UnknownWorkflow
        }
    }

    /// A walk over all tasks: only updates that name a wrong id pay for it.
    pub(crate) fn knows_workflow(&self, workflow_instance_id: &str) -> bool {
        self.workflows.contains_key(workflow_instance_id)
            || self.tasks.iter().any(|task| *task.workflow_instance_id == *workflow_instance_id)
    }
}

fn cut_reason(reason: &str) -> Box<str> {
    let mut units = 0;
    reason
        .char_indices()
        .find(|(_, character)| {
            units += character.len_utf16();
            units > MAX_REASON_UNITS
        })
        .map_or(reason, |(end, _)| &reason[..end])
        .into()
}
