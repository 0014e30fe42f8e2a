//! What happened: everybody below tells it, it knows nobody.

mod event;

pub use event::{EventSink, Happening, Level, LogRecord, TaskRunnerEvent};
