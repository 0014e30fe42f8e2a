use std::time::Duration;

/// Few posts at once are dear where the server is near, for then each is a wake of its own: 31 µs a task at 16,
/// 24 at 32 and at 64 (2026-11-25, AMD EPYC, 2 cores, CPython 3.11, 50 threads, a busy machine).
const START: usize = 32;
/// Not fewer only because posts wait on the server.
const FEWEST: usize = 4;
/// Answers that make a mean which a single slow one does not move.
const WINDOW: usize = 64;
/// A round trip that is no longer than this is not worth shortening.
const SHORT: Duration = Duration::from_millis(10);
/// Windows between two tries.
const PATIENCE: u32 = 16;

/// How many posts may be in flight: no more than shorten the queue of results, by Little's law the server's
/// rate times its round trip. Pure.
///
/// While results wait, the number is doubled, and that is kept if a third more is delivered; or halved, and
/// that is kept if no less is. Which it was the round trip tells. It is halved too while more posts fail than
/// succeed.
#[derive(Debug)]
pub(super) struct PostLimit {
    now: usize,
    ceiling: usize,
    /// Number and round trip before the try that is under way.
    before: Option<(usize, Duration)>,
    /// The next try is to halve.
    downwards: bool,
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
            downwards: false,
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
            if troubled {
                self.before = None;
                self.set((self.now / 2).max(1));
            } else {
                self.judge(mean);
                self.try_another(mean, waiting);
            }
        }
    }

    /// Was the number that is being tried a good one?
    fn judge(&mut self, mean: Duration) {
        let Some((number, round_trip)) = self.before.take() else { return };
        let is_good = if number < self.now {
            // Twice as many, and the round trip is less than half longer.
            mean <= SHORT || mean * 2 <= round_trip * 3
        } else {
            // Half as many, and the round trip is half as long, but for a twentieth.
            mean * 19 <= round_trip * 10
        };
        if !is_good {
            self.patience = PATIENCE;
            self.downwards = !self.downwards;
            self.set(number);
        }
    }

    fn try_another(&mut self, mean: Duration, waiting: bool) {
        if self.patience > 0 {
            self.patience -= 1;
            return;
        }
        let may_grow = self.now < self.ceiling;
        let may_shrink = mean > SHORT && self.now > FEWEST;
        let number = match (may_grow, may_shrink) {
            (false, false) => return,
            (true, true) if self.downwards => self.now / 2,
            (true, _) => self.now * 2,
            (false, true) => self.now / 2,
        };
        let number = number.clamp(FEWEST.min(self.ceiling), self.ceiling);
        if waiting {
            self.before = Some((self.now, mean));
            self.set(number);
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

    /// The lowest and the highest number once it has settled.
    fn settled(workers: usize, millis: u64) -> (usize, usize) {
        let mut limit = PostLimit::new(64);
        post(&mut limit, 10_000, workers, millis, false);
        let seen: Vec<_> = (0..500).map(|_| post(&mut limit, 50, workers, millis, false)).collect();
        (seen.iter().copied().min().unwrap(), seen.iter().copied().max().unwrap())
    }

    #[test]
    fn a_slow_server_is_not_crowded_and_not_left_idle() {
        assert_eq!(settled(1, 8), (4, 8), "one at a time: twice as many are tried, and taken back");
        assert_eq!(settled(6, 40), (4, 16));
        assert_eq!(settled(24, 30), (16, 64));
        assert_eq!(settled(1_000, 30), (32, 64), "it only thinks: half as many are tried, and taken back");
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
