//! How many tasks of each type are in each state, so that nobody has to count 100,000 tasks per update.

use std::collections::HashMap;
use std::sync::Arc;

use crate::status::TaskStatus;

#[derive(Debug, Default)]
pub(crate) struct Census {
    index: HashMap<Arc<str>, usize>,
    /// By index of the type, then by `TaskStatus as usize`.
    counts: Vec<[usize; TaskStatus::ALL.len()]>,
}

impl Census {
    pub(crate) fn index_of(&mut self, task_type: &Arc<str>) -> usize {
        if let Some(&index) = self.index.get(task_type) {
            return index;
        }
        self.counts.push([0; TaskStatus::ALL.len()]);
        self.index.insert(Arc::clone(task_type), self.counts.len() - 1);
        self.counts.len() - 1
    }

    /// The shared name of a known type.
    pub(crate) fn task_type(&self, task_type: &str) -> Option<Arc<str>> {
        self.index.get_key_value(task_type).map(|(name, _)| Arc::clone(name))
    }

    pub(crate) fn add(&mut self, index: usize, status: TaskStatus) {
        self.counts[index][status as usize] += 1;
    }

    pub(crate) fn remove(&mut self, index: usize, status: TaskStatus) {
        self.counts[index][status as usize] -= 1;
    }

    /// Tasks that `wanted` accepts, of one type or of all.
    pub(crate) fn count(&self, task_type: Option<&str>, wanted: impl Fn(TaskStatus) -> bool) -> usize {
        let of = |counts: &[usize; TaskStatus::ALL.len()]| -> usize {
            TaskStatus::ALL
                .into_iter()
                .filter(|&status| wanted(status))
                .map(|status| counts[status as usize])
                .sum()
        };
        match task_type {
            Some(task_type) => self.index.get(task_type).map_or(0, |&index| of(&self.counts[index])),
            None => self.counts.iter().map(of).sum(),
        }
    }
}
