use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::executor::{Assignment, Executor};
use crate::delivery::HoldId;

/// Tasks that wait for an event loop: an [`Executor`] that wakes it once per burst. The loop takes all
/// that is there with `take_all`; what arrives before it does needs no second wake.
pub struct BurstQueue {
    waiting: Mutex<VecDeque<Assignment>>,
    /// A task that the loop has taken was cancelled since it looked.
    cancelled: AtomicBool,
    /// Called on the I/O thread when the first task of a burst arrives, and at a cancel: it must not block.
    wake: Box<dyn Fn() + Send + Sync>,
}

impl BurstQueue {
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { waiting: Mutex::default(), cancelled: AtomicBool::new(false), wake: Box::new(wake) }
    }

    pub fn take_all(&self) -> VecDeque<Assignment> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Were tasks that the loop has taken cancelled since the last call? Which ones, their completions tell.
    pub fn take_cancelled(&self) -> bool {
        self.cancelled.swap(false, Ordering::AcqRel)
    }
}

impl Executor for BurstQueue {
    fn submit(&self, batch: Vec<Assignment>) -> bool {
        let first_of_burst = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let was_empty = waiting.is_empty();
            waiting.extend(batch);
            was_empty
        };
        if first_of_burst {
            (self.wake)();
        }
        false
    }

    fn relieve(&self) -> bool {
        false
    }

    fn cancel(&self, hold: HoldId) -> bool {
        let found = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let at = waiting.iter().position(|waiting| waiting.completion.is_of(hold));
            at.and_then(|at| waiting.remove(at))
        };
        if let Some(assignment) = found {
            assignment.completion.discard();
            return true;
        }
        self.cancelled.store(true, Ordering::Release);
        (self.wake)();
        false
    }
}
