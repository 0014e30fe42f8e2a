//! A result's way from its slot to the server's yes.

mod held;
mod lease;
mod polls;
mod ledger;
mod beats;
mod on_disk;
mod post_limit;
mod outbox;
mod keeping;
mod updater;
mod replay;

pub use beats::Beat;
pub use held::{Held, HoldId, Stage};
pub use lease::{CancelTask, Lease, LeaseClock};
pub use ledger::Ledger;
pub use replay::Replay;
pub use updater::{Finished, Updater};
