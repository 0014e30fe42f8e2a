use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::error::Error;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a worker polls: a task type, optionally in a domain, under a worker's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    pub task_type: Arc<str>,
    pub domain: Option<String>,
    pub worker_id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollRequest {
    /// The most tasks to hand out.
    pub count: usize,
    /// How long the server may wait for the first one: at most 5,000 ms (ExecutionService.java:113).
    pub timeout: Duration,
}

/// The port down to the server: the calls that the engine makes. Core is tested with another one.
pub trait TaskClient: Send + Sync {
    /// `GET /tasks/poll/batch/{taskType}`: the JSON array, as it came. A poll is a write on the server
    /// (the tasks are marked IN_PROGRESS), so the future must not be dropped before it is done.
    fn batch_poll<'a>(
        &'a self,
        queue: &'a Queue,
        request: PollRequest,
    ) -> BoxFuture<'a, Result<Bytes, Error>>;

    /// `POST /tasks`: reports one result. Safe to repeat: the server keeps the first terminal result.
    fn update_task(&self, body: Bytes) -> BoxFuture<'_, Result<(), Error>>;

    /// `GET /tasks/{taskId}`: the task as it stands, as it came.
    fn get_task<'a>(&'a self, task_id: &'a str) -> BoxFuture<'a, Result<Bytes, Error>>;
}
