use std::collections::VecDeque;
use std::time::Instant;

use super::executor::Assignment;
use super::running::{Run, Running};
use crate::delivery::HoldId;

/// A worker's tasks that wait for their turn, oldest first, and what runs: an executor's state.
#[derive(Default)]
pub(super) struct Waiting {
    tasks: VecDeque<Assignment>,
    pub(super) running: Running,
}

impl Waiting {
    /// How many of them may start at once.
    pub(super) fn startable(&self) -> usize {
        self.tasks.len().min(self.running.room())
    }

    pub(super) fn extend(&mut self, batch: Vec<Assignment>) {
        self.tasks.extend(batch);
    }

    /// The next task, which runs from now on; `None` also while as many run as may.
    pub(super) fn start(&mut self, now: Instant) -> Option<(Run, Assignment)> {
        if self.running.room() == 0 {
            return None;
        }
        let assignment = self.tasks.pop_front()?;
        Some((self.running.start(now), assignment))
    }

    /// As [`super::executor::Executor::take_back`].
    pub(super) fn take_back(&mut self, now: Option<Instant>) -> (Vec<Assignment>, Option<Instant>) {
        // These are as good as started: a thread is on its way to them.
        let kept = self.running.room();
        let is_due = |assignment: &Assignment| now.is_none_or(|now| kept == 0 && assignment.start_by <= now);
        let mut back = Vec::new();
        if self.tasks.iter().skip(kept).any(is_due) {
            let rest = self.tasks.split_off(kept.min(self.tasks.len()));
            let (due, stay): (Vec<_>, Vec<_>) = rest.into_iter().partition(is_due);
            self.tasks.extend(stay);
            back = due;
        }
        (back, self.tasks.iter().map(|assignment| assignment.start_by).min())
    }

    pub(super) fn remove(&mut self, hold: HoldId) -> Option<Assignment> {
        let at = self.tasks.iter().position(|waiting| waiting.completion.is_of(hold))?;
        self.tasks.remove(at)
    }
}
