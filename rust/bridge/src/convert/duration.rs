use std::time::Duration;

/// A time in milliseconds, as Python gives it: far too long is for ever, nonsense is none.
pub(crate) fn from_millis(millis: f64) -> Duration {
    if millis.is_nan() || millis < 0.0 {
        return Duration::ZERO;
    }
    Duration::try_from_secs_f64(millis / 1_000.0).unwrap_or(Duration::MAX)
}
