//! The way to the server.

mod backoff;
mod task_client;
mod tls;
mod connections;
mod http_client;
mod http_task_client;
mod management;

pub use backoff::Backoff;
pub use http_task_client::HttpTaskClient;
pub use management::{Management, ManagementCall};
pub use reqwest::Method;
pub use task_client::{BoxFuture, PollRequest, Queue, TaskClient};
