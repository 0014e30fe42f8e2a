use std::time::Duration;

/// Fewer results are on their way rather than behind.
const FEW: usize = 128;
/// What waits longer for its post than this adds up while functions go on being faster than posts: response
/// timeouts run, and a stop has to deliver it all within its drain timeout.
const LONG: Duration = Duration::from_secs(2);

/// Do functions return faster than their results are posted? Pure.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    is_long: bool,
}

impl Backlog {
    /// So many results are `waiting` to be posted, so many `at_once`, and the last post took `round_trip`. It is
    /// long until a quarter of the time is left, so that pollers are not stopped for each result anew.
    pub(super) fn look(&mut self, waiting: usize, at_once: usize, round_trip: Duration) {
        if waiting < FEW && !self.is_long {
            return;
        }
        let turns = u32::try_from(waiting / at_once.max(1)).unwrap_or(u32::MAX);
        let wait = round_trip.saturating_mul(turns);
        self.is_long = waiting >= FEW / 4 && wait >= if self.is_long { LONG / 4 } else { LONG };
    }

    pub(super) fn is_long(&self) -> bool {
        self.is_long
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_long_by_the_time_that_it_takes_to_post() {
        let mut backlog = Backlog::default();
        let mut look = |waiting, at_once, millis| {
            backlog.look(waiting, at_once, Duration::from_millis(millis));
            backlog.is_long()
        };
        assert!(!look(9_000, 64, 1), "140 ms of work");
        assert!(!look(127, 1, 1_000), "few");
        assert!(!look(256, 64, 499));
        assert!(look(256, 64, 500), "2 s");
        assert!(look(64, 64, 500), "half a second is left");
        assert!(!look(63, 64, 500));
        assert!(look(12_800, 64, 10));
        assert!(!look(31, 1, 9_000));
    }
}
