use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::thread::{ThreadId, current};
use std::time::Duration;

use bytes::Bytes;
use conductor_core::delivery::{Held, Stage};
use conductor_core::error::{Error, classify};
use conductor_core::transport::{BoxFuture, PollRequest, Queue, TaskClient};
use conductor_core::wire::{PolledTask, TaskResult};
use conductor_devserver::{DevServer, Options, PushOptions};
use tokio::sync::watch;

use super::support::{DEADLINE, Engine, echo, eventually, in_progress, requests};

/// Has one task for each long poll while it has any, none for others, answers posts while it is open, and remembers
/// which thread began which call.
struct OneByOne {
    tasks: usize,
    asked: Mutex<Vec<(&'static str, ThreadId)>>,
    open: watch::Sender<bool>,
    /// So many posts are refused.
    refused: Mutex<usize>,
}

impl OneByOne {
    fn new(open: bool, refused: usize) -> Arc<Self> {
        Self::with_tasks(usize::MAX, open, refused)
    }

    fn with_tasks(tasks: usize, open: bool, refused: usize) -> Arc<Self> {
        Arc::new(Self {
            tasks,
            asked: Mutex::default(),
            open: watch::Sender::new(open),
            refused: Mutex::new(refused),
        })
    }

    fn asked(&self, what: &'static str) -> usize {
        let mut asked = self.asked.lock().unwrap();
        asked.push((what, current().id()));
        asked.len()
    }

    /// It polls.
    fn io_thread(&self) -> ThreadId {
        self.asked.lock().unwrap()[0].1
    }

    fn count(&self, which: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|(what, _)| *what == which).count()
    }

    fn posts(&self) -> Vec<ThreadId> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(what, _)| *what == "post").map(|(_, thread)| *thread).collect()
    }
}

impl TaskClient for OneByOne {
    fn batch_poll<'a>(
        &'a self,
        _queue: &'a Queue,
        request: PollRequest,
    ) -> BoxFuture<'a, Result<Bytes, Error>> {
        Box::pin(async move {
            self.asked("poll");
            tokio::time::sleep(Duration::from_millis(2)).await;
            if request.timeout.is_zero() || self.count("task") == self.tasks {
                return Ok(Bytes::from_static(b"[]"));
            }
            let number = self.asked("task");
            Ok(format!(r#"[{{"taskId":"{number}","workflowInstanceId":"w","inputData":{{}}}}]"#).into())
        })
    }

    fn update_task(&self, _body: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.asked("post");
            // Fails only if the test is over.
            let _ = self.open.subscribe().wait_for(|open| *open).await;
            let mut refused = self.refused.lock().unwrap();
            if *refused > 0 {
                *refused -= 1;
                return Err(classify(503, b""));
            }
            Ok(())
        })
    }

    fn get_task<'a>(&'a self, _task_id: &'a str) -> BoxFuture<'a, Result<Bytes, Error>> {
        Box::pin(async { Ok(Bytes::new()) })
    }
}

#[test]
fn the_result_of_a_task_that_came_alone_is_sent_by_the_thread_of_its_function() {
    let client = OneByOne::new(true, 0);
    let threads = Arc::new(Mutex::new(HashSet::new()));
    let mut engine = Engine::start_with(Arc::clone(&client) as _);
    let seen = Arc::clone(&threads);
    engine.worker("lone", 2, move |task| {
        seen.lock().unwrap().insert(current().id());
        echo(task)
    });
    eventually("ten are posted", || client.posts().len() >= 10);
    assert!(engine.stop(DEADLINE).is_empty());
    assert!(threads.lock().unwrap().contains(&client.posts()[0]));
}

#[test]
fn while_one_is_on_its_way_the_io_thread_sends_the_others() {
    let client = OneByOne::new(false, 0);
    let mut engine = Engine::start_with(Arc::clone(&client) as _);
    engine.worker("lone", 2, echo);
    // More than four posts at once there are not.
    eventually("four are on their way", || client.posts().len() == 4);
    let (io, posts) = (client.io_thread(), client.posts());
    assert_ne!(posts[0], io);
    assert_eq!(posts[1..], [io; 3]);
    client.open.send_replace(true);
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn what_waits_behind_one_is_sent_when_that_is_answered() {
    let client = OneByOne::with_tasks(2, false, 0);
    let mut engine = Engine::start_posting(Arc::clone(&client) as _, 1);
    engine.worker("lone", 1, echo);
    let finished = |held: &Held| held.stage == Stage::Undelivered;
    eventually("both have returned", || {
        engine.runtime.held().iter().filter(|held| finished(held)).count() == 2
    });
    assert_eq!(client.posts().len(), 1);
    client.open.send_replace(true);
    assert!(engine.stop(DEADLINE).is_empty());
    assert_eq!(client.posts().len(), 2);
}

#[test]
fn the_result_of_a_task_that_came_beside_another_is_sent_by_the_io_thread() {
    let client = OneByOne::with_tasks(2, true, 0);
    let mut engine = Engine::start_with(Arc::clone(&client) as _);
    let seen = Arc::clone(&client);
    engine.worker("lone", 2, move |task| {
        eventually("both are here", || seen.count("task") == 2);
        echo(task)
    });
    eventually("both are posted", || client.posts().len() == 2);
    let io = client.io_thread();
    assert!(engine.stop(DEADLINE).is_empty());
    assert!(client.posts().contains(&io));
}

/// By a worker of one thread, which is then stopped. Its I/O thread.
fn ten_are_posted(client: &Arc<OneByOne>, work: fn(&PolledTask) -> TaskResult) -> ThreadId {
    let mut engine = Engine::start_with(Arc::clone(client) as _);
    engine.worker("lone", 1, work);
    eventually("ten are posted", || client.posts().len() >= 10);
    let io = client.io_thread();
    assert!(engine.stop(DEADLINE).is_empty());
    io
}

#[test]
fn one_that_is_refused_is_sent_again_by_the_io_thread() {
    let client = OneByOne::new(true, 1);
    let io = ten_are_posted(&client, echo);
    assert!(client.posts().contains(&io));
    assert_eq!(client.posts().len(), client.count("task") + 1, "one was posted twice");
}

#[test]
fn a_task_that_goes_back_is_reported_by_the_io_thread() {
    let client = OneByOne::new(true, 0);
    let io = ten_are_posted(&client, in_progress);
    assert!(client.posts().iter().all(|thread| *thread == io));
}

#[test]
fn connections_that_the_server_closes_cost_lone_results_nothing() {
    let server =
        DevServer::start(Options { requests_per_connection: Some(3), ..Options::default() }).unwrap();
    let mut engine = Engine::start(&server.url());
    engine.worker("echo", 1, echo);
    for number in 1..=50 {
        server.push("echo", "{}", &PushOptions::default()).unwrap();
        assert!(server.wait_for(number, Some("echo"), Some("COMPLETED"), DEADLINE));
    }
    let lines = Arc::clone(&engine.lines);
    assert!(engine.stop(DEADLINE).is_empty());
    assert_eq!(requests(&server, "POST", "/api/tasks").len(), 50);
    assert_eq!(lines.all(), Vec::<String>::new());
}
