use std::time::{Duration, Instant};

use super::running::Pace;
use crate::settings::Prefetch;

/// So many runs make an average; and so many are asked for anew once tasks had to be handed back.
const TIMED: u64 = 16;
/// A function that takes longer does not notice the poll between two tasks.
const LONG: Duration = Duration::from_millis(10);
/// No task is held unstarted for longer.
const HELD: Duration = Duration::from_secs(1);

/// How many tasks are polled ahead of the threads that are free. Pure.
#[derive(Debug)]
pub(super) struct Ahead {
    setting: Prefetch,
    /// None before so many runs were timed.
    from: u64,
}

impl Ahead {
    pub(super) const fn new(setting: Prefetch) -> Self {
        let from = match setting {
            Prefetch::Auto => TIMED,
            Prefetch::Fixed(_) => 0,
        };
        Self { setting, from }
    }

    /// Tasks were handed back: the function is not what it was.
    pub(super) fn handed_back(&mut self, pace: &Pace) {
        self.from = pace.timed + TIMED;
    }

    /// As many as `threads` are expected to finish within two round trips of a poll: one while it is on its
    /// way, and one more for what it may be late.
    pub(super) fn count(&self, pace: &Pace, round_trip: Option<Duration>, threads: usize) -> usize {
        if pace.timed < self.from {
            return 0;
        }
        let Prefetch::Auto = self.setting else {
            return self.setting.most();
        };
        let mut run_time = pace.run_time;
        // What runs has taken so long already, and nobody knows how much longer it will.
        if let Some(oldest) = pace.oldest.filter(|oldest| run_time.mean().is_some_and(|mean| *oldest > mean))
        {
            run_time.record(oldest);
        }
        let (Some(mean), Some(round_trip)) = (run_time.mean(), round_trip) else { return 0 };
        if mean > LONG {
            return 0;
        }
        // Half of what may be held: an expectation that is off by as much costs no hand-back.
        let window = (round_trip * 2).min(HELD / 2);
        let threads = u128::try_from(threads).unwrap_or(u128::MAX);
        let expected = window.as_nanos().saturating_mul(threads) / mean.as_nanos().max(1);
        usize::try_from(expected).unwrap_or(usize::MAX).min(self.setting.most())
    }
}

/// How many slots have to be free before the next poll is sent, with `ahead` of them for tasks ahead.
///
/// Half of those: the other half is worked off while the poll is on its way. At one thread and 64 ahead a poll
/// brings 32 tasks or more; sent at each free slot it brought what one round trip had freed.
pub(super) fn low_water(ahead: usize) -> usize {
    ahead.div_ceil(2).max(1)
}

/// Until when a task that was received at `now` may wait for a thread: a twentieth of the time after which
/// the server gives it to somebody else; zero: it never does.
pub(super) fn start_by(now: Instant, response_timeout: Duration) -> Instant {
    now + if response_timeout.is_zero() { HELD } else { (response_timeout / 20).min(HELD) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::run_time::RunTime;

    const fn us(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    fn pace(timed: u64, mean: u64, oldest: Option<u64>) -> Pace {
        let mut run_time = RunTime::default();
        run_time.record(us(mean));
        Pace { timed, run_time, oldest: oldest.map(us) }
    }

    #[test]
    fn as_many_as_are_done_within_two_round_trips() {
        for (timed, mean, oldest, round_trip, threads, expected) in [
            (15, 100, None, Some(500), 1, 0),
            (16, 100, None, Some(500), 1, 10),
            (16, 100, None, None, 1, 0),
            (16, 100, None, Some(500), 3, 30),
            (16, 3, None, Some(500), 1, 64),
            (16, 0, None, Some(500), 1, 64),
            (16, 10_000, None, Some(500), 20, 2),
            (16, 10_001, None, Some(500), 20, 0),
            // The average becomes 106 µs, then 9.5 and 10.1 ms.
            (99, 100, Some(200), Some(500), 1, 9),
            (99, 100, Some(150_000), Some(500), 100, 10),
            (99, 100, Some(160_000), Some(500), 100, 0),
            (99, 100, Some(5), Some(500), 1, 10),
            // Not more than half a second's work, however slow the server is.
            (99, 9_000, None, Some(3_000_000), 1, 55),
        ] {
            let ahead = Ahead::new(Prefetch::Auto);
            let count = ahead.count(&pace(timed, mean, oldest), round_trip.map(us), threads);
            assert_eq!(count, expected, "{timed} {mean} {oldest:?} {round_trip:?} {threads}");
        }
    }

    #[test]
    fn a_fixed_number_is_kept_until_tasks_had_to_be_handed_back() {
        let mut ahead = Ahead::new(Prefetch::Fixed(5));
        assert_eq!(ahead.count(&Pace::default(), None, 1), 5);
        assert_eq!(ahead.count(&pace(100, 20_000, None), Some(us(500)), 1), 5);
        ahead.handed_back(&pace(100, 20_000, None));
        assert_eq!(ahead.count(&pace(115, 20_000, None), None, 1), 0);
        assert_eq!(ahead.count(&pace(116, 20_000, None), None, 1), 5);
        assert_eq!(Ahead::new(Prefetch::Fixed(0)).count(&pace(99, 1, None), Some(us(500)), 1), 0);
    }

    #[test]
    fn polls_are_sent_at_the_low_water_mark() {
        for (ahead, free) in [(0, 1), (1, 1), (2, 1), (3, 2), (64, 32)] {
            assert_eq!(low_water(ahead), free, "{ahead}");
        }
    }

    #[test]
    fn a_task_waits_for_a_second_at_most_and_less_if_the_server_waits_less() {
        let now = Instant::now();
        for (response_timeout, millis) in [(0, 1_000), (1, 50), (10, 500), (20, 1_000), (3_600, 1_000)] {
            let by = start_by(now, Duration::from_secs(response_timeout));
            assert_eq!(by - now, Duration::from_millis(millis), "{response_timeout}");
        }
    }
}
