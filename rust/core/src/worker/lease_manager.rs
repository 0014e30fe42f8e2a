use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout, timeout_at};

use crate::delivery::{Beat, Blocked, Ledger};
use crate::error::{Error, Judgement};
use crate::observe::{Area, EventSink, Level, LogRecord};
use crate::supervise::spawn;
use crate::transport::TaskClient;
use crate::wire::{has_ended, lease_extension};

/// Before each try of a beat. The SDK waits 1 s and 1.5 s (lease_tracker.py:170-214), more than the 2 s
/// that a response timeout of 10 s leaves.
const TRIES: [Duration; 3] = [Duration::ZERO, Duration::from_millis(200), Duration::from_secs(2)];
/// A try that takes longer has failed: the next one may still be in time.
const TRY_TIMEOUT: Duration = Duration::from_secs(5);
/// Beats of one batch are due at once; polls and results must get their turn between them.
const IN_FLIGHT: usize = 16;

const PROBE_EVERY: Duration = Duration::from_secs(1);

/// Extends the leases that the ledger says are due, and notices tasks that the server has ended.
pub(crate) struct LeaseManager {
    client: Arc<dyn TaskClient>,
    ledger: Arc<Ledger>,
    sink: Arc<dyn EventSink>,
    in_flight: Semaphore,
    blocked: watch::Receiver<Blocked>,
    /// Task types whose last beat was missed: so that trouble is logged when it begins and when it ends.
    missing: Mutex<HashMap<Arc<str>, Instant>>,
}

impl LeaseManager {
    pub(crate) fn new(
        client: Arc<dyn TaskClient>,
        ledger: Arc<Ledger>,
        sink: Arc<dyn EventSink>,
        blocked: watch::Receiver<Blocked>,
    ) -> Self {
        let in_flight = Semaphore::new(IN_FLIGHT);
        Self { client, ledger, sink, in_flight, blocked, missing: Mutex::default() }
    }

    /// Runs as long as the host does, also while it drains.
    pub(crate) async fn extend(self: Arc<Self>) {
        loop {
            let (beats, next) = self.ledger.due_beats(Instant::now());
            for beat in beats {
                let manager = Arc::clone(&self);
                spawn(&self.sink, "extension of a lease", async move { manager.beat(beat).await });
            }
            let sooner = self.ledger.sooner();
            match next {
                // Both endings, the time and the word that it is wrong, mean: look again.
                Some(next) => _ = timeout_at(next.into(), sooner).await,
                None => sooner.await,
            }
        }
    }

    async fn beat(&self, mut beat: Beat) {
        // Results whose way is down are tried one at a time, and their heartbeats go the same way.
        let is_probe = !beat.is_running && self.blocked.borrow().blocks(&beat.lease.task_type);
        if is_probe && !self.may_probe(&beat) {
            return beat.missed(Instant::now());
        }
        let body = lease_extension(&beat.lease.identity);
        let mut failure = None;
        for delay in TRIES.into_iter().take(if is_probe { 1 } else { TRIES.len() }) {
            sleep(delay).await;
            if !self.ledger.holds(beat.id) {
                return;
            }
            let Ok(_permit) = self.in_flight.acquire().await else { return };
            let sent = Instant::now();
            match in_time(self.client.update_task(Bytes::clone(&body))).await {
                Ok(()) => {
                    beat.succeeded(sent);
                    self.sink.debug(Area::Lease, &beat.lease.task_type, Some(&beat.lease.identity), || {
                        format!("extended the lease of task {}", beat.lease.identity.task_id)
                    });
                    self.extended(&beat);
                    return self.look(&beat).await;
                }
                Err(error) if error.judge() == Judgement::Gone => return self.ended(&beat),
                Err(error) => failure = Some(error),
            }
        }
        beat.missed(Instant::now());
        if let Some(failure) = failure {
            self.missed(&beat, &failure);
        }
    }

    /// One a second for each task type whose last one was missed.
    fn may_probe(&self, beat: &Beat) -> bool {
        self.missing().get(&beat.lease.task_type).is_none_or(|last| last.elapsed() >= PROBE_EVERY)
    }

    /// The answer to a beat does not tell that the task was cancelled or has timed out; the task does.
    async fn look(&self, beat: &Beat) {
        if !beat.is_running {
            return;
        }
        match in_time(self.client.get_task(&beat.lease.identity.task_id)).await {
            Ok(task) if has_ended(&task) => self.ended(beat),
            Err(error) if error.judge() == Judgement::Gone => self.ended(beat),
            // The beat got through, and the next one is followed by another look.
            Ok(_) | Err(_) => {}
        }
    }

    fn ended(&self, beat: &Beat) {
        // The function may have returned while we looked, and its result may be what we saw.
        let runs = self.ledger.ended_by_server(beat.id);
        let Some(cancel) = beat.lease.cancel.as_ref().filter(|_| runs) else { return };
        let task_id = &beat.lease.identity.task_id;
        let never_started = cancel.cancel(beat.id);
        let what = if never_started { "is not started" } else { "runs in vain and is told so" };
        self.log(Level::Warning, format!("the server has ended task {task_id}; its function {what}"), beat);
        if never_started {
            self.ledger.settled(beat.id);
        }
    }

    #[cold]
    fn missed(&self, beat: &Beat, failure: &Error) {
        let task_type = &beat.lease.task_type;
        if self.missing().insert(Arc::clone(task_type), Instant::now()).is_none() {
            let message = format!(
                "the lease of a task of {task_type:?} cannot be extended and is tried again: {failure}"
            );
            self.log(Level::Warning, message, beat);
        }
    }

    fn extended(&self, beat: &Beat) {
        let task_type = &beat.lease.task_type;
        if self.missing().remove(task_type).is_some() {
            self.log(Level::Info, format!("leases of {task_type:?} are extended again"), beat);
        }
    }

    fn missing(&self) -> MutexGuard<'_, HashMap<Arc<str>, Instant>> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, level: Level, message: String, beat: &Beat) {
        let record = LogRecord::new(Area::Lease, level, message).of_type(&beat.lease.task_type);
        self.sink.log(record.of_task(&beat.lease.identity));
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(TRY_TIMEOUT, call).await.unwrap_or_else(|_| Err(Error::network("no answer in time")))
}
