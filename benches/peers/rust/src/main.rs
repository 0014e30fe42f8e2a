//! The client program on the Rust SDK: `worker URL SLOTS INTERVAL_MILLIS`; 0: the SDK's own.

use std::error::Error;
use std::sync::Arc;

use conductor::configuration::Configuration;
use conductor::models::Task;
use conductor::worker::{FnWorkerArc, TaskHandler, WorkerOutput};

/// The SDK's runtime as its README starts it, with one thread: the client has one core.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, url, slots, interval] = arguments.as_slice() else {
        return Err("usage: worker URL SLOTS INTERVAL_MILLIS".into());
    };
    // Of the SDK's two forms the one that does not copy the task.
    let mut worker = FnWorkerArc::new("bench_0", |task: Arc<Task>| async move {
        Ok(WorkerOutput::Completed(task.input_data.clone()))
    });
    if slots != "0" {
        worker = worker.with_thread_count(slots.parse()?);
    }
    if interval != "0" {
        worker = worker.with_poll_interval_millis(interval.parse()?);
    }
    let mut handler = TaskHandler::new(Configuration::new(url.as_str()))?;
    handler.add_worker(worker);
    handler.start().await?;
    std::future::pending::<()>().await;
    Ok(())
}
