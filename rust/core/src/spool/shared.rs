use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tokio::sync::watch;

use super::queue::Queue;
use super::store::Filling;

/// What the thread and its users see.
pub(super) struct Shared {
    pub queue: Queue,
    pub last_id: AtomicI64,
    /// Is there room for more?
    pub room: watch::Sender<bool>,
    pub rows: AtomicU64,
    pub dead_letters: AtomicU64,
    pub bytes: AtomicU64,
    pub failed_writes: AtomicU64,
    pub set_aside: AtomicU64,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            queue: Queue::default(),
            last_id: AtomicI64::new(0),
            room: watch::Sender::new(true),
            rows: AtomicU64::new(0),
            dead_letters: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            failed_writes: AtomicU64::new(0),
            set_aside: AtomicU64::new(0),
        }
    }

    pub(super) fn told(&self, filling: Filling) {
        self.rows.store(filling.rows - filling.dead_letters.min(filling.rows), Ordering::Relaxed);
        self.dead_letters.store(filling.dead_letters, Ordering::Relaxed);
        self.bytes.store(filling.bytes, Ordering::Relaxed);
    }
}
