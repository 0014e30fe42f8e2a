use std::sync::Arc;
use std::time::Duration;

use super::spool_view::SpoolView;

/// A host that can be looked at, from any thread and without waiting.
pub trait LiveHost: Send + Sync {
    fn view(&self) -> HostView;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostState {
    Running,
    Draining,
    Stopped,
}

/// Results that have not yet the server's yes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutboxView {
    pub results: usize,
    pub bytes: usize,
    pub oldest_age: Option<Duration>,
}

/// One host at the time of a look.
#[derive(Debug, Clone)]
pub struct HostView {
    /// The server's URL without user information.
    pub server: String,
    pub state: HostState,
    pub outbox: OutboxView,
    /// `None`: results are in memory only.
    pub spool: Option<SpoolView>,
    /// So much waits there that no task is taken.
    pub outbox_is_full: bool,
    /// The server refuses the key or its token, and no task is taken.
    pub unauthorized: bool,
    pub workers: Vec<WorkerView>,
}

#[derive(Debug, Clone)]
pub struct WorkerView {
    pub task_type: Arc<str>,
    pub domain: Option<String>,
    pub worker_id: String,
    pub thread_count: usize,
    pub slots_in_use: usize,
    /// Tasks that wait for a thread.
    pub prefetched: usize,
    pub paused: bool,
    /// Its results do not get through, and no task of it is taken.
    pub results_blocked: bool,
    /// Between the starts of two idle polls.
    pub poll_interval: Duration,
    /// How long its next poll is overdue.
    pub overdue: Duration,
}
