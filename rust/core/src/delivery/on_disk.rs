use std::sync::Arc;
use std::time::{Duration, Instant};

use super::held::HoldId;
use super::lease::LeaseClock;
use super::ledger::{Ledger, Returned};

impl Ledger {
    /// Enters a task whose result another process has left on disk: it is not run again here. If it runs
    /// already, both results are delivered, and the server keeps the first.
    pub(super) fn stored(&self, task_id: &Arc<str>, task_type: &Arc<str>, is_terminal: bool) -> HoldId {
        // Its lease is not known any more.
        let clock = LeaseClock { since: Instant::now(), response_timeout: Duration::ZERO };
        let id = self
            .hold(task_id, task_type, clock)
            .unwrap_or_else(|| self.hold_beside(task_id, task_type, clock));
        self.finished(clock.since, [Returned { id, size: 0, in_progress: !is_terminal }].into_iter(), |_| ());
        self.on_disk([id].into_iter());
        id
    }

    /// Enters a task whose result is here, whatever else is known of it.
    fn hold_beside(&self, task_id: &Arc<str>, task_type: &Arc<str>, clock: LeaseClock) -> HoldId {
        let mut state = self.lock();
        state.last_id += 1;
        let id = HoldId(state.last_id);
        state.enter(id, task_id, task_type, clock);
        id
    }

    /// Their results are on disk: a drain need not wait for the server's yes.
    pub(super) fn on_disk(&self, ids: impl Iterator<Item = HoldId>) {
        let mut guard = self.lock();
        let state = &mut *guard;
        for id in ids {
            if let Some(holding) = state.held.get_mut(&id)
                && !std::mem::replace(&mut holding.held.is_on_disk, true)
            {
                state.on_disk += 1;
            }
        }
        self.tell(state);
    }

    /// Until the server gives these tasks to somebody else; `None`: never, or not known.
    pub(super) fn time_left(&self, ids: impl Iterator<Item = HoldId>) -> Vec<Option<Duration>> {
        let (state, now) = (self.lock(), Instant::now());
        let left = |id| {
            let end = state.held.get(&id)?.clock?.end()?;
            Some(end.saturating_duration_since(now))
        };
        ids.map(left).collect()
    }
}
