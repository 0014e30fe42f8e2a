use super::ledger::Ledger;
use super::outbox::Letter;
use crate::spool::{RowState, Spool, StoredResult};
use crate::wire::Status;

/// Returns once `letters` are on disk, in one transaction. Where that fails, they are in memory only.
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
    if spool.store(rows.collect()).await {
        ledger.on_disk(letters.iter().map(|letter| letter.hold));
    } else {
        letters.iter_mut().for_each(|letter| letter.row = None);
    }
}
