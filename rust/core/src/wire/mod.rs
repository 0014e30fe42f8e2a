//! Bytes to values and back; no I/O, no clock.

mod scan;
mod polled_task;
mod task_result;

pub use polled_task::{PolledBatch, PolledTask, TaskIdentity};
pub use task_result::{Status, TaskExecLog, TaskResult, TaskResultWriter, write_json_string};
