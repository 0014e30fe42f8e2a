//! What happened and how often: everybody below tells it, it knows nobody.

mod event;
mod histogram;
mod error_counts;
mod worker_counts;
mod worker_metrics;
mod spool_view;
mod host_view;
mod process_metrics;
mod guarded;
mod exposition;
mod series;
mod catalogue;
mod workers_view;

pub use catalogue::Catalogue;
pub use error_counts::ErrorLabel;
pub use event::{Area, EventSink, Happening, Level, LogRecord, TaskRunnerEvent};
pub(crate) use guarded::Guarded;
pub use histogram::{Distribution, RecentDistribution};
pub use host_view::{HostState, HostView, LiveHost, OutboxView, WorkerView};
pub(crate) use process_metrics::{HeldMetrics, abandoned, add_host, panicked, token_failed};
pub use process_metrics::{HttpCall, MetricsSnapshot, RequestTimes, http_request, worker_metrics};
pub use spool_view::SpoolView;
pub use worker_counts::{OutcomeTimes, WorkerCounts};
pub use worker_metrics::{Returned, WorkerMetrics};
pub use workers_view::workers_json;
