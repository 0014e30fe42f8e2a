use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::held::HoldId;
use crate::transport::Backoff;
use crate::wire::TaskResult;

/// A result on its way, with what its retries need.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub hold: HoldId,
    pub task_type: Arc<str>,
    pub result: TaskResult,
    pub backoff: Backoff,
    /// Posts of this very result that failed.
    pub tries: u32,
    /// The server refused the result itself; this is the small failure that stands in for it.
    pub is_substitute: bool,
}

/// A letter that is being posted: if its post panics, it goes back into the outbox.
pub(super) struct InHand<'a> {
    pub letter: Letter,
    outbox: &'a Outbox,
    is_dealt_with: bool,
}

impl InHand<'_> {
    /// Somebody answers for it from here on.
    pub(super) fn dealt_with(&mut self) {
        self.is_dealt_with = true;
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        if !self.is_dealt_with {
            self.outbox.push(self.letter.clone());
        }
    }
}

/// Results that the server has not yet acknowledged and that may be posted now, oldest first. Those
/// that wait for their next try are with the updater's timers.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    ready: Mutex<VecDeque<Letter>>,
    arrived: Notify,
}

impl Outbox {
    pub(super) fn push(&self, letter: Letter) {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).push_back(letter);
        self.arrived.notify_one();
    }

    /// Takes the letters, without a word to the lanes: `tell` follows.
    pub(super) fn extend(&self, letters: impl Iterator<Item = Letter>) {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).extend(letters);
    }

    pub(super) fn tell(&self, letters: usize) {
        for _ in 0..letters {
            self.arrived.notify_one();
        }
    }

    pub(super) async fn next(&self) -> InHand<'_> {
        loop {
            // Taken before the look, so that a letter that arrives in between is not slept through.
            let arrived = self.arrived.notified();
            let letter = self.ready.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            match letter {
                Some(letter) => return InHand { letter, outbox: self, is_dealt_with: false },
                None => arrived.await,
            }
        }
    }
}
