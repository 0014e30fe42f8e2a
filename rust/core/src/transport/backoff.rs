use std::time::Duration;

/// Delays between tries: full jitter, doubling up to a cap (the shape of gRPC A6). Pure: the caller
/// gives the random number and does the waiting.
#[derive(Debug, Clone)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    failures: u32,
}

impl Backoff {
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, failures: 0 }
    }

    /// The delay after one more failure; `random` is uniform in [0, 1).
    pub fn failed(&mut self, random: f64) -> Duration {
        let ceiling = self.base.saturating_mul(1 << self.failures.min(20)).min(self.cap);
        self.failures = self.failures.saturating_add(1);
        ceiling.mul_f64(random.clamp(0.0, 1.0))
    }

    pub fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_cap_and_start_again_after_success() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(1_000));
        let delays: Vec<_> = (0..6).map(|_| backoff.failed(1.0).as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(backoff.failed(0.0), Duration::ZERO);
        backoff.succeeded();
        assert_eq!(backoff.failed(0.5), Duration::from_millis(50));
    }

    #[test]
    fn a_year_of_failures_does_not_overflow() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        backoff.failures = u32::MAX;
        assert_eq!(backoff.failed(1.0), Duration::from_secs(60));
    }
}
