use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use bytes::Bytes;
use conductor_core::error::{Error, classify};
use conductor_core::settings::{Configuration, WorkerConfig};
use conductor_core::transport::{BoxFuture, HttpTaskClient, PollRequest, Queue, TaskClient};
use conductor_devserver::{DevServer, PushOptions};

use super::support::{DEADLINE, Engine, Lines, config, echo, eventually, fault, requests, server};

/// The shortest that the server knows.
const SECOND: Duration = Duration::from_secs(1);

fn leased(task_type: &str, thread_count: usize) -> WorkerConfig {
    WorkerConfig { lease_extend_enabled: true, ..config(task_type, thread_count) }
}

fn silent_for(seconds: u64) -> PushOptions {
    PushOptions {
        response_timeout_seconds: Some(seconds),
        retry_delay_seconds: Some(0),
        ..PushOptions::default()
    }
}

fn beats(server: &DevServer) -> usize {
    let posts = requests(server, "POST", "/api/tasks");
    posts.iter().filter(|line| line["body"].as_str().unwrap().contains(r#""extendLease":true"#)).count()
}

/// A server that answers results with 503 and does the rest.
struct ResultsRefused {
    client: HttpTaskClient,
    refuses: AtomicBool,
}

impl TaskClient for ResultsRefused {
    fn batch_poll<'a>(
        &'a self,
        queue: &'a Queue,
        request: PollRequest,
    ) -> BoxFuture<'a, Result<Bytes, Error>> {
        self.client.batch_poll(queue, request)
    }

    fn update_task(&self, body: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        if self.refuses.load(Ordering::Relaxed) && !String::from_utf8_lossy(&body).contains("extendLease") {
            return Box::pin(async { Err(classify(503, b"")) });
        }
        self.client.update_task(body)
    }

    fn get_task<'a>(&'a self, task_id: &'a str) -> BoxFuture<'a, Result<Bytes, Error>> {
        self.client.get_task(task_id)
    }
}

#[test]
fn a_task_that_takes_longer_than_its_response_timeout_does_not_time_out() {
    let server = server();
    server.push_many("slow", "{}", 20, &silent_for(1)).unwrap();
    let mut engine = Engine::start(&server.url());
    engine.add(leased("slow", 20), 20, |task, _| {
        std::thread::sleep(SECOND * 3);
        echo(task)
    });
    assert!(server.wait_for(20, Some("slow"), Some("COMPLETED"), DEADLINE));
    assert_eq!(server.count(Some("slow"), None), 20, "no second attempt");
    let at_the_end = beats(&server);
    // Due at 0.8, 1.6 and 2.4 s; a busy machine may be late for the last, or send one twice.
    assert!((40..=80).contains(&at_the_end), "{at_the_end}");
    let looks =
        requests(&server, "GET", "/api/tasks/").len() - requests(&server, "GET", "/api/tasks/poll").len();
    assert!((40..=at_the_end).contains(&looks), "each beat of a running task is followed by a look: {looks}");
    std::thread::sleep(SECOND);
    assert_eq!(beats(&server), at_the_end, "a lease ends with its task");
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn leases_are_extended_only_for_workers_that_ask_for_it() {
    let server = server();
    server.push("plain", "{}", &silent_for(1)).unwrap();
    let mut engine = Engine::start(&server.url());
    engine.worker("plain", 1, |task| {
        std::thread::sleep(SECOND * 3 / 2);
        echo(task)
    });
    assert!(server.wait_for(1, Some("plain"), Some("TIMED_OUT"), DEADLINE));
    assert_eq!(beats(&server), 0);
    engine.stop(DEADLINE);
}

#[test]
fn leases_go_on_during_a_drain() {
    let server = server();
    server.push("slow", "{}", &silent_for(1)).unwrap();
    let mut engine = Engine::start(&server.url());
    engine.add(leased("slow", 1), 1, |task, _| {
        std::thread::sleep(SECOND * 3);
        echo(task)
    });
    eventually("it runs", || server.count(Some("slow"), Some("IN_PROGRESS")) == 1);
    assert!(engine.stop(DEADLINE).is_empty());
    assert_eq!(server.count(Some("slow"), Some("COMPLETED")), 1);
    assert_eq!(server.count(Some("slow"), None), 1, "no second attempt");
}

#[test]
fn a_result_that_cannot_be_delivered_keeps_its_lease_although_nobody_asked() {
    let server = server();
    let task_id = server.push("echo", "{}", &silent_for(1)).unwrap();
    let runs = Arc::new(AtomicUsize::new(0));
    let client = Arc::new(ResultsRefused {
        client: HttpTaskClient::new(&Configuration::new(&server.url()).unwrap(), Arc::new(Lines::default()))
            .unwrap(),
        refuses: AtomicBool::new(true),
    });
    let mut engine = Engine::start_with(Arc::clone(&client) as _);
    engine.worker("echo", 1, {
        let runs = Arc::clone(&runs);
        move |task| {
            runs.fetch_add(1, Ordering::Relaxed);
            echo(task)
        }
    });
    std::thread::sleep(SECOND * 4);
    assert!(server.task_json(&task_id).unwrap().contains("IN_PROGRESS"));
    assert!(beats(&server) >= 3, "{}", beats(&server));
    client.refuses.store(false, Ordering::Relaxed);
    assert!(server.wait_for(1, Some("echo"), Some("COMPLETED"), DEADLINE));
    assert_eq!((runs.load(Ordering::Relaxed), server.count(Some("echo"), None)), (1, 1), "one attempt");
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn a_cancelled_task_is_noticed_within_one_beat() {
    let server = server();
    let task_id = server.push("long", "{}", &silent_for(1)).unwrap();
    let mut engine = Engine::start(&server.url());
    let (cancelled, noticed) = mpsc::channel();
    let cancelled = Mutex::new(cancelled);
    engine.add(leased("long", 1), 1, move |task, completion| {
        let deadline = Instant::now() + DEADLINE;
        while !completion.is_cancelled() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        cancelled.lock().unwrap().send(completion.is_cancelled()).unwrap();
        echo(task)
    });
    eventually("it runs", || server.count(Some("long"), Some("IN_PROGRESS")) == 1);
    assert!(server.cancel(&task_id));
    let since = Instant::now();
    assert!(noticed.recv_timeout(DEADLINE).unwrap());
    assert!(since.elapsed() < SECOND, "{:?}", since.elapsed());
    let lines = Arc::clone(&engine.lines);
    assert!(engine.stop(DEADLINE).is_empty());
    assert!(
        lines.all().iter().any(|line| line.contains(&task_id) && line.contains("in vain")),
        "{lines:?}",
        lines = lines.all()
    );
}

#[test]
fn a_cancelled_task_that_waits_for_a_thread_is_not_run() {
    let server = server();
    let task_ids = server.push_many("queued", "{}", 2, &silent_for(1)).unwrap();
    let mut engine = Engine::start(&server.url());
    let runs = Arc::new(AtomicUsize::new(0));
    let go_on = Arc::new(AtomicBool::new(false));
    // Two slots, one thread: the second task waits.
    let runner = engine.add(leased("queued", 2), 1, {
        let (runs, go_on) = (Arc::clone(&runs), Arc::clone(&go_on));
        move |task, _| {
            runs.fetch_add(1, Ordering::Relaxed);
            let deadline = Instant::now() + DEADLINE;
            while !go_on.load(Ordering::Relaxed) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
            echo(task)
        }
    });
    eventually("both are here", || engine.runtime.held().len() == 2);
    assert!(server.cancel(&task_ids[1]));
    eventually("the second one is let go", || engine.runtime.held().len() == 1);
    go_on.store(true, Ordering::Relaxed);
    assert!(server.wait_for(1, Some("queued"), Some("COMPLETED"), DEADLINE));
    assert!(engine.stop(DEADLINE).is_empty());
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    let reports = requests(&server, "POST", "/api/tasks");
    let of_cancelled = |line: &&serde_json::Value| {
        let body = line["body"].as_str().unwrap();
        body.contains(&task_ids[1]) && !body.contains("extendLease")
    };
    assert_eq!(reports.iter().filter(of_cancelled).count(), 0, "nothing is reported for it");
    drop(runner);
}

#[test]
fn a_beat_that_fails_is_tried_again_at_once_and_missed_ones_are_logged_once() {
    let server = server();
    server.push("slow", "{}", &silent_for(2)).unwrap();
    // The first post is a beat: its second try makes up for it.
    fault(&server, r#"{"method":"POST","path":"/api/tasks","count":1,"answer":{"status":503}}"#);
    let mut engine = Engine::start(&server.url());
    engine.add(leased("slow", 1), 1, |task, completion| {
        let until = Instant::now() + if task.input() == b"{}" { SECOND * 3 } else { DEADLINE };
        while !completion.is_cancelled() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        echo(task)
    });
    assert!(server.wait_for(1, Some("slow"), Some("COMPLETED"), DEADLINE));
    assert_eq!(server.count(Some("slow"), None), 1, "no second attempt");
    assert_eq!(engine.lines.all(), Vec::<String>::new(), "no beat was missed");
    let options = PushOptions { retry_count_limit: Some(0), ..silent_for(1) };
    server.push("slow", r#"{"until":"cancelled"}"#, &options).unwrap();
    fault(&server, r#"{"method":"POST","path":"/api/tasks","count":4,"answer":{"status":503}}"#);
    eventually("a missed beat is logged", || engine.lines.all().len() == 1);
    assert!(engine.lines.all()[0].contains("cannot be extended"), "{:?}", engine.lines.all());
    eventually("its end is noticed", || engine.lines.all().len() == 3);
    assert!(engine.lines.all()[1].contains("extended again"), "{:?}", engine.lines.all());
    assert!(engine.lines.all()[2].contains("has ended"), "{:?}", engine.lines.all());
    assert!(engine.stop(DEADLINE).is_empty());
}
