use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::held::HoldId;
use crate::wire::TaskIdentity;

/// After a beat that did not get through, half of the time that is left on the server, but never a storm
/// and never a long silence.
const SOONEST_AGAIN: Duration = Duration::from_secs(1);
const LATEST_AGAIN: Duration = Duration::from_secs(30);

/// The server's clock of one task: silent for `response_timeout` after `since`, it is TIMED_OUT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseClock {
    /// Never later than when the server started its clock, as far as that can be known here.
    pub since: Instant,
    /// Zero: the server waits for ever.
    pub response_timeout: Duration,
}

impl LeaseClock {
    /// 0.8 of the response timeout, as in the reference SDK (lease_tracker.py:29). `None`: no lease.
    ///
    /// There is no lower bound, while the SDK skips intervals under 1 s: the server counts whole seconds,
    /// so the shortest is 0.8 s, and our clock has no tick that it would have to fit.
    pub fn interval(&self) -> Option<Duration> {
        (!self.response_timeout.is_zero()).then(|| self.response_timeout * 4 / 5)
    }

    /// When the server's patience ends. `None`: never.
    pub(super) fn end(&self) -> Option<Instant> {
        (!self.response_timeout.is_zero()).then(|| self.since + self.response_timeout)
    }
}

/// Whom to tell that the server has ended a task that is still held here.
pub trait CancelTask: Send + Sync {
    /// True: its function was not started and will not be, so that nobody reports the task.
    fn cancel(&self, hold: HoldId) -> bool;
}

/// What is needed to extend a lease.
#[derive(Clone)]
pub struct Lease {
    pub identity: TaskIdentity,
    pub task_type: Arc<str>,
    pub interval: Duration,
    /// `None` for a result that waits for delivery: nobody is left who could stop.
    pub cancel: Option<Arc<dyn CancelTask>>,
}

impl Lease {
    /// The delay after a beat that did not get through.
    pub fn again(&self) -> Duration {
        (self.interval / 8).clamp(SOONEST_AGAIN, LATEST_AGAIN).min(self.interval)
    }
}

/// Leases and when each is due. Pure: `now` comes from the caller.
#[derive(Default)]
pub(super) struct Leases {
    by_hold: HashMap<HoldId, (Lease, Option<Instant>)>,
    due: BTreeSet<(Instant, HoldId)>,
}

impl Leases {
    /// True if no other lease is due as early, so that whoever waits for the next one has to look again.
    pub(super) fn track(&mut self, id: HoldId, lease: Lease, due: Instant) -> bool {
        self.end(id);
        self.by_hold.insert(id, (lease, Some(due)));
        self.due.insert((due, id));
        self.next_due() == Some(due)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_hold.is_empty()
    }

    pub(super) fn is_tracked(&self, id: HoldId) -> bool {
        self.by_hold.contains_key(&id)
    }

    /// The beat that was taken is over: the next one is due then. As `track`.
    pub(super) fn beaten(&mut self, id: HoldId, next: Instant) -> bool {
        match self.by_hold.get_mut(&id) {
            Some((_, due @ None)) => {
                *due = Some(next);
                self.due.insert((next, id));
                self.next_due() == Some(next)
            }
            _ => false,
        }
    }

    pub(super) fn end(&mut self, id: HoldId) {
        if let Some((_, Some(due))) = self.by_hold.remove(&id) {
            self.due.remove(&(due, id));
        }
    }

    /// Takes what is due, most urgent first; a lease is not due again before its beat is over (`beaten`).
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<(HoldId, Lease)> {
        let mut taken = Vec::new();
        while let Some(&(due, id)) = self.due.first().filter(|(due, _)| *due <= now) {
            self.due.remove(&(due, id));
            if let Some((lease, due)) = self.by_hold.get_mut(&id) {
                *due = None;
                taken.push((id, lease.clone()));
            }
        }
        taken
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn lease(interval: Duration) -> Lease {
        let identity = TaskIdentity { task_id: "t".into(), workflow_instance_id: "w".into() };
        Lease { identity, task_type: "greet".into(), interval, cancel: None }
    }

    #[test]
    fn intervals_are_eight_tenths_of_the_timeout() {
        let since = Instant::now();
        for (timeout, interval) in [(0, None), (1, Some(800)), (10, Some(8_000)), (3_600, Some(2_880_000))] {
            let clock = LeaseClock { since, response_timeout: seconds(timeout) };
            assert_eq!(clock.interval(), interval.map(Duration::from_millis), "{timeout}");
        }
    }

    #[test]
    fn a_beat_that_did_not_get_through_is_tried_again_before_the_lease_ends() {
        for (interval, again) in
            [(800, 800), (4_000, 1_000), (8_000, 1_000), (80_000, 10_000), (2_880_000, 30_000)]
        {
            let lease = lease(Duration::from_millis(interval));
            assert_eq!(lease.again(), Duration::from_millis(again), "{interval}");
        }
    }

    #[test]
    fn due_in_order_once_until_beaten_and_never_after_the_end() {
        let (mut leases, start) = (Leases::default(), Instant::now());
        let [a, b, c] = [1, 2, 3].map(HoldId);
        assert!(leases.track(a, lease(seconds(8)), start + seconds(8)));
        assert!(leases.track(b, lease(seconds(4)), start + seconds(4)), "earlier than all others");
        assert!(!leases.track(c, lease(seconds(9)), start + seconds(9)));
        let due = |leases: &mut Leases, at| -> Vec<HoldId> {
            leases.take_due(start + seconds(at)).into_iter().map(|(id, _)| id).collect()
        };
        assert_eq!(due(&mut leases, 3), []);
        assert_eq!(due(&mut leases, 8), [b, a]);
        assert_eq!(due(&mut leases, 8), [], "their beats are not over");
        assert_eq!(leases.next_due(), Some(start + seconds(9)));
        assert!(!leases.beaten(a, start + seconds(16)));
        assert!(!leases.beaten(a, start + seconds(1)), "one beat, one next");
        leases.end(b);
        assert!(!leases.beaten(b, start), "ended during its beat");
        assert!(leases.is_tracked(c) && !leases.is_tracked(b));
        leases.end(c);
        assert_eq!(due(&mut leases, 20), [a]);
        leases.end(a);
        assert_eq!((leases.next_due(), leases.by_hold.len()), (None, 0));
    }
}
