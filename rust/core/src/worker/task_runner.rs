use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};

use super::executor::{Assignment, Completion, Executor};
use super::slots::{Slot, Slots, SlotsTaken};
use crate::delivery::{Finished, Ledger};
use crate::event::EventSink;
use crate::settings::WorkerConfig;
use crate::transport::{Queue, TaskClient};
use crate::wire::{PolledTask, Status, TaskResultWriter};

/// How long tasks may wait for a thread that is awake but busy before another one is woken.
const RELIEF_AFTER: Duration = Duration::from_millis(1);

/// One worker: what its loops share.
pub struct TaskRunner {
    pub(super) config: WorkerConfig,
    pub(super) queue: Queue,
    pub(super) slots: Slots,
    pub(super) client: Arc<dyn TaskClient>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) sink: Arc<dyn EventSink>,
    /// True while polling is wanted.
    pub(super) polling: watch::Receiver<bool>,
    executor: Arc<dyn Executor>,
    report: mpsc::UnboundedSender<Finished<Slot>>,
    relief_wanted: Notify,
}

impl TaskRunner {
    pub(crate) fn new(
        config: WorkerConfig,
        executor: Arc<dyn Executor>,
        client: Arc<dyn TaskClient>,
        ledger: Arc<Ledger>,
        sink: Arc<dyn EventSink>,
        report: mpsc::UnboundedSender<Finished<Slot>>,
        polling: watch::Receiver<bool>,
    ) -> Self {
        let queue = Queue {
            task_type: Arc::clone(&config.task_type),
            domain: config.domain.clone(),
            worker_id: config.worker_id.clone(),
        };
        let slots = Slots::new(config.thread_count);
        Self {
            config,
            queue,
            slots,
            client,
            ledger,
            sink,
            polling,
            executor,
            report,
            relief_wanted: Notify::new(),
        }
    }

    /// Pairs each task with a slot and hands them to the executor; surplus slots are free again. A server
    /// that sends more than it was asked for waits here: nothing is polled meanwhile, nothing is lost. A task
    /// that must not be run is reported from here.
    pub(super) async fn hand_out(&self, tasks: Vec<PolledTask>, mut taken: SlotsTaken) {
        let mut batch = Vec::with_capacity(tasks.len());
        for task in tasks {
            let hold = self.ledger.hold(&task.identity.task_id, &self.config.task_type);
            let slot = loop {
                if let Some(slot) = taken.split_one() {
                    break slot;
                }
                self.submit(std::mem::take(&mut batch));
                match self.slots.one().await {
                    Some(more) => taken = more,
                    None => return,
                }
            };
            let task_type = Arc::clone(&self.config.task_type);
            let completion =
                Completion::new(hold, task_type, task.identity.clone(), slot, self.report.clone());
            if let Some(reason) = task.refusal() {
                let status = Status::FailedWithTerminalError;
                let worker_id = &self.config.worker_id;
                completion.complete(TaskResultWriter::failure(&task.identity, worker_id, status, reason));
                continue;
            }
            batch.push(Assignment { task, completion });
        }
        self.submit(batch);
    }

    fn submit(&self, batch: Vec<Assignment>) {
        if !batch.is_empty() && self.executor.submit(batch) {
            self.relief_wanted.notify_one();
        }
    }

    /// Looks after tasks that wait for a busy thread.
    pub(crate) async fn relieve(self: Arc<Self>) {
        loop {
            self.relief_wanted.notified().await;
            loop {
                tokio::time::sleep(RELIEF_AFTER).await;
                if !self.executor.relieve() {
                    break;
                }
            }
        }
    }
}
