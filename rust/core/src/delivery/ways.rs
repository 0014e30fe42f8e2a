use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::blocked::Blocked;
use super::letter::{Letter, Probe};
use crate::error::Judgement;
use crate::transport::{Breaker, probe_delay};

/// Of what a server may ask for.
const LONGEST_REST: Duration = Duration::from_mins(1);

/// The ways of results to the server: whether each is known to be down, and what waits until it is up. Pure.
#[derive(Debug, Default)]
pub(super) struct Ways {
    pub(super) types: HashMap<Arc<str>, Way>,
    /// The server refuses our key or token.
    pub(super) unauthorized: Breaker,
    /// The ways of all task types are down.
    pub(super) server: Breaker,
    /// The server asked for a rest.
    pub(super) rest_until: Option<Instant>,
}

#[derive(Debug, Default)]
pub(super) struct Way {
    pub(super) breaker: Breaker,
    pub(super) parked: Vec<Letter>,
}

/// A breaker has changed its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    TypeOpened,
    TypeClosed,
    Unauthorized,
    Authorized,
    /// And with it all others.
    ServerOpened,
    ServerClosed,
}

/// A post that failed, as far as the way of its result is concerned.
pub(super) struct Failure<'a> {
    pub(super) task_type: &'a Arc<str>,
    pub(super) judgement: Judgement,
    /// Of this very result.
    pub(super) is_first: bool,
    pub(super) probe: Option<Probe>,
    /// Results of its type that wait.
    pub(super) waiting: usize,
    /// How long the server asks not to be called.
    pub(super) asked: Option<Duration>,
}

impl Ways {
    /// There is a worker for this task type.
    pub(super) fn register(&mut self, task_type: &Arc<str>) {
        self.types.entry(Arc::clone(task_type)).or_default();
        self.server.succeeded();
    }

    pub(super) fn is_resting(&self, now: Instant) -> bool {
        self.rest_until.is_some_and(|until| now < until)
    }

    pub(super) fn is_down(&self, task_type: &str) -> bool {
        self.unauthorized.is_open() || self.types.get(task_type).is_some_and(|way| way.breaker.is_open())
    }

    pub(super) fn park(&mut self, letter: Letter) {
        let task_type = Arc::clone(&letter.metrics.task_type);
        self.types.entry(task_type).or_default().parked.push(letter);
    }

    pub(super) fn parked_of(&self, task_type: &str) -> usize {
        self.types.get(task_type).map_or(0, |way| way.parked.len())
    }

    pub(super) fn failed(&mut self, failure: &Failure<'_>, now: Instant, random: f64) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some(rest) = failure.asked {
            self.rest_until = self.rest_until.max(Some(now + rest.min(LONGEST_REST)));
        }
        let way = self.types.entry(Arc::clone(failure.task_type)).or_default();
        let opened = match failure.judgement {
            Judgement::Unauthorized => {
                if self.unauthorized.force_open(now, random) {
                    changes.push(Change::Unauthorized);
                }
                false
            }
            // The server is there; it is this task that is busy.
            Judgement::Conflict => false,
            // Of a result that fails again and again among others that get through, the way is not down.
            Judgement::Misconfigured if failure.is_first => way.breaker.force_open(now, random),
            _ => way.breaker.failed(now, failure.waiting, random),
        };
        if opened {
            changes.push(Change::TypeOpened);
        }
        if failure.probe.is_some() {
            self.probe_ended(failure.task_type, now + probe_delay(random));
        }
        let all_are_down = self.types.values().all(|way| way.breaker.is_open());
        // With one task type, its own breaker says it all.
        if opened && all_are_down && self.server.force_open(now, random) && self.types.len() > 1 {
            changes.push(Change::ServerOpened);
        }
        changes
    }

    /// Whatever became of a probe: the next one at `next`.
    pub(super) fn probe_ended(&mut self, task_type: &str, next: Instant) {
        if let Some(way) = self.types.get_mut(task_type) {
            way.breaker.try_ended(next);
        }
        self.unauthorized.try_ended(next);
        self.server.try_ended(next);
    }

    /// The server has taken a result, or has judged it: the way is up. Gives what waited for that.
    pub(super) fn succeeded(&mut self, task_type: &str, now: Instant) -> (Vec<Change>, Vec<Letter>) {
        let mut changes = Vec::new();
        if self.types.get_mut(task_type).is_some_and(|way| way.breaker.succeeded()) {
            changes.push(Change::TypeClosed);
        }
        if self.unauthorized.succeeded() {
            changes.push(Change::Authorized);
        }
        if self.server.succeeded() {
            // Where one gets through the others may as well: they need not wait for their turns.
            self.types.values_mut().for_each(|way| way.breaker.try_at_once(now));
            if self.types.len() > 1 {
                changes.push(Change::ServerClosed);
            }
        }
        (changes, self.freed())
    }

    /// What waits without a need.
    fn freed(&mut self) -> Vec<Letter> {
        if self.unauthorized.is_open() {
            return Vec::new();
        }
        let up = self.types.values_mut().filter(|way| !way.breaker.is_open());
        up.flat_map(|way| std::mem::take(&mut way.parked)).collect()
    }

    pub(super) fn blocked(&self) -> Blocked {
        let down = self.types.iter().filter(|(_, way)| way.breaker.is_open());
        let mut types: Vec<_> = down.map(|(task_type, _)| Arc::clone(task_type)).collect();
        types.sort();
        Blocked {
            unauthorized: self.unauthorized.is_open(),
            server: self.server.is_open(),
            resting: self.rest_until.is_some(),
            types,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::delivery::held::HoldId;
    use crate::delivery::trials::Trials;
    use crate::observe::worker_metrics;
    use crate::transport::Backoff;
    use crate::wire::{Status, TaskIdentity, TaskResultWriter};

    pub(crate) const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    pub(crate) fn letter(task_type: &str, number: u64) -> Letter {
        let identity =
            TaskIdentity { task_id: format!("t{number}").into(), workflow_instance_id: "w".into() };
        Letter {
            row: None,
            hold: HoldId(number),
            metrics: worker_metrics(&task_type.into(), None),
            result: TaskResultWriter::failure(&identity, "test", Status::Failed, "x"),
            due: number,
            backoff: Backoff::new(ms(100), ms(1_000)),
            trials: Trials::default(),
            is_substitute: false,
            is_leftover: false,
            probe: None,
        }
    }

    pub(crate) fn failure(task_type: &Arc<str>, judgement: Judgement) -> Failure<'_> {
        Failure { task_type, judgement, is_first: true, probe: None, waiting: 0, asked: None }
    }

    #[test]
    fn a_type_that_is_down_blocks_itself_and_all_types_block_all() {
        let (sick, well): (Arc<str>, Arc<str>) = ("sick".into(), "well".into());
        let now = Instant::now();
        let mut ways = Ways::default();
        ways.register(&sick);
        ways.register(&well);
        let changes = ways.failed(&failure(&sick, Judgement::Misconfigured), now, 0.0);
        assert_eq!(changes, [Change::TypeOpened]);
        assert!(ways.blocked().blocks("sick") && !ways.blocked().blocks("well"));
        let changes = ways.failed(&failure(&well, Judgement::Misconfigured), now, 0.0);
        assert_eq!(changes, [Change::TypeOpened, Change::ServerOpened]);
        assert!(ways.blocked().blocks("a third"));
        ways.park(letter("sick", 1));
        ways.park(letter("well", 2));
        let (changes, freed) = ways.succeeded("well", now);
        assert_eq!(changes, [Change::TypeClosed, Change::ServerClosed]);
        assert_eq!(freed.iter().map(|letter| letter.hold.0).collect::<Vec<_>>(), [2]);
        assert_eq!(ways.probes(now, 0, |_| true).0.len(), 1, "the other one is tried at once");
    }

    #[test]
    fn a_refused_key_keeps_all_back_until_one_is_taken() {
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        let now = Instant::now();
        let mut ways = Ways::default();
        ways.register(&one);
        ways.register(&other);
        assert_eq!(
            ways.failed(&failure(&one, Judgement::Unauthorized), now, 0.0),
            [Change::Unauthorized],
            "told once"
        );
        assert_eq!(ways.failed(&failure(&other, Judgement::Unauthorized), now, 0.0), []);
        ways.park(letter("one", 1));
        ways.park(letter("other", 2));
        assert!(ways.is_down("other") && ways.blocked().blocks("other"));
        assert_eq!(ways.probes(now + ms(500), 0, |_| true).0.len(), 1);
        let (changes, freed) = ways.succeeded("one", now);
        assert_eq!((changes, freed.len()), (vec![Change::Authorized], 1));
    }

    #[test]
    fn a_rest_is_given_by_all_up_to_a_minute() {
        let one: Arc<str> = "one".into();
        let now = Instant::now();
        for (asked, given) in [(7, 7), (86_400, 60)] {
            let mut ways = Ways::default();
            ways.register(&one);
            let asked = Some(Duration::from_secs(asked));
            ways.failed(&Failure { asked, ..failure(&one, Judgement::Throttled) }, now, 0.0);
            assert!(ways.blocked().blocks("another"));
            let end = now + Duration::from_secs(given);
            let shortly_before = now + Duration::from_millis(given * 1_000 - 1);
            assert!(ways.is_resting(shortly_before) && !ways.is_resting(end));
            assert_eq!(ways.probes(now, 0, |_| true).1, Some(end));
            assert_eq!(ways.probes(end, 0, |_| true).1, None);
            assert_eq!(ways.blocked(), Blocked::default());
        }
    }
}
