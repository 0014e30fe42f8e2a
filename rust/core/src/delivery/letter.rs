use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use super::held::HoldId;
use super::trials::Trials;
use crate::observe::WorkerMetrics;
use crate::spool::RowId;
use crate::transport::Backoff;
use crate::wire::{Status, TaskResult, lease_extension};

/// A result on its way, with what its retries need.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    pub(super) hold: HoldId,
    pub(super) metrics: Arc<WorkerMetrics>,
    pub(super) result: TaskResult,
    /// Of the result on disk.
    pub(super) row: Option<RowId>,
    /// When the server's patience with the task ends, in seconds after the host's start: the earliest is posted
    /// first. Whole seconds, so that results of one poll keep their order and cost no search.
    pub(super) due: u64,
    pub(super) backoff: Backoff,
    pub(super) trials: Trials,
    /// The server refused the result itself; this is the small failure that stands in for it.
    pub(super) is_substitute: bool,
    /// An ended process has left it, and somebody wants to know what becomes of it.
    pub(super) is_leftover: bool,
    /// Posted to see whether an open breaker may close.
    pub(super) probe: Option<Probe>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    Itself,
    /// A heartbeat for its task in its place. It got 500 so often that one of the two is bad, it or the server,
    /// and there is no other result to tell which.
    Heartbeat,
}

impl Letter {
    pub(super) fn body(&self) -> Bytes {
        match self.probe {
            Some(Probe::Heartbeat) => lease_extension(&self.result.identity),
            _ => self.result.body.clone(),
        }
    }

    pub(super) fn is_of(&self, task_type: &str) -> bool {
        *self.metrics.task_type == *task_type
    }

    /// May the task have been handed out again, since it was to be?
    pub(super) fn may_be_superseded(&self) -> bool {
        self.trials.failed > 0 && self.result.status == Status::InProgress
    }
}

/// Letters in the order in which they are due. Mostly they come in that order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    in_order: VecDeque<Letter>,
    others: BTreeMap<(u64, u64), Letter>,
    count: u64,
}

impl Queue {
    pub(super) fn push(&mut self, letter: Letter) {
        if self.in_order.back().is_none_or(|last| last.due <= letter.due) {
            return self.in_order.push_back(letter);
        }
        self.count += 1;
        self.others.insert((letter.due, self.count), letter);
    }

    pub(super) fn pop(&mut self) -> Option<Letter> {
        let due = self.in_order.front().map_or(u64::MAX, |letter| letter.due);
        match self.others.first_entry() {
            Some(entry) if entry.key().0 < due => Some(entry.remove()),
            _ => self.in_order.pop_front(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.in_order.len() + self.others.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Letter> {
        self.in_order.iter().chain(self.others.values())
    }
}
