//! Bytes to values and back; no I/O, no clock.

mod scan;
mod json_string;
mod polled_task;
mod task_result;

pub use json_string::write_json_string;
pub use polled_task::{PolledBatch, PolledTask, TaskIdentity, has_ended};
pub use task_result::{Status, TaskExecLog, TaskResult, TaskResultWriter, lease_extension};
