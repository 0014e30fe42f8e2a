use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle};

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
fn again(ended: Result<(), JoinError>) {
    if let Err(Ok(panic)) = ended.map_err(JoinError::try_into_panic) {
        resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;
    use tokio::runtime::Handle;
    use tokio::sync::{Notify, watch};
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::delivery::{Admission, Ledger, Updater};
    use crate::error::Error;
    use crate::observe::EventSink;
    use crate::settings::{PollInterval, Prefetch, WorkerConfig};
    use crate::transport::{BoxFuture, PollRequest, Queue, TaskClient};
    use crate::worker::ReadyQueue;
    use crate::worker::executor::Executor;
    use crate::worker::task_runner::Shared;

    /// Its first polls are answered when `answer` is told, the next one at once, with a task each.
    struct Silent {
        unanswered: usize,
        polls: AtomicUsize,
        answer: Notify,
    }

    impl TaskClient for Silent {
        fn batch_poll<'a>(&'a self, _: &'a Queue, _: PollRequest) -> BoxFuture<'a, Result<Bytes, Error>> {
            Box::pin(async move {
                let number = self.polls.fetch_add(1, Ordering::Relaxed);
                if number < self.unanswered {
                    self.answer.notified().await;
                } else if number > self.unanswered {
                    sleep(Duration::from_secs(1)).await;
                    return Ok(Bytes::from_static(b"[]"));
                }
                let task = format!(r#"[{{"taskId":"t{number}","workflowInstanceId":"w","inputData":{{}}}}]"#);
                Ok(task.into())
            })
        }

        fn update_task(&self, _: Bytes) -> BoxFuture<'_, Result<(), Error>> {
            Box::pin(async { Ok(()) })
        }

        fn get_task<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Bytes, Error>> {
            Box::pin(async { Ok(Bytes::new()) })
        }
    }

    #[derive(Default)]
    struct Lines(Mutex<Vec<String>>);

    impl EventSink for Lines {
        fn log(&self, record: LogRecord) {
            self.0.lock().unwrap().push(record.message);
        }
    }

    struct Worker {
        runner: Arc<TaskRunner>,
        client: Arc<Silent>,
        queue: Arc<ReadyQueue>,
        lines: Arc<Lines>,
        _polling: watch::Sender<bool>,
    }

    fn worker(unanswered: usize) -> Worker {
        let client = Arc::new(Silent { unanswered, polls: AtomicUsize::new(0), answer: Notify::new() });
        let (queue, lines) = (Arc::<ReadyQueue>::default(), Arc::<Lines>::default());
        let config = WorkerConfig {
            task_type: "silent".into(),
            domain: None,
            worker_id: "test".into(),
            thread_count: 2,
            poll_interval: PollInterval::UpTo(Duration::from_millis(100)),
            poll_timeout: Some(Duration::from_millis(500)),
            prefetch: Prefetch::Fixed(0),
            lease_extend_enabled: false,
            paused: false,
        };
        let ledger = Arc::<Ledger>::default();
        let sink: Arc<dyn EventSink> = Arc::clone(&lines) as _;
        let (updater, report) =
            Updater::start(&Handle::current(), Arc::clone(&client) as _, Arc::clone(&ledger), &sink, 1, None);
        let polling = watch::Sender::new(true);
        let shared = Shared {
            client: Arc::clone(&client) as _,
            ledger,
            sink,
            report,
            updater,
            admission: Arc::new(Admission::new(
                watch::Sender::default().subscribe(),
                watch::Sender::default().subscribe(),
                watch::Sender::default().subscribe(),
                None,
            )),
            polling: polling.subscribe(),
        };
        let runner = Arc::new(TaskRunner::new(config, Arc::clone(&queue) as Arc<dyn Executor>, shared));
        Worker { runner, client, queue, lines, _polling: polling }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_poll_is_left_behind_in_time_and_what_it_brings_is_run() {
        let worker = worker(1);
        let polling = tokio::spawn(Arc::clone(&worker.runner).keep_polling());
        sleep(Duration::from_millis(11_400)).await;
        assert_eq!(worker.client.polls.load(Ordering::Relaxed), 1, "it is not late yet");
        sleep(Duration::from_millis(1_100)).await;
        let (_, next) = worker.queue.try_take(None).expect("the next loop has polled");
        assert_eq!(&*next.task.identity.task_id, "t1");
        worker.client.answer.notify_waiters();
        let polls = worker.client.polls.load(Ordering::Relaxed);
        sleep(Duration::from_millis(100)).await;
        let (_, late) = worker.queue.try_take(None).expect("the server has handed it out to us");
        assert_eq!(&*late.task.identity.task_id, "t0");
        sleep(Duration::from_secs(20)).await;
        assert!(!polling.is_finished() && worker.runner.overdue().is_zero());
        assert!(worker.client.polls.load(Ordering::Relaxed) <= polls + 22, "one loop polls");
        assert_eq!(worker.lines.0.lock().unwrap().len(), 1, "{:?}", worker.lines.0.lock().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_answers_nothing_is_told_by_health_and_not_by_more_and_more_polls() {
        let worker = worker(100);
        let polling = tokio::spawn(Arc::clone(&worker.runner).keep_polling());
        assert!(timeout(Duration::from_secs(3_600), polling).await.is_err());
        assert_eq!(worker.client.polls.load(Ordering::Relaxed), 1 + MAX_LEFT_BEHIND);
        assert!(worker.runner.overdue() > Duration::from_secs(3_000));
    }
}
