use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::command::{Answer, Command};
use super::row::{RowId, StoredResult};

/// Acknowledged rows wait so long for a transaction that is written anyway. After a crash in between they are
/// posted once more.
const ACKNOWLEDGEMENTS_WAIT: Duration = Duration::from_millis(10);
const ACKNOWLEDGEMENTS_AT_MOST: usize = 256;

/// Rows of one turn of the intake, and whom to tell how many of them, from the first on, are on disk.
pub(super) struct Batch {
    pub rows: Vec<StoredResult>,
    pub stored: oneshot::Sender<usize>,
}

/// Small things that are done one by one.
pub(super) enum Request {
    Load(RowId, oneshot::Sender<Option<StoredResult>>),
    Failed(RowId, String),
    DeadLetter(RowId, u32, String),
    Command(Command, std::sync::mpsc::SyncSender<Answer>),
}

/// All that has come since the last look.
#[derive(Default)]
pub(super) struct Work {
    pub batches: Vec<Batch>,
    pub acknowledged: Vec<RowId>,
    pub requests: Vec<Request>,
    pub closing: bool,
}

/// From the I/O thread to the spool's. The lock is held for no longer than a push.
#[derive(Default)]
pub(super) struct Queue {
    work: Mutex<Work>,
    arrived: Condvar,
}

impl Queue {
    pub(super) fn store(&self, batch: Batch) {
        self.lock().batches.push(batch);
        self.arrived.notify_one();
    }

    /// Wakes the thread for the first and for a full load only.
    pub(super) fn acknowledge(&self, id: RowId) {
        let mut work = self.lock();
        work.acknowledged.push(id);
        if work.acknowledged.len() == 1 || work.acknowledged.len() == ACKNOWLEDGEMENTS_AT_MOST {
            self.arrived.notify_one();
        }
    }

    pub(super) fn request(&self, request: Request) {
        self.lock().requests.push(request);
        self.arrived.notify_one();
    }

    /// No later work is looked at.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.arrived.notify_one();
    }

    /// What there is to do; nothing if that comes to `until` first.
    pub(super) fn take(&self, until: Instant) -> Work {
        let mut work = self.lock();
        let mut full_at = None;
        loop {
            if work.is_urgent() {
                return std::mem::take(&mut *work);
            }
            let now = Instant::now();
            if !work.acknowledged.is_empty() {
                full_at.get_or_insert(now + ACKNOWLEDGEMENTS_WAIT);
            }
            let end = full_at.map_or(until, |full: Instant| full.min(until));
            let Some(left) = end.checked_duration_since(now).filter(|left| !left.is_zero()) else {
                return std::mem::take(&mut *work);
            };
            work = self.arrived.wait_timeout(work, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Work {
    fn is_urgent(&self) -> bool {
        !self.batches.is_empty()
            || !self.requests.is_empty()
            || self.closing
            || self.acknowledged.len() >= ACKNOWLEDGEMENTS_AT_MOST
    }
}
