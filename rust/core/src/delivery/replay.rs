use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::held::HoldId;
use super::ledger::Ledger;
use super::letter::Letter;
use super::trials::Trials;
use super::updater::{RETRY, Updater};
use crate::error::{Error, Judgement};
use crate::observe::{EventSink, worker_metrics};
use crate::spool::{Spool, StoredResult};
use crate::supervise::spawn;
use crate::transport::{Backoff, TaskClient};
use crate::wire::{Status, TaskResult};

/// The most that are sent at once: they are late already, and fresh results matter more.
const MOST_AT_ONCE: usize = 8;
/// Between tries while the server takes none. Not longer, so that the first goes through soon after its return.
const PAUSES: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_millis(1_500));
/// For so long no task is polled before what was left is delivered. A server that is down for longer would
/// answer no poll either; one that takes results of one type only is not to keep all others waiting.
const HEAD_START: Duration = Duration::from_secs(30);

/// Delivers what ended processes have left: earliest deadline first, one at a time, more while that goes well.
pub struct Replay {
    spool: Arc<Spool>,
    client: Arc<dyn TaskClient>,
    ledger: Arc<Ledger>,
    updater: Arc<Updater>,
    sink: Arc<dyn EventSink>,
    /// True while tasks may be polled: what was left is delivered, and there is room for more.
    may_poll: watch::Sender<bool>,
    found: tokio::sync::Mutex<mpsc::UnboundedReceiver<Vec<StoredResult>>>,
}

/// A stored result, without its body, and its entry in the ledger.
struct Item {
    row: StoredResult,
    hold: HoldId,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It is out of this list, whatever became of it.
    Settled,
    NotNow,
}

/// An item that is being sent: it comes back, whatever panics.
struct InHand {
    item: Option<Item>,
    outcome: Outcome,
    tell: mpsc::UnboundedSender<(Item, Outcome)>,
}

impl InHand {
    fn became(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if let Some(item) = self.item.take() {
            // The loop is gone at the end of the host.
            let _ = self.tell.send((item, self.outcome));
        }
    }
}

impl Replay {
    pub fn new(
        spool: Arc<Spool>,
        found: mpsc::UnboundedReceiver<Vec<StoredResult>>,
        client: Arc<dyn TaskClient>,
        ledger: Arc<Ledger>,
        updater: Arc<Updater>,
        sink: Arc<dyn EventSink>,
    ) -> Self {
        let may_poll = watch::Sender::new(false);
        Self { spool, client, ledger, updater, sink, may_poll, found: tokio::sync::Mutex::new(found) }
    }

    pub fn may_poll(&self) -> watch::Receiver<bool> {
        self.may_poll.subscribe()
    }

    pub(crate) async fn run(self: Arc<Self>) {
        let mut found = self.found.lock().await;
        let mut room = self.spool.has_room();
        let (tell, mut told) = mpsc::unbounded_channel::<(Item, Outcome)>();
        let mut items: VecDeque<Item> = VecDeque::new();
        let (mut window, mut in_flight, mut has_looked) = (1, 0, false);
        let mut not_before = tokio::time::Instant::now();
        let head_start = not_before + HEAD_START;
        let mut is_ahead = true;
        let (mut failures, mut pauses) = (0, PAUSES);
        loop {
            let now = tokio::time::Instant::now();
            while in_flight < window && now >= not_before {
                let Some(item) = items.pop_front() else { break };
                in_flight += 1;
                let replay = Arc::clone(&self);
                let mut in_hand = InHand { item: Some(item), outcome: Outcome::NotNow, tell: tell.clone() };
                spawn(&self.sink, "delivery of a result that was left", async move {
                    let Some(item) = &in_hand.item else { return };
                    let outcome = replay.post(item).await;
                    in_hand.became(outcome);
                });
            }
            is_ahead &= !(has_looked && items.is_empty() && in_flight == 0) && now < head_start;
            let may_poll = !is_ahead && *room.borrow_and_update();
            self.may_poll.send_if_modified(|value| std::mem::replace(value, may_poll) != may_poll);
            tokio::select! {
                rows = found.recv() => match rows {
                    Some(rows) => {
                        has_looked = true;
                        items.extend(rows.into_iter().map(|row| self.enter(row)));
                        // Stable: of equal ones the older, which was found first.
                        items.make_contiguous().sort_by_key(|item| (item.row.deadline.unwrap_or(i64::MAX), item.row.created));
                    }
                    None => return,
                },
                Some((item, outcome)) = told.recv() => {
                    in_flight -= 1;
                    if outcome == Outcome::Settled {
                        window = (window * 2).min(MOST_AT_ONCE);
                        failures = 0;
                        pauses.succeeded();
                    } else {
                        // To the end, with all of its type: where only those are refused, the rest goes on.
                        let (same, rest): (Vec<_>, Vec<_>) =
                            items.drain(..).partition(|other| other.row.task_type == item.row.task_type);
                        items.extend(rest.into_iter().chain(same).chain([item]));
                        window = (window / 2).max(1);
                        failures += 1;
                        // One may be that result's own; two in a row are the server's.
                        if failures > 1 {
                            not_before = tokio::time::Instant::now() + pauses.failed(fastrand::f64());
                        }
                    }
                }
                _ = room.changed() => {}
                () = tokio::time::sleep_until(not_before), if !items.is_empty() && in_flight < window => {}
                () = tokio::time::sleep_until(head_start), if is_ahead => {}
            }
        }
    }

    /// From here on the task is not run again in this process.
    fn enter(&self, row: StoredResult) -> Item {
        let hold = self.ledger.stored(&row.identity.task_id, &row.task_type, row.is_terminal);
        Item { row, hold }
    }

    async fn post(self: &Arc<Self>, item: &Item) -> Outcome {
        let Some(row) = self.spool.load(item.row.id).await else {
            // Somebody has dropped it, or it is damaged, of which a line was logged.
            self.ledger.settled(item.hold);
            return Outcome::Settled;
        };
        let letter = Letter {
            hold: item.hold,
            metrics: worker_metrics(&row.task_type, None),
            result: TaskResult {
                identity: row.identity,
                status: if row.is_terminal { Status::Completed } else { Status::InProgress },
                body: row.body,
            },
            row: Some(row.id),
            backoff: RETRY,
            due: u64::MAX,
            trials: Trials::default(),
            probe: None,
            is_substitute: false,
        };
        let sent = Instant::now();
        match self.client.update_task(letter.result.body.clone()).await {
            Ok(()) => {
                let now = Instant::now();
                self.updater.accepted(&letter, now - sent, now);
                Outcome::Settled
            }
            Err(error) if is_settled_by(&error) => {
                self.updater.refused(letter, &error);
                Outcome::Settled
            }
            Err(error) => {
                if row.attempts == 0 {
                    self.spool.failed(item.row.id, &error);
                }
                self.updater.troubled(&letter, &error);
                Outcome::NotNow
            }
        }
    }
}

fn is_settled_by(error: &Error) -> bool {
    matches!(error.judge(), Judgement::Gone | Judgement::Poison)
}
