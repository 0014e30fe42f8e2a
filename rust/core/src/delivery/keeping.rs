use super::ledger::Ledger;
use super::letter::Letter;
use crate::spool::{RowState, Spool, StoredResult};
use crate::wire::Status;

/// Returns once `letters` are on disk, in one transaction. Those for which there is no room are in memory only.
pub(super) async fn keep(spool: &Spool, ledger: &Ledger, letters: &mut [Letter]) {
    let now = StoredResult::now_millis();
    let left = ledger.time_left(letters.iter().map(|letter| letter.hold));
    let rows = letters.iter_mut().zip(left).map(|(letter, left)| {
        let id = spool.next_id();
        letter.row = Some(id);
        StoredResult {
            id,
            identity: letter.result.identity.clone(),
            task_type: letter.metrics.task_type.clone(),
            is_terminal: letter.result.status != Status::InProgress,
            body: letter.result.body.clone(),
            created: now,
            deadline: left
                .map(|left| now.saturating_add(i64::try_from(left.as_millis()).unwrap_or(i64::MAX))),
            attempts: 0,
            first_error: None,
            state: RowState::Waiting,
        }
    });
    let stored = spool.store(rows.collect()).await;
    let (on_disk, in_memory) = letters.split_at_mut(stored.min(letters.len()));
    ledger.on_disk(on_disk.iter().map(|letter| letter.hold));
    for letter in in_memory {
        letter.row = None;
    }
}
