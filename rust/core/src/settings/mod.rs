//! What the user asked for, validated; no I/O, no environment.

mod configuration;
mod worker_config;

pub use configuration::Configuration;
pub use worker_config::{PollInterval, WorkerConfig};
