use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::event::{Area, EventSink, Level, LogRecord, TaskRunnerEvent};
use super::process_metrics::panicked;

/// A sink whose panics end here: whoever tells of a task may hold it, and would lose it.
pub(crate) struct Guarded {
    sink: Arc<dyn EventSink>,
    told: AtomicBool,
}

impl Guarded {
    pub(crate) fn new(sink: Arc<dyn EventSink>) -> Self {
        Self { sink, told: AtomicBool::new(false) }
    }

    fn caught(&self, call: impl FnOnce(&dyn EventSink)) {
        if catch_unwind(AssertUnwindSafe(|| call(&*self.sink))).is_err() {
            panicked();
            if !self.told.swap(true, Ordering::Relaxed) {
                let message = "a receiver of events or log records panicked; of later panics no line tells";
                self.log(LogRecord::new(Area::Engine, Level::Error, message));
            }
        }
    }
}

impl EventSink for Guarded {
    fn log(&self, record: LogRecord) {
        self.caught(|sink| sink.log(record));
    }

    fn wants_log(&self, area: Area, level: Level) -> bool {
        self.sink.wants_log(area, level)
    }

    fn wants_events(&self) -> bool {
        self.sink.wants_events()
    }

    fn event(&self, event: TaskRunnerEvent) {
        self.caught(|sink| sink.event(event));
    }
}
