use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use conductor_core::observe::{Area, EventSink, Level, LogRecord, TaskRunnerEvent};
use pyo3::prelude::*;

use super::batch_queue::{Batch, BatchQueue, CAPACITY};
use super::event_queue::EventQueue;

/// Debugging must leave room for what matters.
const CAPACITY_FOR_DEBUG: usize = CAPACITY / 4 * 3;
/// `Forward::log_records` returns so often, so that whoever calls it can tell of new levels.
const LEVELS_LAST: Duration = Duration::from_secs(1);

/// Area, Python's number of the level, nanoseconds since 1970, message, task type, task id, workflow id, and
/// what the function raised.
pub(crate) type Line =
    (&'static str, u8, u64, String, Option<String>, Option<String>, Option<String>, Option<Py<PyAny>>);

/// Log records on their way to the Python thread that hands them to `logging`; and events, if somebody
/// listens.
#[derive(Default)]
pub(crate) struct Forward {
    pub(crate) events: Option<Arc<EventQueue>>,
    /// For each area the lowest level that is read, as `number` has it.
    levels: [AtomicU8; Area::ALL.len()],
    records: BatchQueue<(LogRecord, Option<Py<PyAny>>)>,
}

impl Forward {
    pub(crate) fn new(events: Option<Arc<EventQueue>>) -> Self {
        Self { events, ..Self::default() }
    }

    /// In the order of `Area::ALL`.
    pub(crate) fn set_log_levels(&self, levels: [u8; Area::ALL.len()]) {
        for (level, new) in self.levels.iter().zip(levels) {
            level.store(new, Ordering::Relaxed);
        }
    }

    /// Waits for records and takes all, for a second at most; `None` once closed and empty.
    pub(crate) fn log_records(&self, py: Python<'_>) -> Option<Vec<Line>> {
        let Batch { items, dropped } = self.records.take(py, Some(LEVELS_LAST))?;
        let mut lines: Vec<Line> = items.into_iter().map(|(record, cause)| line(record, cause)).collect();
        if dropped > 0 {
            let message = format!("{dropped} log records were dropped: the log handlers are too slow");
            lines.push(line(LogRecord::new(Area::Engine, Level::Warning, message), None));
        }
        Some(lines)
    }

    /// A function has raised `cause`. Not logged by its own thread: a handler may block.
    #[cold]
    pub(super) fn log_raised(&self, record: LogRecord, cause: &Bound<'_, PyAny>) {
        self.push(record, Some(cause.clone().unbind()));
    }

    pub(crate) fn close(&self) {
        self.records.close();
        if let Some(events) = &self.events {
            events.close();
        }
    }

    fn push(&self, record: LogRecord, cause: Option<Py<PyAny>>) {
        let capacity = if record.level == Level::Debug { CAPACITY_FOR_DEBUG } else { CAPACITY };
        self.records.push((record, cause), capacity);
    }
}

impl EventSink for Forward {
    fn log(&self, record: LogRecord) {
        if self.wants_log(record.area, record.level) {
            self.push(record, None);
        }
    }

    fn wants_log(&self, area: Area, level: Level) -> bool {
        number(level) >= self.levels[area as usize].load(Ordering::Relaxed)
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

/// Python's number.
fn number(level: Level) -> u8 {
    match level {
        Level::Debug => 10,
        Level::Info => 20,
        Level::Warning => 30,
        Level::Error => 40,
    }
}

fn line(record: LogRecord, cause: Option<Py<PyAny>>) -> Line {
    let LogRecord { at, area, level, message, task_type, task } = record;
    // Enough until 2554.
    let nanos =
        u64::try_from(at.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()).unwrap_or_default();
    let (task_id, workflow_id) =
        task.map(|task| (task.task_id.to_string(), task.workflow_instance_id.to_string())).unzip();
    (
        area.name(),
        number(level),
        nanos,
        message,
        task_type.map(|name| name.to_string()),
        task_id,
        workflow_id,
        cause,
    )
}
