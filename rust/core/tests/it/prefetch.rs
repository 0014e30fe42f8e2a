use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use conductor_core::settings::{Prefetch, WorkerConfig};
use conductor_devserver::{DevServer, PushOptions};

use super::support::{DEADLINE, Engine, config, echo, eventually, requests, server};

fn polls(server: &DevServer) -> usize {
    requests(server, "GET", "/api/tasks/poll").len()
}

/// The ids of tasks that were handed back, one for each time.
fn handed_back(server: &DevServer) -> Vec<String> {
    let posts = requests(server, "POST", "/api/tasks");
    let body = |line: &serde_json::Value| line["body"].as_str().unwrap().to_owned();
    posts.iter().map(body).filter(|body| body.contains(r#""callbackAfterSeconds":0"#)).collect()
}

fn fixed(task_type: &str, prefetch: usize) -> WorkerConfig {
    WorkerConfig { prefetch: Prefetch::Fixed(prefetch), ..config(task_type, 1) }
}

#[test]
fn one_thread_with_a_short_function_does_not_poll_for_every_task() {
    let server = server();
    let mut engine = Engine::start(&server.url());
    engine.worker("short", 1, echo);
    server.push_many("short", "{}", 200, &PushOptions::default()).unwrap();
    assert!(server.wait_for(200, Some("short"), Some("COMPLETED"), DEADLINE));
    server.clear_transcript();
    server.push_many("short", "{}", 2_000, &PushOptions::default()).unwrap();
    assert!(server.wait_for(2_200, Some("short"), Some("COMPLETED"), DEADLINE));
    let polls = polls(&server);
    assert!(polls < 400, "{polls} polls for 2,000 tasks");
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn a_function_that_becomes_slow_gives_back_what_was_fetched_for_it() {
    let server = server();
    let mut engine = Engine::start(&server.url());
    let (go_on, gate) = mpsc::channel::<()>();
    let (gate, slow) = (Mutex::new(gate), Arc::new(AtomicBool::new(false)));
    let (runs, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    engine.worker("turns", 1, {
        let (slow, runs, most) = (Arc::clone(&slow), Arc::clone(&runs), Arc::clone(&most));
        move |task| {
            most.fetch_max(runs.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            if slow.load(Ordering::SeqCst) {
                let _ = gate.lock().unwrap().recv_timeout(DEADLINE);
            } else {
                std::thread::sleep(Duration::from_micros(100));
            }
            runs.fetch_sub(1, Ordering::SeqCst);
            echo(task)
        }
    });
    server.push_many("turns", r#"{"n":1}"#, 3_000, &PushOptions::default()).unwrap();
    assert!(server.wait_for(500, Some("turns"), Some("COMPLETED"), DEADLINE));
    eventually("tasks are held ahead", || {
        slow.store(server.count(Some("turns"), Some("IN_PROGRESS")) > 2, Ordering::SeqCst);
        slow.load(Ordering::SeqCst)
    });
    let turned = Instant::now();
    eventually("only the one that runs is left", || {
        server.count(Some("turns"), Some("IN_PROGRESS")) == 1 && !handed_back(&server).is_empty()
    });
    // A second for the hand-back; the rest is what a busy machine adds. The function itself holds on for longer.
    assert!(turned.elapsed() < DEADLINE / 2, "{:?}", turned.elapsed());
    // No more are fetched for it, whatever becomes free: 16 runs have to be timed first.
    let back = handed_back(&server).len();
    for _ in 0..5 {
        go_on.send(()).unwrap();
        eventually("the next one runs", || runs.load(Ordering::SeqCst) == 1);
        assert!(server.count(Some("turns"), Some("IN_PROGRESS")) <= 2);
    }
    assert_eq!(handed_back(&server).len(), back);
    slow.store(false, Ordering::SeqCst);
    go_on.send(()).unwrap();
    assert!(server.wait_for(3_000, Some("turns"), Some("COMPLETED"), DEADLINE), "none is lost");
    assert_eq!(most.load(Ordering::SeqCst), 1);
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn a_stop_and_a_pause_give_back_what_has_not_started() {
    for stops in [true, false] {
        let server = server();
        let mut engine = Engine::start(&server.url());
        let (go_on, gate) = mpsc::channel::<()>();
        let gate = Mutex::new(gate);
        let runner = engine.add(fixed("ahead", 5), 1, move |task, _| {
            let _ = gate.lock().unwrap().recv_timeout(DEADLINE);
            echo(task)
        });
        server.push_many("ahead", "{}", 20, &PushOptions::default()).unwrap();
        eventually("one runs and five wait", || server.count(Some("ahead"), Some("IN_PROGRESS")) == 6);
        if stops {
            engine.runtime.stop_polling().unwrap();
        } else {
            runner.pause();
        }
        eventually("five went back", || server.count(Some("ahead"), Some("IN_PROGRESS")) == 1);
        assert_eq!(handed_back(&server).len(), 5);
        go_on.send(()).unwrap();
        assert!(server.wait_for(1, Some("ahead"), Some("COMPLETED"), DEADLINE));
        assert!(engine.stop(DEADLINE).is_empty());
        assert_eq!(server.count(Some("ahead"), Some("SCHEDULED")), 19);
    }
}

#[test]
fn a_task_goes_back_in_a_twentieth_of_its_response_timeout() {
    let server = server();
    let mut engine = Engine::start(&server.url());
    let (go_on, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    engine.add(fixed("urgent", 2), 1, move |task, _| {
        let _ = gate.lock().unwrap().recv_timeout(DEADLINE);
        echo(task)
    });
    let options = PushOptions { response_timeout_seconds: Some(5), ..PushOptions::default() };
    server.push_many("urgent", "{}", 3, &options).unwrap();
    eventually("all three are here", || server.count(Some("urgent"), Some("IN_PROGRESS")) == 3);
    let here = Instant::now();
    eventually("two went back", || server.count(Some("urgent"), Some("IN_PROGRESS")) == 1);
    assert!(here.elapsed() < Duration::from_millis(750), "{:?}", here.elapsed());
    drop(go_on);
    engine.stop(DEADLINE);
}
