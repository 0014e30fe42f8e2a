use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::blocked::Blocked;
use super::early_post::{EarlyPost, EarlyPosts};
use super::held::HoldId;
use super::keeping::keep;
use super::ledger::{Ledger, Returned};
use super::leftovers::Fate;
use super::letter::{Letter, Probe};
use super::outbox::{InHand, Outbox, now};
use super::trials::{Trials, Verdict};
use super::trouble::Trouble;
use crate::error::{Error, Judgement};
use crate::observe::{EventSink, Level, WorkerMetrics};
use crate::spool::{RowId, Spool};
use crate::supervise::{spawn, supervise};
use crate::transport::{Backoff, TaskClient};
use crate::wire::{Status, TaskResult, TaskResultWriter};

pub(super) const RETRY: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
/// The address or the rights are wrong: somebody has to come and change them.
const RETRY_SELDOM: Duration = Duration::from_secs(10);

/// So many results are taken in at a turn.
const INTAKE: usize = 64;
/// So few are posted before the poll that their slots allow: nobody waits for that one as for them.
const FEW: usize = 8;

/// A function has returned: its result, and whatever has to be let go once the outbox has it.
pub struct Finished<G> {
    pub hold: HoldId,
    /// Of its worker.
    pub metrics: Arc<WorkerMetrics>,
    pub result: TaskResult,
    /// Dropped as soon as the result is in the outbox: the slot.
    pub guard: G,
    /// It is on its way already.
    pub early: Option<EarlyPost>,
}

/// Posts results until the server has said yes to each; never gives up, never holds a slot.
pub struct Updater {
    client: Arc<dyn TaskClient>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) sink: Arc<dyn EventSink>,
    pub(super) outbox: Outbox,
    spool: Option<Arc<Spool>>,
    early: EarlyPosts,
    /// Task types whose last post failed.
    pub(super) trouble: Mutex<Trouble>,
    /// Their number: a post that succeeds looks at this alone.
    pub(super) failing_types: AtomicUsize,
    pub(super) start: Instant,
    /// Who hands on what ended processes have left.
    leftovers: OnceLock<mpsc::UnboundedSender<(RowId, Fate)>>,
}

impl Updater {
    /// Starts the updater, and gives it and the way to it. There are never more than `lanes` posts in flight.
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
            early: EarlyPosts::new(runtime.clone()),
            trouble: Mutex::default(),
            failing_types: AtomicUsize::new(0),
            start: now(),
            leftovers: OnceLock::new(),
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
        let timed = Arc::clone(&updater);
        supervise(runtime, sink, "timing of results", move || {
            let timed = Arc::clone(&timed);
            async move { timed.outbox.keep_time(|| timed.ledger.accepted()).await }
        });
        (updater, report)
    }

    /// There is a worker for this task type.
    pub fn register(&self, task_type: &Arc<str>) {
        self.outbox.register(task_type);
    }

    /// Of which task types no task is to be taken now.
    pub fn blocked(&self) -> watch::Receiver<Blocked> {
        self.outbox.blocked()
    }

    /// From now on `tell` hears what becomes of them.
    pub(super) fn tell_of_leftovers(&self, tell: mpsc::UnboundedSender<(RowId, Fate)>) {
        // There is one replay to a host.
        let _ = self.leftovers.set(tell);
    }

    async fn take_in<G>(
        self: Arc<Self>,
        finished: Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Finished<G>>>>,
    ) {
        let mut finished = finished.lock().await;
        let (mut arrived, mut guards) = (Vec::with_capacity(INTAKE), Vec::with_capacity(INTAKE));
        let mut dues = Vec::with_capacity(INTAKE);
        while finished.recv_many(&mut arrived, INTAKE).await > 0 {
            let returned = arrived.iter().map(|Finished { hold, result, .. }| Returned {
                id: *hold,
                size: result.body.len(),
                in_progress: result.status == Status::InProgress,
            });
            self.ledger.finished(now(), returned, |end| {
                dues.push(end.map_or(u64::MAX, |end| end.saturating_duration_since(self.start).as_secs()));
            });
            let letters = arrived.drain(..).zip(dues.drain(..)).filter_map(|(finished, due)| {
                let Finished { hold, metrics, result, guard, early } = finished;
                guards.push(guard);
                let trials = Trials::default();
                let letter = Letter {
                    hold,
                    metrics,
                    result,
                    row: None,
                    due,
                    backoff: RETRY,
                    trials,
                    is_substitute: false,
                    is_leftover: false,
                    probe: None,
                };
                match early {
                    None => Some(letter),
                    Some(early) => {
                        self.await_answer(early, letter);
                        None
                    }
                }
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
            // Of many, slots first: the poll that they allow is then on its way while the results are written.
            if guards.len() > FEW {
                guards.clear();
            }
            self.outbox.tell();
            guards.clear();
        }
    }

    async fn post(self: Arc<Self>) {
        loop {
            let in_hand = self.outbox.next().await;
            let letter = &in_hand.letter;
            // Sent after the new holding's own report, it would call a task back that is already further on.
            if letter.may_be_superseded() && self.ledger.is_superseded(letter.hold) {
                self.forget(letter);
                self.ledger.settled(letter.hold);
                in_hand.withdraw();
                continue;
            }
            let answer = self.client.update_task(letter.body()).await;
            self.answered(in_hand, answer);
        }
    }

    /// Sends a result from this thread, if it is the only one and nothing speaks against it.
    pub(crate) fn begin(&self, result: &TaskResult) -> Option<EarlyPost> {
        // On disk comes first; and a task that goes back may be handed out again before the ledger has let it go.
        if self.spool.is_some() || result.status == Status::InProgress {
            return None;
        }
        self.early.begin(
            || self.outbox.is_quiet(),
            || {
                let (client, body) = (Arc::clone(&self.client), result.body.clone());
                Box::pin(async move { client.update_task(body).await })
            },
        )
    }

    fn await_answer(self: &Arc<Self>, early: EarlyPost, letter: Letter) {
        let updater = Arc::clone(self);
        spawn(&self.sink, "posting of a result", async move {
            let in_hand = updater.outbox.begun(letter, early.sent());
            let answer = early.answer().await;
            updater.answered(in_hand, answer);
        });
    }

    fn answered(self: &Arc<Self>, mut in_hand: InHand<'_>, answer: Result<(), Error>) {
        let (took, now) = in_hand.answered(answer.as_ref().is_err_and(tells_of_trouble));
        let letter = &in_hand.letter;
        match answer {
            Ok(()) if letter.probe == Some(Probe::Heartbeat) => self.takes_others(letter.clone()),
            Ok(()) => self.accepted(letter, took, now),
            Err(error) => {
                letter.metrics.update_failed(took, &error);
                self.refused(letter.clone(), &error);
            }
        }
        in_hand.dealt_with();
    }

    pub(super) fn accepted(&self, letter: &Letter, took: Duration, now: Instant) {
        // Before the ledger lets go: whoever waits for it then finds the event told, and all counted.
        self.delivered(letter, took);
        self.forget(letter);
        self.ledger.delivered(letter.hold, now, || letter.metrics.delivered_after_deadline());
        if self.failing_types.load(Ordering::Relaxed) > 0 {
            self.is_up(letter);
        }
    }

    #[cold]
    pub(super) fn refused(self: &Arc<Self>, mut letter: Letter, error: &Error) {
        let judgement = error.judge();
        let verdict = if letter.probe == Some(Probe::Heartbeat) && judgement != Judgement::Gone {
            Verdict::Retry
        } else {
            letter.trials.failed(judgement, self.ledger.accepted())
        };
        let task_id = Arc::clone(&letter.result.identity.task_id);
        match verdict {
            Verdict::Retry => return self.again(letter, judgement, error),
            Verdict::Gone => {
                let message = format!(
                    "the server does not know task {task_id} any more; its result is dropped: {error}"
                );
                self.log(Level::Warning, message, &letter);
                letter.metrics.result_gone();
            }
            Verdict::DeadLetter if letter.is_substitute => {
                let message = format!(
                    "the server refuses every report of task {task_id}; it is left to time out: {error}"
                );
                self.log(Level::Error, message, &letter);
            }
            Verdict::DeadLetter => {
                let message = format!(
                    "the server refused the result of task {task_id}, which fails with that reason: {error}"
                );
                self.log(Level::Error, message, &letter);
                letter.metrics.dead_letter();
            }
        }
        self.given_up(&letter, error);
        if judgement == Judgement::Suspect {
            self.outbox.probe_ended(&letter);
        } else {
            // Whatever it says of this result, the server is there.
            self.is_up(&letter);
        }
        if verdict == Verdict::Gone || letter.is_substitute {
            self.forget(&letter);
            return self.ledger.settled(letter.hold);
        }
        let reason = format!("The server refused the result of this task: {error}");
        let status = Status::FailedWithTerminalError;
        letter.result = TaskResultWriter::failure(&letter.result.identity, "", status, &reason);
        letter.is_substitute = true;
        letter.probe = None;
        self.post_instead(letter, error);
    }

    fn again(&self, mut letter: Letter, judgement: Judgement, error: &Error) {
        let asked = error.retry_after();
        let delay = match judgement {
            Judgement::Misconfigured => RETRY_SELDOM.mul_f64(0.5 + fastrand::f64() / 2.0),
            _ => letter.backoff.failed(fastrand::f64()),
        };
        if let (1, Some(spool), Some(row)) = (letter.trials.failed, &self.spool, letter.row) {
            spool.failed(row, error);
            self.became(&letter, row, Fate::Failing);
        }
        if judgement != Judgement::Conflict {
            self.troubled(&letter, error);
        }
        self.debug(&letter, || {
            let (tries, task_id) = (letter.trials.failed, &letter.result.identity.task_id);
            format!("try {tries} to deliver the result of task {task_id} failed: {error}")
        });
        // Only now: a result that is delivered at once needs no lease of its own.
        self.ledger.lease(letter.hold, &letter.result.identity, None);
        let metrics = Arc::clone(&letter.metrics);
        let changes = self.outbox.again(letter, judgement, delay, asked);
        self.tell(&changes, &metrics.task_type, Some(error));
    }

    /// The server took a heartbeat in the place of this result, so that it is the result that it cannot take,
    /// unless it takes that now.
    #[cold]
    fn takes_others(&self, mut letter: Letter) {
        self.ledger.took_heartbeat();
        self.outbox.probe_ended(&letter);
        letter.probe = None;
        self.outbox.push(letter);
    }

    /// `letter` stands in for what the server refused with `error`; that is kept for people, if there is a place.
    fn post_instead(self: &Arc<Self>, mut letter: Letter, error: &Error) {
        let tries = std::mem::take(&mut letter.trials).failed;
        let Some(spool) = &self.spool else { return self.outbox.push(letter) };
        if let Some(row) = letter.row.take() {
            spool.dead_letter(row, tries, error);
            self.became(&letter, row, Fate::Settled);
        }
        letter.is_leftover = false;
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
            self.became(letter, row, Fate::Settled);
        }
    }

    fn became(&self, letter: &Letter, row: RowId, fate: Fate) {
        if let (true, Some(tell)) = (letter.is_leftover, self.leftovers.get()) {
            // At the end of the host nobody hands on anything.
            let _ = tell.send((row, fate));
        }
    }
}

/// Not what is wrong with one result or with our address and rights.
fn tells_of_trouble(error: &Error) -> bool {
    matches!(error.judge(), Judgement::Transient | Judgement::Throttled | Judgement::Suspect)
}
