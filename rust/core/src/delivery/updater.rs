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
use super::trials::Trials;
use super::trouble::Trouble;
use crate::error::{Error, Judgement};
use crate::observe::{EventSink, WorkerMetrics};
use crate::spool::{RowId, Spool};
use crate::supervise::{spawn, supervise};
use crate::transport::{Backoff, TaskClient};
use crate::wire::{Status, TaskResult};

pub(super) const RETRY: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));

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
    pub(super) outbox: Arc<Outbox>,
    pub(super) spool: Option<Arc<Spool>>,
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
        let outbox = Arc::new(Outbox::new(lanes));
        let updater = Arc::new(Self {
            client,
            ledger,
            sink: Arc::clone(sink),
            early: EarlyPosts::new(runtime.clone(), Arc::clone(&outbox)),
            outbox,
            spool,
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
        // It may be handed out again before the ledger has let it go.
        if result.status == Status::InProgress {
            return None;
        }
        self.early.begin(|| {
            let (client, body) = (Arc::clone(&self.client), result.body.clone());
            Box::pin(async move { client.update_task(body).await })
        })
    }

    /// Of the host.
    pub(crate) fn since_start(&self) -> Duration {
        now().saturating_duration_since(self.start)
    }

    /// Not where a result is on disk before it is sent.
    pub(crate) fn posts_early(&self) -> bool {
        self.spool.is_none()
    }

    fn await_answer(self: &Arc<Self>, early: EarlyPost, letter: Letter) {
        let updater = Arc::clone(self);
        spawn(&self.sink, "posting of a result", async move {
            let (in_hand, post) = early.in_hand(letter, &updater.outbox);
            let answer = post.await;
            updater.answered(in_hand, answer);
            updater.outbox.tell();
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

    /// On disk it is not needed any more.
    pub(super) fn forget(&self, letter: &Letter) {
        if let (Some(spool), Some(row)) = (&self.spool, letter.row) {
            spool.acknowledge(row);
            self.became(letter, row, Fate::Settled);
        }
    }

    pub(super) fn became(&self, letter: &Letter, row: RowId, fate: Fate) {
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
