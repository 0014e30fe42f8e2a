use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::held::HoldId;
use super::post_limit::PostLimit;
use crate::observe::WorkerMetrics;
use crate::transport::Backoff;
use crate::wire::TaskResult;

/// A result on its way, with what its retries need.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub hold: HoldId,
    pub metrics: Arc<WorkerMetrics>,
    pub result: TaskResult,
    pub backoff: Backoff,
    /// Posts of this very result that failed.
    pub tries: u32,
    /// The server refused the result itself; this is the small failure that stands in for it.
    pub is_substitute: bool,
}

/// A letter that is being posted, and the right to do so. If its post panics, it goes back into the outbox.
pub(super) struct InHand<'a> {
    pub letter: Letter,
    outbox: &'a Outbox,
    sent: Instant,
    is_answered: bool,
    is_dealt_with: bool,
}

/// Results that the server has not yet acknowledged and that may be posted now, oldest first. Those
/// that wait for their next try are with the updater's timers.
#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug)]
struct State {
    ready: VecDeque<Letter>,
    posting: usize,
    limit: PostLimit,
}

impl Outbox {
    /// `ceiling`: the most posts in flight.
    pub(super) fn new(ceiling: usize) -> Self {
        let state = State { ready: VecDeque::new(), posting: 0, limit: PostLimit::new(ceiling) };
        Self { state: Mutex::new(state), arrived: Notify::new() }
    }

    pub(super) fn push(&self, letter: Letter) {
        self.lock().ready.push_back(letter);
        self.arrived.notify_one();
    }

    /// Takes the letters, without a word to the lanes: `tell` follows.
    pub(super) fn extend(&self, letters: impl Iterator<Item = Letter>) {
        self.lock().ready.extend(letters);
    }

    pub(super) fn tell(&self) {
        let count = self.lock().startable();
        for _ in 0..count {
            self.arrived.notify_one();
        }
    }

    pub(super) async fn next(&self) -> InHand<'_> {
        loop {
            // Taken before the look, so that a letter that arrives in between is not slept through.
            let arrived = self.arrived.notified();
            let letter = self.lock().start();
            match letter {
                Some(letter) => {
                    let sent = Instant::now();
                    return InHand { letter, outbox: self, sent, is_answered: false, is_dealt_with: false };
                }
                None => arrived.await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn startable(&self) -> usize {
        self.ready.len().min(self.limit.now().saturating_sub(self.posting))
    }

    fn start(&mut self) -> Option<Letter> {
        if self.posting >= self.limit.now() {
            return None;
        }
        let letter = self.ready.pop_front()?;
        self.posting += 1;
        Some(letter)
    }
}

impl InHand<'_> {
    /// The server has answered: how long that took, and when it was. `failed`: it may have too much to do.
    pub(super) fn answered(&mut self, failed: bool) -> (Duration, Instant) {
        let now = Instant::now();
        let took = now - self.sent;
        self.is_answered = true;
        let mut state = self.outbox.lock();
        let (before, waiting) = (state.limit.now(), !state.ready.is_empty());
        state.limit.answered(took, failed, waiting);
        state.posting -= 1;
        let has_grown = state.limit.now() > before;
        drop(state);
        if has_grown {
            self.outbox.tell();
        }
        (took, now)
    }

    /// Somebody answers for it from here on.
    pub(super) fn dealt_with(&mut self) {
        self.is_dealt_with = true;
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.outbox.lock().posting -= 1;
        }
        if !self.is_dealt_with {
            self.outbox.push(self.letter.clone());
        }
    }
}
