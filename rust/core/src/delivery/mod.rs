//! A result's way from its slot to the server's yes.

mod ledger;
mod outbox;
mod updater;

pub use ledger::{Held, HoldId, Ledger, Stage};
pub use updater::{Finished, Updater};
