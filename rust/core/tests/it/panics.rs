use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use conductor_core::error::Error;
use conductor_core::host::Runtime;
use conductor_core::observe::{Area, EventSink, Level, LogRecord, MetricsSnapshot, TaskRunnerEvent};
use conductor_core::transport::{BoxFuture, PollRequest, Queue, TaskClient};
use conductor_core::worker::{Assignment, Executor, Pace};

use super::support::{DEADLINE, Engine, config, echo, eventually};

/// A server with so many tasks of each type, one a poll, whose answers to the first poll and to the first
/// report of type "sick" are panics.
struct Sick {
    tasks: usize,
    polls: Mutex<Vec<Arc<str>>>,
    panics_at_poll: AtomicBool,
    panics_at_report: AtomicBool,
    reports: Mutex<Vec<String>>,
}

impl Sick {
    fn new(tasks: usize, at_poll: bool, at_report: bool) -> Arc<Self> {
        Arc::new(Self {
            tasks,
            polls: Mutex::default(),
            panics_at_poll: AtomicBool::new(at_poll),
            panics_at_report: AtomicBool::new(at_report),
            reports: Mutex::default(),
        })
    }

    /// Task ids by the status that was reported, each as often as it was.
    fn reported(&self, status: &str) -> Vec<String> {
        let marked = format!(r#""status":"{status}""#);
        let reports = self.reports.lock().unwrap();
        let mut ids: Vec<String> = reports
            .iter()
            .filter(|body| body.contains(&marked))
            .map(|body| serde_json::from_str::<serde_json::Value>(body).unwrap()["taskId"].to_string())
            .collect();
        ids.sort();
        ids
    }
}

impl TaskClient for Sick {
    fn batch_poll<'a>(&'a self, queue: &'a Queue, _: PollRequest) -> BoxFuture<'a, Result<Bytes, Error>> {
        Box::pin(async move {
            let task_type = &queue.task_type;
            let is_sick = &**task_type == "sick";
            assert!(!(is_sick && self.panics_at_poll.swap(false, Ordering::Relaxed)), "a fault in the poll");
            let number = {
                let mut polls = self.polls.lock().unwrap();
                polls.push(Arc::clone(task_type));
                polls.iter().filter(|polled| *polled == task_type).count()
            };
            if number > self.tasks {
                tokio::time::sleep(Duration::from_millis(5)).await;
                return Ok(Bytes::from_static(b"[]"));
            }
            Ok(format!(r#"[{{"taskId":"{task_type}-{number}","workflowInstanceId":"w","inputData":{{}}}}]"#)
                .into())
        })
    }

    fn update_task(&self, body: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let body = String::from_utf8(body.to_vec()).unwrap();
            let is_sick = body.contains(r#""taskId":"sick-"#);
            assert!(
                !(is_sick && self.panics_at_report.swap(false, Ordering::Relaxed)),
                "a fault in a report"
            );
            self.reports.lock().unwrap().push(body);
            Ok(())
        })
    }

    fn get_task<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Bytes, Error>> {
        Box::pin(async { Ok(Bytes::new()) })
    }
}

fn ids(task_type: &str, count: usize) -> Vec<String> {
    let mut ids: Vec<_> = (1..=count).map(|number| format!("\"{task_type}-{number}\"")).collect();
    ids.sort();
    ids
}

fn panics() -> u64 {
    MetricsSnapshot::take().panics
}

#[test]
fn a_panic_of_the_poller_or_of_the_poster_is_told_once_and_loses_nothing() {
    for (at_poll, at_report) in [(true, false), (false, true)] {
        let (client, before) = (Sick::new(20, at_poll, at_report), panics());
        let mut engine = Engine::start_with(Arc::clone(&client) as _);
        let lines = Arc::clone(&engine.lines);
        engine.worker("sick", 2, echo);
        engine.worker("well", 2, echo);
        eventually("all are reported", || client.reported("COMPLETED").len() == 40);
        assert!(engine.stop(DEADLINE).is_empty());
        assert_eq!(client.reported("COMPLETED"), [ids("sick", 20), ids("well", 20)].concat());
        // Of the process: other tests of it panic on purpose too.
        assert!(panics() > before);
        let lines = lines.all();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains(" panicked") && lines[0].contains(": a fault in"), "{lines:?}");
    }
}

#[derive(Default)]
struct Deaf {
    panics: AtomicUsize,
}

impl Deaf {
    fn fail(&self) {
        assert_eq!(self.panics.fetch_add(1, Ordering::Relaxed), usize::MAX, "a fault in whoever is told");
    }
}

impl EventSink for Deaf {
    fn log(&self, _: LogRecord) {
        self.fail();
    }

    fn wants_log(&self, _: Area, _: Level) -> bool {
        true
    }

    fn wants_events(&self) -> bool {
        true
    }

    fn event(&self, _: TaskRunnerEvent) {
        self.fail();
    }
}

/// Panics with its first batch, answers the others at once.
#[derive(Default)]
struct Clumsy(AtomicBool);

impl Executor for Clumsy {
    fn submit(&self, batch: Vec<Assignment>) -> bool {
        assert!(self.0.swap(true, Ordering::Relaxed), "a fault in an executor");
        for Assignment { task, completion, .. } in batch {
            completion.complete(echo(&task));
        }
        false
    }

    fn set_limit(&self, _: usize) {}

    fn pace(&self, _: Instant) -> Pace {
        Pace::default()
    }

    fn take_back(&self, _: Option<Instant>) -> (Vec<Assignment>, Option<Instant>) {
        (Vec::new(), None)
    }

    fn relieve(&self) -> bool {
        false
    }
}

#[test]
fn a_panic_of_whoever_is_told_costs_no_task() {
    let (client, sink) = (Sick::new(20, false, false), Arc::new(Deaf::default()));
    let executor = Arc::new(Clumsy(AtomicBool::new(true)));
    let runtime = Runtime::start_with(Arc::clone(&client) as _, 4, Arc::clone(&sink) as _).unwrap();
    runtime.add_worker(config("sick", 2), executor, false).unwrap();
    eventually("all are reported", || client.reported("COMPLETED").len() == 20);
    runtime.stop_polling().unwrap();
    assert!(runtime.wait_idle(DEADLINE).unwrap());
    assert_eq!(client.reported("COMPLETED"), ids("sick", 20), "each once");
    assert!(sink.panics.load(Ordering::Relaxed) > 20);
}

#[test]
fn a_panic_of_the_executor_fails_the_tasks_that_it_had_and_no_others() {
    let client = Sick::new(20, false, false);
    let mut engine = Engine::start_with(Arc::clone(&client) as _);
    engine.runtime.add_worker(config("sick", 2), Arc::new(Clumsy::default()), false).unwrap();
    engine.worker("well", 2, echo);
    eventually("all are reported", || client.reports.lock().unwrap().len() == 40);
    assert!(engine.stop(DEADLINE).is_empty());
    assert_eq!(client.reported("FAILED"), ["\"sick-1\""]);
    assert_eq!(client.reported("COMPLETED").len(), 39);
}
