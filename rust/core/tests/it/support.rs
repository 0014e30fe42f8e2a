use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use conductor_core::host::Runtime;
use conductor_core::observe::{EventSink, Level, LogRecord, TaskRunnerEvent};
use conductor_core::settings::{Configuration, PollInterval, Prefetch, WorkerConfig};
use conductor_core::transport::TaskClient;
use conductor_core::wire::{PolledTask, Status, TaskResult, TaskResultWriter};
use conductor_core::worker::{Assignment, Completion, Ended, Executor, Pace, ReadyQueue, TaskRunner};
use conductor_devserver::{DevServer, FaultRule, Options};

pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(crate) struct Lines {
    logged: Mutex<Vec<String>>,
    listening: bool,
    events: Mutex<Vec<TaskRunnerEvent>>,
}

impl EventSink for Lines {
    fn log(&self, record: LogRecord) {
        assert!(record.level > Level::Debug, "a record that nobody wants: {record:?}");
        self.logged.lock().unwrap().push(record.message);
    }

    fn wants_events(&self) -> bool {
        self.listening
    }

    fn event(&self, event: TaskRunnerEvent) {
        assert!(self.listening, "an event that nobody wants: {event:?}");
        assert_eq!(std::thread::current().name(), Some("conductor-io"));
        self.events.lock().unwrap().push(event);
    }
}

impl Lines {
    pub(crate) fn all(&self) -> Vec<String> {
        self.logged.lock().unwrap().clone()
    }

    pub(crate) fn events(&self) -> Vec<TaskRunnerEvent> {
        self.events.lock().unwrap().clone()
    }
}

/// An executor without threads, which answers at once. Keeps the ids of the tasks that came together.
#[derive(Default)]
pub(crate) struct Immediate(Mutex<Vec<Vec<String>>>);

impl Immediate {
    pub(crate) fn batches(&self) -> Vec<Vec<String>> {
        self.0.lock().unwrap().clone()
    }
}

impl Executor for Immediate {
    fn submit(&self, batch: Vec<Assignment>) -> bool {
        let ids = batch.iter().map(|assignment| assignment.task.identity.task_id.to_string()).collect();
        self.0.lock().unwrap().push(ids);
        for Assignment { task, completion, .. } in batch {
            completion.complete(echo(&task));
        }
        false
    }

    fn set_limit(&self, _limit: usize) {}

    fn pace(&self, _now: Instant) -> Pace {
        Pace::default()
    }

    fn take_back(&self, _now: Option<Instant>) -> (Vec<Assignment>, Option<Instant>) {
        (Vec::new(), None)
    }

    fn relieve(&self) -> bool {
        false
    }
}

/// An engine, the lines that it logs, and the threads of its workers.
pub(crate) struct Engine {
    pub(crate) runtime: Runtime,
    pub(crate) lines: Arc<Lines>,
    workers: Vec<(Arc<ReadyQueue>, Vec<JoinHandle<()>>)>,
}

pub(crate) fn server() -> DevServer {
    DevServer::start(Options::default()).unwrap()
}

pub(crate) fn fault(server: &DevServer, rule: &str) {
    server.add_fault(FaultRule::from_json(rule).unwrap());
}

/// Requests of the transcript by method and by how their path begins.
pub(crate) fn requests(server: &DevServer, method: &str, path: &str) -> Vec<serde_json::Value> {
    let transcript: Vec<serde_json::Value> = serde_json::from_str(&server.transcript_json()).unwrap();
    transcript
        .into_iter()
        .filter(|line| line["method"] == method && line["path"].as_str().unwrap().starts_with(path))
        .collect()
}

pub(crate) fn eventually(what: &str, holds: impl FnMut() -> bool) {
    within(DEADLINE, what, holds);
}

pub(crate) fn within(time: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + time;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {time:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn config(task_type: &str, thread_count: usize) -> WorkerConfig {
    WorkerConfig {
        task_type: task_type.into(),
        domain: None,
        worker_id: "test".into(),
        thread_count,
        poll_interval: PollInterval::UpTo(Duration::from_millis(100)),
        poll_timeout: None,
        prefetch: Prefetch::Auto,
        lease_extend_enabled: false,
        paused: false,
    }
}

/// COMPLETED with the task's input as output.
pub(crate) fn echo(task: &PolledTask) -> TaskResult {
    let mut writer = TaskResultWriter::begin(&task.identity, "test", Status::Completed);
    writer.body.extend_from_slice(task.input());
    writer.finish(&task.identity)
}

/// To be handed out again at once.
pub(crate) fn in_progress(task: &PolledTask) -> TaskResult {
    let mut writer = TaskResultWriter::begin(&task.identity, "test", Status::InProgress);
    writer.body.extend_from_slice(b"{}");
    writer.callback_after_seconds(0);
    writer.finish(&task.identity)
}

impl Engine {
    pub(crate) fn start(url: &str) -> Self {
        Self::start_for(&Configuration::new(url).unwrap())
    }

    pub(crate) fn start_for(configuration: &Configuration) -> Self {
        Self::start_told(configuration, Lines::default())
    }

    /// Its events are kept in `lines`.
    pub(crate) fn start_listening(url: &str) -> Self {
        let lines = Lines { listening: true, ..Lines::default() };
        Self::start_told(&Configuration::new(url).unwrap(), lines)
    }

    fn start_told(configuration: &Configuration, lines: Lines) -> Self {
        let lines = Arc::new(lines);
        let runtime = Runtime::start(configuration, Arc::clone(&lines) as _).unwrap();
        Self { runtime, lines, workers: Vec::new() }
    }

    pub(crate) fn start_with(client: Arc<dyn TaskClient>) -> Self {
        let lines = Arc::new(Lines::default());
        let runtime = Runtime::start_with(client, 4, Arc::clone(&lines) as _).unwrap();
        Self { runtime, lines, workers: Vec::new() }
    }

    /// A worker whose threads answer each task with `work`.
    pub(crate) fn worker(
        &mut self,
        task_type: &str,
        thread_count: usize,
        work: impl Fn(&PolledTask) -> TaskResult + Send + Sync + 'static,
    ) {
        self.add(config(task_type, thread_count), thread_count, move |task, _| work(task));
    }

    /// The same with settings, with threads that need not be as many as slots, and with the completion,
    /// which tells of a cancel.
    pub(crate) fn add(
        &mut self,
        config: WorkerConfig,
        threads: usize,
        work: impl Fn(&PolledTask, &Completion) -> TaskResult + Send + Sync + 'static,
    ) -> Arc<TaskRunner> {
        let work = Arc::new(work);
        let queue = Arc::new(ReadyQueue::default());
        let threads = (0..threads)
            .map(|_| {
                let (queue, work) = (Arc::clone(&queue), Arc::clone(&work));
                std::thread::spawn(move || {
                    queue.enlist();
                    while let Some((run, Assignment { task, completion, .. })) = queue.take() {
                        let started = Instant::now();
                        let result = work(&task, &completion);
                        completion.complete(result);
                        let at = Instant::now();
                        queue.ended(Ended { run, at, took: Some(at - started) });
                    }
                    queue.resign();
                })
            })
            .collect();
        let runner = self.runtime.add_worker(config, Arc::clone(&queue) as _, false).unwrap();
        self.workers.push((queue, threads));
        runner
    }

    /// Drains and returns the ids that are left.
    pub(crate) fn stop(self, timeout: Duration) -> Vec<String> {
        self.runtime.stop_polling().unwrap();
        self.runtime.wait_idle(timeout).unwrap();
        let left = self.runtime.held().iter().map(|held| held.task_id.to_string()).collect();
        self.runtime.close();
        for (queue, threads) in self.workers {
            queue.close();
            for thread in threads {
                thread.join().unwrap();
            }
        }
        left
    }
}
