use std::time::Duration;

/// Moving average of times: of a worker's function, of a poll's way there and back. Pure.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RunTime {
    mean_seconds: Option<f64>,
}

impl RunTime {
    /// About the last 16 runs count: quick to notice that a function has changed its ways.
    const WEIGHT: f64 = 1.0 / 16.0;

    pub fn record(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let mean = self.mean_seconds.map_or(seconds, |mean| (seconds - mean).mul_add(Self::WEIGHT, mean));
        self.mean_seconds = Some(mean);
    }

    /// `None` until a run was recorded.
    pub fn mean(&self) -> Option<Duration> {
        self.mean_seconds.map(|mean| Duration::try_from_secs_f64(mean).unwrap_or_default())
    }
}

/// Functions under this are over before another thread is awake and has the GIL.
const SHORT: Duration = Duration::from_micros(50);

/// How many parked threads to wake for `arrived` new tasks.
///
/// Short functions: one thread at most. Waking one per task costs 13.1 instead of 11.6 µs a task at 10
/// threads (CPython 3.11, 2 cores), most of it hand-overs of the GIL. Longer or unknown ones may block, so
/// each task gets a thread.
pub fn threads_to_wake(mean: Option<Duration>, arrived: usize, parked: usize, awake: usize) -> usize {
    match mean {
        Some(mean) if mean <= SHORT => usize::from(awake == 0).min(parked).min(arrived),
        _ => arrived.min(parked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_follows() {
        let mut run_time = RunTime::default();
        assert_eq!(run_time.mean(), None);
        run_time.record(Duration::from_millis(1));
        assert_eq!(run_time.mean(), Some(Duration::from_millis(1)));
        for _ in 0..100 {
            run_time.record(Duration::from_micros(3));
        }
        assert!(run_time.mean().unwrap() < Duration::from_micros(10));
        run_time.record(Duration::from_secs(10));
        assert!(run_time.mean().unwrap() > SHORT);
    }

    #[test]
    fn whom_to_wake() {
        let (short, long) = (Some(Duration::from_micros(5)), Some(Duration::from_millis(1)));
        for (mean, arrived, parked, awake, expected) in [
            (short, 10, 10, 0, 1),
            (short, 10, 9, 1, 0),
            (long, 10, 9, 1, 9),
            (long, 3, 9, 1, 3),
            (None, 10, 10, 0, 10),
            (short, 1, 0, 3, 0),
        ] {
            assert_eq!(
                threads_to_wake(mean, arrived, parked, awake),
                expected,
                "{mean:?} {arrived} {parked} {awake}"
            );
        }
    }
}
