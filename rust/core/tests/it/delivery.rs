use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use conductor_core::error::Error;
use conductor_core::settings::{Configuration, HighWater};
use conductor_core::transport::{BoxFuture, PollRequest, Queue, TaskClient};
use conductor_devserver::PushOptions;

use super::support::{DEADLINE, Engine, echo, eventually, fault, in_progress, server};

fn posts_of(server: &conductor_devserver::DevServer, task_type: &str) -> usize {
    let transcript: Vec<serde_json::Value> = serde_json::from_str(&server.transcript_json()).unwrap();
    transcript
        .iter()
        .filter(|line| line["method"] == "POST" && line["taskType"] == task_type && line["status"] == 200)
        .count()
}

#[test]
fn every_task_is_run_and_reported_once_whatever_the_connections_do() {
    let server = server();
    server.push_many("echo", r#"{"a":[1,"ü"]}"#, 1_000, &PushOptions::default()).unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let mut engine = Engine::start(&server.url());
    engine.worker("echo", 4, {
        let runs = Arc::clone(&runs);
        move |task| {
            runs.fetch_add(1, Ordering::Relaxed);
            echo(task)
        }
    });
    assert!(server.wait_for(1_000, Some("echo"), Some("COMPLETED"), DEADLINE));
    let lines = Arc::clone(&engine.lines);
    assert!(engine.stop(DEADLINE).is_empty());
    assert_eq!(runs.load(Ordering::Relaxed), 1_000);
    assert_eq!(posts_of(&server, "echo"), 1_000);
    // The server closed each connection after its 100th request: no error and no line came of that.
    assert!(server.connections_opened() > 10, "{}", server.connections_opened());
    assert_eq!(lines.all(), Vec::<String>::new());
}

#[test]
fn an_update_that_answers_503_for_a_while_holds_no_slot_and_no_other_type() {
    let server = server();
    fault(&server, r#"{"method":"POST","path":"/api/tasks","taskType":"sick","answer":{"status":503}}"#);
    server.push_many("sick", "{}", 20, &PushOptions::default()).unwrap();
    let mut engine = Engine::start(&server.url());
    engine.worker("sick", 1, echo);
    engine.worker("well", 1, echo);
    eventually("all 20 tasks were taken by the one slot", || {
        server.count(Some("sick"), Some("IN_PROGRESS")) == 20
    });
    server.push_many("well", "{}", 50, &PushOptions::default()).unwrap();
    assert!(server.wait_for(50, Some("well"), Some("COMPLETED"), DEADLINE));
    assert_eq!(server.count(Some("sick"), Some("COMPLETED")), 0);
    server.clear_faults();
    assert!(server.wait_for(20, Some("sick"), Some("COMPLETED"), DEADLINE));
    let lines = Arc::clone(&engine.lines);
    assert!(engine.stop(DEADLINE).is_empty());
    assert_eq!(posts_of(&server, "sick"), 20);
    let lines = lines.all();
    assert_eq!(lines.len(), 2, "one line per change of state: {lines:?}");
    assert!(lines[0].contains("cannot be delivered") && lines[0].contains("sick"), "{lines:?}");
    assert!(lines[1].contains("delivered again"), "{lines:?}");
}

#[test]
fn while_posts_are_slower_than_functions_no_more_tasks_are_taken_than_may_wait() {
    let server = server();
    fault(&server, r#"{"method":"POST","path":"/api/tasks","delayMillis":100}"#);
    server.push_many("quick", "{}", 600, &PushOptions::default()).unwrap();
    let mut configuration = Configuration::new(&server.url()).unwrap();
    configuration.outbox = HighWater { results: 100, bytes: 1 << 30 };
    let mut engine = Engine::start_for(&configuration);
    engine.worker("quick", 1, echo);
    let mut most = 0;
    eventually("all are delivered", || {
        most = most.max(server.count(Some("quick"), Some("IN_PROGRESS")));
        server.count(Some("quick"), Some("COMPLETED")) == 600
    });
    // What was under way when the mark was reached: one slot and 64 tasks ahead of it.
    assert!((100..=100 + 65).contains(&most), "{most}");
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn while_the_server_is_slow_no_more_is_taken_than_can_be_reported_soon() {
    let server = server();
    // At most 64 posts at once, 320 a second, of 2,000 results.
    fault(&server, r#"{"method":"POST","path":"/api/tasks","delayMillis":200}"#);
    server.push_many("quick", "{}", 2_000, &PushOptions::default()).unwrap();
    let mut engine = Engine::start(&server.url());
    engine.worker("quick", 10, |task| {
        std::thread::sleep(Duration::from_millis(5));
        echo(task)
    });
    let mut most = 0;
    eventually("a part is delivered", || {
        most = most.max(server.count(Some("quick"), Some("IN_PROGRESS")));
        server.count(Some("quick"), Some("COMPLETED")) >= 500
    });
    assert!(most < 1_000, "{most} tasks held at once");
    server.clear_faults();
    assert!(server.wait_for(2_000, Some("quick"), Some("COMPLETED"), DEADLINE));
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn a_lost_acknowledgement_is_posted_again() {
    let server = server();
    fault(&server, r#"{"method":"POST","path":"/api/tasks","closeAfter":true,"count":1}"#);
    let task_id = server.push("echo", "{}", &PushOptions::default()).unwrap();
    let mut engine = Engine::start(&server.url());
    engine.worker("echo", 1, echo);
    eventually("the second post is acknowledged", || posts_of(&server, "echo") == 1);
    assert!(engine.stop(DEADLINE).is_empty());
    assert!(server.task_json(&task_id).unwrap().contains("COMPLETED"));
}

#[test]
fn a_refused_result_becomes_a_small_failure_that_names_the_reason() {
    let server = server();
    fault(
        &server,
        r#"{"method":"POST","path":"/api/tasks","count":1,"answer":{"status":400,"body":"{\"message\":\"too odd\"}"}}"#,
    );
    let task_id = server.push("echo", "{}", &PushOptions::default()).unwrap();
    let mut engine = Engine::start(&server.url());
    engine.worker("echo", 1, echo);
    assert!(server.wait_for(1, Some("echo"), Some("FAILED_WITH_TERMINAL_ERROR"), DEADLINE));
    assert!(server.task_json(&task_id).unwrap().contains("too odd"));
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn a_result_for_a_task_that_the_server_does_not_know_is_dropped_and_named() {
    let server = server();
    fault(
        &server,
        r#"{"method":"POST","path":"/api/tasks","answer":{"status":404,"body":"{\"message\":\"No such task found by id: x\"}"}}"#,
    );
    let task_id = server.push("echo", "{}", &PushOptions::default()).unwrap();
    let mut engine = Engine::start(&server.url());
    engine.worker("echo", 1, echo);
    let lines = Arc::clone(&engine.lines);
    eventually("a line names the task", || lines.all().iter().any(|line| line.contains(&task_id)));
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn a_task_that_its_worker_loses_is_reported_as_failed() {
    let server = server();
    let options = PushOptions { retry_count_limit: Some(0), ..PushOptions::default() };
    let task_id = server.push("lost", "{}", &options).unwrap();
    let mut engine = Engine::start(&server.url());
    let first = std::sync::atomic::AtomicBool::new(true);
    engine.worker("lost", 1, move |task| {
        // A panic drops the completion on its way up.
        assert!(!first.swap(false, Ordering::Relaxed), "the executor fails");
        echo(task)
    });
    assert!(server.wait_for(1, Some("lost"), Some("FAILED"), DEADLINE));
    assert!(server.task_json(&task_id).unwrap().contains("lost this task"));
    drop(engine);
}

#[test]
fn what_is_left_after_the_deadline_is_named() {
    let server = server();
    let task_id = server.push("slow", "{}", &PushOptions::default()).unwrap();
    let (go_on, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let mut engine = Engine::start(&server.url());
    engine.worker("slow", 1, move |task| {
        let _ = gate.lock().unwrap().recv_timeout(DEADLINE);
        echo(task)
    });
    eventually("it runs", || server.count(Some("slow"), Some("IN_PROGRESS")) == 1);
    let stopper = std::thread::spawn(move || engine.stop(Duration::from_millis(50)));
    // The stop closes the engine before it joins the threads, which wait for this.
    std::thread::sleep(Duration::from_millis(200));
    go_on.send(()).unwrap();
    assert_eq!(stopper.join().unwrap(), [task_id]);
}

#[test]
fn in_progress_comes_back_while_its_report_is_still_on_the_way() {
    let server = server();
    fault(&server, r#"{"method":"POST","path":"/api/tasks","closeAfter":true,"count":1}"#);
    let task_id = server.push("again", "{}", &PushOptions::default()).unwrap();
    let mut engine = Engine::start(&server.url());
    let runs = AtomicUsize::new(0);
    engine.worker("again", 2, move |task| {
        if runs.fetch_add(1, Ordering::Relaxed) > 0 {
            return echo(task);
        }
        in_progress(task)
    });
    // The acknowledgement of the first report was lost, so the task is handed out again before its retry.
    assert!(server.wait_for(1, Some("again"), Some("COMPLETED"), DEADLINE));
    assert!(engine.stop(DEADLINE).is_empty());
    assert!(server.task_json(&task_id).unwrap().contains("COMPLETED"));
}

/// A client whose first post panics.
#[derive(Default)]
struct Panicking {
    handed_out: AtomicUsize,
    posts: AtomicUsize,
}

impl TaskClient for Panicking {
    fn batch_poll<'a>(
        &'a self,
        _queue: &'a Queue,
        _request: PollRequest,
    ) -> BoxFuture<'a, Result<Bytes, Error>> {
        Box::pin(async {
            if self.handed_out.fetch_add(1, Ordering::Relaxed) > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
                return Ok(Bytes::new());
            }
            Ok(Bytes::from_static(br#"[{"taskId":"t","workflowInstanceId":"w","inputData":{}}]"#))
        })
    }

    fn update_task(&self, _body: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async {
            assert_ne!(self.posts.fetch_add(1, Ordering::Relaxed), 0, "the first post");
            Ok(())
        })
    }

    fn get_task<'a>(&'a self, _task_id: &'a str) -> BoxFuture<'a, Result<Bytes, Error>> {
        Box::pin(async { Ok(Bytes::new()) })
    }
}

#[test]
fn a_panic_while_a_result_is_posted_does_not_lose_it() {
    let client = Arc::new(Panicking::default());
    let mut engine = Engine::start_with(Arc::clone(&client) as _);
    engine.worker("echo", 1, echo);
    eventually("it is posted again", || client.posts.load(Ordering::Relaxed) == 2);
    let lines = Arc::clone(&engine.lines);
    assert!(engine.stop(DEADLINE).is_empty());
    assert!(lines.all().iter().any(|line| line.contains("panicked")), "{:?}", lines.all());
}
