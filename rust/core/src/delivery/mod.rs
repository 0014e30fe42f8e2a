//! A result's way from its slot to the server's yes.

mod held;
mod lease;
mod polls;
mod level;
mod ledger;
mod poll_in_flight;
mod drain;
mod beats;
mod on_disk;
mod post_limit;
mod backlog;
mod trials;
mod letter;
mod blocked;
mod ways;
mod probing;
mod outbox;
mod trouble;
mod keeping;
mod leftovers;
mod early_post;
mod updater;
mod telling;
mod refused;
mod replay;
mod admission;

pub(crate) use admission::{Admission, Poller};
pub use beats::Beat;
pub use blocked::Blocked;
pub use held::{Held, HoldId, Stage};
pub use lease::{CancelTask, Lease, LeaseClock};
pub use ledger::Ledger;
pub use replay::Replay;
pub use updater::{Finished, Updater};
