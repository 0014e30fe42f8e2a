use std::time::{Duration, Instant};

/// So many failures in a row, and …
const FAILURES: u32 = 5;
/// … over so long: a burst of posts that fail together is one event.
const LEAST_SPAN: Duration = Duration::from_secs(2);
/// So many results of one type that wait after a failure open it too.
const MOST_WAITING: usize = 1_000;

/// Between two tries of a server that fails; `random` is uniform in [0, 1). First work is due 2 s after its return.
pub(crate) fn probe_delay(random: f64) -> Duration {
    Duration::from_millis(500) + Duration::from_secs(1).mul_f64(random.clamp(0.0, 1.0))
}

/// Whether the way of results to the server is known to be down. Open, one result at a time is tried, and no
/// task is taken whose result would go that way. Pure.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    /// The first of them.
    since: Option<Instant>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    next_try: Instant,
    trying: bool,
}

impl Breaker {
    /// A try failed; `waiting` results wait behind it. True: the breaker opens with this.
    pub(crate) fn failed(&mut self, now: Instant, waiting: usize, random: f64) -> bool {
        let since = *self.since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        let is_down = self.failures >= FAILURES && now.saturating_duration_since(since) >= LEAST_SPAN;
        self.open.is_none() && (is_down || waiting >= MOST_WAITING) && self.force_open(now, random)
    }

    /// Opens at the first failure, for one that cannot pass by itself. True: it was closed.
    pub(crate) fn force_open(&mut self, now: Instant, random: f64) -> bool {
        let is_news = self.open.is_none();
        self.since.get_or_insert(now);
        if is_news {
            self.open = Some(Open { next_try: now + probe_delay(random), trying: false });
        }
        is_news
    }

    /// A result got through. True: the breaker closes with this.
    pub(crate) fn succeeded(&mut self) -> bool {
        std::mem::take(self).open.is_some()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// When a result may be tried; `None` while it is closed, or one is being tried.
    pub(crate) fn next_try(&self) -> Option<Instant> {
        self.open.as_ref().filter(|open| !open.trying).map(|open| open.next_try)
    }

    pub(crate) fn try_begins(&mut self) {
        if let Some(open) = &mut self.open {
            open.trying = true;
        }
    }

    /// The result that was tried is back, and did not get through: the next one at `next`.
    pub(crate) fn try_ended(&mut self, next: Instant) {
        if let Some(open) = &mut self.open {
            *open = Open { next_try: next, trying: false };
        }
    }

    /// Whatever kept it from being tried is over.
    pub(crate) fn try_at_once(&mut self, now: Instant) {
        if let Some(open) = &mut self.open {
            open.next_try = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A breaker after failures at these milliseconds, and when it opened.
    fn after(millis: &[u64], waiting: usize) -> (Breaker, Option<u64>) {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        let opened = millis
            .iter()
            .filter(|at| breaker.failed(start + Duration::from_millis(**at), waiting, 0.5))
            .copied()
            .collect::<Vec<_>>();
        assert!(opened.len() <= 1, "it opens once");
        (breaker, opened.first().copied())
    }

    #[test]
    fn five_failures_over_two_seconds_open_it_and_so_do_a_thousand_results() {
        for (failures, waiting, expected) in [
            (&[0, 1, 2, 3, 4, 5, 1_999][..], 999, None),
            (&[0, 500, 1_000, 2_000], 999, None),
            (&[0, 500, 1_000, 1_500, 2_000, 2_001], 0, Some(2_000)),
            (&[0, 2_000, 4_000, 6_000, 8_000], 0, Some(8_000)),
            (&[7, 8], 1_000, Some(7)),
        ] {
            assert_eq!(after(failures, waiting).1, expected, "{failures:?} {waiting}");
        }
    }

    #[test]
    fn one_at_a_time_is_tried_and_a_success_closes_it() {
        let now = Instant::now();
        let (mut breaker, _) = after(&[0], 1_000);
        assert!(breaker.next_try().is_some_and(|at| at > now));
        breaker.try_begins();
        assert_eq!(breaker.next_try(), None);
        let next = now + probe_delay(0.0);
        breaker.try_ended(next);
        assert_eq!(breaker.next_try(), Some(next));
        assert!(breaker.succeeded() && !breaker.succeeded());
        assert_eq!((breaker.is_open(), breaker.next_try()), (false, None));
        assert!(breaker.force_open(now, 0.0) && !breaker.force_open(now, 0.0));
    }

    proptest! {
        #[test]
        fn it_never_opens_on_fewer_than_five_failures_or_sooner_than_two_seconds(
            steps in prop::collection::vec((0_u64..900, any::<bool>()), 0..60),
        ) {
            let mut now = Instant::now();
            let mut breaker = Breaker::default();
            let mut in_a_row: Vec<Instant> = Vec::new();
            for (millis, succeeds) in steps {
                now += Duration::from_millis(millis);
                if succeeds {
                    in_a_row.clear();
                    breaker.succeeded();
                } else {
                    in_a_row.push(now);
                    breaker.failed(now, 0, 0.3);
                }
                let is_down = in_a_row.len() >= 5 && now - in_a_row[0] >= Duration::from_secs(2);
                prop_assert_eq!(breaker.is_open(), is_down);
            }
        }

        #[test]
        fn tries_are_half_a_second_to_one_and_a_half_apart(random in -1.0_f64..2.0) {
            let millis = probe_delay(random).as_millis();
            prop_assert!((500..=1_500).contains(&millis));
        }
    }
}
