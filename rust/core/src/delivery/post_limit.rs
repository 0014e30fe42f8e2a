use std::time::Duration;

const START: usize = 8;
/// Answers that make a mean which a single slow one does not move.
const WINDOW: usize = 64;
/// Twice as many posts in flight are worth it while the round trip grows by less than half, for then a third
/// more is delivered.
const GROWTH: u32 = 3;
const GROWTH_OF: u32 = 2;
/// A queue on the server that is shorter than this delays nothing.
const SHORT: Duration = Duration::from_millis(2);
/// Windows between two tries to post more at once.
const PATIENCE: u32 = 16;

/// How many posts may be in flight: as many as shorten the queue of results, by Little's law the server's
/// rate times its round trip. Pure.
///
/// While results wait, the number is doubled, and taken back if the round trip shows that posts now wait on
/// the server instead. It is halved while more posts fail than succeed.
#[derive(Debug)]
pub(super) struct PostLimit {
    now: usize,
    ceiling: usize,
    /// Before the last doubling: number and round trip.
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
            self.close(mean, troubled, waiting);
        }
    }

    fn close(&mut self, mean: Duration, troubled: bool, waiting: bool) {
        if troubled {
            self.before = None;
            return self.set((self.now / 2).max(1));
        }
        if let Some((number, round_trip)) = self.before.take()
            && mean > (round_trip * GROWTH / GROWTH_OF).max(SHORT)
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
            let queued = limit.now().div_ceil(workers).max(1);
            let round_trip = Duration::from_millis(millis) * u32::try_from(queued).unwrap();
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
    fn a_server_that_does_one_thing_at_a_time_is_not_crowded() {
        let mut limit = PostLimit::new(64);
        let most = (0..200).map(|_| post(&mut limit, 50, 1, 8, false)).max().unwrap();
        assert_eq!(most, 16, "tried, and taken back");
        let mut limit = PostLimit::new(64);
        assert_eq!(post(&mut limit, 3_000, 24, 8, false), 32);
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
        assert_eq!(limit.now(), 8);
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
