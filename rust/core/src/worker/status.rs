use std::sync::Arc;

use tokio::sync::watch;

use super::progress::Progress;
use super::slots::Slots;
use super::task_runner::{Control, TaskRunner};
use crate::delivery::Admission;
use crate::observe::WorkerView;
use crate::settings::{PollInterval, WorkerConfig};

/// What may be seen of a worker, without its executor.
pub(crate) struct WorkerStatus {
    config: WorkerConfig,
    slots: Slots,
    control: watch::Receiver<Control>,
    progress: Arc<Progress>,
    admission: Arc<Admission>,
}

impl TaskRunner {
    pub(crate) fn status(&self) -> WorkerStatus {
        WorkerStatus {
            config: self.config.clone(),
            slots: self.slots.clone(),
            control: self.control.subscribe(),
            progress: Arc::clone(&self.progress),
            admission: Arc::clone(&self.admission),
        }
    }
}

impl WorkerStatus {
    pub(crate) fn view(&self) -> WorkerView {
        let (thread_count, held) = self.slots.running_and_held();
        let control = *self.control.borrow();
        WorkerView {
            task_type: Arc::clone(&self.config.task_type),
            domain: self.config.domain.clone(),
            worker_id: self.config.worker_id.clone(),
            thread_count,
            slots_in_use: held.min(thread_count),
            prefetched: held.saturating_sub(thread_count),
            paused: control.paused,
            results_blocked: self.admission.blocked().blocks(&self.config.task_type),
            poll_interval: match control.poll_interval {
                PollInterval::Exactly(interval) | PollInterval::UpTo(interval) => interval,
            },
            overdue: self.progress.overdue(),
        }
    }
}
