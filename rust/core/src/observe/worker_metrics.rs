use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::error_counts::{ErrorCounts, ErrorLabel};
use super::histogram::{RecentTimes, Sizes, Times};
use super::worker_counts::{OutcomeTimes, WorkerCounts};
use crate::error::Error;

const NEVER: u64 = u64::MAX;

/// What is counted of one queue, where it happens; relaxed atomics, for nothing is decided by them.
///
/// The two halves are written by different threads and lie on cache lines of their own.
#[derive(Debug)]
pub struct WorkerMetrics {
    pub task_type: Arc<str>,
    pub domain: Option<String>,
    start: Instant,
    transfer: Transfer,
    execution: Execution,
}

/// Written by the I/O thread.
#[derive(Debug)]
#[repr(align(128))]
struct Transfer {
    polls: AtomicU64,
    poll_time: Outcomes,
    poll_errors: ErrorCounts,
    polls_ambiguous: AtomicU64,
    /// Milliseconds after `start`.
    last_successful_poll: AtomicU64,
    last_poll_failed: AtomicBool,
    paused: AtomicU64,
    queue_full: AtomicU64,
    update_succeeded: Times,
    update_failed: Times,
    update_errors: ErrorCounts,
    delivered_after_deadline: AtomicU64,
    handed_back: AtomicU64,
    results_gone: AtomicU64,
    dead_letters: AtomicU64,
}

/// Written by the threads that run functions.
#[derive(Debug)]
#[repr(align(128))]
struct Execution {
    started: AtomicU64,
    time: Outcomes,
    in_progress: AtomicU64,
    errors: ErrorCounts,
    result_size: Sizes,
    last_result_size: AtomicU64,
    gil_wait: Times,
}

/// Durations by how it ended.
#[derive(Debug)]
struct Outcomes {
    succeeded: RecentTimes,
    failed: RecentTimes,
    /// Of the last one, however it ended; seconds as bits.
    last: AtomicU32,
}

impl Outcomes {
    const fn new() -> Self {
        Self { succeeded: RecentTimes::new(), failed: RecentTimes::new(), last: AtomicU32::new(0) }
    }

    fn add(&self, took: Duration, succeeded: bool) {
        if succeeded { &self.succeeded } else { &self.failed }.add(took);
        self.last.store(took.as_secs_f32().to_bits(), Ordering::Relaxed);
    }

    fn read(&self) -> OutcomeTimes {
        OutcomeTimes {
            succeeded: self.succeeded.read(),
            failed: self.failed.read(),
            last: f64::from(f32::from_bits(self.last.load(Ordering::Relaxed))),
        }
    }
}

/// How a function's run ended, other than by an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    Completed,
    InProgress,
    /// What is told as the exception: a status that the function chose, or an output that cannot be sent.
    Failed(&'static str),
}

impl WorkerMetrics {
    pub(super) fn new(task_type: &Arc<str>, domain: Option<&str>) -> Self {
        Self {
            task_type: Arc::clone(task_type),
            domain: domain.map(str::to_owned),
            start: Instant::now(),
            transfer: Transfer {
                polls: AtomicU64::new(0),
                poll_time: Outcomes::new(),
                poll_errors: ErrorCounts::default(),
                polls_ambiguous: AtomicU64::new(0),
                last_successful_poll: AtomicU64::new(NEVER),
                last_poll_failed: AtomicBool::new(false),
                paused: AtomicU64::new(0),
                queue_full: AtomicU64::new(0),
                update_succeeded: Times::new(),
                update_failed: Times::new(),
                update_errors: ErrorCounts::default(),
                delivered_after_deadline: AtomicU64::new(0),
                handed_back: AtomicU64::new(0),
                results_gone: AtomicU64::new(0),
                dead_letters: AtomicU64::new(0),
            },
            execution: Execution {
                started: AtomicU64::new(0),
                time: Outcomes::new(),
                in_progress: AtomicU64::new(0),
                errors: ErrorCounts::default(),
                result_size: Sizes::new(),
                last_result_size: AtomicU64::new(0),
                gil_wait: Times::new(),
            },
        }
    }

    pub(crate) fn poll_started(&self) {
        count(&self.transfer.polls);
    }

    pub(crate) fn poll_answered(&self, took: Duration) {
        self.transfer.poll_time.add(took, true);
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(NEVER - 1);
        self.transfer.last_successful_poll.store(millis, Ordering::Relaxed);
        self.transfer.last_poll_failed.store(false, Ordering::Relaxed);
    }

    pub(crate) fn poll_failed(&self, took: Duration, error: &Error) {
        self.transfer.poll_time.add(took, false);
        self.transfer.poll_errors.add(error.into());
        if error.may_have_been_done() {
            count(&self.transfer.polls_ambiguous);
        }
        self.transfer.last_poll_failed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn paused(&self) {
        count(&self.transfer.paused);
    }

    pub(crate) fn queue_full(&self) {
        count(&self.transfer.queue_full);
    }

    /// A result has the server's yes.
    pub fn updated(&self, took: Duration) {
        self.transfer.update_succeeded.add(took);
    }

    #[cold]
    pub(crate) fn delivered_after_deadline(&self) {
        count(&self.transfer.delivered_after_deadline);
    }

    pub(crate) fn handed_back(&self) {
        count(&self.transfer.handed_back);
    }

    pub(crate) fn result_gone(&self) {
        count(&self.transfer.results_gone);
    }

    pub(crate) fn dead_letter(&self) {
        count(&self.transfer.dead_letters);
    }

    pub(crate) fn update_failed(&self, took: Duration, error: &Error) {
        self.transfer.update_failed.add(took);
        self.transfer.update_errors.add(error.into());
    }

    /// A function is about to run; `returned` or `raised` follows.
    pub fn execution_started(&self) {
        count(&self.execution.started);
    }

    /// `size`: of the output, in bytes, as it is sent.
    pub fn returned(&self, took: Duration, how: Returned, size: Option<usize>) {
        self.execution.time.add(took, !matches!(how, Returned::Failed(_)));
        match how {
            Returned::Completed => {}
            Returned::InProgress => count(&self.execution.in_progress),
            Returned::Failed(what) => self.not_executed(what),
        }
        if let Some(size) = size {
            self.execution.result_size.add(size);
            self.execution.last_result_size.store(size as u64, Ordering::Relaxed);
        }
    }

    #[cold]
    pub fn raised(&self, took: Duration, class: &str) {
        self.execution.time.add(took, false);
        self.not_executed(class);
    }

    /// A task fails for another reason than its function's run.
    #[cold]
    pub fn not_executed(&self, what: &str) {
        self.execution.errors.add(ErrorLabel { exception: what.to_owned(), status: 0 });
    }

    /// A thread that was woken for a task could run Python code only after `waited`.
    pub fn waited_for_gil(&self, waited: Duration) {
        self.execution.gil_wait.add(waited);
    }

    pub(super) fn read(&self) -> WorkerCounts {
        let (transfer, execution) = (&self.transfer, &self.execution);
        // The end before the start: what begins in between must not make the difference negative.
        let time = execution.time.read();
        let last_poll = transfer.last_successful_poll.load(Ordering::Relaxed);
        WorkerCounts {
            polls: read(&transfer.polls),
            poll_time: transfer.poll_time.read(),
            poll_errors: transfer.poll_errors.read(),
            polls_ambiguous: read(&transfer.polls_ambiguous),
            last_successful_poll_age: (last_poll != NEVER)
                .then(|| self.start.elapsed().saturating_sub(Duration::from_millis(last_poll))),
            last_poll_failed: transfer.last_poll_failed.load(Ordering::Relaxed),
            paused: read(&transfer.paused),
            queue_full: read(&transfer.queue_full),
            update_succeeded: transfer.update_succeeded.read(),
            update_failed: transfer.update_failed.read(),
            update_errors: transfer.update_errors.read(),
            delivered_after_deadline: read(&transfer.delivered_after_deadline),
            handed_back: read(&transfer.handed_back),
            results_gone: read(&transfer.results_gone),
            dead_letters: read(&transfer.dead_letters),
            executions_started: read(&execution.started),
            execute_time: time,
            in_progress: read(&execution.in_progress),
            execute_errors: execution.errors.read(),
            result_size: execution.result_size.read(),
            last_result_size: read(&execution.last_result_size),
            gil_wait: execution.gil_wait.read(),
        }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
