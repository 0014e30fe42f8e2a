use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::executor::{Assignment, Executor};

/// Tasks that wait for an event loop: an [`Executor`] that wakes it once per burst. The loop takes all
/// that is there with `take_all`; what arrives before it does needs no second wake.
pub struct BurstQueue {
    waiting: Mutex<VecDeque<Assignment>>,
    /// Called on the I/O thread when the first task of a burst arrives: it must not block.
    wake: Box<dyn Fn() + Send + Sync>,
}

impl BurstQueue {
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { waiting: Mutex::default(), wake: Box::new(wake) }
    }

    pub fn take_all(&self) -> VecDeque<Assignment> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
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
}
