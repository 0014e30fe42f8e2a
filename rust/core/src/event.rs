//! What happened, for whoever listens: everybody below tells it, it knows nobody.

use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Debug,
    Info,
    Warning,
    Error,
}

/// A line for the log. It holds neither inputs nor outputs nor addresses with user information.
#[derive(Debug, Clone)]
pub struct LogRecord {
    pub level: Level,
    pub message: String,
    pub task_type: Option<Arc<str>>,
    pub task_id: Option<Arc<str>>,
}

impl LogRecord {
    pub fn new(level: Level, message: impl Into<String>) -> Self {
        Self { level, message: message.into(), task_type: None, task_id: None }
    }

    #[must_use]
    pub fn of_type(mut self, task_type: &Arc<str>) -> Self {
        self.task_type = Some(Arc::clone(task_type));
        self
    }

    #[must_use]
    pub fn of_task(mut self, task_id: &Arc<str>) -> Self {
        self.task_id = Some(Arc::clone(task_id));
        self
    }
}

/// The tap. Called on the I/O thread: it must not block.
pub trait EventSink: Send + Sync {
    fn log(&self, record: LogRecord);
}
