//! The way to the server.

mod backoff;
mod breaker;
mod poll_turns;
mod retry_after;
mod task_client;
mod tls_problem;
mod tls;
mod response_head;
mod chunks;
mod answer;
mod request;
mod connection;
mod connections;
mod http_client;
mod token_state;
mod tokens;
mod auth;
mod sender;
mod http_task_client;
mod management;

pub use backoff::Backoff;
pub(crate) use breaker::{Breaker, probe_delay};
pub use http_task_client::HttpTaskClient;
pub use hyper::Method;
pub use management::{Management, ManagementCall};
pub(crate) use poll_turns::{News, PollTime, PollTurns, PollerId};
pub use retry_after::retry_after;
pub use task_client::{BoxFuture, PollRequest, Queue, TaskClient};
pub(crate) use tokens::HeldTokens;
