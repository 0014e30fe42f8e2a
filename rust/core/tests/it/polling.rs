use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use conductor_core::error::{Error, ErrorKind};
use conductor_core::host::Runtime;
use conductor_core::transport::{BoxFuture, PollRequest, Queue, TaskClient};
use conductor_devserver::{DevServer, Options, PushOptions};

use super::support::{DEADLINE, Engine, Immediate, Lines, config, echo, eventually, fault, server};

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_server_that_is_down_at_start_is_polled_until_it_is_there() {
    let address = free_address();
    let mut engine = Engine::start(&format!("http://{address}/api"));
    engine.worker("echo", 2, echo);
    let lines = Arc::clone(&engine.lines);
    eventually("the trouble is logged", || lines.all().len() == 1);
    // Long enough for the back-off to reach its cap, so that the wait below is the longest there is.
    std::thread::sleep(Duration::from_secs(2));
    let server = DevServer::start(Options { address, ..Options::default() }).unwrap();
    let returned = Instant::now();
    server.push("echo", "{}", &PushOptions::default()).unwrap();
    assert!(server.wait_for(1, Some("echo"), Some("COMPLETED"), DEADLINE));
    assert!(returned.elapsed() < Duration::from_secs(2), "{:?}", returned.elapsed());
    assert!(engine.stop(DEADLINE).is_empty());
    let lines = lines.all();
    assert_eq!(lines.len(), 2, "one line per change of state: {lines:?}");
    assert!(lines[0].contains("cannot connect"), "{lines:?}");
    assert!(lines[1].contains("works again"), "{lines:?}");
}

#[test]
fn a_poll_in_flight_at_stop_is_awaited_and_its_task_is_run() {
    let server = server();
    let mut engine = Engine::start(&server.url());
    engine.worker("late", 1, echo);
    eventually("the long poll is out", || server.requests() >= 2);
    engine.runtime.stop_polling().unwrap();
    let task_id = server.push("late", "{}", &PushOptions::default()).unwrap();
    assert!(engine.stop(DEADLINE).is_empty());
    assert!(server.task_json(&task_id).unwrap().contains("COMPLETED"));
}

#[test]
fn nothing_is_polled_after_a_stop() {
    let server = server();
    let mut engine = Engine::start(&server.url());
    engine.worker("echo", 1, echo);
    eventually("it polls", || server.requests() >= 2);
    assert!(engine.stop(DEADLINE).is_empty());
    let polls = server.requests();
    server.push("echo", "{}", &PushOptions::default()).unwrap();
    assert!(!server.wait_for(1, Some("echo"), Some("COMPLETED"), Duration::from_millis(300)));
    assert_eq!(server.requests(), polls);
}

#[test]
fn a_page_instead_of_tasks_is_an_error_that_says_so() {
    let server = server();
    fault(&server, r#"{"method":"GET","count":1,"answer":{"status":200,"body":"<html>log in</html>"}}"#);
    server.push("echo", "{}", &PushOptions::default()).unwrap();
    let mut engine = Engine::start(&server.url());
    engine.worker("echo", 1, echo);
    assert!(server.wait_for(1, Some("echo"), Some("COMPLETED"), DEADLINE));
    assert!(engine.lines.all()[0].contains("check the URL"), "{:?}", engine.lines.all());
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn an_idle_worker_waits_on_the_server_and_not_by_asking() {
    let server = server();
    let mut engine = Engine::start(&server.url());
    engine.worker("idle", 10, echo);
    std::thread::sleep(Duration::from_millis(500));
    assert!(server.requests() <= 3, "{} requests", server.requests());
    let pushed = Instant::now();
    server.push("idle", "{}", &PushOptions::default()).unwrap();
    assert!(server.wait_for(1, Some("idle"), Some("COMPLETED"), DEADLINE));
    assert!(
        pushed.elapsed() < Duration::from_millis(400),
        "it came with the long poll: {:?}",
        pushed.elapsed()
    );
    assert!(engine.stop(DEADLINE).is_empty());
}

/// A server that hands out more tasks than it was asked for.
#[derive(Default)]
struct Generous {
    handed_out: Mutex<bool>,
    reported: Mutex<usize>,
}

impl TaskClient for Generous {
    fn batch_poll<'a>(
        &'a self,
        _queue: &'a Queue,
        request: PollRequest,
    ) -> BoxFuture<'a, Result<Bytes, Error>> {
        Box::pin(async move {
            assert!(request.count <= 2);
            if std::mem::replace(&mut *self.handed_out.lock().unwrap(), true) {
                tokio::time::sleep(Duration::from_millis(5)).await;
                return Ok(Bytes::from_static(b"[]"));
            }
            let tasks: Vec<_> = (0..7)
                .map(|id| format!(r#"{{"taskId":"t{id}","workflowInstanceId":"w","inputData":{{}}}}"#))
                .collect();
            Ok(Bytes::from(format!("[{}]", tasks.join(","))))
        })
    }

    fn update_task(&self, _body: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            *self.reported.lock().unwrap() += 1;
            Ok(())
        })
    }

    fn get_task<'a>(&'a self, _task_id: &'a str) -> BoxFuture<'a, Result<Bytes, Error>> {
        Box::pin(async { Ok(Bytes::new()) })
    }
}

#[test]
fn a_server_that_sends_more_than_asked_for_gets_every_task_back_and_no_slot_is_overbooked() {
    let client = Arc::new(Generous::default());
    let executor = Arc::new(Immediate::default());
    let runtime = Runtime::start_with(Arc::clone(&client) as _, 4, Arc::new(Lines::default())).unwrap();
    runtime.add_worker(config("greedy", 2), Arc::clone(&executor) as _, false).unwrap();
    eventually("all seven are reported", || *client.reported.lock().unwrap() == 7);
    assert!(executor.batches().iter().all(|batch| batch.len() <= 2), "two slots hold two tasks");
    runtime.stop_polling().unwrap();
    assert!(runtime.wait_idle(DEADLINE).unwrap());
}

#[test]
fn a_closed_engine_says_so() {
    let server = server();
    let engine = Engine::start(&server.url());
    engine.runtime.close();
    engine.runtime.close();
    let error = engine.runtime.stop_polling().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Closed), "{error}");
}
