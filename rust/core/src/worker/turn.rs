use std::sync::{Mutex, MutexGuard, PoisonError};

use super::slots::SlotsTaken;

/// One poll loop's turn, which ends when another loop takes its place, and the slots of its poll in flight.
#[derive(Debug, Default)]
pub(super) struct Turn(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    slots: Option<SlotsTaken>,
    is_over: bool,
}

impl Turn {
    pub(super) fn lend(&self, slots: SlotsTaken) {
        self.lock().slots = Some(slots);
    }

    /// `None` once the turn is over: they went to the next loop.
    pub(super) fn slots(&self) -> Option<SlotsTaken> {
        self.lock().slots.take()
    }

    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.is_over = true;
        state.slots = None;
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().is_over
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
