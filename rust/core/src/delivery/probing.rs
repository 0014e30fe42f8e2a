use std::time::Instant;

use super::letter::{Letter, Probe};
use super::ways::Ways;
use crate::transport::{Breaker, probe_delay};

/// Which results show whether a way is up again. Pure.
impl Ways {
    /// Results that are to be tried now, each as the only one of a way that is down, and when to ask again.
    /// `waits` elsewhere: does any result of this type (of any type) wait or travel?
    pub(super) fn probes(
        &mut self,
        now: Instant,
        accepted: u64,
        waits: impl Fn(Option<&str>) -> bool,
    ) -> (Vec<Letter>, Option<Instant>) {
        if self.rest_until.is_some_and(|until| until <= now) {
            self.rest_until = None;
        }
        if self.rest_until.is_some() {
            return (Vec::new(), self.rest_until);
        }
        let whole = if self.unauthorized.is_open() { &mut self.unauthorized } else { &mut self.server };
        if whole.is_open() {
            return match whole.next_try() {
                None => (Vec::new(), None),
                Some(at) if now < at => (Vec::new(), Some(at)),
                Some(_) => match best(self.types.values_mut().map(|way| &mut way.parked), accepted) {
                    Some(letter) => {
                        whole.try_begins();
                        (vec![letter], None)
                    }
                    None if waits(None) => (Vec::new(), Some(now + probe_delay(0.0))),
                    // Nothing is left to try with. The next task will show.
                    None => {
                        (self.unauthorized, self.server) = Default::default();
                        self.types.values_mut().for_each(|way| way.breaker = Breaker::default());
                        (Vec::new(), None)
                    }
                },
            };
        }
        let (mut probes, mut next) = (Vec::new(), None);
        for (task_type, way) in &mut self.types {
            match way.breaker.next_try() {
                None => {}
                Some(at) if now < at => next = Some(next.map_or(at, |next: Instant| next.min(at))),
                Some(_) => match best(std::iter::once(&mut way.parked), accepted) {
                    Some(letter) => {
                        way.breaker.try_begins();
                        probes.push(letter);
                    }
                    None if waits(Some(task_type)) => next = Some(now + probe_delay(0.0)),
                    None => way.breaker = Breaker::default(),
                },
            }
        }
        (probes, next)
    }
}

/// The one that was tried least, so that a bad one does not stand in the way of the others; of those the first
/// that is due.
fn best<'a>(parked: impl Iterator<Item = &'a mut Vec<Letter>>, accepted: u64) -> Option<Letter> {
    let rank = |letter: &Letter| (letter.trials.failed, letter.due);
    let (parked, at, _) = parked
        .filter_map(|parked| {
            let (at, letter) = parked.iter().enumerate().min_by_key(|(_, letter)| rank(letter))?;
            let rank = rank(letter);
            Some((parked, at, rank))
        })
        .min_by_key(|(_, _, rank)| *rank)?;
    let mut letter = parked.swap_remove(at);
    letter.probe =
        Some(if letter.trials.wants_evidence(accepted) { Probe::Heartbeat } else { Probe::Itself });
    Some(letter)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::delivery::blocked::Blocked;
    use crate::delivery::ways::Failure;
    use crate::delivery::ways::tests::{failure, letter, ms};
    use crate::error::Judgement;

    /// Ways whose types are down, with results parked.
    fn down(types: &[&Arc<str>], now: Instant) -> Ways {
        let mut ways = Ways::default();
        for task_type in types {
            ways.register(task_type);
        }
        for (number, task_type) in (1..).zip(types) {
            ways.failed(&failure(task_type, Judgement::Misconfigured), now, 0.0);
            ways.park(letter(task_type, number));
        }
        ways
    }

    #[test]
    fn all_down_one_result_is_tried_at_a_time_and_the_least_tried_first() {
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        let now = Instant::now();
        let mut ways = down(&[&one, &other], now);
        assert_eq!(ways.probes(now, 0, |_| true).0.len(), 0);
        let (mut probes, _) = ways.probes(now + ms(500), 0, |_| true);
        let mut probe = probes.pop().unwrap();
        assert_eq!((probe.hold.0, probe.probe, probes.len()), (1, Some(Probe::Itself), 0));
        assert!(ways.probes(now + ms(9_000), 0, |_| true).0.is_empty(), "it is under way");
        let again = Failure { probe: probe.probe, ..failure(&one, Judgement::Throttled) };
        ways.failed(&again, now + ms(9_000), 0.0);
        probe.trials.failed = 1;
        ways.park(probe);
        let (probes, _) = ways.probes(now + ms(9_500), 0, |_| true);
        assert_eq!(probes[0].hold.0, 2);
    }

    #[test]
    fn a_way_without_anything_to_try_does_not_stay_closed() {
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        let now = Instant::now();
        for types in [&[&one][..], &[&one, &other]] {
            let mut ways = down(types, now);
            ways.types.values_mut().for_each(|way| way.parked.clear());
            ways.probes(now + ms(2_000), 0, |_| true);
            assert!(ways.blocked().blocks("one"), "one may be on its way");
            ways.probes(now + ms(4_000), 0, |_| false);
            assert_eq!(ways.blocked(), Blocked::default());
        }
    }

    #[test]
    fn a_server_that_answers_500_to_all_is_asked_with_a_heartbeat() {
        let one: Arc<str> = "one".into();
        let now = Instant::now();
        let mut ways = down(&[&one], now);
        for way in ways.types.values_mut() {
            (0..10).for_each(|_| _ = way.parked[0].trials.failed(Judgement::Suspect, 3));
        }
        let (probes, _) = ways.probes(now + ms(500), 3, |_| true);
        assert_eq!(probes[0].probe, Some(Probe::Heartbeat));
        assert!(String::from_utf8_lossy(&probes[0].body()).contains("extendLease"));
    }
}
