//! What the server's thread and its users' threads share, each under a lock that is held for microseconds.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::fault::Faults;
use crate::options::Options;
use crate::status::TaskStatus;
use crate::task_store::TaskStore;
use crate::tokens::Tokens;
use crate::transcript::Transcript;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    store: Mutex<TaskStore>,
    transcript: Mutex<Transcript>,
    faults: Mutex<Faults>,
    tokens: Mutex<Tokens>,
    schemas: Mutex<Schemas>,
    /// Requests below `/api` and `/health`; `/dev` is not counted.
    pub(crate) requests: AtomicU64,
    pub(crate) connections_opened: AtomicU64,
    /// Ends the server's thread.
    pub(crate) stop: Notify,
    /// What callers of `wait_for` wait for. Kept as numbers, because waking a thread per finished task would
    /// cost the server more than the task.
    waits: Mutex<Vec<Wait>>,
    reached: Condvar,
}

/// By name and version.
pub(crate) type Schemas = BTreeMap<(String, u64), Value>;

/// `status` `None`: any terminal one.
#[derive(Clone, Debug)]
pub(crate) struct Wait {
    pub(crate) count: usize,
    pub(crate) task_type: Option<String>,
    pub(crate) status: Option<TaskStatus>,
}

impl Wait {
    fn is_reached(&self, store: &TaskStore) -> bool {
        let wanted = |status: TaskStatus| self.status.map_or(status.is_terminal(), |wanted| status == wanted);
        store.census.count(self.task_type.as_deref(), wanted) >= self.count
    }

    fn is_same(&self, other: &Self) -> bool {
        (self.count, &self.task_type, self.status) == (other.count, &other.task_type, other.status)
    }
}

impl Shared {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            clock: Clock::new(),
            store: Mutex::new(TaskStore::new()),
            transcript: Mutex::new(Transcript::new(options.transcript_capacity)),
            faults: Mutex::default(),
            tokens: Mutex::default(),
            schemas: Mutex::default(),
            requests: AtomicU64::new(0),
            connections_opened: AtomicU64::new(0),
            stop: Notify::new(),
            waits: Mutex::default(),
            reached: Condvar::new(),
            options,
        }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, TaskStore> {
        lock(&self.store)
    }

    pub(crate) fn transcript(&self) -> MutexGuard<'_, Transcript> {
        lock(&self.transcript)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, Tokens> {
        lock(&self.tokens)
    }

    pub(crate) fn schemas(&self) -> MutexGuard<'_, Schemas> {
        lock(&self.schemas)
    }

    /// Wakes `wait_for` callers whose number is reached. Call it after changes, with the store still locked.
    pub(crate) fn wake_waits(&self, store: &TaskStore) {
        if lock(&self.waits).iter().any(|wait| wait.is_reached(store)) {
            self.reached.notify_all();
        }
    }

    /// Blocks the calling thread; `false` after the timeout.
    pub(crate) fn wait_for(&self, wait: &Wait, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        lock(&self.waits).push(wait.clone());
        let mut store = self.store();
        let reached = loop {
            if wait.is_reached(&store) {
                break true;
            }
            // Without a deadline: as good as for ever, checked once an hour.
            let left =
                deadline.map_or(Duration::from_hours(1), |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break false;
            }
            store = self.reached.wait_timeout(store, left).unwrap_or_else(PoisonError::into_inner).0;
        };
        drop(store);
        let mut waits = lock(&self.waits);
        if let Some(position) = waits.iter().position(|other| other.is_same(wait)) {
            waits.swap_remove(position);
        }
        reached
    }
}

/// A panic under a lock leaves the data whole enough for a test server to go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
