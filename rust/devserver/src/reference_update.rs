//! An update by the task's name in its workflow (`TaskResource.updateTask`, `ExecutionService.getPendingTaskForWorkflow`).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::clock::Now;
use crate::identifier::as_str;
use crate::status::TaskStatus;
use crate::task_result::TaskResult;
use crate::task_store::TaskStore;
use crate::task_update::Updated;

/// The body and the query of the call.
pub(crate) struct ReferenceUpdate<'a> {
    pub(crate) workflow_instance_id: &'a str,
    pub(crate) reference_task_name: &'a str,
    pub(crate) status: TaskStatus,
    pub(crate) worker_id: Option<Cow<'a, str>>,
    /// Without a worker id the task keeps its own; else it loses it.
    pub(crate) keeps_worker_id: bool,
    pub(crate) output: BTreeMap<String, &'a RawValue>,
}

impl TaskStore {
    /// Updates the workflow's unfinished task of that name and gives its id; `None` when there is none.
    ///
    /// Unlike an update by id it keeps what the task has: the output is laid over the old one, the reason and
    /// the callback stay. A walk over all tasks: workers in a loop do not call this.
    pub(crate) fn update_by_reference(
        &mut self,
        update: ReferenceUpdate<'_>,
        now: Now,
    ) -> Option<(String, Updated)> {
        let task = self.tasks.iter().find(|task| {
            !task.status.is_terminal()
                && *task.workflow_instance_id == *update.workflow_instance_id
                && task.template.reference_task_name == update.reference_task_name
        })?;
        let task_id = as_str(&self.identifiers.task_id(task.sequence)).to_owned();
        let kept = task.worker_id.as_deref().filter(|_| update.keeps_worker_id);
        let worker_id = update.worker_id.or_else(|| kept.map(|id| Cow::Owned(id.to_owned())));
        let reason = task.reason_for_incompletion.as_deref().map(|reason| Cow::Owned(reason.to_owned()));
        let callback_after_seconds = task.callback_after_seconds;
        let output = laid_over(task.output.as_deref().unwrap_or(b"{}"), update.output);
        let result = TaskResult {
            workflow_instance_id: Cow::Borrowed(update.workflow_instance_id),
            task_id: Cow::Borrowed(&task_id),
            worker_id,
            reason_for_incompletion: reason,
            status: Some(update.status),
            callback_after_seconds,
            extend_lease: false,
            output_data: Some(&output),
            logs: Vec::new(),
        };
        let updated = self.update(&result, now).ok()?;
        Some((task_id, updated))
    }
}

/// Raw values, so that numbers and escapes stay as the workers wrote them.
fn laid_over(old: &[u8], new: BTreeMap<String, &RawValue>) -> Vec<u8> {
    let mut fields: BTreeMap<String, &RawValue> = serde_json::from_slice(old).unwrap_or_default();
    fields.extend(new);
    serde_json::to_vec(&fields).unwrap_or_default()
}
