//! The end of a task or a workflow from outside (`WorkflowExecutorOps.terminateWorkflow`).

use std::sync::Arc;

use crate::clock::Now;
use crate::status::TaskStatus;
use crate::task_store::TaskStore;
use crate::workflow::WorkflowStatus;

/// Why a workflow was not terminated.
#[derive(Debug)]
pub(crate) enum TerminateError {
    Unknown,
    Completed,
}

impl TaskStore {
    /// Ends a task as `CANCELED`, as the termination of its workflow would; `false` when unknown or finished.
    pub(crate) fn cancel(&mut self, task_id: &str, now: Now) -> bool {
        let open = self.find(task_id).filter(|task| !task.status.is_terminal()).map(|task| task.sequence);
        if let Some(sequence) = open {
            self.finish(sequence, TaskStatus::Canceled, now);
        }
        open.is_some()
    }

    /// Ends a workflow as `TERMINATED` and its open tasks as `CANCELED`. A failed one becomes terminated
    /// too; a terminated one keeps its reason.
    pub(crate) fn terminate_workflow(
        &mut self,
        id: &str,
        reason: Option<String>,
        now: Now,
    ) -> Result<(), TerminateError> {
        let pushed = if self.workflows.contains_key(id) { None } else { self.pushed_workflow(id) };
        if let Some(pushed) = pushed {
            // From here on it is kept, for its reason.
            self.workflows.insert(Arc::clone(&pushed.id), pushed);
        }
        let workflow = self.workflows.get_mut(id).ok_or(TerminateError::Unknown)?;
        if workflow.status == WorkflowStatus::Completed {
            return Err(TerminateError::Completed);
        }
        if workflow.status == WorkflowStatus::Terminated {
            return Ok(());
        }
        workflow.status = WorkflowStatus::Terminated;
        workflow.reason_for_incompletion = reason;
        for sequence in workflow.tasks.clone() {
            if self.tasks.get(sequence).is_some_and(|task| !task.status.is_terminal()) {
                self.finish(sequence, TaskStatus::Canceled, now);
            }
        }
        self.close_workflow(id, now);
        Ok(())
    }
}
