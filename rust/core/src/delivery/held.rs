use std::sync::Arc;

/// One holding of one task. A task that was handed in with IN_PROGRESS may come back before the answer
/// to that report does, so the task id alone does not tell two holdings apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId(pub(super) u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Polled; its function has not returned yet.
    Running,
    /// Its result waits for the server's yes.
    Undelivered,
    /// The same, but the result was IN_PROGRESS: the server may hand the task out again before its yes arrives.
    HandedIn,
}

#[derive(Debug, Clone)]
pub struct Held {
    pub task_id: Arc<str>,
    pub task_type: Arc<str>,
    pub stage: Stage,
}
