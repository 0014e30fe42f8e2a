//! Queues by task type and domain, named as `QueueUtils.java` names them.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::Notify;

/// Ready tasks of one (task type, domain), oldest first.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) task_type: Box<str>,
    pub(crate) domain: Option<Box<str>>,
    /// Sequence numbers; an entry whose task is not `queued` any more is skipped.
    pub(crate) ready: VecDeque<u64>,
    /// Wakes all long polls of this queue.
    pub(crate) arrived: Arc<Notify>,
    pub(crate) last_poll: Option<LastPoll>,
}

/// Kept for every poll, also for one that got nothing.
#[derive(Debug)]
pub(crate) struct LastPoll {
    pub(crate) millis: u64,
    pub(crate) worker_id: Option<Arc<str>>,
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
        let name = name(task_type, domain);
        if let Some(&index) = self.index.get(&*name) {
            return index;
        }
        let index = self.queues.len();
        self.index.insert(name.into(), index);
        self.queues.push(Queue {
            task_type: task_type.into(),
            domain: domain.map(Box::from),
            ready: VecDeque::new(),
            arrived: Arc::default(),
            last_poll: None,
        });
        index
    }

    pub(crate) fn find(&self, task_type: &str, domain: Option<&str>) -> Option<usize> {
        self.index.get(&*name(task_type, domain)).copied()
    }

    pub(crate) fn get(&mut self, index: usize) -> &mut Queue {
        &mut self.queues[index]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Queue> {
        self.queues.iter()
    }

    /// Indices and names.
    pub(crate) fn names(&self) -> impl Iterator<Item = (usize, &str)> {
        self.index.iter().map(|(name, &index)| (index, &**name))
    }
}

fn name<'a>(task_type: &'a str, domain: Option<&str>) -> Cow<'a, str> {
    match domain {
        Some(domain) => Cow::Owned(format!("{domain}:{task_type}")),
        None => Cow::Borrowed(task_type),
    }
}
