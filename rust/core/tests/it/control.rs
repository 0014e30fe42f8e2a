use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use conductor_core::settings::{PollInterval, WorkerConfig};
use conductor_core::wire::{PolledTask, TaskResult};
use conductor_devserver::{DevServer, PushOptions};

use super::support::{DEADLINE, Engine, config, echo, eventually, fault, requests, server};

/// Polls that the server does not hold, so that pauses and changes show in the transcript at once.
fn brisk(task_type: &str, thread_count: usize, interval: u64) -> WorkerConfig {
    WorkerConfig {
        poll_interval: PollInterval::Exactly(Duration::from_millis(interval)),
        poll_timeout: Some(Duration::ZERO),
        ..config(task_type, thread_count)
    }
}

fn polls(server: &DevServer) -> usize {
    requests(server, "GET", "/api/tasks/poll").len()
}

/// A function that remembers how many of it ran at once.
fn counting(
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    millis: u64,
) -> impl Fn(&PolledTask) -> TaskResult + Send + Sync {
    move |task| {
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(millis));
        now.fetch_sub(1, Ordering::SeqCst);
        echo(task)
    }
}

#[test]
fn a_paused_worker_finishes_what_runs_and_polls_no_more_until_resumed() {
    let server = server();
    let mut engine = Engine::start(&server.url());
    let runner = engine.add(brisk("paused", 2, 20), 2, |task, _| {
        std::thread::sleep(Duration::from_millis(300));
        echo(task)
    });
    server.push("paused", "{}", &PushOptions::default()).unwrap();
    eventually("it runs", || server.count(Some("paused"), Some("IN_PROGRESS")) == 1);
    runner.pause();
    // One may have been on its way.
    std::thread::sleep(Duration::from_millis(50));
    let before = polls(&server);
    server.push("paused", "{}", &PushOptions::default()).unwrap();
    assert!(server.wait_for(1, Some("paused"), Some("COMPLETED"), DEADLINE), "it was let finish");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!((polls(&server), server.count(Some("paused"), Some("COMPLETED"))), (before, 1));
    runner.resume();
    assert!(server.wait_for(2, Some("paused"), Some("COMPLETED"), DEADLINE));
    runner.pause();
    assert!(engine.stop(DEADLINE).is_empty(), "a paused worker is stopped as any other");
}

#[test]
fn a_worker_may_start_paused_and_is_then_not_polled_on_request_either() {
    let server = server();
    let mut engine = Engine::start(&server.url());
    let runner = engine.add(WorkerConfig { paused: true, ..config("later", 1) }, 1, |task, _| echo(task));
    server.push("later", "{}", &PushOptions::default()).unwrap();
    assert_eq!(engine.runtime.poll_once(&runner).unwrap().wait(DEADLINE).unwrap().unwrap(), 0);
    assert!(!server.wait_for(1, Some("later"), Some("COMPLETED"), Duration::from_millis(200)));
    assert_eq!(server.requests(), 0);
    runner.resume();
    assert!(server.wait_for(1, Some("later"), Some("COMPLETED"), DEADLINE));
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn more_or_fewer_tasks_run_at_once_from_the_change_on() {
    let server = server();
    let mut engine = Engine::start(&server.url());
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let work = counting(Arc::clone(&now), Arc::clone(&most), 20);
    let runner = engine.add(config("many", 1), 8, move |task, _| work(task));
    server.push_many("many", "{}", 300, &PushOptions::default()).unwrap();
    assert!(server.wait_for(5, Some("many"), Some("COMPLETED"), DEADLINE));
    assert_eq!(most.load(Ordering::SeqCst), 1);
    runner.set_thread_count(8).unwrap();
    eventually("eight run at once", || most.load(Ordering::SeqCst) == 8);
    runner.set_thread_count(2).unwrap();
    eventually("two are left", || now.load(Ordering::SeqCst) <= 2);
    most.store(0, Ordering::SeqCst);
    let done = server.count(Some("many"), Some("COMPLETED"));
    assert!(server.wait_for(done + 20, Some("many"), Some("COMPLETED"), DEADLINE));
    assert_eq!(most.load(Ordering::SeqCst), 2);
    let error = runner.set_thread_count(0).unwrap_err().to_string();
    assert!(error.contains(r#"worker "many": 0 is not between"#), "{error}");
    runner.set_thread_count(8).unwrap();
    assert!(server.wait_for(300, Some("many"), Some("COMPLETED"), DEADLINE));
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn a_new_poll_interval_is_kept_from_now_on() {
    let server = server();
    let mut engine = Engine::start(&server.url());
    let runner = engine.add(brisk("seldom", 1, 60_000), 1, |task, _| echo(task));
    eventually("the first poll", || polls(&server) == 1);
    let changed = Instant::now();
    runner.set_poll_interval(Duration::from_millis(50));
    eventually("polls come", || polls(&server) >= 5);
    assert!(changed.elapsed() >= Duration::from_millis(150), "{:?}", changed.elapsed());
    assert!(changed.elapsed() < Duration::from_secs(2), "{:?}", changed.elapsed());
    runner.set_poll_interval(Duration::from_secs(60));
    std::thread::sleep(Duration::from_millis(50));
    let before = polls(&server);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(polls(&server), before);
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn a_poll_that_nobody_answers_is_overdue_and_a_busy_or_paused_worker_is_not() {
    let server = server();
    let mut engine = Engine::start(&server.url());
    let runner = engine.add(brisk("slow", 1, 20), 1, |task, _| {
        std::thread::sleep(Duration::from_millis(400));
        echo(task)
    });
    server.push("slow", "{}", &PushOptions::default()).unwrap();
    eventually("it runs", || server.count(Some("slow"), Some("IN_PROGRESS")) == 1);
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(runner.overdue(), Duration::ZERO, "its slot is taken");
    fault(&server, r#"{"path": "/api/tasks/poll", "delayMillis": 700, "count": 1}"#);
    eventually("a poll hangs", || runner.overdue() > Duration::from_millis(300));
    eventually("it was answered", || runner.overdue() < Duration::from_millis(200));
    runner.pause();
    eventually("nothing is due", || {
        std::thread::sleep(Duration::from_millis(50));
        runner.overdue() == Duration::ZERO
    });
    assert!(engine.stop(DEADLINE).is_empty());
}
