use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use conductor_core::observe::{EventSink, Level, LogRecord, TaskRunnerEvent};

use super::event_queue::EventQueue;

/// So many lines wait at most: the I/O thread never waits for a log handler.
const CAPACITY: usize = 1_000;

/// Level (Python's number), message, task type, task id.
pub(crate) type Line = (u8, String, Option<String>, Option<String>);

/// Log records on their way to the Python thread that hands them to `logging`; and events, if somebody
/// listens.
#[derive(Default)]
pub(crate) struct Forward {
    pub(crate) events: Option<Arc<EventQueue>>,
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<LogRecord>,
    dropped: usize,
    closed: bool,
}

impl Forward {
    pub(crate) fn new(events: Option<Arc<EventQueue>>) -> Self {
        Self { events, ..Self::default() }
    }

    /// Waits for records and takes all; `None` once closed and empty. Blocks: call it detached.
    pub(crate) fn take(&self) -> Option<Vec<Line>> {
        let mut state = self.lock();
        while state.waiting.is_empty() && !state.closed {
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.waiting.is_empty() {
            return None;
        }
        let dropped = std::mem::take(&mut state.dropped);
        let mut lines: Vec<Line> = state.waiting.drain(..).map(line).collect();
        if dropped > 0 {
            let message = format!("{dropped} log records were dropped: the log handlers are too slow");
            lines.push(line(LogRecord::new(Level::Warning, message)));
        }
        Some(lines)
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
        if let Some(events) = &self.events {
            events.close();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSink for Forward {
    fn log(&self, record: LogRecord) {
        let mut state = self.lock();
        if state.waiting.len() < CAPACITY {
            state.waiting.push_back(record);
            self.arrived.notify_one();
        } else {
            state.dropped += 1;
        }
    }

    fn wants_events(&self) -> bool {
        self.events.is_some()
    }

    fn event(&self, event: TaskRunnerEvent) {
        if let Some(events) = &self.events {
            events.core(event);
        }
    }
}

fn line(record: LogRecord) -> Line {
    let level = match record.level {
        Level::Debug => 10,
        Level::Info => 20,
        Level::Warning => 30,
        Level::Error => 40,
    };
    (
        level,
        record.message,
        record.task_type.map(|text| text.to_string()),
        record.task_id.map(|text| text.to_string()),
    )
}
