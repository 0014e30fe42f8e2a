//! The dev server over real sockets, held against what `conductor-server` 3.32.3 answered.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed helper is a failed test"
)]

mod client;

mod connections;
mod control;
mod definitions;
mod errors;
mod faults;
mod floor;
mod life;
mod polls;
mod program;
mod schemas;
mod tokens;
mod updates;
