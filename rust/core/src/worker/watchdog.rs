use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::task_runner::TaskRunner;
use super::turn::Turn;
use crate::observe::{Area, Level, LogRecord};
use crate::supervise::{spawn, start};

/// So late may a step of a poll loop be. The transport gives a silent server up after 10 s; who asks for the
/// host's health is told after 15 s.
const STALL_LIMIT: Duration = Duration::from_secs(11);
/// More loops than these do not help: it is not the one request. Health then tells of it.
const MAX_LEFT_BEHIND: usize = 3;

impl TaskRunner {
    /// Polls. A loop that makes no progress keeps its request, whose tasks are this worker's already, and
    /// another loop polls on in its place.
    pub(crate) async fn keep_polling(self: Arc<Self>) {
        let mut left_behind: Vec<JoinHandle<()>> = Vec::new();
        loop {
            let turn = Arc::<Turn>::default();
            let mut current = start(Arc::clone(&self).poll(Arc::clone(&turn)));
            tokio::select! {
                ended = &mut current => return again(ended),
                () = self.stalled(&mut left_behind) => {}
            }
            turn.end();
            let message = format!(
                "a poll for {:?} is {} s overdue; polling goes on, and what that poll still brings is run",
                self.config.task_type,
                self.overdue().as_secs(),
            );
            let record = LogRecord::new(Area::Poll, Level::Warning, message);
            self.sink.log(record.of_type(&self.config.task_type));
            self.progress.nothing_due();
            left_behind.push(spawn(&self.sink, "poll that was overdue", async move { again(current.await) }));
        }
    }

    async fn stalled(&self, left_behind: &mut Vec<JoinHandle<()>>) {
        loop {
            let left = self.progress.stalls_in(STALL_LIMIT);
            left_behind.retain(|each| !each.is_finished());
            if left.is_zero() && left_behind.len() < MAX_LEFT_BEHIND {
                return;
            }
            tokio::time::sleep(left.max(Duration::from_millis(100))).await;
        }
    }
}

/// A loop's panic is its supervisor's to tell.
fn again(ended: Result<(), tokio::task::JoinError>) {
    match ended.map_err(tokio::task::JoinError::try_into_panic) {
        Err(Ok(panic)) => resume_unwind(panic),
        Ok(()) | Err(Err(_)) => {}
    }
}
