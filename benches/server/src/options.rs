use std::path::PathBuf;

use serde::Deserialize;

/// What a run is like: one JSON object, each field optional.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Options {
    /// 0: any free one.
    pub(crate) port: u16,
    /// Named `bench_0`, `bench_1`, …; arrivals take them in turn.
    pub(crate) task_types: usize,
    pub(crate) arrivals: Arrivals,
    pub(crate) polls: Polls,
    /// Between a request and its answer, for every request.
    pub(crate) think_micros: u64,
    /// Size of the `document` that each input carries besides its four small fields; 0: none.
    pub(crate) document_bytes: usize,
    /// https instead of http.
    pub(crate) tls: Option<Tls>,
    /// The connection is closed after so many, as Tomcat does at 100; 0: never.
    pub(crate) requests_per_connection: u32,
    /// From the first result (idle: the first poll) to the measured stretch.
    pub(crate) warm_up_seconds: f64,
    pub(crate) seconds: f64,
    /// The server ends by itself after so long, whatever happens.
    pub(crate) longest_seconds: f64,
}

/// Both as PEM.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// When tasks become available.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Arrivals {
    /// Closed loop: whoever polls finds this many, always.
    Closed { available: usize },
    /// Open loop: at fixed times, whether or not the client keeps up.
    Open { per_second: f64 },
    /// Open loop: so many at once, at fixed times.
    Burst { tasks: usize, every_millis: u64 },
    /// Never: an idle server.
    Never,
}

/// What happens to a poll that finds fewer tasks than it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Polls {
    /// Held until there is one task or the timeout has passed (Redis).
    Held,
    /// Held until there are as many as asked for or the timeout has passed (SQL stores).
    Gathered,
    /// Answered at once, whatever its timeout says.
    AtOnce,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            task_types: 1,
            arrivals: Arrivals::Closed { available: 1_000 },
            polls: Polls::Held,
            think_micros: 0,
            document_bytes: 0,
            tls: None,
            requests_per_connection: 0,
            warm_up_seconds: 1.0,
            seconds: 5.0,
            longest_seconds: 120.0,
        }
    }
}
