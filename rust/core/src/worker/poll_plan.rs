use std::time::Duration;

use crate::error::{Error, ErrorKind, Judgement};
use crate::settings::{PollInterval, WorkerConfig};
use crate::transport::{Backoff, PollRequest};

/// The server refuses a longer one (ExecutionService.java:113).
const LONGEST_POLL: Duration = Duration::from_millis(5_000);
/// First long poll after work: a stop waits for polls in flight, and a host that was just busy or just
/// started is the likeliest to be stopped.
const FIRST_LONG_POLL: Duration = Duration::from_millis(1_000);
/// A server that answers an idle poll sooner than this does not hold polls.
const HELD: Duration = Duration::from_millis(500);
/// Most stores hand out no more than this at once (Redis: 64 at `timeout=0`), so that fewer tasks than
/// asked for are a drained queue only below it.
const LARGEST_BATCH: usize = 64;
/// More than a round trip varies.
const SOON: Duration = Duration::from_millis(1);
/// So many tasks may come one by one before it is looked again whether more have come with one.
const MOST_UNCHECKED: u32 = 8;
/// Of a poller that fails alone; while all fail, they take turns (`poll_turns.rs`).
const AFTER_FAILURE: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
const AFTER_THROTTLING: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));

/// How many tasks to ask for, how long the server may wait, and when to ask again. Pure.
///
/// Left to the engine (`poll_timeout` not set): batches with `timeout=0`, since SQL stores hold a
/// partial batch until the timeout; when the queue is drained one long poll for a single task, which
/// every store answers as soon as there is one (PostgresQueueDAO.java). A batch after it finds what has come with that
/// task; while it finds nothing, ever fewer of these are sent: of three requests a task one is in vain.
#[derive(Debug)]
pub struct PollPlan {
    interval: PollInterval,
    timeout: Option<Duration>,
    /// The store held a partial batch until the user's timeout: what is asked for is only what may be there.
    gathers: bool,
    /// The most to ask such a store for.
    gathered: usize,
    drained: bool,
    /// Of the last poll that the server was not to hold: a long poll that is answered about as soon found a queue.
    round_trip: Duration,
    /// Tasks of long polls that may be taken for the only ones, and how many were since the last look for more.
    unchecked: u32,
    alone: u32,
    long_poll: Duration,
    /// Empty polls in a row that the server did not hold.
    empty: u32,
    /// After an answer that was cut: no poll asks for more, so that one loss is not followed by another of its
    /// size. Doubles with each answer that comes whole.
    most: usize,
    failures: Backoff,
    throttling: Backoff,
}

impl PollPlan {
    pub fn new(config: &WorkerConfig) -> Self {
        Self {
            interval: config.poll_interval,
            timeout: config.poll_timeout,
            gathers: false,
            gathered: 1,
            drained: false,
            round_trip: Duration::ZERO,
            unchecked: 0,
            alone: 0,
            long_poll: FIRST_LONG_POLL,
            empty: 0,
            most: usize::MAX,
            failures: AFTER_FAILURE,
            throttling: AFTER_THROTTLING,
        }
    }

    pub fn set_interval(&mut self, interval: PollInterval) {
        self.interval = interval;
    }

    pub fn next(&self, free: usize) -> PollRequest {
        let free = free.min(self.most);
        match self.timeout {
            Some(timeout) if self.gathers => PollRequest { count: free.min(self.gathered), timeout },
            Some(timeout) => PollRequest { count: free, timeout },
            None if self.drained => PollRequest { count: 1, timeout: self.long_poll },
            None => PollRequest { count: free, timeout: Duration::ZERO },
        }
    }

    /// A poll was answered with `received` tasks after `took`: the delay before the next one. Intervals
    /// run from start to start.
    pub fn answered(&mut self, request: PollRequest, received: usize, took: Duration) -> Duration {
        self.failures.succeeded();
        self.throttling.succeeded();
        if received > 0 {
            self.most = self.most.saturating_mul(2);
        }
        let was_long = self.timeout.is_none() && self.drained;
        if request.timeout.is_zero() {
            self.round_trip = took;
        }
        self.learn(request, received, took);
        if received > 0 {
            self.empty = 0;
            self.long_poll = FIRST_LONG_POLL;
            if was_long {
                self.drained = took > self.round_trip * 2 + SOON && self.alone < self.unchecked;
                self.alone = if self.drained { self.alone + 1 } else { 0 };
            } else {
                self.drained = received < request.count.min(LARGEST_BATCH);
                self.unchecked = 0;
            }
            return Duration::ZERO;
        }
        if self.timeout.is_none() && !was_long {
            self.drained = true;
            self.unchecked = (self.unchecked * 2).clamp(1, MOST_UNCHECKED);
            return Duration::ZERO;
        }
        // After a pause the first task may be the first of many.
        self.unchecked = 0;
        if was_long && took >= HELD {
            self.long_poll = (self.long_poll * 2).min(LONGEST_POLL);
            self.empty = 0;
        }
        let interval = match self.interval {
            PollInterval::Exactly(interval) => interval,
            PollInterval::UpTo(interval) => interval.min(backed_off(self.empty)),
        };
        self.empty = self.empty.saturating_add(1);
        interval.saturating_sub(took)
    }

    /// A delay shortened such that the idle workers of a host, whose pollers agree on `since`, poll at the same
    /// moments: waking up costs more than the poll. Not where the user has set the interval.
    pub fn together(&self, delay: Duration, since: Duration) -> Duration {
        match self.interval {
            PollInterval::UpTo(interval) if !interval.is_zero() && self.rests(interval) => {
                let beyond = (since + delay).as_nanos() % interval.as_nanos();
                delay.saturating_sub(Duration::from_nanos(beyond.try_into().unwrap_or_default()))
            }
            _ => delay,
        }
    }

    /// Is it back at the whole interval between two polls?
    fn rests(&self, interval: Duration) -> bool {
        self.empty > 0 && backed_off(self.empty - 1) >= interval
    }

    /// SQL stores wait with a partial batch until the timeout (PostgresQueueDAO.java). They are asked for one task, and
    /// for twice as many after each full batch, so that none waits for others that do not come.
    fn learn(&mut self, request: PollRequest, received: usize, took: Duration) {
        let is_partial = received < request.count.min(LARGEST_BATCH);
        if is_partial && received > 0 && !request.timeout.is_zero() && took >= request.timeout {
            self.gathers = true;
        }
        self.gathered = if is_partial { 1 } else { request.count.saturating_mul(2) };
    }

    /// A poll for `count` failed, or its answer was `cut`: the delay before the next one, if this poller is the
    /// only one that fails; `random` is uniform in [0, 1).
    pub fn failed(&mut self, count: usize, error: &Error, random: f64) -> Duration {
        if matches!(error.kind(), ErrorKind::Cut { .. }) {
            self.most = (count / 2).max(1);
        }
        // Others may wait for the answer to the next one: it must not be a long poll.
        (self.drained, self.long_poll) = (false, FIRST_LONG_POLL);
        match error.judge() {
            Judgement::Throttled => self.throttling.failed(random),
            _ => self.failures.failed(random),
        }
    }
}

/// The interval after so many empty polls in a row, if the setting allows it.
fn backed_off(empty: u32) -> Duration {
    Duration::from_millis(1 << empty.min(20))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::error::{Received, classify};
    use crate::settings::Prefetch;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn plan(interval: PollInterval, poll_timeout: Option<Duration>) -> PollPlan {
        PollPlan::new(&WorkerConfig {
            task_type: "greet".into(),
            domain: None,
            worker_id: String::new(),
            thread_count: 10,
            poll_interval: interval,
            poll_timeout,
            prefetch: Prefetch::Auto,
            lease_extend_enabled: false,
            paused: false,
        })
    }

    /// Polls once with `free` slots; returns (count, timeout, delay), times in milliseconds.
    fn step(plan: &mut PollPlan, free: usize, received: usize, took: u64) -> (usize, u128, u128) {
        let request = plan.next(free);
        let delay = plan.answered(request, received, ms(took));
        (request.count, request.timeout.as_millis(), delay.as_millis())
    }

    #[test]
    fn idle_pollers_of_one_interval_meet() {
        let (mut due, mut polls) = ([3, 71, 140, 199].map(ms), [0; 4]);
        let mut plans = [(); 4].map(|()| plan(PollInterval::UpTo(ms(100)), None));
        for (number, plan) in plans.iter_mut().enumerate() {
            while polls[number] < 20 {
                let request = plan.next(1);
                let (now, delay) = (due[number] + ms(1), plan.answered(request, 0, ms(1)));
                let shortened = plan.together(delay, now);
                assert!(shortened <= delay);
                due[number] = now + shortened;
                polls[number] += 1;
            }
            assert_eq!(due[number].as_millis() % 100, 0);
            let delay = plan.answered(plan.next(1), 0, ms(1));
            assert_eq!(plan.together(delay, due[number] + ms(1)), ms(99), "from then on the whole interval");
        }
        let exact = plan(PollInterval::Exactly(ms(100)), None);
        assert_eq!(exact.together(ms(99), ms(42)), ms(99));
        assert_eq!(plan(PollInterval::UpTo(ms(0)), None).together(ms(0), ms(42)), ms(0));
        assert_eq!(
            plan(PollInterval::UpTo(ms(100)), None).together(ms(8), ms(42)),
            ms(8),
            "it has just worked"
        );
    }

    #[test]
    fn busy_polls_in_batches_and_idle_ones_wait_for_a_single_task() {
        let mut plan = plan(PollInterval::UpTo(ms(100)), None);
        assert_eq!(step(&mut plan, 10, 10, 1), (10, 0, 0));
        assert_eq!(step(&mut plan, 7, 7, 1), (7, 0, 0));
        assert_eq!(step(&mut plan, 10, 3, 1), (10, 0, 0), "drained: the next one is long");
        assert_eq!(step(&mut plan, 10, 1, 700), (1, 1_000, 0));
        assert_eq!(step(&mut plan, 9, 0, 1), (9, 0, 0), "more may have come with it");
        assert_eq!(step(&mut plan, 10, 0, 1_001), (1, 1_000, 0));
        assert_eq!(step(&mut plan, 10, 0, 2_001), (1, 2_000, 0));
        assert_eq!(step(&mut plan, 10, 0, 4_001), (1, 4_000, 0));
        assert_eq!(step(&mut plan, 10, 0, 5_001), (1, 5_000, 0));
        assert_eq!(step(&mut plan, 10, 1, 100), (1, 5_000, 0));
        assert_eq!(step(&mut plan, 10, 10, 1), (10, 0, 0));
    }

    #[test]
    fn while_tasks_come_one_by_one_most_polls_are_long() {
        let mut plan = plan(PollInterval::UpTo(ms(100)), None);
        step(&mut plan, 10, 0, 1);
        let mut looks = Vec::new();
        for task in 0..40 {
            assert_eq!(step(&mut plan, 10, 1, 20), (1, 1_000, 0));
            if plan.next(10).timeout.is_zero() {
                looks.push(task);
                step(&mut plan, 9, 0, 1);
            }
        }
        assert_eq!(looks, [1, 4, 9, 18, 27, 36]);
        step(&mut plan, 10, 1, 20);
        step(&mut plan, 10, 1, 3);
        assert_eq!(plan.next(10).timeout, Duration::ZERO, "it waited already: others may, too");
        assert_eq!(step(&mut plan, 10, 5, 1), (10, 0, 0));
        assert_eq!(step(&mut plan, 10, 1, 20), (1, 1_000, 0));
        assert_eq!(step(&mut plan, 9, 0, 1), (9, 0, 0), "they do not always come one by one");
    }

    #[test]
    fn a_full_batch_of_the_store_is_not_a_drained_queue() {
        let mut plan = plan(PollInterval::UpTo(ms(100)), None);
        assert_eq!(step(&mut plan, 100, 64, 1), (100, 0, 0));
        assert_eq!(plan.next(100), PollRequest { count: 100, timeout: Duration::ZERO });
    }

    #[test]
    fn a_server_that_does_not_hold_polls_is_asked_ever_more_seldom() {
        let mut plan = plan(PollInterval::UpTo(ms(100)), None);
        let delays: Vec<_> = (0..10).map(|_| step(&mut plan, 1, 0, 0).2).collect();
        assert_eq!(delays, [0, 1, 2, 4, 8, 16, 32, 64, 100, 100]);
    }

    #[test]
    fn what_the_user_set_is_kept() {
        let mut plan = plan(PollInterval::Exactly(ms(250)), Some(ms(100)));
        assert_eq!(step(&mut plan, 5, 0, 100), (5, 100, 150));
        assert_eq!(step(&mut plan, 5, 0, 300), (5, 100, 0));
        assert_eq!(step(&mut plan, 5, 2, 100), (5, 100, 0));
    }

    #[test]
    fn a_store_that_gathers_is_not_asked_for_more_than_may_be_there() {
        let mut plan = plan(PollInterval::UpTo(ms(100)), Some(ms(500)));
        assert_eq!(step(&mut plan, 10, 3, 20), (10, 500, 0), "partial and at once: it does not gather");
        assert_eq!(step(&mut plan, 10, 0, 500), (10, 500, 0));
        assert_eq!(step(&mut plan, 10, 3, 501), (10, 500, 0), "this one does");
        assert_eq!(step(&mut plan, 10, 1, 5), (1, 500, 0));
        assert_eq!(step(&mut plan, 9, 2, 5), (2, 500, 0));
        assert_eq!(step(&mut plan, 7, 4, 5), (4, 500, 0));
        assert_eq!(step(&mut plan, 3, 3, 5), (3, 500, 0));
        assert_eq!(step(&mut plan, 10, 0, 500), (6, 500, 0));
        assert_eq!(step(&mut plan, 10, 1, 300), (1, 500, 0));
    }

    #[test]
    fn an_exact_interval_lies_between_idle_polls() {
        let mut plan = plan(PollInterval::Exactly(ms(1_000)), None);
        assert_eq!(step(&mut plan, 5, 0, 1), (5, 0, 0));
        assert_eq!(step(&mut plan, 5, 0, 1), (1, 1_000, 999));
        assert_eq!(step(&mut plan, 5, 0, 1_000), (1, 1_000, 0));
    }

    fn cut() -> Error {
        ErrorKind::Cut { problem: String::new(), received: Received(Bytes::new()) }.into()
    }

    #[test]
    fn delays_after_failures_double_and_a_server_that_asks_for_less_gets_longer_ones() {
        let mut plan = plan(PollInterval::UpTo(ms(100)), None);
        for (error, first, longest) in
            [(Error::network("down"), 100, 10_000), (classify(503, b""), 1_000, 30_000)]
        {
            let delays: Vec<_> = (0..50).map(|_| plan.failed(10, &error, 1.0)).collect();
            assert_eq!((delays[0], delays[1], delays[49]), (ms(first), ms(first * 2), ms(longest)));
        }
    }

    #[test]
    fn no_long_poll_follows_a_failure() {
        let mut plan = plan(PollInterval::UpTo(ms(100)), None);
        step(&mut plan, 10, 0, 1);
        assert_eq!(plan.next(10).timeout, FIRST_LONG_POLL);
        plan.failed(1, &Error::network("down"), 0.0);
        assert_eq!(plan.next(10).timeout, Duration::ZERO);
    }

    #[test]
    fn a_cut_answer_halves_the_next_batches_until_they_come_whole() {
        let mut plan = plan(PollInterval::UpTo(ms(100)), None);
        plan.failed(100, &Error::network("down"), 0.0);
        assert_eq!(plan.next(100).count, 100, "nothing came, so nothing was lost to its size");
        plan.failed(100, &cut(), 0.0);
        assert_eq!(plan.next(100).count, 50);
        plan.failed(50, &cut(), 0.0);
        let counts: Vec<_> = (0..4).map(|_| step(&mut plan, 100, 100, 1).0).collect();
        assert_eq!(counts, [25, 50, 100, 100]);
        plan.failed(1, &cut(), 0.0);
        assert_eq!(plan.next(100).count, 1, "never none");
    }
}
