use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use crate::delivery::{Admission, Ledger};
use crate::observe::{HostState, HostView, LiveHost};
use crate::worker::{TaskRunner, WorkerStatus};

/// What may be seen of a host from outside. It holds none of its executors: whoever lets the last
/// reference go need not be a thread that may drop Python objects.
pub(super) struct Live {
    server: String,
    ledger: Arc<Ledger>,
    admission: Arc<Admission>,
    polling: watch::Receiver<bool>,
    closed: AtomicBool,
    workers: Mutex<Vec<WorkerStatus>>,
}

impl Live {
    pub(super) fn new(
        server: String,
        ledger: Arc<Ledger>,
        admission: Arc<Admission>,
        polling: watch::Receiver<bool>,
    ) -> Self {
        Self { server, ledger, admission, polling, closed: AtomicBool::new(false), workers: Mutex::default() }
    }

    pub(super) fn add(&self, runner: &TaskRunner) {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).push(runner.status());
    }

    /// Was it closed before?
    pub(super) fn closed(&self) -> bool {
        self.closed.swap(true, Ordering::Relaxed)
    }
}

impl LiveHost for Live {
    fn view(&self) -> HostView {
        let state = if self.closed.load(Ordering::Relaxed) {
            HostState::Stopped
        } else if *self.polling.borrow() {
            HostState::Running
        } else {
            HostState::Draining
        };
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        HostView {
            server: self.server.clone(),
            state,
            outbox: self.ledger.outbox(Instant::now()),
            outbox_is_full: self.admission.is_full(),
            unauthorized: self.admission.blocked().unauthorized,
            workers: workers.iter().map(WorkerStatus::view).collect(),
        }
    }
}
