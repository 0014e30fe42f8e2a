//! A result's way from its slot to the server's yes.

mod held;
mod lease;
mod polls;
mod ledger;
mod beats;
mod post_limit;
mod outbox;
mod updater;

pub use beats::Beat;
pub use held::{Held, HoldId, Stage};
pub use lease::{CancelTask, Lease, LeaseClock};
pub use ledger::Ledger;
pub use updater::{Finished, Updater};
