use std::sync::Arc;
use std::time::Instant;

use tokio::time::sleep_until;

use super::task_runner::TaskRunner;

impl TaskRunner {
    /// Hands tasks back for which no thread becomes free in time; and all that wait for one, once polling is
    /// over or the worker is paused. Runs as long as the host does, for polls bring tasks also after a stop.
    pub(crate) async fn look_back(self: Arc<Self>) {
        let mut polling = self.polling.clone();
        let mut control = self.control.subscribe();
        loop {
            let goes_on = *polling.borrow_and_update() && !control.borrow_and_update().paused;
            let now = Instant::now();
            let (tasks, next) = self.executor.take_back(goes_on.then_some(now));
            if !tasks.is_empty() {
                self.ahead().handed_back(&self.executor.pace(now));
            }
            for assignment in tasks {
                assignment.hand_back(&self.config.worker_id);
            }
            tokio::select! {
                () = self.look_back_wanted.notified() => {}
                () = sleep_until(next.unwrap_or(now).into()), if next.is_some() => {}
                Ok(()) = polling.changed() => {}
                Ok(()) = control.changed() => {}
            }
        }
    }
}
