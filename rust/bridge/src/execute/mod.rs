//! Who runs the functions, and what goes up to Python besides tasks.

mod batch_queue;
mod event_queue;
mod forward;
mod reporting;
mod lane;
mod job;
mod sync_executor;
mod async_executor;

pub(crate) use async_executor::{PyAsyncExecutor, queue as async_queue};
pub(crate) use event_queue::{EventQueue, NamedFields};
pub(crate) use forward::{Forward, Line};
pub(crate) use job::PyJob;
pub(crate) use lane::PyLane;
pub(crate) use reporting::Reporting;
pub(crate) use sync_executor::PySyncExecutor;
