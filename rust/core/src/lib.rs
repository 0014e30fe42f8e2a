//! The core of `conductor_fast`: polls, runs and reports Conductor tasks, and knows no Python.
//!
//! The modules below stand in import order: each one imports only from those above it. A task's way
//! through them:
//!
//! 1. [`worker`] takes free slots and asks the [`transport`] for as many tasks,
//! 2. [`wire`] splits the answer into slices,
//! 3. [`worker`] pairs each task with its slot and hands both to the executor, which is the only part
//!    that knows who runs the function,
//! 4. the completion sends the result, as ready bytes, to [`delivery`], which frees the slot and posts
//!    until the server has said yes.
//!
//! [`host`] owns the thread on which all of this happens; [`client`] is for calls from outside a worker.
#![forbid(unsafe_code)]

pub mod error;
pub mod settings;
pub mod wire;
pub mod observe;
pub mod supervise;
mod io_thread;
pub mod spool;
pub mod transport;
pub mod fork;
pub mod delivery;
pub mod worker;
pub mod host;
pub mod client;
