use std::sync::Arc;

use super::ledger::Ledger;

/// Counted as a poll in flight until it is dropped, whatever becomes of the poll and of what it brings.
pub struct PollInFlight {
    ledger: Arc<Ledger>,
    task_type: Arc<str>,
    number: u64,
}

impl Drop for PollInFlight {
    fn drop(&mut self) {
        let mut guard = self.ledger.lock();
        let state = &mut *guard;
        state.polls_in_flight -= 1;
        if let Some(polls) = state.polls.get_mut(&self.task_type) {
            polls.ended(self.number, |task_id| _ = state.latest.remove(&task_id));
        }
        self.ledger.tell(state);
    }
}

impl Ledger {
    pub fn poll(self: &Arc<Self>, task_type: &Arc<str>) -> PollInFlight {
        let mut state = self.lock();
        state.polls_in_flight += 1;
        let number = state.polls.entry(Arc::clone(task_type)).or_default().begun();
        PollInFlight { ledger: Arc::clone(self), task_type: Arc::clone(task_type), number }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::delivery::ledger::tests::{clock, returned};

    #[test]
    fn a_poll_in_flight_may_bring_what_was_settled_meanwhile() {
        let ledger = Arc::new(Ledger::default());
        let task_type: Arc<str> = "greet".into();
        let hold = || ledger.hold(&"t1".into(), &task_type, clock(0));
        let settle = |id, in_progress| {
            ledger.finished(Instant::now(), [returned(id, 7, in_progress)].into_iter(), drop);
            ledger.settled(id);
        };
        let poll = ledger.poll(&task_type);
        settle(hold().unwrap(), true);
        settle(hold().expect("handed in"), false);
        assert_eq!(hold(), None, "the poll was sent before the yes");
        let _another = ledger.poll(&task_type);
        drop(poll);
        settle(hold().expect("this poll was sent after it"), false);
        assert_eq!(hold(), None);
    }
}
