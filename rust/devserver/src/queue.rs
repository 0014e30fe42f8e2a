//! Queues by task type and domain, named as `QueueUtils.java` names them.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::Notify;

/// Ready tasks of one (task type, domain), oldest first.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// Sequence numbers; an entry whose task is not `queued` any more is skipped.
    pub(crate) ready: VecDeque<u64>,
    /// Wakes all long polls of this queue.
    pub(crate) arrived: Arc<Notify>,
}

/// All queues; they are never removed, so an index stays good.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    index: HashMap<Box<str>, usize>,
    queues: Vec<Queue>,
}

impl Queues {
    /// The queue's index; made when missing. An empty domain is a queue of its own, as on the live server.
    pub(crate) fn index_of(&mut self, task_type: &str, domain: Option<&str>) -> usize {
        let name = match domain {
            Some(domain) => Cow::Owned(format!("{domain}:{task_type}")),
            None => Cow::Borrowed(task_type),
        };
        if let Some(&index) = self.index.get(&*name) {
            return index;
        }
        let index = self.queues.len();
        self.index.insert(name.into(), index);
        self.queues.push(Queue::default());
        index
    }

    pub(crate) fn get(&mut self, index: usize) -> &mut Queue {
        &mut self.queues[index]
    }
}
