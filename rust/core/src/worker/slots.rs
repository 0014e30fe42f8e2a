use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The right to hold one task of a worker. It travels with the task until the result is in the outbox,
/// and frees itself on drop: there is no counter to keep in step.
#[derive(Debug)]
pub struct Slot {
    _permit: OwnedSemaphorePermit,
}

/// The slots of one worker.
#[derive(Debug, Clone)]
pub struct Slots {
    free: Arc<Semaphore>,
}

/// Free slots, taken together for one poll.
#[derive(Debug)]
pub struct SlotsTaken(OwnedSemaphorePermit);

impl Slots {
    pub fn new(count: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(count)) }
    }

    /// Waits for a free slot.
    pub async fn one(&self) -> Option<SlotsTaken> {
        Arc::clone(&self.free).acquire_owned().await.ok().map(SlotsTaken)
    }

    pub fn free(&self) -> usize {
        self.free.available_permits()
    }

    /// Adds up to `count` free slots to those taken.
    pub fn top_up(&self, taken: &mut SlotsTaken, count: usize) {
        let count = u32::try_from(count.min(self.free())).unwrap_or(u32::MAX);
        if count > 0
            && let Ok(more) = Arc::clone(&self.free).try_acquire_many_owned(count)
        {
            taken.0.merge(more);
        }
    }
}

impl SlotsTaken {
    pub fn count(&self) -> usize {
        self.0.num_permits()
    }

    pub fn split_one(&mut self) -> Option<Slot> {
        self.0.split(1).map(|permit| Slot { _permit: permit })
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
        let task = taken.split_one().unwrap();
        drop(taken);
        assert_eq!(slots.free(), 4);
        drop(task);
        assert_eq!(slots.free(), 5);
    }
}
