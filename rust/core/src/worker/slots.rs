use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

/// The right to hold one task of a worker. It travels with the task until the result is in the outbox,
/// and frees itself on drop: there is no counter to keep in step.
#[derive(Debug)]
pub struct Slot {
    slots: Slots,
}

/// The slots of one worker. Their number may change while tasks run.
#[derive(Debug, Clone)]
pub struct Slots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    free: Semaphore,
    /// Slots that are in use and go instead of becoming free, because there are to be fewer.
    surplus: AtomicUsize,
    /// Of those that are not free: the slots of tasks, and not those that a poll has taken for what it may bring.
    in_use: AtomicUsize,
    /// How many there are to be.
    count: Mutex<usize>,
}

/// Free slots, taken together for one poll.
#[derive(Debug)]
pub struct SlotsTaken {
    count: usize,
    slots: Slots,
}

impl Slots {
    pub fn new(count: usize) -> Self {
        Self(Arc::new(Shared {
            free: Semaphore::new(count),
            surplus: AtomicUsize::new(0),
            in_use: AtomicUsize::new(0),
            count: Mutex::new(count),
        }))
    }

    /// Waits for a free slot.
    pub async fn one(&self) -> Option<SlotsTaken> {
        self.0.free.acquire().await.ok()?.forget();
        Some(SlotsTaken { count: 1, slots: self.clone() })
    }

    pub fn free(&self) -> usize {
        self.0.free.available_permits()
    }

    /// How many there are to be, and how many of them hold a task.
    pub fn count_and_in_use(&self) -> (usize, usize) {
        let count = *self.0.count.lock().unwrap_or_else(PoisonError::into_inner);
        (count, self.0.in_use.load(Ordering::Relaxed))
    }

    /// Adds up to `count` free slots to those taken.
    pub fn top_up(&self, taken: &mut SlotsTaken, count: usize) {
        let count = u32::try_from(count.min(self.free())).unwrap_or(u32::MAX);
        if count > 0
            && let Ok(more) = self.0.free.try_acquire_many(count)
        {
            taken.count += more.num_permits();
            more.forget();
        }
    }

    /// From now on there are to be `count` slots. Those in use beyond that number go when they are freed:
    /// no running task is disturbed.
    pub fn resize(&self, count: usize) {
        let mut current = self.0.count.lock().unwrap_or_else(PoisonError::into_inner);
        if count > *current {
            self.release(count - *current);
        } else {
            let fewer = *current - count;
            let gone = self.0.free.forget_permits(fewer);
            self.0.surplus.fetch_add(fewer - gone, Ordering::AcqRel);
        }
        *current = count;
    }

    /// Frees `count` slots, less those that there are too many of. A slot that is freed at the very moment
    /// of a `resize` may slip through; it goes the next time.
    fn release(&self, count: usize) {
        let surplus = &self.0.surplus;
        let gone = if surplus.load(Ordering::Acquire) == 0 {
            0
        } else {
            let pay = |surplus: usize| Some(surplus.saturating_sub(count));
            let before = surplus.fetch_update(Ordering::AcqRel, Ordering::Acquire, pay).unwrap_or_default();
            before.min(count)
        };
        if count > gone {
            self.0.free.add_permits(count - gone);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.0.in_use.fetch_sub(1, Ordering::Relaxed);
        self.slots.release(1);
    }
}

impl SlotsTaken {
    pub fn count(&self) -> usize {
        self.count
    }

    pub fn split_one(&mut self) -> Option<Slot> {
        self.count = self.count.checked_sub(1)?;
        self.slots.0.in_use.fetch_add(1, Ordering::Relaxed);
        Some(Slot { slots: self.slots.clone() })
    }
}

impl Drop for SlotsTaken {
    fn drop(&mut self) {
        self.slots.release(self.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn surplus_slots_are_free_again_and_those_of_tasks_are_not() {
        let slots = Slots::new(5);
        let mut taken = slots.one().await.unwrap();
        slots.top_up(&mut taken, 3);
        assert_eq!((taken.count(), slots.free()), (4, 1));
        assert_eq!(slots.count_and_in_use(), (5, 0), "a poll has them, no task");
        let task = taken.split_one().unwrap();
        drop(taken);
        assert_eq!(slots.count_and_in_use(), (5, 1));
        assert_eq!(slots.free(), 4);
        drop(task);
        assert_eq!(slots.free(), 5);
    }

    #[tokio::test]
    async fn fewer_slots_wait_for_those_in_use_and_more_are_free_at_once() {
        let slots = Slots::new(4);
        let mut taken = slots.one().await.unwrap();
        slots.top_up(&mut taken, 2);
        let tasks: Vec<_> = std::iter::from_fn(|| taken.split_one()).collect();
        drop(taken);
        slots.resize(1);
        assert_eq!((tasks.len(), slots.free()), (3, 0), "the free one went at once");
        let mut tasks = tasks.into_iter();
        drop(tasks.next());
        assert_eq!(slots.free(), 0);
        slots.resize(2);
        assert_eq!(slots.free(), 0, "two are still in use");
        drop(tasks.next());
        assert_eq!(slots.free(), 1);
        drop(tasks);
        assert_eq!(slots.free(), 2);
        slots.resize(7);
        assert_eq!(slots.free(), 7);
    }
}
