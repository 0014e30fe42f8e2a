use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::runtime::Handle;

use super::outbox::now;
use crate::error::Error;
use crate::supervise::begin;
use crate::transport::BoxFuture;

type Post = BoxFuture<'static, Result<(), Error>>;

/// Who may post early: one result at a time, and nobody in a forked child, which has our sockets and not our thread.
#[derive(Debug)]
pub(super) struct EarlyPosts {
    runtime: Handle,
    process: u32,
    turn: Arc<AtomicBool>,
}

/// A post that was begun on the thread of the function: the request is written, and the I/O thread, which awaits the
/// answer, need not have woken for it.
pub struct EarlyPost {
    post: Post,
    sent: Instant,
    _turn: Turn,
}

/// Given back when it is dropped.
struct Turn(Arc<AtomicBool>);

impl EarlyPosts {
    pub(super) fn new(runtime: Handle) -> Self {
        Self { runtime, process: std::process::id(), turn: Arc::default() }
    }

    pub(super) fn begin(&self, may: impl FnOnce() -> bool, post: impl FnOnce() -> Post) -> Option<EarlyPost> {
        if std::process::id() != self.process || self.turn.swap(true, Ordering::AcqRel) {
            return None;
        }
        let turn = Turn(Arc::clone(&self.turn));
        let _runtime = self.runtime.enter();
        may().then(|| EarlyPost { sent: now(), post: begin(post()), _turn: turn })
    }
}

impl EarlyPost {
    pub(super) fn sent(&self) -> Instant {
        self.sent
    }

    pub(super) async fn answer(mut self) -> Result<(), Error> {
        self.post.as_mut().await
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
