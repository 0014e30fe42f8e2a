//! The engine against the dev server over real sockets, and against other ports.

mod support;
mod delivery;
mod polling;
mod ready_queue;
