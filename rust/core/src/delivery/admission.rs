use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::time::timeout_at;

use super::blocked::Blocked;
use super::outbox::now;
use super::updater::Updater;
use crate::transport::{News, PollTime, PollTurns, PollerId};

/// Whether pollers may take tasks: no task is taken that could not be reported, and a server that fails is
/// asked by one poller for all.
pub(crate) struct Admission {
    turns: Mutex<PollTurns>,
    /// Those who wait for their turn may go.
    released: Notify,
    blocked: watch::Receiver<Blocked>,
    /// Too many results wait.
    is_full: watch::Receiver<bool>,
    /// Functions return faster than their results are posted.
    is_behind: watch::Receiver<bool>,
    /// False while what ended processes have left goes first, and while there is no room on disk.
    is_kept: Option<watch::Receiver<bool>>,
}

impl Updater {
    /// Lets pollers take tasks as long as their results can be delivered.
    pub(crate) fn admission(&self, is_kept: Option<watch::Receiver<bool>>) -> Admission {
        let (blocked, is_behind) = (self.outbox.blocked(), self.outbox.is_behind());
        Admission::new(blocked, self.ledger.is_full(), is_behind, is_kept)
    }
}

/// One of those who ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Poller(PollerId);

impl Admission {
    pub(crate) fn new(
        blocked: watch::Receiver<Blocked>,
        is_full: watch::Receiver<bool>,
        is_behind: watch::Receiver<bool>,
        is_kept: Option<watch::Receiver<bool>>,
    ) -> Self {
        Self { turns: Mutex::default(), released: Notify::new(), blocked, is_full, is_behind, is_kept }
    }

    pub(crate) fn add(&self) -> Poller {
        Poller(self.turns().add())
    }

    /// Of which types no task is taken now.
    pub(crate) fn blocked(&self) -> Blocked {
        self.blocked.borrow().clone()
    }

    pub(crate) fn is_full(&self) -> bool {
        *self.is_full.borrow()
    }

    /// May tasks of this type be taken, as far as their results are concerned?
    pub(crate) fn is_open(&self, task_type: &str) -> bool {
        !self.is_full()
            && !*self.is_behind.borrow()
            && self.is_kept.as_ref().is_none_or(|is_kept| *is_kept.borrow())
            && !self.blocked.borrow().blocks(task_type)
    }

    /// Returns when a poll may be sent, which is then to be sent at once.
    pub(crate) async fn admitted(&self, poller: Poller, task_type: &str) {
        loop {
            while !self.is_open(task_type) {
                let (mut blocked, mut is_full) = (self.blocked.clone(), self.is_full.clone());
                let mut is_behind = self.is_behind.clone();
                let open = async {
                    blocked.wait_for(|blocked| !blocked.blocks(task_type)).await.is_ok()
                        && is_full.wait_for(|is_full| !is_full).await.is_ok()
                        && is_behind.wait_for(|is_behind| !is_behind).await.is_ok()
                        && match &self.is_kept {
                            Some(is_kept) => is_kept.clone().wait_for(|is_kept| *is_kept).await.is_ok(),
                            None => true,
                        }
                };
                if !open.await {
                    // The host has ended, and nobody takes results any more.
                    return std::future::pending().await;
                }
            }
            let mut released = pin!(self.released.notified());
            released.as_mut().enable();
            let turn = self.turns().turn(poller.0, now(), fastrand::f64());
            match turn {
                PollTime::Go => return,
                PollTime::At(at) => _ = timeout_at(at.into(), released).await,
            }
        }
    }

    /// A poll that was sent at `sent` is answered.
    pub(crate) fn answered(&self, poller: Poller, sent: Instant) -> Option<News> {
        let (news, anybody) = self.turns().answered(poller.0, sent, now());
        if anybody {
            self.released.notify_waiters();
        }
        news
    }

    /// A poll failed. `delay` is what the poller would wait by itself, `asked` what the server asks for.
    pub(crate) fn failed(&self, poller: Poller, delay: Duration, asked: Option<Duration>) -> News {
        self.turns().failed(poller.0, now(), delay, asked)
    }

    fn turns(&self) -> MutexGuard<'_, PollTurns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
