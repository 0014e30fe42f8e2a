//! Tasks by sequence number, in push order.

use std::collections::VecDeque;

use crate::task::Task;

/// A window over the sequence numbers: forgotten tasks leave holes, holes at the front are dropped.
#[derive(Debug, Default)]
pub(crate) struct TaskTable {
    /// Sequence number of the first slot.
    first: u64,
    slots: VecDeque<Option<Box<Task>>>,
}

impl TaskTable {
    pub(crate) fn next_sequence(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    /// The task's sequence number must be `next_sequence()`.
    pub(crate) fn push(&mut self, task: Task) {
        self.slots.push_back(Some(Box::new(task)));
    }

    pub(crate) fn get(&self, sequence: u64) -> Option<&Task> {
        self.slots.get(self.position(sequence)?)?.as_deref()
    }

    pub(crate) fn get_mut(&mut self, sequence: u64) -> Option<&mut Task> {
        let position = self.position(sequence)?;
        self.slots.get_mut(position)?.as_deref_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Task> {
        self.slots.iter().filter_map(Option::as_deref)
    }

    /// Drops the tasks that `forget` names.
    pub(crate) fn forget(&mut self, mut forget: impl FnMut(&Task) -> bool) -> usize {
        let mut forgotten = 0;
        for slot in &mut self.slots {
            if slot.as_deref().is_some_and(&mut forget) {
                *slot = None;
                forgotten += 1;
            }
        }
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            self.first += 1;
        }
        forgotten
    }

    fn position(&self, sequence: u64) -> Option<usize> {
        usize::try_from(sequence.checked_sub(self.first)?).ok()
    }
}
