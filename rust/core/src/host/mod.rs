//! One process: its engine, and who may look at it.

mod live;
mod probes;
mod answers;
mod listener;
mod metrics_file;
mod runtime;

pub use listener::Listener;
pub use metrics_file::MetricsFile;
pub use runtime::Runtime;
