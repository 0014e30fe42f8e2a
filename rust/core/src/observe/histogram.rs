use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets, in seconds; the reference SDK's (canonical_metrics_collector.py:25).
pub(super) const TIME_BOUNDS: [f64; 12] =
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// In bytes; the reference SDK's.
pub(super) const SIZE_BOUNDS: [f64; 6] = [100.0, 1e3, 1e4, 1e5, 1e6, 1e7];

const TIME_BOUNDS_NANOS: [u64; 12] = [
    1_000_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];
const SIZE_BOUNDS_BYTES: [u64; 6] = [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// Of so many values quantiles are told, as in the reference SDK (legacy_metrics_collector.py).
const RECENT: usize = 1_000;

/// Counts by bucket, and the sum. Atomics: written from the hot path, read by a scrape at any time.
#[derive(Debug)]
struct Histogram<const N: usize> {
    /// Not cumulative.
    buckets: [AtomicU64; N],
    above: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Histogram<N> {
    const fn new() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; N], above: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    fn add(&self, bounds: &[u64; N], value: u64) {
        let at = bounds.iter().position(|bound| value <= *bound);
        at.map_or(&self.above, |at| &self.buckets[at]).fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// `unit`: how many of what is summed make one of what is told.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a sum of so many bytes or nanoseconds is not exact to one"
    )]
    fn read(&self, unit: f64) -> Distribution {
        let mut buckets: Vec<_> = self.buckets.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        buckets.push(self.above.load(Ordering::Relaxed));
        Distribution { buckets, sum: self.sum.load(Ordering::Relaxed) as f64 / unit }
    }

    fn clear(&self) {
        for count in self.buckets.iter().chain([&self.above, &self.sum]) {
            count.store(0, Ordering::Relaxed);
        }
    }
}

/// Durations of one kind.
#[derive(Debug)]
pub(super) struct Times(Histogram<12>);

impl Times {
    pub(super) const fn new() -> Self {
        Self(Histogram::new())
    }

    pub(super) fn add(&self, took: Duration) {
        self.0.add(&TIME_BOUNDS_NANOS, u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn read(&self) -> Distribution {
        self.0.read(1e9)
    }
}

/// Durations of which quantiles are told too.
#[derive(Debug)]
pub(super) struct RecentTimes {
    times: Times,
    written: AtomicUsize,
    /// Seconds, as bits. Made with the first value: most kinds of failure never come.
    ring: OnceLock<Box<[AtomicU32]>>,
}

impl RecentTimes {
    pub(super) const fn new() -> Self {
        Self { times: Times::new(), written: AtomicUsize::new(0), ring: OnceLock::new() }
    }

    pub(super) fn add(&self, took: Duration) {
        self.times.add(took);
        let ring = self.ring.get_or_init(|| (0..RECENT).map(|_| AtomicU32::new(0)).collect());
        let at = self.written.fetch_add(1, Ordering::Relaxed) % RECENT;
        ring[at].store(took.as_secs_f32().to_bits(), Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> RecentDistribution {
        let written = self.written.load(Ordering::Relaxed).min(RECENT);
        let ring = self.ring.get().map(AsRef::as_ref).unwrap_or_default();
        let recent = ring.iter().take(written).map(|bits| f32::from_bits(bits.load(Ordering::Relaxed)));
        RecentDistribution { all: self.times.read(), recent: recent.collect() }
    }

    pub(super) fn clear(&self) {
        self.times.0.clear();
        self.written.store(0, Ordering::Relaxed);
    }
}

/// Sizes in bytes.
#[derive(Debug)]
pub(super) struct Sizes(Histogram<6>);

impl Sizes {
    pub(super) const fn new() -> Self {
        Self(Histogram::new())
    }

    pub(super) fn add(&self, bytes: usize) {
        self.0.add(&SIZE_BOUNDS_BYTES, bytes as u64);
    }

    pub(super) fn read(&self) -> Distribution {
        self.0.read(1.0)
    }
}

/// What a histogram held when it was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Distribution {
    /// How many were in each bucket, not cumulative; the last one is without bound.
    pub buckets: Vec<u64>,
    pub sum: f64,
}

impl Distribution {
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    pub fn merge(&mut self, other: &Self) {
        self.buckets.resize(self.buckets.len().max(other.buckets.len()), 0);
        for (count, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *count += more;
        }
        self.sum += other.sum;
    }
}

/// The same with the values of late.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecentDistribution {
    pub all: Distribution,
    /// Seconds, the last 1,000 in no order.
    pub recent: Vec<f32>,
}

impl RecentDistribution {
    pub fn merge(&mut self, other: &Self) {
        self.all.merge(&other.all);
        self.recent.extend(&other.recent);
    }

    pub fn recent_sum(&self) -> f64 {
        self.recent.iter().map(|seconds| f64::from(*seconds)).sum()
    }

    /// Each of `wanted` in seconds, between values as the reference SDK does; none without values.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index below a few thousand"
    )]
    pub fn quantiles<const N: usize>(&self, wanted: [f64; N]) -> Option<[f64; N]> {
        let mut sorted: Vec<f64> = self.recent.iter().map(|seconds| f64::from(*seconds)).collect();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        Some(wanted.map(|quantile| {
            let at = quantile * last as f64;
            let (low, high) = (sorted[at as usize], sorted[(at as usize + 1).min(last)]);
            (high - low).mul_add(at.fract(), low)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_is_within_it() {
        let times = Times::new();
        for micros in [0, 1_000, 1_001, 10_000_000, 10_000_001] {
            times.add(Duration::from_micros(micros));
        }
        let read = times.read();
        assert_eq!(read.buckets, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(read.count(), 5);
        assert!((read.sum - 20.002_002).abs() < 1e-9, "{}", read.sum);
    }

    #[test]
    fn the_bounds_that_are_compared_are_those_that_are_told() {
        for (nanos, seconds) in TIME_BOUNDS_NANOS.iter().zip(TIME_BOUNDS) {
            assert_eq!(Duration::from_nanos(*nanos), Duration::from_secs_f64(seconds));
        }
        for (bytes, told) in SIZE_BOUNDS_BYTES.iter().zip(SIZE_BOUNDS) {
            assert_eq!(bytes.to_string(), told.to_string());
        }
    }

    #[test]
    fn quantiles_lie_between_the_values_of_late() {
        let times = RecentTimes::new();
        assert_eq!(times.read().quantiles([0.5]), None);
        for seconds in [9.0, 9.0].into_iter().chain((0..1_000).map(f64::from)) {
            times.add(Duration::from_secs_f64(seconds));
        }
        let read = times.read();
        assert_eq!(read.all.count(), 1_002);
        assert_eq!(read.recent.len(), 1_000, "the two oldest are gone");
        let [low, median, high] = read.quantiles([0.0, 0.5, 1.0]).unwrap();
        assert_eq!(
            (low.to_string(), median.to_string(), high.to_string()),
            ("0".into(), "499.5".into(), "999".into())
        );
    }
}
