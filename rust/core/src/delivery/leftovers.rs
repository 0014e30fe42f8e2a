use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::held::HoldId;
use crate::spool::{RowId, StoredResult};

/// The most that are on their way at once: they are late already, and fresh results matter more.
const MOST_AT_ONCE: usize = 8;
/// So many results of a type that fail hold back the rest of it. One may be bad itself; two are the server's.
const MOST_FAILING: usize = 2;

/// A stored result, without its body, and its entry in the ledger.
#[derive(Debug)]
pub(super) struct Leftover {
    pub(super) row: StoredResult,
    pub(super) hold: HoldId,
}

/// What became of a result that was handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Delivered, or judged by the server, or gone.
    Settled,
    /// It is tried again, in the outbox.
    Failing,
}

/// Results that ended processes have left, and which of them to hand on next: the earliest deadline first, one
/// at a time, more while that goes well. Pure.
#[derive(Debug)]
pub(super) struct Leftovers {
    types: BTreeMap<Arc<str>, OfType>,
    handed_on: BTreeMap<RowId, (Arc<str>, Fate)>,
    /// Handed on and not failing.
    in_flight: usize,
    window: usize,
}

#[derive(Debug, Default)]
struct OfType {
    waiting: VecDeque<Leftover>,
    failing: usize,
}

impl Leftovers {
    pub(super) fn new() -> Self {
        Self { types: BTreeMap::new(), handed_on: BTreeMap::new(), in_flight: 0, window: 1 }
    }

    /// Of which something is not settled.
    pub(super) fn types(&self) -> impl Iterator<Item = &Arc<str>> {
        let waiting = self.types.iter().filter(|(_, of_type)| !of_type.waiting.is_empty());
        waiting.map(|(task_type, _)| task_type).chain(self.handed_on.values().map(|(task_type, _)| task_type))
    }

    pub(super) fn extend(&mut self, found: impl Iterator<Item = Leftover>) {
        for leftover in found {
            let task_type = Arc::clone(&leftover.row.task_type);
            self.types.entry(task_type).or_default().waiting.push_back(leftover);
        }
        for of_type in self.types.values_mut() {
            of_type.waiting.make_contiguous().sort_by_key(rank);
        }
    }

    /// The one to hand on now, if any.
    pub(super) fn next(&mut self) -> Option<Leftover> {
        if self.in_flight >= self.window {
            return None;
        }
        let may_go = self.types.values_mut().filter(|of_type| of_type.failing < MOST_FAILING);
        let of_type =
            may_go.min_by_key(|of_type| of_type.waiting.front().map_or((i64::MAX, i64::MAX), rank))?;
        let leftover = of_type.waiting.pop_front()?;
        self.in_flight += 1;
        self.handed_on.insert(leftover.row.id, (Arc::clone(&leftover.row.task_type), Fate::Settled));
        Some(leftover)
    }

    pub(super) fn became(&mut self, id: RowId, fate: Fate) {
        let Some((task_type, before)) = self.handed_on.get_mut(&id) else { return };
        let was_failing = std::mem::replace(before, fate) == Fate::Failing;
        let failing = &mut self.types.entry(Arc::clone(task_type)).or_default().failing;
        match fate {
            Fate::Failing if was_failing => return,
            Fate::Failing => {
                *failing += 1;
                self.window = (self.window / 2).max(1);
            }
            Fate::Settled => {
                *failing -= usize::from(was_failing);
                self.handed_on.remove(&id);
                self.window = (self.window * 2).min(MOST_AT_ONCE);
            }
        }
        self.in_flight -= usize::from(!was_failing);
    }
}

fn rank(leftover: &Leftover) -> (i64, i64) {
    (leftover.row.deadline.unwrap_or(i64::MAX), leftover.row.created)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::RowState;
    use crate::wire::TaskIdentity;

    fn leftover(id: i64, task_type: &str, deadline: Option<i64>) -> Leftover {
        let identity = TaskIdentity { task_id: format!("t{id}").into(), workflow_instance_id: "w".into() };
        let row = StoredResult {
            id: RowId(id),
            identity,
            task_type: task_type.into(),
            is_terminal: true,
            body: bytes::Bytes::new(),
            created: 0,
            deadline,
            attempts: 0,
            first_error: None,
            state: RowState::Waiting,
        };
        Leftover { row, hold: HoldId(id.unsigned_abs()) }
    }

    fn go(leftovers: &mut Leftovers) -> Vec<i64> {
        std::iter::from_fn(|| leftovers.next().map(|leftover| leftover.row.id.0)).collect()
    }

    #[test]
    fn the_earliest_deadline_goes_first_and_success_makes_room_for_more() {
        let mut leftovers = Leftovers::new();
        let deadlines = [Some(30), None, Some(10), Some(20)];
        let found =
            (1..).zip(deadlines).map(|(id, deadline)| leftover(id, if id > 2 { "b" } else { "a" }, deadline));
        leftovers.extend(found);
        assert_eq!(go(&mut leftovers), [3]);
        leftovers.became(RowId(3), Fate::Settled);
        assert_eq!(go(&mut leftovers), [4, 1]);
        leftovers.became(RowId(4), Fate::Settled);
        assert_eq!(go(&mut leftovers), [2]);
        for id in [1, 2] {
            assert_ne!(leftovers.types().next(), None);
            leftovers.became(RowId(id), Fate::Settled);
        }
        assert_eq!(leftovers.types().next(), None);
        leftovers.extend((10..30).map(|id| leftover(id, "a", None)));
        assert_eq!(go(&mut leftovers).len(), MOST_AT_ONCE);
    }

    #[test]
    fn a_bad_result_holds_nobody_up_and_two_hold_up_their_type() {
        let mut leftovers = Leftovers::new();
        leftovers.extend((1..=4).map(|id| leftover(id, "a", Some(0))));
        leftovers.extend((5..=6).map(|id| leftover(id, "b", None)));
        for id in [1, 2] {
            assert_eq!(go(&mut leftovers), [id]);
            leftovers.became(RowId(id), Fate::Failing);
            // Of each result it is told once.
            leftovers.became(RowId(id), Fate::Failing);
        }
        assert_eq!(go(&mut leftovers), [5], "the other type");
        leftovers.became(RowId(5), Fate::Settled);
        assert_eq!(go(&mut leftovers), [6]);
        leftovers.became(RowId(1), Fate::Settled);
        assert_eq!(go(&mut leftovers), [3, 4]);
        for id in [2, 3, 4, 6] {
            leftovers.became(RowId(id), Fate::Settled);
        }
        assert_eq!((leftovers.types().next(), leftovers.in_flight), (None, 0));
    }
}
