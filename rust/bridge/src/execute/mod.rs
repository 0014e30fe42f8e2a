//! Who runs the functions, and what goes up to Python besides tasks.

mod forward;
mod lane;
mod sync_executor;

pub(crate) use forward::{Forward, Line};
pub(crate) use lane::PyLane;
pub(crate) use sync_executor::PySyncExecutor;
