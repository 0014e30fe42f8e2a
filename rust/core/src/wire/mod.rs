//! Bytes to values and back; no I/O, no clock.

mod scan;
mod polled_task;
mod task_result;

pub use polled_task::{PolledBatch, PolledTask, TaskIdentity, has_ended};
pub use task_result::{
    Status, TaskExecLog, TaskResult, TaskResultWriter, lease_extension, write_json_string,
};
