use std::sync::Arc;

/// Of which task types no task is to be taken now, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Blocked {
    /// The server refuses our key or token.
    pub unauthorized: bool,
    /// No result of any task type gets through.
    pub server: bool,
    /// The server asked for a rest.
    pub resting: bool,
    /// Whose results do not get through.
    pub types: Vec<Arc<str>>,
}

impl Blocked {
    pub fn blocks(&self, task_type: &str) -> bool {
        self.unauthorized
            || self.server
            || self.resting
            || self.types.iter().any(|blocked| **blocked == *task_type)
    }
}
