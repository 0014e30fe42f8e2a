use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, watch};

use super::held::HoldId;
use super::ledger::Ledger;
use super::leftovers::{Fate, Leftover, Leftovers};
use super::letter::Letter;
use super::outbox::now;
use super::trials::Trials;
use super::updater::{RETRY, Updater};
use crate::observe::worker_metrics;
use crate::spool::{RowId, Spool, StoredResult};
use crate::wire::{Status, TaskResult};

/// For so long no task is polled before what was left is delivered, or is known not to get through, so that no
/// task of its type is polled. A server that is down for longer would answer no poll either.
const HEAD_START: Duration = Duration::from_secs(30);

/// Hands on what ended processes have left, a few at a time, to the outbox: there it is posted, and waits while
/// its way is down or the server asks for a rest, like any other result.
pub struct Replay {
    spool: Arc<Spool>,
    ledger: Arc<Ledger>,
    updater: Arc<Updater>,
    /// True while tasks may be polled: what was left is delivered, and there is room for more.
    may_poll: watch::Sender<bool>,
    state: Mutex<State>,
}

/// Survives a panic of the loop.
struct State {
    found: mpsc::UnboundedReceiver<Vec<StoredResult>>,
    told: mpsc::UnboundedReceiver<(RowId, Fate)>,
    leftovers: Leftovers,
}

impl Replay {
    pub fn new(
        spool: Arc<Spool>,
        found: mpsc::UnboundedReceiver<Vec<StoredResult>>,
        ledger: Arc<Ledger>,
        updater: Arc<Updater>,
    ) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        updater.tell_of_leftovers(tell);
        let state = Mutex::new(State { found, told, leftovers: Leftovers::new() });
        Self { spool, ledger, updater, may_poll: watch::Sender::new(false), state }
    }

    pub fn may_poll(&self) -> watch::Receiver<bool> {
        self.may_poll.subscribe()
    }

    pub(crate) async fn run(self: Arc<Self>) {
        let mut state = self.state.lock().await;
        let State { found, told, leftovers } = &mut *state;
        let (mut room, mut blocked) = (self.spool.has_room(), self.updater.blocked());
        let head_start = tokio::time::Instant::now() + HEAD_START;
        let (mut has_looked, mut is_ahead) = (false, true);
        loop {
            while let Some(leftover) = leftovers.next() {
                let id = leftover.row.id;
                if !self.hand_on(leftover).await {
                    leftovers.became(id, Fate::Settled);
                }
            }
            let goes_through = {
                let blocked = blocked.borrow_and_update();
                leftovers.types().any(|task_type| !blocked.blocks(task_type))
            };
            is_ahead &= (!has_looked || goes_through) && tokio::time::Instant::now() < head_start;
            let may_poll = !is_ahead && *room.borrow_and_update();
            self.may_poll.send_if_modified(|value| std::mem::replace(value, may_poll) != may_poll);
            tokio::select! {
                rows = found.recv() => match rows {
                    Some(rows) => {
                        has_looked = true;
                        leftovers.extend(rows.into_iter().map(|row| self.enter(row)));
                    }
                    None => return,
                },
                Some((id, fate)) = told.recv() => leftovers.became(id, fate),
                _ = room.changed() => {}
                _ = blocked.changed(), if is_ahead => {}
                () = tokio::time::sleep_until(head_start), if is_ahead => {}
            }
        }
    }

    /// From here on the task is not run again in this process.
    fn enter(&self, row: StoredResult) -> Leftover {
        let hold = self.ledger.stored(&row.identity.task_id, &row.task_type, row.is_terminal);
        Leftover { row, hold }
    }

    /// False: somebody has dropped it, or it is damaged, of which a line was logged.
    async fn hand_on(&self, leftover: Leftover) -> bool {
        if let Some(row) = self.spool.load(leftover.row.id).await {
            self.updater.deliver(row, leftover.hold);
            return true;
        }
        self.ledger.settled(leftover.hold);
        false
    }
}

impl Updater {
    /// Posts a result that is on disk already.
    fn deliver(&self, row: StoredResult, hold: HoldId) {
        let due = row.deadline.map_or(u64::MAX, |deadline| {
            let left = u64::try_from(deadline - StoredResult::now_millis()).unwrap_or(0);
            (now() - self.start).as_secs() + left / 1_000
        });
        self.outbox.push(Letter {
            hold,
            metrics: worker_metrics(&row.task_type, None),
            result: TaskResult {
                identity: row.identity,
                status: if row.is_terminal { Status::Completed } else { Status::InProgress },
                body: row.body,
            },
            row: Some(row.id),
            backoff: RETRY,
            due,
            trials: Trials::default(),
            probe: None,
            is_substitute: false,
            is_leftover: true,
        });
    }
}
