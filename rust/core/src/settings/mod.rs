//! What the user asked for, validated; no I/O, no environment.

mod credentials;
mod tls_settings;
mod spool_settings;
mod high_water;
mod configuration;
mod worker_config;

pub use configuration::Configuration;
pub(crate) use configuration::TOKEN_HEADER;
pub use credentials::{Credentials, GivenToken, TokenSource};
pub use high_water::HighWater;
pub use spool_settings::{Durability, SpoolSettings};
pub use tls_settings::{CaFile, TlsSettings};
pub use worker_config::{PollInterval, Prefetch, WorkerConfig};
