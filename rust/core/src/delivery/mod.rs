//! A result's way from its slot to the server's yes.

mod held;
mod lease;
mod ledger;
mod post_limit;
mod outbox;
mod updater;

pub use held::{Held, HoldId, Stage};
pub use lease::{CancelTask, Lease, LeaseClock};
pub use ledger::{Beat, Ledger};
pub use updater::{Finished, Updater};
