use std::sync::Arc;

use tokio::sync::mpsc;

use super::slots::Slot;
use crate::delivery::{Finished, HoldId};
use crate::wire::{PolledTask, Status, TaskIdentity, TaskResult, TaskResultWriter};

/// The duty to report one task. It owns the slot and sends one result, once; dropped unused, it reports
/// the failure itself, so that no way of losing a task goes unnoticed.
pub struct Completion(Option<Duty>);

struct Duty {
    hold: HoldId,
    task_type: Arc<str>,
    task: TaskIdentity,
    slot: Slot,
    report: mpsc::UnboundedSender<Finished<Slot>>,
}

impl Completion {
    pub(super) fn new(
        hold: HoldId,
        task_type: Arc<str>,
        task: TaskIdentity,
        slot: Slot,
        report: mpsc::UnboundedSender<Finished<Slot>>,
    ) -> Self {
        Self(Some(Duty { hold, task_type, task, slot, report }))
    }

    pub fn complete(mut self, result: TaskResult) {
        if let Some(duty) = self.0.take() {
            duty.report(result);
        }
    }
}

impl Duty {
    fn report(self, result: TaskResult) {
        let Self { hold, task_type, slot, report, .. } = self;
        // Fails only after the host was closed, when the ids of all that is left were named.
        let _ = report.send(Finished { hold, task_type, result, guard: slot });
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if let Some(duty) = self.0.take() {
            let reason = "The worker lost this task before its function ended.";
            let result = TaskResultWriter::failure(&duty.task, "", Status::Failed, reason);
            duty.report(result);
        }
    }
}

/// A task and the duty to report it.
pub struct Assignment {
    pub task: PolledTask,
    pub completion: Completion,
}

/// The port up to the user's functions: threads, and later asyncio and child processes.
pub trait Executor: Send + Sync {
    /// Takes all of `batch`. Called on the I/O thread: it must not block. True if some of them wait for
    /// a thread that is awake already, so that somebody has to look after them (`relieve`).
    fn submit(&self, batch: Vec<Assignment>) -> bool;

    /// Wakes more threads if tasks wait and none was started since the last call. False once nothing waits.
    fn relieve(&self) -> bool;
}
