//! What a user of the dev server may choose: the server's habits and a pushed task's own values.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The key with which `/token` is asked, and how long what it gives is good.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthOptions {
    /// `keyId` of `POST /token`.
    pub key_id: String,
    /// `keySecret` of `POST /token`.
    pub key_secret: String,
    /// After this a token is answered with `EXPIRED_TOKEN`.
    pub token_ttl: Duration,
}

impl AuthOptions {
    /// With the lifetime of a real server's tokens.
    pub fn new(key_id: impl Into<String>, key_secret: impl Into<String>) -> Self {
        Self { key_id: key_id.into(), key_secret: key_secret.into(), token_ttl: Duration::from_mins(45) }
    }
}

/// Without key and secret: options are printed by tests that fail.
impl fmt::Debug for AuthOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AuthOptions").field("token_ttl", &self.token_ttl).finish_non_exhaustive()
    }
}

/// How the server listens and which real server it resembles.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 lets the system choose one.
    pub address: SocketAddr,
    /// `true`: a batch poll gathers until `count` or `timeout`, with 100 ms sleeps, as the `SQLite` and
    /// Postgres stores do (`PostgresQueueDAO.java`). `false`: it answers with what is there, as Redis does.
    pub gathering: bool,
    /// After how many requests a connection is closed (`Connection: close` on the last one); Tomcat's
    /// `maxKeepAliveRequests`, 100. `None`: never.
    pub requests_per_connection: Option<u32>,
    /// After how long without a request a connection is closed; Tomcat's `keepAliveTimeout`, 60 s.
    pub idle_timeout: Duration,
    /// How many requests the transcript keeps; the oldest go first. 0 switches it off.
    pub transcript_capacity: usize,
    /// `None`: an open server, whose `/token` and `/schema` are a 404 (the open-source one has neither).
    pub auth: Option<AuthOptions>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            gathering: false,
            requests_per_connection: Some(100),
            idle_timeout: Duration::from_mins(1),
            transcript_capacity: 100_000,
            auth: None,
        }
    }
}

/// A pushed task's own values; what is `None` comes from the task definition, else from the server's defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushOptions {
    /// Queue label; a task with a domain is offered only to polls that name it.
    pub domain: Option<String>,
    /// Default: a new id per task.
    pub workflow_instance_id: Option<String>,
    /// Default: the task type with `_ref` behind it.
    pub reference_task_name: Option<String>,
    /// Seconds without a word from the worker until the task is `TIMED_OUT`; 0 is never. Server default 3,600.
    pub response_timeout_seconds: Option<u64>,
    /// How many new attempts follow a failed one. Server default 3.
    pub retry_count_limit: Option<u32>,
    /// Seconds between a failed attempt and the next one. Server default 60.
    pub retry_delay_seconds: Option<u64>,
    /// Passed on to the worker as it is.
    pub correlation_id: Option<String>,
}

/// Why a task or a definition was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PushError {
    /// The input is no JSON object; holds the reason.
    Input(String),
    /// The task definition is no JSON object with a `name`; holds the reason.
    Definition(String),
}

impl fmt::Display for PushError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(reason) => write!(formatter, "the input must be a JSON object: {reason}"),
            Self::Definition(reason) => write!(formatter, "not a task definition: {reason}"),
        }
    }
}

impl std::error::Error for PushError {}
