use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The right to hold one task of a worker. It travels with the task until the result is in the outbox,
/// and frees itself on drop.
#[derive(Debug)]
pub struct Slot {
    slots: Slots,
}

/// The slots of one worker: one for each task that may run, and some for tasks that are fetched ahead. Both
/// numbers may change while slots are in use; those beyond the new number are used to their end.
///
/// Taken on the I/O thread only, freed from any: what is free can but grow under whoever looks.
#[derive(Debug, Clone)]
pub struct Slots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    running: AtomicUsize,
    ahead: AtomicUsize,
    in_use: AtomicUsize,
    /// Of those in use: the slots of tasks, and not those that a poll has taken for what it may bring.
    of_tasks: AtomicUsize,
    /// How many must be free for the waiter to be told: it is not woken at each of 32 slots that it wants.
    awaited: AtomicUsize,
    freed: Notify,
}

/// Free slots, taken together for one poll.
#[derive(Debug)]
pub struct SlotsTaken {
    count: usize,
    slots: Slots,
}

impl Slots {
    pub fn new(running: usize) -> Self {
        Self(Arc::new(Shared {
            running: AtomicUsize::new(running),
            ahead: AtomicUsize::new(0),
            in_use: AtomicUsize::new(0),
            of_tasks: AtomicUsize::new(0),
            awaited: AtomicUsize::new(1),
            freed: Notify::new(),
        }))
    }

    /// How many tasks may run at once.
    pub fn running(&self) -> usize {
        self.0.running.load(Ordering::Relaxed)
    }

    /// How many more may be held.
    pub fn ahead(&self) -> usize {
        self.0.ahead.load(Ordering::Relaxed)
    }

    pub fn free(&self) -> usize {
        let count = self.running() + self.ahead();
        count.saturating_sub(self.0.in_use.load(Ordering::SeqCst))
    }

    /// How many tasks may run at once, and how many are held.
    pub fn running_and_held(&self) -> (usize, usize) {
        (self.running(), self.0.of_tasks.load(Ordering::Relaxed))
    }

    /// Waits until `count` slots are free. For one waiter at a time.
    pub async fn wait(&self, count: usize) {
        self.0.awaited.store(count, Ordering::SeqCst);
        while self.free() < count {
            self.0.freed.notified().await;
        }
    }

    /// Takes up to `count` of those that are free.
    pub fn take(&self, count: usize) -> SlotsTaken {
        let count = count.min(self.free());
        self.0.in_use.fetch_add(count, Ordering::SeqCst);
        SlotsTaken { count, slots: self.clone() }
    }

    /// Takes `count`, whether or not so many are free: for tasks that are here already.
    pub fn take_anyway(&self, count: usize) -> SlotsTaken {
        self.0.in_use.fetch_add(count, Ordering::SeqCst);
        SlotsTaken { count, slots: self.clone() }
    }

    /// So many tasks may run from now on.
    pub fn set_running(&self, count: usize) {
        self.0.running.store(count, Ordering::Relaxed);
        self.tell();
    }

    /// So many tasks more may be held from now on.
    pub fn set_ahead(&self, count: usize) {
        self.0.ahead.store(count, Ordering::Relaxed);
    }

    fn release(&self, count: usize) {
        self.0.in_use.fetch_sub(count, Ordering::SeqCst);
        self.tell();
    }

    fn tell(&self) {
        if self.free() >= self.0.awaited.load(Ordering::SeqCst) {
            self.0.freed.notify_one();
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.0.of_tasks.fetch_sub(1, Ordering::Relaxed);
        self.slots.release(1);
    }
}

impl SlotsTaken {
    pub fn count(&self) -> usize {
        self.count
    }

    pub fn split_one(&mut self) -> Option<Slot> {
        self.count = self.count.checked_sub(1)?;
        self.slots.0.of_tasks.fetch_add(1, Ordering::Relaxed);
        Some(Slot { slots: self.slots.clone() })
    }
}

impl Drop for SlotsTaken {
    fn drop(&mut self) {
        if self.count > 0 {
            self.slots.release(self.count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn surplus_slots_are_free_again_and_those_of_tasks_are_not() {
        let slots = Slots::new(5);
        let mut taken = slots.take(4);
        assert_eq!((taken.count(), slots.free()), (4, 1));
        assert_eq!(slots.running_and_held(), (5, 0), "a poll has them, no task");
        let task = taken.split_one().unwrap();
        drop(taken);
        assert_eq!(slots.running_and_held(), (5, 1));
        assert_eq!(slots.free(), 4);
        drop(task);
        assert_eq!(slots.free(), 5);
        assert_eq!(slots.take(9).count(), 5);
    }

    #[test]
    fn fewer_slots_wait_for_those_in_use_and_more_are_free_at_once() {
        let slots = Slots::new(4);
        let mut taken = slots.take(3);
        let mut tasks: Vec<_> = std::iter::from_fn(|| taken.split_one()).collect();
        slots.set_running(1);
        assert_eq!((tasks.len(), slots.free()), (3, 0), "the free one went at once");
        tasks.pop();
        assert_eq!(slots.free(), 0);
        slots.set_running(2);
        assert_eq!(slots.free(), 0, "two are still in use");
        slots.set_ahead(3);
        assert_eq!((slots.free(), slots.running()), (3, 2));
        tasks.clear();
        assert_eq!(slots.free(), 5);
    }

    #[tokio::test]
    async fn whoever_waits_is_told_once_so_many_are_free() {
        let slots = Slots::new(3);
        let mut taken = slots.take(3);
        let mut tasks: Vec<_> = std::iter::from_fn(|| taken.split_one()).collect();
        let waiting = tokio::spawn({
            let slots = slots.clone();
            async move { slots.wait(2).await }
        });
        tokio::task::yield_now().await;
        tasks.pop();
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        tasks.pop();
        waiting.await.unwrap();
        slots.set_running(4);
        slots.wait(3).await;
    }
}
