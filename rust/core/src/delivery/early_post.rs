use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Handle;

use super::letter::Letter;
use super::outbox::{InHand, Outbox, now};
use crate::error::Error;
use crate::supervise::begin;
use crate::transport::BoxFuture;

type Post = BoxFuture<'static, Result<(), Error>>;

/// Who may post early: one result, while nothing else is posted, and nobody in a forked child, which has our sockets
/// and not our thread.
#[derive(Debug)]
pub(super) struct EarlyPosts {
    runtime: Handle,
    process: u32,
    outbox: Arc<Outbox>,
}

/// A post that was begun on the thread of the function: the request is written, and the I/O thread, which awaits the
/// answer, need not have woken for it.
pub struct EarlyPost {
    post: Post,
    sent: Instant,
    turn: Turn,
}

/// Given back when it is dropped.
struct Turn(Arc<Outbox>);

impl EarlyPosts {
    pub(super) fn new(runtime: Handle, outbox: Arc<Outbox>) -> Self {
        Self { runtime, process: std::process::id(), outbox }
    }

    pub(super) fn begin(&self, post: impl FnOnce() -> Post) -> Option<EarlyPost> {
        // Before any lock: those of the parent are none of a child's.
        if std::process::id() != self.process || !self.outbox.take_early_turn() {
            return None;
        }
        let turn = Turn(Arc::clone(&self.outbox));
        let _runtime = self.runtime.enter();
        Some(EarlyPost { sent: now(), post: begin(post()), turn })
    }
}

impl EarlyPost {
    /// From here on it is a post like any other.
    pub(super) fn in_hand(self, letter: Letter, outbox: &Outbox) -> (InHand<'_>, Post) {
        let Self { post, sent, turn } = self;
        let in_hand = outbox.begun(letter, sent);
        drop(turn);
        (in_hand, post)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.give_early_turn_back();
    }
}
