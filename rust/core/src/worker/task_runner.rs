use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, watch};

use super::executor::{Assignment, Cancellation, Completion, Executor};
use super::prefetch::{Ahead, start_by};
use super::progress::Progress;
use super::slots::{Slot, Slots, SlotsTaken};
use crate::delivery::{Admission, Finished, HoldId, LeaseClock, Ledger, Poller, Updater};
use crate::error::Error;
use crate::observe::{Area, EventSink, Level, LogRecord, WorkerMetrics, worker_metrics};
use crate::settings::{PollInterval, WorkerConfig};
use crate::transport::{Queue, TaskClient};
use crate::wire::{PolledTask, Status, TaskIdentity, TaskResultWriter};

/// How long tasks may wait for a thread that is awake but busy before another one is woken.
const RELIEF_AFTER: Duration = Duration::from_millis(1);

/// What may change while a worker runs and what its poll loop has to notice at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Control {
    pub(super) paused: bool,
    pub(super) poll_interval: PollInterval,
}

/// What the workers of one host share.
pub(crate) struct Shared {
    pub(crate) client: Arc<dyn TaskClient>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) sink: Arc<dyn EventSink>,
    pub(crate) report: mpsc::UnboundedSender<Finished<Option<Slot>>>,
    pub(crate) updater: Arc<Updater>,
    pub(crate) admission: Arc<Admission>,
    /// True while polling is wanted.
    pub(crate) polling: watch::Receiver<bool>,
}

/// One worker: what its loops share.
pub struct TaskRunner {
    pub(crate) config: WorkerConfig,
    pub(super) queue: Queue,
    pub(super) slots: Slots,
    pub(super) client: Arc<dyn TaskClient>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) sink: Arc<dyn EventSink>,
    /// True while polling is wanted.
    pub(super) polling: watch::Receiver<bool>,
    pub(super) admission: Arc<Admission>,
    pub(super) poller: Poller,
    pub(super) control: watch::Sender<Control>,
    pub(super) progress: Arc<Progress>,
    pub(super) metrics: Arc<WorkerMetrics>,
    pub(super) executor: Arc<dyn Executor>,
    report: mpsc::UnboundedSender<Finished<Option<Slot>>>,
    pub(super) updater: Arc<Updater>,
    relief_wanted: Notify,
    ahead: Mutex<Ahead>,
    /// Tasks went to the executor for which it may have no thread.
    pub(super) look_back_wanted: Notify,
    /// So that a sick server does not fill the log.
    told_of_duplicates: AtomicBool,
    pub(super) told_of_unusable: AtomicBool,
}

impl TaskRunner {
    pub(crate) fn new(config: WorkerConfig, executor: Arc<dyn Executor>, shared: Shared) -> Self {
        let Shared { client, ledger, sink, report, updater, admission, polling } = shared;
        let queue = Queue {
            task_type: Arc::clone(&config.task_type),
            domain: config.domain.clone(),
            worker_id: config.worker_id.clone(),
        };
        let slots = Slots::new(config.thread_count);
        executor.set_limit(config.thread_count);
        let ahead = Mutex::new(Ahead::new(config.prefetch));
        let control = Control { paused: config.paused, poll_interval: config.poll_interval };
        let metrics = worker_metrics(&config.task_type, config.domain.as_deref());
        Self {
            config,
            queue,
            slots,
            client,
            ledger,
            sink,
            polling,
            poller: admission.add(),
            admission,
            control: watch::Sender::new(control),
            progress: Arc::new(Progress::new()),
            metrics,
            executor,
            report,
            updater,
            relief_wanted: Notify::new(),
            ahead,
            look_back_wanted: Notify::new(),
            told_of_duplicates: AtomicBool::new(false),
            told_of_unusable: AtomicBool::new(false),
        }
    }

    /// No poll is sent until `resume`. One in flight is awaited; what it brings and what is here already is
    /// run as far as threads are free, and handed back otherwise.
    pub fn pause(&self) {
        self.control.send_modify(|control| control.paused = true);
    }

    /// Polls again, at once.
    pub fn resume(&self) {
        self.control.send_modify(|control| control.paused = false);
    }

    /// So many tasks run at once from now on. Fewer than are running: those finish, and none
    /// follows them.
    pub fn set_thread_count(&self, thread_count: usize) -> Result<(), Error> {
        self.config.check_thread_count(thread_count)?;
        self.slots.set_running(thread_count);
        self.executor.set_limit(thread_count);
        self.look_back_wanted.notify_one();
        Ok(())
    }

    /// The time between the starts of two idle polls, kept exactly. The next poll is sent at once.
    pub fn set_poll_interval(&self, poll_interval: Duration) {
        let poll_interval = PollInterval::Exactly(poll_interval);
        self.control.send_modify(|control| control.poll_interval = poll_interval);
    }

    /// How long the next step of the poll loop is overdue: a poll that should have been sent, or answered.
    /// Zero while all slots are taken and while the worker is paused.
    pub fn overdue(&self) -> Duration {
        self.progress.overdue()
    }

    /// Pairs each task with a slot and hands them to the executor; surplus slots are free again, and tasks
    /// that are more than was asked for go back to the server. A task that must not be run is reported from
    /// here. `since`: when the server may have started the clocks of their leases.
    ///
    /// Returns how many are not second deliveries of what is here already.
    pub(super) fn hand_out(&self, tasks: Vec<PolledTask>, since: Instant, mut taken: SlotsTaken) -> usize {
        let now = Instant::now();
        let mut batch = Vec::with_capacity(tasks.len());
        let mut fresh = 0;
        // And is the only one here: where the next one waits already, it is not to wait for a socket, nor for the GIL.
        let came_alone =
            tasks.len() == 1 && self.slots.running_and_held().1 == 0 && self.updater.posts_early();
        for task in tasks {
            let clock = LeaseClock { since, response_timeout: task.response_timeout };
            let task_id = &task.identity.task_id;
            let Some(hold) = self.ledger.hold(task_id, &self.config.task_type, clock) else {
                self.duplicate(&task.identity);
                continue;
            };
            fresh += 1;
            let cancellation = self.config.lease_extend_enabled.then(|| self.lease(hold, &task));
            let slot = taken.split_one();
            let is_surplus = slot.is_none();
            let metrics = Arc::clone(&self.metrics);
            let identity = task.identity.clone();
            let updater = came_alone.then(|| Arc::clone(&self.updater));
            let completion =
                Completion::new(hold, metrics, identity, slot, self.report.clone(), cancellation, updater);
            if let Some(reason) = task.refusal() {
                let status = Status::FailedWithTerminalError;
                self.metrics.not_executed("unreadable_input");
                let worker_id = &self.config.worker_id;
                completion.complete(TaskResultWriter::failure(&task.identity, worker_id, status, reason));
                continue;
            }
            let start_by = start_by(now, task.response_timeout);
            let assignment = Assignment { task, completion, start_by };
            if is_surplus {
                assignment.hand_back(&self.config.worker_id);
            } else {
                batch.push(assignment);
            }
        }
        self.submit(batch);
        fresh
    }

    /// Never handed back: that would call back the one that is here.
    #[cold]
    fn duplicate(&self, identity: &TaskIdentity) {
        if !self.told_of_duplicates.swap(true, Ordering::Relaxed) {
            let message = format!(
                "the server handed out task {} again, which runs here or whose result is on its way; \
                 that delivery is ignored, and so are later ones like it",
                identity.task_id
            );
            let record = LogRecord::new(Area::Poll, Level::Warning, message);
            self.sink.log(record.of_type(&self.config.task_type).of_task(identity));
        }
    }

    fn lease(&self, hold: HoldId, task: &PolledTask) -> Arc<Cancellation> {
        let cancellation = Arc::new(Cancellation::new(Arc::clone(&self.executor)));
        self.ledger.lease(hold, &task.identity, Some(Arc::clone(&cancellation) as _));
        cancellation
    }

    fn submit(&self, batch: Vec<Assignment>) {
        if batch.is_empty() {
            return;
        }
        if self.executor.submit(batch) {
            self.relief_wanted.notify_one();
        }
        // Otherwise there is a thread for each: nothing is to be handed back.
        let (running, held) = self.slots.running_and_held();
        if held > running {
            self.look_back_wanted.notify_one();
        }
    }

    pub(super) fn ahead(&self) -> MutexGuard<'_, Ahead> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
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
