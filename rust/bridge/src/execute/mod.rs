//! Who runs the functions, and what goes up to Python besides tasks.

mod batch_queue;
mod event_queue;
mod forward;
mod reporting;
mod lane;
mod sync_executor;
mod bell;
mod coroutines;
mod job;
mod async_executor;

pub(crate) use async_executor::PyAsyncExecutor;
pub(crate) use bell::Bell;
pub(crate) use coroutines::Coroutines;
pub(crate) use event_queue::{EventQueue, NamedFields};
pub(crate) use forward::{Forward, Line};
pub(crate) use job::PyJob;
pub(crate) use lane::PyLane;
pub(crate) use reporting::Reporting;
pub(crate) use sync_executor::PySyncExecutor;
