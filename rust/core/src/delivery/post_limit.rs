use std::time::Duration;

/// Few posts at once are dear where the server is near, for then each is a wake of its own: 31 µs a task at 16,
/// 24 at 32 and at 64 (2026-11-25, AMD EPYC, 2 cores, CPython 3.11, 50 threads, a busy machine).
const START: usize = 32;
/// Answers that make a mean which a single slow one does not move.
const WINDOW: usize = 64;
/// Below this a longer round trip is no sign of a queue on the server.
const SHORT: Duration = Duration::from_millis(10);
/// Windows between two tries.
const PATIENCE: u32 = 16;

/// How many posts may be in flight: no more than shorten the queue of results, by Little's law the server's
/// rate times its round trip. Pure.
///
/// While results wait, the number is doubled, and that is kept if a third more is delivered, which the round
/// trip tells. It is halved while more posts fail than succeed. It is not halved because the round trip is
/// long: what makes it long may be a busy machine of ours, where fewer posts at once are dearer still.
#[derive(Debug)]
pub(super) struct PostLimit {
    now: usize,
    ceiling: usize,
    /// Number and round trip before the try that is under way.
    before: Option<(usize, Duration)>,
    patience: u32,
    /// Answers to posts that were sent under another limit.
    skip: usize,
    answers: usize,
    failures: usize,
    total: Duration,
}

impl PostLimit {
    pub(super) fn new(ceiling: usize) -> Self {
        let ceiling = ceiling.max(1);
        Self {
            now: START.min(ceiling),
            ceiling,
            before: None,
            patience: 0,
            skip: 0,
            answers: 0,
            failures: 0,
            total: Duration::ZERO,
        }
    }

    pub(super) fn now(&self) -> usize {
        self.now
    }

    /// A post was answered, or failed, after `round_trip`. `waiting`: results wait because of the limit.
    pub(super) fn answered(&mut self, round_trip: Duration, failed: bool, waiting: bool) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        self.answers += 1;
        self.failures += usize::from(failed);
        self.total += round_trip;
        if self.answers >= WINDOW {
            let mean = self.total / u32::try_from(self.answers).unwrap_or(u32::MAX);
            let troubled = self.failures * 2 > self.answers;
            (self.answers, self.failures, self.total) = (0, 0, Duration::ZERO);
            self.judge(mean, troubled, waiting);
        }
    }

    fn judge(&mut self, mean: Duration, troubled: bool, waiting: bool) {
        let before = self.before.take();
        if troubled {
            return self.set((self.now / 2).max(1));
        }
        if let Some((number, round_trip)) = before
            && mean > SHORT
            && mean * 2 > round_trip * 3
        {
            self.patience = PATIENCE;
            return self.set(number);
        }
        if self.patience > 0 {
            self.patience -= 1;
        } else if waiting && self.now < self.ceiling {
            self.before = Some((self.now, mean));
            self.set((self.now * 2).min(self.ceiling));
        }
    }

    fn set(&mut self, number: usize) {
        self.skip = self.now;
        self.now = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Posts to a server with so many workers, each busy with a post for `millis`.
    fn post(limit: &mut PostLimit, posts: usize, workers: usize, millis: u64, failed: bool) -> usize {
        for _ in 0..posts {
            let posts = u32::try_from(limit.now().max(workers)).unwrap();
            let round_trip = Duration::from_millis(millis) * posts / u32::try_from(workers).unwrap();
            limit.answered(round_trip, failed, true);
        }
        limit.now()
    }

    #[test]
    fn a_server_that_thinks_gets_as_many_posts_as_the_ceiling_allows() {
        for (ceiling, expected) in [(64, 64), (50, 50), (5, 5), (0, 1)] {
            let mut limit = PostLimit::new(ceiling);
            assert_eq!(post(&mut limit, 1_000, 1_000, 5, false), expected);
        }
    }

    #[test]
    fn a_server_that_does_a_few_things_at_a_time_is_not_crowded() {
        let mut limit = PostLimit::new(64);
        post(&mut limit, 1_000, 2, 10, true);
        let seen: Vec<_> = (0..500).map(|_| post(&mut limit, 50, 2, 10, false)).collect();
        assert_eq!(seen.iter().max(), Some(&4), "twice as many are tried");
        assert_eq!(seen.last(), Some(&2), "and taken back");
    }

    #[test]
    fn a_queue_that_nobody_notices_is_none() {
        let mut limit = PostLimit::new(64);
        for _ in 0..1_000 {
            let round_trip = Duration::from_micros(20) * u32::try_from(limit.now()).unwrap();
            limit.answered(round_trip, false, true);
        }
        assert_eq!(limit.now(), 64);
    }

    #[test]
    fn nothing_grows_while_no_result_waits() {
        let mut limit = PostLimit::new(64);
        (0..1_000).for_each(|_| limit.answered(Duration::from_millis(5), false, false));
        assert_eq!(limit.now(), 32);
    }

    #[test]
    fn failures_halve_it_and_it_recovers() {
        let mut limit = PostLimit::new(64);
        post(&mut limit, 1_000, 1_000, 5, false);
        assert_eq!(post(&mut limit, 128, 1_000, 5, true), 32);
        assert_eq!(post(&mut limit, 1_000, 1_000, 5, true), 1);
        assert_eq!(post(&mut limit, 1_000, 1_000, 5, false), 64);
    }

    #[test]
    fn a_few_failures_are_their_results_own() {
        let mut limit = PostLimit::new(64);
        (0..1_000).for_each(|n| limit.answered(Duration::from_millis(5), n % 4 == 0, true));
        assert_eq!(limit.now(), 64);
    }
}
