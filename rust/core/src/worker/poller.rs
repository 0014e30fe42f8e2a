use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::poll_plan::PollPlan;
use super::slots::SlotsTaken;
use super::task_runner::{Control, TaskRunner};
use crate::error::{Error, ErrorKind};
use crate::event::{Happening, Level, LogRecord};
use crate::transport::PollRequest;
use crate::wire::PolledBatch;

/// For a single poll on request; the reference SDK's constant (task_runner.py:640).
const POLL_ONCE_TIMEOUT: Duration = Duration::from_millis(100);

impl TaskRunner {
    /// Polls while polling is wanted and the worker is not paused. Slots first: nothing is polled that cannot run.
    pub(crate) async fn poll(self: Arc<Self>) {
        let mut polling = self.polling.clone();
        let mut control = self.control.subscribe();
        let mut plan = PollPlan::new(&self.config);
        let mut trouble: Option<u64> = None;
        while let Some(taken) = self.free_slots(&mut polling, &mut control, &plan).await {
            plan.set_interval(control.borrow_and_update().poll_interval);
            let request = plan.next(taken.count());
            let started = Instant::now();
            let delay = match self.poll_and_hand_out(request, taken).await {
                Ok(received) => {
                    if let Some(tries) = trouble.take() {
                        let message = format!(
                            "polling for {:?} works again, after {tries} failed polls",
                            self.config.task_type
                        );
                        self.log(Level::Info, message);
                    }
                    plan.answered(request, received, started.elapsed())
                }
                Err(error) => {
                    let tries = trouble.get_or_insert(0);
                    *tries += 1;
                    if *tries == 1 {
                        let message = format!(
                            "polling for {:?} fails and is tried again: {error}",
                            self.config.task_type
                        );
                        self.log(Level::Warning, message);
                    }
                    let cut = matches!(error.kind(), ErrorKind::Cut { .. });
                    plan.failed(request.count, cut, fastrand::f64())
                }
            };
            if !delay.is_zero() {
                self.progress.due(delay);
                tokio::select! {
                    () = tokio::time::sleep(delay) => {}
                    _ = control.changed() => {}
                    _ = polling.wait_for(|wanted| !wanted) => return,
                }
            }
        }
    }

    /// One poll of the free slots: how many tasks it brought. Returns when they are with the executor.
    /// None while the worker is paused.
    pub async fn poll_once(&self) -> Result<usize, Error> {
        if self.control.borrow().paused {
            self.tell(|| Happening::TaskPaused);
            return Ok(0);
        }
        let Some(mut taken) = self.slots.one().await else { return Ok(0) };
        self.slots.top_up(&mut taken, usize::MAX);
        let timeout = self.config.poll_timeout.unwrap_or(POLL_ONCE_TIMEOUT);
        self.poll_and_hand_out(PollRequest { count: taken.count(), timeout }, taken).await
    }

    /// Waits for slots as long as polling is wanted, then takes all that the plan wants.
    async fn free_slots(
        &self,
        polling: &mut watch::Receiver<bool>,
        control: &mut watch::Receiver<Control>,
        plan: &PollPlan,
    ) -> Option<SlotsTaken> {
        self.progress.nothing_due();
        let mut taken = tokio::select! {
            biased;
            _ = polling.wait_for(|wanted| !wanted) => return None,
            taken = self.slot_unless_paused(control) => taken?,
        };
        let wanted = plan.next(1 + self.slots.free()).count;
        self.slots.top_up(&mut taken, wanted - 1);
        Some(taken)
    }

    async fn slot_unless_paused(&self, control: &mut watch::Receiver<Control>) -> Option<SlotsTaken> {
        loop {
            if control.borrow().paused {
                self.tell(|| Happening::TaskPaused);
            }
            control.wait_for(|control| !control.paused).await.ok()?;
            if self.slots.free() == 0 {
                self.tell(|| Happening::TaskExecutionQueueFull);
            }
            let taken = self.slots.one().await?;
            // It may have waited for the slot for long.
            if !control.borrow().paused {
                return Some(taken);
            }
        }
    }

    async fn poll_and_hand_out(&self, request: PollRequest, taken: SlotsTaken) -> Result<usize, Error> {
        let in_flight = self.ledger.poll(&self.config.task_type);
        let sent = Instant::now();
        self.tell(|| Happening::PollStarted {
            worker_id: self.config.worker_id.clone(),
            poll_count: request.count,
        });
        let failed = |error: &Error| {
            self.tell(|| Happening::PollFailure { duration: sent.elapsed(), cause: error.clone() });
        };
        let (PolledBatch { tasks, unusable }, cut) = self.ask(request).await.inspect_err(failed)?;
        match &cut {
            Some(error) => failed(error),
            None => self
                .tell(|| Happening::PollCompleted { duration: sent.elapsed(), tasks_received: tasks.len() }),
        }
        // The last one of an answer that was cut is no such task.
        if unusable > 0 && cut.is_none() && !self.told_of_unusable.swap(true, Ordering::Relaxed) {
            let message = format!(
                "{unusable} tasks of {:?} came without usable ids and cannot be run; so cannot later ones like \
                 them, of which no line tells",
                self.config.task_type
            );
            self.log(Level::Error, message);
        }
        // SQL stores hold the first tasks of a batch until it is full or the timeout is over, with the
        // clocks of their leases running; a single task comes as soon as there is one (protocol.md, 0).
        let since = if request.count > 1 { sent } else { Instant::now() };
        let fresh = self.hand_out(tasks, since, taken).await;
        drop(in_flight);
        match cut {
            None => Ok(fresh),
            Some(error) => Err(error),
        }
    }

    /// The tasks of the answer; of one that was cut, those that came whole, with the error: the server has
    /// marked them IN_PROGRESS all the same.
    async fn ask(&self, request: PollRequest) -> Result<(PolledBatch, Option<Error>), Error> {
        self.progress.due(request.timeout);
        let answer = self.client.batch_poll(&self.queue, request).await;
        self.progress.nothing_due();
        let (body, cut) = match answer {
            Ok(body) => (body, None),
            Err(error) => match error.kind() {
                ErrorKind::Cut { received, .. } => (received.0.clone(), Some(error)),
                _ => return Err(error),
            },
        };
        let batch = PolledBatch::split(&body).ok_or_else(|| {
            let problem = "no JSON array came back from a poll".to_owned();
            ErrorKind::UnexpectedBody { problem }.into()
        });
        match (batch, cut) {
            (Ok(batch), cut) => Ok((batch, cut)),
            (Err(error), cut) => Err(cut.unwrap_or(error)),
        }
    }

    fn tell(&self, what: impl FnOnce() -> Happening) {
        self.sink.tell(&self.config.task_type, what);
    }

    fn log(&self, level: Level, message: String) {
        self.sink.log(LogRecord::new(level, message).of_type(&self.config.task_type));
    }
}
