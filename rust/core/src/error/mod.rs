//! What can go wrong on the way to the server, and the only judge of what may be tried again.

mod kind;
mod classify;

pub use classify::classify;
pub use kind::{Error, ErrorKind, Judgement, Received};
