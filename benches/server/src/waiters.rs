use std::collections::VecDeque;

use crate::options::Polls;
use crate::tasks::Tasks;

/// What the client asked with, and so what it is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A batch poll: an array.
    Batch,
    /// An update-v2: one task or nothing.
    Single,
}

/// A call that asks for tasks.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) token: usize,
    /// Of the connection.
    pub(crate) serial: u64,
    pub(crate) form: Form,
    pub(crate) task_type: usize,
    pub(crate) count: usize,
    pub(crate) deadline: u64,
    pub(crate) taken: Vec<usize>,
}

/// Polls that the server holds, oldest first.
#[derive(Debug)]
pub(crate) struct Waiters {
    polls: Polls,
    held: VecDeque<Waiter>,
}

impl Waiters {
    pub(crate) fn new(polls: Polls) -> Self {
        Self { polls, held: VecDeque::new() }
    }

    /// Takes what `waiter` may have; gives it back if it is to be answered now.
    pub(crate) fn ask(&mut self, mut waiter: Waiter, tasks: &mut Tasks, now: u64) -> Option<Waiter> {
        if self.serve(&mut waiter, tasks, now) {
            return Some(waiter);
        }
        self.held.push_back(waiter);
        None
    }

    /// There are new tasks of this type: the waiters that are to be answered now.
    pub(crate) fn arrived(
        &mut self,
        task_type: usize,
        tasks: &mut Tasks,
        now: u64,
        answer: &mut Vec<Waiter>,
    ) {
        let mut at = 0;
        while let Some(waiter) = self.held.get_mut(at) {
            let mut done = false;
            if waiter.task_type == task_type {
                tasks.take(task_type, waiter.count - waiter.taken.len(), now, &mut waiter.taken);
                done = is_satisfied(self.polls, waiter);
            }
            if done {
                answer.extend(self.held.remove(at));
            } else {
                at += 1;
            }
        }
    }

    /// Those whose time is up.
    pub(crate) fn expired(&mut self, now: u64, answer: &mut Vec<Waiter>) {
        let mut at = 0;
        while let Some(waiter) = self.held.get(at) {
            if waiter.deadline <= now {
                answer.extend(self.held.remove(at));
            } else {
                at += 1;
            }
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.held.iter().map(|waiter| waiter.deadline).min()
    }

    /// Its client has gone.
    pub(crate) fn forget(&mut self, serial: u64) {
        self.held.retain(|waiter| waiter.serial != serial);
    }

    fn serve(&self, waiter: &mut Waiter, tasks: &mut Tasks, now: u64) -> bool {
        tasks.take(waiter.task_type, waiter.count, now, &mut waiter.taken);
        is_satisfied(self.polls, waiter) || waiter.deadline <= now || self.polls == Polls::AtOnce
    }
}

fn is_satisfied(polls: Polls, waiter: &Waiter) -> bool {
    match polls {
        Polls::Gathered => waiter.taken.len() >= waiter.count,
        Polls::Held | Polls::AtOnce => !waiter.taken.is_empty(),
    }
}
