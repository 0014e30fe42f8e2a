use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::poll_plan::PollPlan;
use super::prefetch::low_water;
use super::run_time::RunTime;
use super::slots::SlotsTaken;
use super::task_runner::{Control, TaskRunner};
use super::turn::Turn;
use crate::error::{Error, ErrorKind};
use crate::observe::{Area, Happening, Level, LogRecord};
use crate::transport::{News, PollRequest};
use crate::wire::PolledBatch;

/// For a single poll on request; the reference SDK's constant (task_runner.py:640).
const POLL_ONCE_TIMEOUT: Duration = Duration::from_millis(100);
/// A function that takes no longer goes first, if it is the only one that runs, before the next poll is sent.
const NO_TIME: Duration = Duration::from_micros(500);
/// Who yields the core for longer than this shares it with more than that function, and does not yield again for so long.
const CROWDED: Duration = Duration::from_millis(1);
const UNCROWDED: Duration = Duration::from_secs(1);

impl TaskRunner {
    /// Polls while polling is wanted and the worker is not paused. Slots first: nothing is polled that cannot run.
    pub(super) async fn poll(self: Arc<Self>, turn: Arc<Turn>) {
        let mut polling = self.polling.clone();
        let mut control = self.control.subscribe();
        let mut plan = PollPlan::new(&self.config);
        let mut round_trip = RunTime::default();
        let mut crowded_until = Instant::now();
        while let Some(taken) = self.free_slots(&mut polling, &mut control, &plan, round_trip).await {
            plan.set_interval(control.borrow_and_update().poll_interval);
            let request = plan.next(taken.count());
            let started = Instant::now();
            turn.lend(taken);
            let answer = self.poll_and_hand_out(request, &turn).await;
            if turn.is_over() {
                return;
            }
            let delay = match answer {
                Ok(received) => {
                    if let Some(News { tries, .. }) = self.admission.answered(self.poller, started) {
                        let message = format!(
                            "polling for {:?} works again, after {tries} failed polls",
                            self.config.task_type
                        );
                        self.log(Level::Info, message);
                    }
                    let took = started.elapsed();
                    if request.timeout.is_zero() || (request.count > 1 && received >= request.count) {
                        // The server did not wait for tasks to come.
                        round_trip.record(took);
                    }
                    let delay = plan.answered(request, received, took);
                    plan.together(delay, self.updater.since_start())
                }
                Err(error) => {
                    let delay = plan.failed(request.count, &error, fastrand::f64());
                    let News { is_first, tries } =
                        self.admission.failed(self.poller, delay, error.retry_after());
                    self.debug(|| format!("poll failed, {tries} in a row: {error}"));
                    if is_first {
                        let message = format!(
                            "polling for {:?} fails and is tried again: {error}",
                            self.config.task_type
                        );
                        self.log(Level::Warning, message);
                    }
                    // The wait is for its turn.
                    Duration::ZERO
                }
            };
            if request.count == 1 && !request.timeout.is_zero() {
                self.let_it_run(&mut crowded_until);
            }
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

    /// Lets the function of a task that came alone run, and its result be sent, before the next poll: on one core it
    /// would wait until that is written. Where its thread has a core of its own this is nothing; where others take the
    /// core for longer it is left alone for a while.
    fn let_it_run(&self, crowded_until: &mut Instant) {
        let all = self.slots.running() + self.slots.ahead();
        let is_short = |mean| mean <= NO_TIME;
        let now = Instant::now();
        if self.slots.free() + 1 == all
            && now >= *crowded_until
            && self.executor.pace(now).run_time.mean().is_some_and(is_short)
        {
            std::thread::yield_now();
            let after = Instant::now();
            if after - now > CROWDED {
                *crowded_until = after + UNCROWDED;
            }
        }
    }

    /// One poll of the free slots: how many tasks it brought. Returns when they are with the executor.
    /// None while the worker is paused, or its results could not be reported.
    pub async fn poll_once(&self) -> Result<usize, Error> {
        if self.control.borrow().paused {
            self.metrics.paused();
            self.tell(|| Happening::TaskPaused);
            return Ok(0);
        }
        if !self.admission.is_open(&self.config.task_type) {
            return Ok(0);
        }
        self.slots.wait(1).await;
        let taken = self.slots.take(usize::MAX);
        let timeout = self.config.poll_timeout.unwrap_or(POLL_ONCE_TIMEOUT);
        let (count, turn) = (taken.count(), Turn::default());
        turn.lend(taken);
        self.poll_and_hand_out(PollRequest { count, timeout }, &turn).await
    }

    /// Waits for slots as long as polling is wanted, then takes all that the plan wants.
    async fn free_slots(
        &self,
        polling: &mut watch::Receiver<bool>,
        control: &mut watch::Receiver<Control>,
        plan: &PollPlan,
        round_trip: RunTime,
    ) -> Option<SlotsTaken> {
        self.progress.nothing_due();
        let free = tokio::select! {
            biased;
            _ = polling.wait_for(|wanted| !wanted) => return None,
            free = self.slots_unless_paused(control, round_trip) => free?,
        };
        Some(self.slots.take(plan.next(free).count))
    }

    /// How many slots are free, once held tasks are down to the low-water mark.
    async fn slots_unless_paused(
        &self,
        control: &mut watch::Receiver<Control>,
        round_trip: RunTime,
    ) -> Option<usize> {
        loop {
            if control.borrow().paused {
                self.metrics.paused();
                self.tell(|| Happening::TaskPaused);
            }
            control.wait_for(|control| !control.paused).await.ok()?;
            if self.slots.free() == 0 {
                self.metrics.queue_full();
                self.tell(|| Happening::TaskExecutionQueueFull);
            }
            self.slots.wait(low_water(self.slots.ahead())).await;
            // Anew each time: while it waited, the function may have become another one.
            let pace = self.executor.pace(Instant::now());
            let ahead = self.ahead().count(&pace, round_trip.mean(), self.slots.running());
            self.slots.set_ahead(ahead);
            let free = self.slots.free();
            if free < low_water(ahead) || control.borrow().paused {
                continue;
            }
            tokio::select! {
                biased;
                () = self.admission.admitted(self.poller, &self.config.task_type) => {}
                _ = control.wait_for(|control| control.paused) => continue,
            }
            // Fewer only if the worker was given fewer threads meanwhile.
            let free = self.slots.free();
            if free > 0 {
                return Some(free);
            }
        }
    }

    async fn poll_and_hand_out(&self, request: PollRequest, turn: &Turn) -> Result<usize, Error> {
        let in_flight = self.ledger.poll(&self.config.task_type);
        let sent = Instant::now();
        self.metrics.poll_started();
        self.tell(|| Happening::PollStarted {
            worker_id: self.config.worker_id.clone(),
            poll_count: request.count,
        });
        let failed = |error: &Error| {
            self.metrics.poll_failed(sent.elapsed(), error);
            self.tell(|| Happening::PollFailure { duration: sent.elapsed(), cause: error.clone() });
        };
        let answer = self.ask(request, turn).await;
        let taken = turn.slots();
        let (PolledBatch { tasks, unusable }, cut) = answer.inspect_err(failed)?;
        if let Some(error) = &cut {
            failed(error);
        } else {
            self.metrics.poll_answered(sent.elapsed());
            self.tell(|| Happening::PollCompleted { duration: sent.elapsed(), tasks_received: tasks.len() });
        }
        self.debug(|| {
            let (count, millis) = (request.count, sent.elapsed().as_secs_f64() * 1_000.0);
            format!("polled up to {count} tasks, got {} after {millis:.1} ms", tasks.len())
        });
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
        // clocks of their leases running; a single task comes as soon as there is one (PostgresQueueDAO.java).
        let since = if request.count > 1 { sent } else { Instant::now() };
        let taken = taken.unwrap_or_else(|| self.slots.take_anyway(tasks.len()));
        let fresh = self.hand_out(tasks, since, taken);
        drop(in_flight);
        match cut {
            None => Ok(fresh),
            Some(error) => Err(error),
        }
    }

    /// The tasks of the answer; of one that was cut, those that came whole, with the error: the server has
    /// marked them IN_PROGRESS all the same.
    async fn ask(&self, request: PollRequest, turn: &Turn) -> Result<(PolledBatch, Option<Error>), Error> {
        self.progress.due(request.timeout);
        let answer = self.client.batch_poll(&self.queue, request).await;
        if !turn.is_over() {
            self.progress.nothing_due();
        }
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

    fn debug(&self, message: impl FnOnce() -> String) {
        self.sink.debug(Area::Poll, &self.config.task_type, None, message);
    }

    fn log(&self, level: Level, message: String) {
        self.sink.log(LogRecord::new(Area::Poll, level, message).of_type(&self.config.task_type));
    }
}
