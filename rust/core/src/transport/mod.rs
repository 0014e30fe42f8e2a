//! The way to the server.

mod backoff;
mod task_client;
mod http_client;
mod http_task_client;

pub use backoff::Backoff;
pub use http_task_client::HttpTaskClient;
pub use task_client::{BoxFuture, PollRequest, Queue, TaskClient};
