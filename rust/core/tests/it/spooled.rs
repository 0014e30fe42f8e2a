//! The engine with a spool directory.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use conductor_core::settings::{Configuration, SpoolSettings};
use conductor_core::spool::{Command, command_all};
use conductor_core::wire::{PolledTask, TaskResult};
use conductor_devserver::{DevServer, PushOptions};
use tempfile::TempDir;

use super::spool::{databases, settings};
use super::support::{DEADLINE, Engine, echo, eventually, fault, in_progress, requests, server, within};

const SICK: &str = r#"{"method":"POST","path":"/api/tasks","answer":{"status":503}}"#;

fn spooled(server: &DevServer, settings: SpoolSettings) -> Engine {
    let mut configuration = Configuration::new(&server.url()).unwrap();
    configuration.spool = Some(settings);
    Engine::start_for(&configuration)
}

fn counting(runs: &Arc<AtomicUsize>) -> impl Fn(&PolledTask) -> TaskResult + Send + Sync + 'static {
    let runs = Arc::clone(runs);
    move |task| {
        runs.fetch_add(1, Ordering::Relaxed);
        echo(task)
    }
}

fn listed(directory: &TempDir) -> Vec<serde_json::Value> {
    let files = serde_json::to_value(command_all(directory.path(), &Command::List).unwrap()).unwrap();
    let files = files.as_array().unwrap();
    files.iter().flat_map(|file| file["answer"]["results"].as_array().unwrap().clone()).collect()
}

#[test]
fn without_trouble_every_result_is_posted_once_and_no_file_is_left() {
    let (server, directory, runs) = (server(), TempDir::new().unwrap(), Arc::default());
    server.push_many("echo", "{}", 1_000, &PushOptions::default()).unwrap();
    let mut engine = spooled(&server, settings(&directory));
    engine.worker("echo", 4, counting(&runs));
    assert!(server.wait_for(1_000, Some("echo"), Some("COMPLETED"), DEADLINE));
    let lines = Arc::clone(&engine.lines);
    assert!(engine.stop(DEADLINE).is_empty());
    assert_eq!(runs.load(Ordering::Relaxed), 1_000);
    assert_eq!(requests(&server, "POST", "/api/tasks").len(), 1_000);
    assert!(databases(&directory).is_empty());
    assert_eq!(lines.all(), Vec::<String>::new());
}

#[test]
fn what_a_stop_leaves_on_disk_is_not_lost_and_is_delivered_before_anything_is_polled() {
    let (server, directory, runs) = (server(), TempDir::new().unwrap(), Arc::default());
    fault(&server, SICK);
    server.push_many("echo", r#"{"a":1}"#, 20, &PushOptions::default()).unwrap();
    let mut engine = spooled(&server, settings(&directory));
    engine.worker("echo", 4, counting(&runs));
    eventually("all are on disk", || listed(&directory).len() == 20);
    let (started, lines) = (Instant::now(), Arc::clone(&engine.lines));
    assert!(engine.stop(Duration::from_secs(30)).is_empty(), "the next process delivers them");
    assert!(started.elapsed() < Duration::from_secs(20), "not as long as a drain may last");
    assert!(lines.all().iter().any(|line| line.contains("20 results stay in")), "{:?}", lines.all());

    server.clear_faults();
    server.push("echo", "{}", &PushOptions::default()).unwrap();
    let mut next = spooled(&server, settings(&directory));
    next.worker("echo", 4, counting(&runs));
    assert!(server.wait_for(21, Some("echo"), Some("COMPLETED"), DEADLINE));
    assert!(next.stop(DEADLINE).is_empty());
    assert_eq!(runs.load(Ordering::Relaxed), 21, "none of them runs again");
    let transcript: Vec<serde_json::Value> = serde_json::from_str(&server.transcript_json()).unwrap();
    let delivered = transcript.iter().filter(|line| line["method"] == "POST" && line["status"] == 200);
    assert_eq!(delivered.count(), 21);
    let polls = transcript.iter().rposition(|line| line["status"] == 503).unwrap();
    let later: Vec<_> = transcript[polls + 1..].iter().map(|line| line["method"].as_str().unwrap()).collect();
    // Of the first engine at most the poll that its stop awaited.
    let first_poll = later.iter().rposition(|method| *method == "POST").unwrap() - 1;
    assert!(later[..20].iter().filter(|method| **method == "GET").count() <= 1, "{first_poll}: {later:?}");
    assert!(databases(&directory).is_empty());
}

#[test]
fn the_earliest_deadline_goes_first() {
    let (server, directory) = (server(), TempDir::new().unwrap());
    fault(&server, SICK);
    let mut engine = spooled(&server, settings(&directory));
    for seconds in [600, 60, 0, 300] {
        let options = PushOptions { response_timeout_seconds: Some(seconds), ..PushOptions::default() };
        let task_type = format!("within_{seconds}");
        server.push(&task_type, "{}", &options).unwrap();
        engine.worker(&task_type, 1, echo);
    }
    eventually("all are on disk", || listed(&directory).len() == 4);
    engine.stop(DEADLINE);
    server.clear_faults();
    let before = requests(&server, "POST", "/api/tasks").len();
    let next = spooled(&server, settings(&directory));
    assert!(server.wait_for(4, None, Some("COMPLETED"), DEADLINE));
    next.stop(DEADLINE);
    let posts = requests(&server, "POST", "/api/tasks");
    let order: Vec<_> = posts[before..].iter().map(|line| line["taskType"].as_str().unwrap()).collect();
    // One at a time, then two: the next two may overtake each other, the last, which has for ever, cannot.
    assert_eq!((order[0], order[3]), ("within_60", "within_0"), "{order:?}");
}

/// An engine that has left `count` results of a type on disk.
fn leave(server: &DevServer, directory: &TempDir, task_type: &str, count: usize) {
    fault(server, SICK);
    server.push_many(task_type, "{}", count, &PushOptions::default()).unwrap();
    let mut engine = spooled(server, settings(directory));
    engine.worker(task_type, 4, echo);
    eventually("all are on disk", || listed(directory).len() == count);
    engine.stop(DEADLINE);
    server.clear_faults();
    server.clear_transcript();
}

#[test]
fn what_was_left_waits_for_as_long_as_the_server_asks() {
    let (server, directory) = (server(), TempDir::new().unwrap());
    leave(&server, &directory, "echo", 3);
    fault(
        &server,
        r#"{"method":"POST","path":"/api/tasks","count":1,"answer":{"status":503,"headers":{"Retry-After":"2"}}}"#,
    );
    let mut next = spooled(&server, settings(&directory));
    next.worker("echo", 1, echo);
    assert!(server.wait_for(3, Some("echo"), Some("COMPLETED"), DEADLINE));
    next.stop(DEADLINE);
    let transcript: Vec<serde_json::Value> = serde_json::from_str(&server.transcript_json()).unwrap();
    let at = |line: &serde_json::Value| line["elapsedMillis"].as_u64().unwrap();
    assert_eq!((&transcript[0]["method"], &transcript[0]["status"]), (&"POST".into(), &503.into()));
    assert!(at(&transcript[1]) >= at(&transcript[0]) + 2_000, "{transcript:?}");
}

#[test]
fn while_what_was_left_does_not_get_through_no_task_of_its_type_is_taken_and_others_are() {
    let (server, directory) = (server(), TempDir::new().unwrap());
    leave(&server, &directory, "sick", 20);
    fault(&server, r#"{"method":"POST","path":"/api/tasks","taskType":"sick","answer":{"status":503}}"#);
    let mut next = spooled(&server, settings(&directory));
    next.worker("sick", 2, echo);
    next.worker("well", 2, echo);
    server.push("sick", "{}", &PushOptions::default()).unwrap();
    server.push_many("well", "{}", 5, &PushOptions::default()).unwrap();
    assert!(server.wait_for(5, Some("well"), Some("COMPLETED"), DEADLINE));
    assert_eq!(server.count(Some("sick"), Some("SCHEDULED")), 1, "it was not taken");
    let posts = requests(&server, "POST", "/api/tasks");
    let tried: BTreeSet<_> =
        posts.iter().filter(|line| line["taskType"] == "sick").map(|line| line["body"].to_string()).collect();
    assert_eq!(tried.len(), 2, "two are the server's: the rest is not tried");
    server.clear_faults();
    assert!(server.wait_for(21, Some("sick"), Some("COMPLETED"), DEADLINE));
    next.stop(DEADLINE);
    assert!(databases(&directory).is_empty());
}

#[test]
fn a_bad_result_that_was_left_becomes_a_dead_letter_while_others_are_delivered() {
    let (server, directory) = (server(), TempDir::new().unwrap());
    leave(&server, &directory, "bad", 1);
    fault(&server, r#"{"method":"POST","path":"/api/tasks","taskType":"bad","answer":{"status":500}}"#);
    let mut next = spooled(&server, settings(&directory));
    next.worker("well", 2, echo);
    server.push_many("well", "{}", 5, &PushOptions::default()).unwrap();
    assert!(server.wait_for(5, Some("well"), Some("COMPLETED"), DEADLINE));
    // When others are accepted hangs on how soon the way of the bad one is known to be down.
    within(Duration::from_secs(60), "the result is given up", || {
        let posts = requests(&server, "POST", "/api/tasks");
        posts.iter().any(|line| line["body"].to_string().contains("FAILED_WITH_TERMINAL_ERROR"))
    });
    server.clear_faults();
    assert!(server.wait_for(1, Some("bad"), Some("FAILED_WITH_TERMINAL_ERROR"), DEADLINE));
    next.stop(DEADLINE);
    assert_eq!(listed(&directory)[0]["state"], "dead letter");
}

#[test]
fn a_refused_result_is_a_dead_letter_and_its_failure_is_delivered() {
    let (server, directory) = (server(), TempDir::new().unwrap());
    fault(
        &server,
        r#"{"method":"POST","path":"/api/tasks","count":1,"answer":{"status":400,"body":"{\"message\":\"too odd\"}"}}"#,
    );
    let task_id = server.push("echo", r#"{"a":1}"#, &PushOptions::default()).unwrap();
    let mut engine = spooled(&server, settings(&directory));
    engine.worker("echo", 1, echo);
    assert!(server.wait_for(1, Some("echo"), Some("FAILED_WITH_TERMINAL_ERROR"), DEADLINE));
    assert!(engine.stop(DEADLINE).is_empty());
    let left = listed(&directory);
    assert_eq!(left.len(), 1);
    assert_eq!((&left[0]["task_id"], &left[0]["state"]), (&task_id.into(), &"dead letter".into()));
    assert!(left[0]["first_error"].as_str().unwrap().contains("too odd"));
}

#[test]
fn in_progress_is_kept_until_it_is_delivered_and_its_task_runs_again() {
    let (server, directory) = (server(), TempDir::new().unwrap());
    server.push("again", "{}", &PushOptions::default()).unwrap();
    let mut engine = spooled(&server, settings(&directory));
    let runs = AtomicUsize::new(0);
    engine.worker("again", 2, move |task| {
        if runs.fetch_add(1, Ordering::Relaxed) > 5 {
            return echo(task);
        }
        in_progress(task)
    });
    assert!(server.wait_for(1, Some("again"), Some("COMPLETED"), DEADLINE));
    assert!(engine.stop(DEADLINE).is_empty());
    assert!(databases(&directory).is_empty());
}

#[test]
fn a_full_spool_stops_polling_drops_nothing_and_goes_on_after_the_outage() {
    let (server, directory, runs) = (server(), TempDir::new().unwrap(), Arc::default());
    fault(&server, SICK);
    let input = format!(r#"{{"a":"{}"}}"#, "x".repeat(20_000));
    server.push_many("echo", &input, 1_000, &PushOptions::default()).unwrap();
    let mut engine = spooled(&server, SpoolSettings { max_bytes: 2 << 20, ..settings(&directory) });
    engine.worker("echo", 2, counting(&runs));
    let lines = Arc::clone(&engine.lines);
    eventually("it is near its greatest size", || {
        lines.all().iter().any(|line| line.contains("no task is taken"))
    });
    let taken = || server.count(Some("echo"), Some("IN_PROGRESS"));
    eventually("polling has stopped", || {
        let before = taken();
        std::thread::sleep(Duration::from_millis(300));
        taken() == before
    });
    // 90 fit; what was polled or fetched ahead before that was seen comes on top.
    assert!(taken() < 600, "{}", taken());
    server.clear_faults();
    assert!(server.wait_for(1_000, Some("echo"), Some("COMPLETED"), DEADLINE));
    assert!(engine.stop(DEADLINE).is_empty());
    assert_eq!(runs.load(Ordering::Relaxed), 1_000);
    assert!(databases(&directory).is_empty());
}
