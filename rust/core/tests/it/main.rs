//! The engine against the dev server over real sockets, and against other ports.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod support;
mod against_hyper;
mod auth;
mod connections;
mod delivery;
mod spool;
mod spool_crash;
mod spool_damage;
mod spool_rows;
mod spooled;
mod panics;
mod payloads;
mod polling;
mod prefetch;
mod lone_task;
mod splitting;
mod fuzz;
mod ready_queue;
mod leases;
mod control;
mod events;
mod outages;
