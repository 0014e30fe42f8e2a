use std::collections::VecDeque;
use std::sync::Arc;

/// Polls of one task type in flight, and the tasks that were settled under them: the answers may still bring
/// such a task once more. Pure.
#[derive(Default)]
pub(super) struct Polls {
    last: u64,
    in_flight: Vec<u64>,
    /// With the number of the poll that was sent last before.
    settled: VecDeque<(u64, Arc<str>)>,
}

impl Polls {
    /// The poll's number.
    pub(super) fn begun(&mut self) -> u64 {
        self.last += 1;
        self.in_flight.push(self.last);
        self.last
    }

    /// True: a poll is in flight, and `ended` will tell when the task need not be remembered any more.
    pub(super) fn settled(&mut self, task_id: &Arc<str>) -> bool {
        let expected = !self.in_flight.is_empty();
        if expected {
            self.settled.push_back((self.last, Arc::clone(task_id)));
        }
        expected
    }

    /// A poll's tasks are entered: forgets what no other poll can bring.
    pub(super) fn ended(&mut self, number: u64, mut forget: impl FnMut(Arc<str>)) {
        self.in_flight.retain(|other| *other != number);
        let oldest = self.in_flight.iter().min().copied().unwrap_or(u64::MAX);
        while let Some((_, task_id)) = self.settled.pop_front_if(|(last, _)| *last < oldest) {
            forget(task_id);
        }
    }
}
