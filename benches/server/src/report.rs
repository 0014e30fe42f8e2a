//! From what was counted to the lines that are printed.

use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::{Value, json};

use crate::options::Arrivals;
use crate::tasks::{Counts, Finished};

/// The question about a burst: how late are its last ones?
const LAST: usize = 50;

/// Prints `fields` as one line, with the name of what happened.
pub(crate) fn event(name: &str, mut fields: Value) -> io::Result<()> {
    fields["event"] = name.into();
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{fields}")?;
    stdout.flush()
}

/// What happened between two looks.
pub(crate) fn between(before: &Counts, after: &Counts) -> Value {
    json!({
        "tasks": after.completed - before.completed,
        "requests": after.requests - before.requests,
        "polls": after.polls - before.polls,
        "empty_polls": after.empty_polls - before.empty_polls,
        "connections_opened": after.connections_opened - before.connections_opened,
    })
}

#[derive(Serialize)]
struct Percentiles {
    count: usize,
    p50: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

/// Latencies of open loops in microseconds; null where there are none.
pub(crate) fn latencies(arrivals: Arrivals, finished: &[Finished]) -> Value {
    let mut fields = json!({
        "picked_up_micros": percentiles(finished.iter().map(|task| task.picked_up)),
        "completed_micros": percentiles(finished.iter().map(|task| task.completed)),
    });
    if let Arrivals::Burst { tasks, .. } = arrivals {
        fields["burst_micros"] = bursts(tasks, finished);
    }
    fields
}

/// Medians over the bursts that were completed: its first result, its last, and from the 50th before the
/// last to the last.
fn bursts(tasks: usize, finished: &[Finished]) -> Value {
    let mut by_number = finished.to_vec();
    by_number.sort_by_key(|task| (task.number / tasks, task.completed));
    let whole: Vec<_> = by_number
        .chunk_by(|one, next| one.number / tasks == next.number / tasks)
        .filter(|burst| burst.len() == tasks)
        .collect();
    let median = |figure: &dyn Fn(&[Finished]) -> Option<u64>| {
        percentiles(whole.iter().filter_map(|burst| figure(burst))).map(|percentiles| percentiles.p50)
    };
    json!({
        "bursts": whole.len(),
        "first": median(&|burst| Some(burst.first()?.completed)),
        "last": median(&|burst| Some(burst.last()?.completed)),
        "last_50": median(&|burst| {
            Some(burst.last()?.completed - burst.get(burst.len().checked_sub(LAST + 1)?)?.completed)
        }),
    })
}

#[expect(clippy::cast_precision_loss, reason = "microseconds")]
fn percentiles(nanos: impl Iterator<Item = u64>) -> Option<Percentiles> {
    let mut sorted: Vec<u64> = nanos.collect();
    sorted.sort_unstable();
    let micros = |per_mille: usize| {
        let index = (sorted.len() * per_mille / 1_000).min(sorted.len() - 1);
        sorted[index] as f64 / 1e3
    };
    (!sorted.is_empty()).then(|| Percentiles {
        count: sorted.len(),
        p50: micros(500),
        p90: micros(900),
        p99: micros(990),
        p999: micros(999),
        max: micros(1_000),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_and_bursts_are_of_what_was_finished() {
        let finished: Vec<_> = (0..250)
            .map(|number| Finished { number, picked_up: 0, completed: (number as u64 % 100 + 1) * 1_000 })
            .collect();
        let fields = latencies(Arrivals::Burst { tasks: 100, every_millis: 1 }, &finished);
        assert_eq!(fields["completed_micros"]["count"], 250);
        assert_eq!(fields["completed_micros"]["max"], 100.0);
        assert_eq!(
            fields["burst_micros"],
            json!({"bursts": 2, "first": 1.0, "last": 100.0, "last_50": 50.0})
        );
        assert_eq!(latencies(Arrivals::Never, &[])["completed_micros"], Value::Null);
    }
}
