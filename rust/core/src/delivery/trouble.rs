use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// So many types are told of within …
const TOLD_TYPES: usize = 2;
/// … so long, one by one: an outage of a server with fifty types is one trouble.
const QUIET: Duration = Duration::from_mins(1);

/// Task types whose last result did not get through, and of which of them the log tells. Pure.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    types: HashMap<Arc<str>, Type>,
    /// When the last ones were told of.
    told: Vec<Instant>,
}

#[derive(Debug, Default)]
struct Type {
    tries: u64,
    is_told: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// The trouble of this type begins.
    Begins,
    /// That of yet another one does, and of those that follow nothing is told for a while.
    Spreads,
    Nothing,
}

impl Trouble {
    /// A result did not get through.
    pub(super) fn failed(&mut self, task_type: &Arc<str>, now: Instant) -> Line {
        let of_type = self.types.entry(Arc::clone(task_type)).or_default();
        of_type.tries += 1;
        if of_type.tries > 1 {
            return Line::Nothing;
        }
        self.told.retain(|told| now.saturating_duration_since(*told) < QUIET);
        if self.told.len() > TOLD_TYPES {
            return Line::Nothing;
        }
        self.told.push(now);
        of_type.is_told = self.told.len() <= TOLD_TYPES;
        if of_type.is_told { Line::Begins } else { Line::Spreads }
    }

    /// One got through: the number of tries before it, if the beginning was told.
    pub(super) fn ended(&mut self, task_type: &str) -> Option<u64> {
        self.types.remove(task_type).filter(|of_type| of_type.is_told).map(|of_type| of_type.tries)
    }

    pub(super) fn is_told(&self, task_type: &str) -> bool {
        self.types.get(task_type).is_some_and(|of_type| of_type.is_told)
    }

    pub(super) fn types(&self) -> usize {
        self.types.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_types_are_told_of_and_that_there_are_more() {
        let mut trouble = Trouble::default();
        let now = Instant::now();
        let types = ["a", "b", "c", "d"].map(Arc::<str>::from);
        let lines: Vec<_> = types.iter().map(|task_type| trouble.failed(task_type, now)).collect();
        assert_eq!(lines, [Line::Begins, Line::Begins, Line::Spreads, Line::Nothing]);
        assert_eq!(trouble.failed(&types[0], now), Line::Nothing);
        assert_eq!(
            types.each_ref().map(|task_type| trouble.ended(task_type)),
            [Some(2), Some(1), None, None]
        );
        assert_eq!(trouble.types(), 0);
    }

    #[test]
    fn a_trouble_that_comes_and_goes_fills_no_log() {
        let mut trouble = Trouble::default();
        let (now, flapping) = (Instant::now(), Arc::from("flapping"));
        let lines: Vec<_> = (0..600)
            .map(|second| {
                let line = trouble.failed(&flapping, now + Duration::from_secs(second));
                trouble.ended(&flapping);
                line
            })
            .filter(|line| *line != Line::Nothing)
            .collect();
        assert_eq!(lines.len(), 30, "three a minute");
    }
}
