use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::held::HoldId;
use super::keeping::keep;
use super::ledger::{Ledger, Returned};
use super::outbox::{Letter, Outbox};
use crate::error::{Error, Judgement};
use crate::observe::{Area, EventSink, Happening, Level, LogRecord, WorkerMetrics};
use crate::spool::Spool;
use crate::supervise::{spawn, supervise};
use crate::transport::{Backoff, TaskClient};
use crate::wire::{Status, TaskResult, TaskResultWriter};

pub(super) const RETRY: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
/// The address or the rights are wrong: somebody has to come and change them.
const RETRY_SELDOM: Duration = Duration::from_secs(10);

/// So many results are taken in at a turn.
const INTAKE: usize = 64;

/// A function has returned: its result, and whatever has to be let go once the outbox has it.
pub struct Finished<G> {
    pub hold: HoldId,
    /// Of its worker.
    pub metrics: Arc<WorkerMetrics>,
    pub result: TaskResult,
    /// Dropped as soon as the result is in the outbox: the slot.
    pub guard: G,
}

/// Posts results until the server has said yes to each; never gives up, never holds a slot.
pub struct Updater {
    client: Arc<dyn TaskClient>,
    ledger: Arc<Ledger>,
    sink: Arc<dyn EventSink>,
    outbox: Outbox,
    spool: Option<Arc<Spool>>,
    /// Task types whose last post failed: so that trouble is logged when it begins and when it ends.
    failing: Mutex<HashMap<Arc<str>, u64>>,
    /// Their number: a post that succeeds looks at this alone.
    failing_types: AtomicUsize,
}

impl Updater {
    /// Starts the updater and returns the way to it. There are never more than `lanes`
    /// posts in flight.
    pub fn start<G: Send + 'static>(
        runtime: &Handle,
        client: Arc<dyn TaskClient>,
        ledger: Arc<Ledger>,
        sink: &Arc<dyn EventSink>,
        lanes: usize,
        spool: Option<Arc<Spool>>,
    ) -> (Arc<Self>, mpsc::UnboundedSender<Finished<G>>) {
        let (report, finished) = mpsc::unbounded_channel();
        let updater = Arc::new(Self {
            client,
            ledger,
            sink: Arc::clone(sink),
            outbox: Outbox::new(lanes),
            spool,
            failing: Mutex::default(),
            failing_types: AtomicUsize::new(0),
        });
        let finished = Arc::new(tokio::sync::Mutex::new(finished));
        supervise(runtime, sink, "intake of results", {
            let updater = Arc::clone(&updater);
            move || Arc::clone(&updater).take_in(Arc::clone(&finished))
        });
        // Most of them sleep: the outbox lets as many post as are of use.
        for _ in 0..lanes {
            let updater = Arc::clone(&updater);
            supervise(runtime, sink, "posting of results", move || Arc::clone(&updater).post());
        }
        (updater, report)
    }

    async fn take_in<G>(
        self: Arc<Self>,
        finished: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Finished<G>>>>,
    ) {
        let mut finished = finished.lock().await;
        let (mut arrived, mut guards) = (Vec::with_capacity(INTAKE), Vec::with_capacity(INTAKE));
        while finished.recv_many(&mut arrived, INTAKE).await > 0 {
            let returned = arrived.iter().map(|Finished { hold, result, .. }| Returned {
                id: *hold,
                size: result.body.len(),
                in_progress: result.status == Status::InProgress,
            });
            self.ledger.finished(Instant::now(), returned);
            let letters = arrived.drain(..).map(|Finished { hold, metrics, result, guard }| {
                guards.push(guard);
                Letter { hold, metrics, result, row: None, backoff: RETRY, tries: 0, is_substitute: false }
            });
            match &self.spool {
                None => self.outbox.extend(letters),
                Some(spool) => {
                    let mut letters: Vec<_> = letters.collect();
                    guards.clear();
                    // Meanwhile no more results are taken in, and their slots not freed: a slow disk holds back
                    // polling by itself.
                    keep(spool, &self.ledger, &mut letters).await;
                    self.outbox.extend(letters.into_iter());
                }
            }
            // Slots first: the poll that they allow is then on its way while the results are written.
            guards.clear();
            self.outbox.tell();
        }
    }

    async fn post(self: Arc<Self>) {
        loop {
            let mut in_hand = self.outbox.next().await;
            let answer = self.client.update_task(in_hand.letter.result.body.clone()).await;
            let (took, now) = in_hand.answered(answer.as_ref().is_err_and(tells_of_trouble));
            let letter = &in_hand.letter;
            match answer {
                Ok(()) => self.accepted(letter, took, now),
                Err(error) => {
                    letter.metrics.update_failed(took, &error);
                    self.refused(letter.clone(), &error);
                }
            }
            in_hand.dealt_with();
        }
    }

    #[cold]
    pub(super) fn refused(self: &Arc<Self>, mut letter: Letter, error: &Error) {
        let task_id = Arc::clone(&letter.result.identity.task_id);
        letter.tries = letter.tries.saturating_add(1);
        let delay = match error.judge() {
            Judgement::Transient | Judgement::Throttled => letter.backoff.failed(fastrand::f64()),
            Judgement::Misconfigured => RETRY_SELDOM.mul_f64(0.5 + fastrand::f64() / 2.0),
            Judgement::Gone => {
                let message = format!(
                    "the server does not know task {task_id} any more; its result is dropped: {error}"
                );
                self.log(Level::Warning, message, &letter);
                self.given_up(&letter, error);
                self.forget(&letter);
                return self.ledger.settled(letter.hold);
            }
            Judgement::Poison if letter.is_substitute => {
                let message = format!(
                    "the server refuses every report of task {task_id}; it is left to time out: {error}"
                );
                self.log(Level::Error, message, &letter);
                self.given_up(&letter, error);
                self.forget(&letter);
                return self.ledger.settled(letter.hold);
            }
            Judgement::Poison => {
                let reason = format!("The server refused the result of this task: {error}");
                self.log(Level::Error, format!("the server refused the result of task {task_id}, which fails with that reason: {error}"), &letter);
                self.given_up(&letter, error);
                letter.result = TaskResultWriter::failure(
                    &letter.result.identity,
                    "",
                    Status::FailedWithTerminalError,
                    &reason,
                );
                letter.is_substitute = true;
                return self.post_instead(letter, error);
            }
        };
        if let (1, Some(spool), Some(row)) = (letter.tries, &self.spool, letter.row) {
            spool.failed(row, error);
        }
        self.troubled(&letter, error);
        self.debug(&letter, || {
            let (tries, seconds) = (letter.tries, delay.as_secs_f64());
            format!(
                "try {tries} to deliver the result of task {task_id} failed, next in {seconds:.1} s: {error}"
            )
        });
        // Only now: a result that is delivered at once needs no lease of its own.
        self.ledger.lease(letter.hold, &letter.result.identity, None);
        let updater = Arc::clone(self);
        spawn(&self.sink, "wait before a retry", async move {
            tokio::time::sleep(delay).await;
            // Sent after the new holding's own report, it would call a task back that is already further on.
            if letter.result.status == Status::InProgress && updater.ledger.is_superseded(letter.hold) {
                return updater.ledger.settled(letter.hold);
            }
            updater.outbox.push(letter);
        });
    }

    /// `letter` stands in for what the server refused with `error`; that is kept for people, if there is a place.
    fn post_instead(self: &Arc<Self>, mut letter: Letter, error: &Error) {
        let tries = std::mem::take(&mut letter.tries);
        let Some(spool) = &self.spool else { return self.outbox.push(letter) };
        if let Some(row) = letter.row.take() {
            spool.dead_letter(row, tries, error);
        }
        let (updater, spool) = (Arc::clone(self), Arc::clone(spool));
        spawn(&self.sink, "keeping of a failure", async move {
            let mut letters = vec![letter];
            keep(&spool, &updater.ledger, &mut letters).await;
            for letter in letters {
                updater.outbox.push(letter);
            }
        });
    }

    /// On disk it is not needed any more.
    fn forget(&self, letter: &Letter) {
        if let (Some(spool), Some(row)) = (&self.spool, letter.row) {
            spool.acknowledge(row);
        }
    }

    /// The server has taken a letter; `took` is how long that took.
    pub(super) fn accepted(&self, letter: &Letter, took: Duration, now: Instant) {
        // Before the ledger lets go: whoever waits for it then finds the event told, and all counted.
        self.delivered(letter, took);
        self.forget(letter);
        self.ledger.delivered(letter.hold, now, || letter.metrics.delivered_after_deadline());
        if self.failing_types.load(Ordering::Relaxed) > 0 {
            self.recovered(&letter.metrics.task_type);
        }
    }

    pub(super) fn troubled(&self, letter: &Letter, error: &Error) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = failing.entry(Arc::clone(&letter.metrics.task_type)).or_insert(0);
        *tries += 1;
        if *tries == 1 {
            self.failing_types.fetch_add(1, Ordering::Relaxed);
            let message = format!(
                "results of {:?} cannot be delivered; they are kept and retried: {error}",
                letter.metrics.task_type
            );
            self.log(Level::Warning, message, letter);
        }
    }

    fn recovered(&self, task_type: &Arc<str>) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tries) = failing.remove(task_type) {
            self.failing_types.fetch_sub(1, Ordering::Relaxed);
            let message = format!("results of {task_type:?} are delivered again, after {tries} failed tries");
            self.sink.log(LogRecord::new(Area::Update, Level::Info, message).of_type(task_type));
        }
    }

    fn delivered(&self, letter: &Letter, duration: Duration) {
        letter.metrics.updated(duration);
        self.debug(letter, || {
            let (task_id, millis) = (&letter.result.identity.task_id, duration.as_secs_f64() * 1_000.0);
            format!("delivered the result of task {task_id} in {millis:.1} ms")
        });
        self.sink.tell(&letter.metrics.task_type, || {
            let identity = letter.result.identity.clone();
            Happening::TaskUpdateCompleted {
                task_id: identity.task_id,
                workflow_instance_id: identity.workflow_instance_id,
                duration,
            }
        });
    }

    fn given_up(&self, letter: &Letter, cause: &Error) {
        let identity = letter.result.identity.clone();
        self.sink.tell(&letter.metrics.task_type, || Happening::TaskUpdateFailure {
            task_id: identity.task_id,
            workflow_instance_id: identity.workflow_instance_id,
            cause: cause.clone(),
            tries: letter.tries,
            result: letter.result.body.clone(),
        });
    }

    fn debug(&self, letter: &Letter, message: impl FnOnce() -> String) {
        self.sink.debug(Area::Update, &letter.metrics.task_type, Some(&letter.result.identity), message);
    }

    fn log(&self, level: Level, message: String, letter: &Letter) {
        let record = LogRecord::new(Area::Update, level, message).of_type(&letter.metrics.task_type);
        self.sink.log(record.of_task(&letter.result.identity));
    }
}

/// Not what is wrong with one result or with our address and rights.
fn tells_of_trouble(error: &Error) -> bool {
    matches!(error.judge(), Judgement::Transient | Judgement::Throttled)
}
