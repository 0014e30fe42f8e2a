//! What happened, for whoever listens: everybody below tells it, it knows nobody.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::error::Error;
use crate::wire::TaskIdentity;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Info,
    Warning,
    Error,
}

/// What a log record is about: each has a logger of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    Poll,
    Update,
    Lease,
    Token,
    /// The user's functions.
    Worker,
    /// The loops themselves.
    Engine,
}

impl Area {
    /// In the order of their numbers, `area as usize`.
    pub const ALL: [Self; 6] =
        [Self::Poll, Self::Update, Self::Lease, Self::Token, Self::Worker, Self::Engine];

    pub fn name(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Update => "update",
            Self::Lease => "lease",
            Self::Token => "token",
            Self::Worker => "worker",
            Self::Engine => "engine",
        }
    }
}

/// A line for the log. It holds neither inputs nor outputs nor addresses with user information.
#[derive(Debug, Clone)]
pub struct LogRecord {
    pub at: SystemTime,
    pub area: Area,
    pub level: Level,
    pub message: String,
    pub task_type: Option<Arc<str>>,
    pub task: Option<TaskIdentity>,
}

impl LogRecord {
    pub fn new(area: Area, level: Level, message: impl Into<String>) -> Self {
        let at = SystemTime::now();
        Self { at, area, level, message: message.into(), task_type: None, task: None }
    }

    #[must_use]
    pub fn of_type(mut self, task_type: &Arc<str>) -> Self {
        self.task_type = Some(Arc::clone(task_type));
        self
    }

    #[must_use]
    pub fn of_task(mut self, task: &TaskIdentity) -> Self {
        self.task = Some(task.clone());
        self
    }
}

/// What happened around the tasks of a worker.
#[derive(Debug, Clone)]
pub struct TaskRunnerEvent {
    pub task_type: Arc<str>,
    pub what: Happening,
}

#[derive(Debug, Clone)]
pub enum Happening {
    PollStarted {
        worker_id: String,
        poll_count: usize,
    },
    PollCompleted {
        duration: Duration,
        tasks_received: usize,
    },
    PollFailure {
        duration: Duration,
        cause: Error,
    },
    /// The server has taken a result; `duration` is that of the call that it answered.
    TaskUpdateCompleted {
        task_id: Arc<str>,
        workflow_instance_id: Arc<str>,
        duration: Duration,
    },
    /// A result was given up, after `tries` calls. `result` is its body.
    TaskUpdateFailure {
        task_id: Arc<str>,
        workflow_instance_id: Arc<str>,
        cause: Error,
        tries: u32,
        result: Bytes,
    },
    /// A poll was due, but the worker is paused. Once for each pause.
    TaskPaused,
    /// A poll was due, but all slots are taken. Once for each wait for a slot.
    TaskExecutionQueueFull,
}

/// The tap. Called on the I/O thread: it must not block.
pub trait EventSink: Send + Sync {
    fn log(&self, record: LogRecord);

    /// Does anybody read such records? Asked for each task before it is made: it must be cheap.
    fn wants_log(&self, area: Area, level: Level) -> bool {
        let _ = area;
        level > Level::Debug
    }

    /// Does anybody listen to events? Asked before each is made: it must be cheap.
    fn wants_events(&self) -> bool {
        false
    }

    fn event(&self, event: TaskRunnerEvent) {
        drop(event);
    }
}

impl dyn EventSink {
    /// A record for whoever looks for trouble, made only if it is read.
    pub(crate) fn debug(
        &self,
        area: Area,
        task_type: &Arc<str>,
        task: Option<&TaskIdentity>,
        message: impl FnOnce() -> String,
    ) {
        if self.wants_log(area, Level::Debug) {
            let record = LogRecord::new(area, Level::Debug, message()).of_type(task_type);
            self.log(LogRecord { task: task.cloned(), ..record });
        }
    }

    /// Tells what happened, which is put into words only if somebody listens.
    pub(crate) fn tell(&self, task_type: &Arc<str>, what: impl FnOnce() -> Happening) {
        if self.wants_events() {
            self.event(TaskRunnerEvent { task_type: Arc::clone(task_type), what: what() });
        }
    }
}
