use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::runtime::Handle;

use super::letter::Letter;
use super::outbox::now;
use super::updater::Updater;
use crate::error::Error;
use crate::supervise::{contain, spawn};
use crate::transport::BoxFuture;
use crate::wire::{Status, TaskResult};

type Post = BoxFuture<'static, Result<(), Error>>;

/// Who may post early: one result at a time, and nobody in a forked child, which has our sockets and not our thread.
#[derive(Debug)]
pub(super) struct EarlyPosts {
    runtime: Handle,
    process: u32,
    is_taken: AtomicBool,
}

/// A post that was begun on the thread of the function, for which the I/O thread need not wake first.
pub struct EarlyPost {
    post: Post,
    sent: Instant,
    updater: Arc<Updater>,
}

impl EarlyPosts {
    pub(super) fn new(runtime: Handle) -> Self {
        Self { runtime, process: std::process::id(), is_taken: AtomicBool::new(false) }
    }
}

impl Updater {
    /// Sends a result from this thread, if it is the only one and nothing speaks against it: its answer is awaited
    /// on the I/O thread. What is begun is nothing but the first turn of that thread's own future.
    pub(crate) fn begin(self: &Arc<Self>, result: &TaskResult) -> Option<EarlyPost> {
        let early = &self.early;
        // On disk comes first; and a task that goes back may be handed out again before the answer is here.
        if self.spool.is_some() || result.status == Status::InProgress || std::process::id() != early.process
        {
            return None;
        }
        if early.is_taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        let begun = self.outbox.is_quiet().then(|| self.first_turn(result)).flatten();
        if begun.is_none() {
            early.is_taken.store(false, Ordering::Release);
        }
        begun
    }

    fn first_turn(self: &Arc<Self>, result: &TaskResult) -> Option<EarlyPost> {
        let (client, body, sent) = (Arc::clone(&self.client), result.body.clone(), now());
        let mut post: Post = Box::pin(async move { client.update_task(body).await });
        let _runtime = self.early.runtime.enter();
        // Nobody is woken: the I/O thread looks when it hears of the result, and waits from then on.
        let mut context = Context::from_waker(Waker::noop());
        // Should it panic, the result goes the usual way, where that is told.
        let turn = contain(&AtomicBool::new(true), || (), || post.as_mut().poll(&mut context))?;
        if let Poll::Ready(answer) = turn {
            post = Box::pin(std::future::ready(answer));
        }
        Some(EarlyPost { post, sent, updater: Arc::clone(self) })
    }
}

impl EarlyPost {
    /// On the I/O thread, once the ledger knows that the function has returned.
    pub(super) fn finish(mut self, letter: Letter) {
        let updater = Arc::clone(&self.updater);
        spawn(&updater.sink, "posting of a result", async move {
            let in_hand = self.updater.outbox.begun(letter, self.sent);
            let answer = self.post.as_mut().await;
            self.updater.answered(in_hand, answer);
        });
    }
}

impl Drop for EarlyPost {
    fn drop(&mut self) {
        self.updater.early.is_taken.store(false, Ordering::Release);
    }
}
