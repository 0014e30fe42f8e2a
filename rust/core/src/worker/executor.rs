use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::mpsc;

use super::running::Pace;
use super::slots::Slot;
use crate::delivery::{CancelTask, Finished, HoldId, Updater};
use crate::observe::WorkerMetrics;
use crate::wire::{PolledTask, Status, TaskIdentity, TaskResult, TaskResultWriter};

/// The duty to report one task. It owns the slot and sends one result, once; dropped unused, it reports
/// the failure itself, so that no way of losing a task goes unnoticed.
pub struct Completion(Option<Duty>);

struct Duty {
    hold: HoldId,
    metrics: Arc<WorkerMetrics>,
    task: TaskIdentity,
    /// `None`: it is one more than was asked for, and is handed back.
    slot: Option<Slot>,
    report: mpsc::UnboundedSender<Finished<Option<Slot>>>,
    /// Only of tasks whose lease is extended: without that nobody would learn of a cancel.
    cancellation: Option<Arc<Cancellation>>,
    /// Only of a task that came alone: it posts the result.
    updater: Option<Arc<Updater>>,
}

/// What the server's end of a task means here: its executor is told, and its function can see it.
pub(super) struct Cancellation {
    seen: AtomicBool,
    executor: Arc<dyn Executor>,
}

impl Cancellation {
    pub(super) fn new(executor: Arc<dyn Executor>) -> Self {
        Self { seen: AtomicBool::new(false), executor }
    }
}

impl CancelTask for Cancellation {
    fn cancel(&self, hold: HoldId) -> bool {
        // Before the executor hears of it, so that what it tells the function is true already.
        self.seen.store(true, Ordering::Release);
        self.executor.cancel(hold)
    }
}

impl Completion {
    /// A task that was handed out twice has two holdings; what is said of one is not said of the other.
    pub(super) fn is_of(&self, hold: HoldId) -> bool {
        self.hold() == Some(hold)
    }

    /// By what name the ledger knows its task; as long as it is to be reported.
    pub fn hold(&self) -> Option<HoldId> {
        self.0.as_ref().map(|duty| duty.hold)
    }

    pub(super) fn new(
        hold: HoldId,
        metrics: Arc<WorkerMetrics>,
        task: TaskIdentity,
        slot: Option<Slot>,
        report: mpsc::UnboundedSender<Finished<Option<Slot>>>,
        cancellation: Option<Arc<Cancellation>>,
        updater: Option<Arc<Updater>>,
    ) -> Self {
        Self(Some(Duty { hold, metrics, task, slot, report, cancellation, updater }))
    }

    /// Has the server ended the task, so that whatever its function still does is in vain?
    pub fn is_cancelled(&self) -> bool {
        let cancellation = self.0.as_ref().and_then(|duty| duty.cancellation.as_ref());
        cancellation.is_some_and(|cancellation| cancellation.seen.load(Ordering::Acquire))
    }

    /// Does `complete` write to a socket? It does for a task that came alone. Then it is called detached.
    pub fn posts(&self) -> bool {
        self.0.as_ref().is_some_and(|duty| duty.updater.is_some())
    }

    fn handed_back(&self) {
        if let Some(duty) = &self.0 {
            duty.metrics.handed_back();
        }
    }

    /// Lets a task go that was not started and is not to be reported: see [`Executor::cancel`].
    pub fn discard(mut self) {
        self.0 = None;
    }

    pub fn complete(mut self, result: TaskResult) {
        if let Some(duty) = self.0.take() {
            duty.report(result);
        }
    }
}

impl Duty {
    fn report(self, result: TaskResult) {
        let Self { hold, metrics, slot, report, updater, .. } = self;
        let early = updater.filter(|_| !report.is_closed()).and_then(|updater| updater.begin(&result));
        // Fails only after the host was closed, when the ids of all that is left were named.
        let _ = report.send(Finished { hold, metrics, result, guard: slot, early });
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if let Some(duty) = self.0.take() {
            let reason = "The worker lost this task before its function ended.";
            let result = TaskResultWriter::failure(&duty.task, "", Status::Failed, reason);
            duty.metrics.not_executed("lost");
            duty.report(result);
        }
    }
}

/// A task and the duty to report it.
pub struct Assignment {
    pub task: PolledTask,
    pub completion: Completion,
    /// If no thread is free for it until then, it is handed back.
    pub start_by: Instant,
}

impl Assignment {
    /// Back to the server, for whoever is free; under no other name than the one that polled.
    pub(super) fn hand_back(self, worker_id: &str) {
        self.completion.handed_back();
        self.completion.complete(TaskResultWriter::hand_back(&self.task, worker_id));
    }
}

/// The port up to the user's functions: threads, and later asyncio and child processes.
pub trait Executor: Send + Sync {
    /// Takes all of `batch`. Called on the I/O thread: it must not block. True if some of them wait for
    /// a thread that is awake already, so that somebody has to look after them (`relieve`).
    fn submit(&self, batch: Vec<Assignment>) -> bool;

    /// So many tasks may run at once from now on. Those that run are not disturbed.
    fn set_limit(&self, limit: usize);

    fn pace(&self, now: Instant) -> Pace;

    /// Takes back tasks that wait while as many run as may: those that had to start by `now`, or all of them
    /// (`None`). And when the next of those that stay have to start.
    fn take_back(&self, now: Option<Instant>) -> (Vec<Assignment>, Option<Instant>);

    /// Wakes more threads if tasks wait and none was started since the last call. False once nothing waits.
    fn relieve(&self) -> bool;

    /// The server has ended this task. True: it was not started and will not be; its completion was
    /// discarded, and the caller answers for the rest. False: it runs, has ended, or is not here; one that
    /// runs is stopped if the executor can do that, and is reported in any case. Called on the I/O thread.
    fn cancel(&self, hold: HoldId) -> bool {
        let _ = hold;
        false
    }
}
