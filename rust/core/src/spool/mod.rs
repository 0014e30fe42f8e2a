//! Results on disk until the server's yes: they outlive the process that made them.
//!
//! One SQLite file for each process, in a folder for each server; one thread, one connection. What an ended
//! process has left is adopted by any other of the same server.

mod row;
mod directory;
mod at_fork;
mod unusable;
mod store;
mod command;
mod adoption;
mod queue;
mod shared;
mod room;
mod writer;
mod takeover;
mod socket;
mod handle;
mod manage;

pub(crate) use at_fork::SpoolsAtRest;
pub use command::{Answer, Command};
pub use handle::Spool;
pub use manage::{SpoolFile, command_all, command_json};
pub use row::{RowId, RowState, StoredResult};
