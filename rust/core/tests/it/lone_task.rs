use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use conductor_core::error::Error;
use conductor_core::host::Runtime;
use conductor_core::transport::{BoxFuture, PollRequest, Queue, TaskClient};
use conductor_core::worker::{Assignment, Executor, Pace, RunTime};

use super::support::{DEADLINE, Lines, config, echo, eventually};

/// Has one task for each long poll, none for others, and remembers what it was asked.
#[derive(Default)]
struct OneByOne(Mutex<Vec<&'static str>>);

impl OneByOne {
    fn asked(&self, what: &'static str) {
        self.0.lock().unwrap().push(what);
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
            if request.timeout.is_zero() {
                return Ok(Bytes::from_static(b"[]"));
            }
            self.asked("task");
            let task = format!(
                r#"[{{"taskId":"{}","workflowInstanceId":"w","inputData":{{}}}}]"#,
                self.0.lock().unwrap().len()
            );
            Ok(task.into())
        })
    }

    fn update_task(&self, _body: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.asked("post");
            Ok(())
        })
    }

    fn get_task<'a>(&'a self, _task_id: &'a str) -> BoxFuture<'a, Result<Bytes, Error>> {
        Box::pin(async { Ok(Bytes::new()) })
    }
}

/// A function that has always taken 10 µs: it returns at once, or never.
struct Quick {
    returns: bool,
    kept: Mutex<Vec<Assignment>>,
}

impl Executor for Quick {
    fn submit(&self, batch: Vec<Assignment>) -> bool {
        for assignment in batch {
            if self.returns {
                let result = echo(&assignment.task);
                assignment.completion.complete(result);
            } else {
                self.kept.lock().unwrap().push(assignment);
            }
        }
        false
    }

    fn set_limit(&self, _limit: usize) {}

    fn pace(&self, _now: Instant) -> Pace {
        let mut run_time = RunTime::default();
        run_time.record(Duration::from_micros(10));
        Pace { timed: 1, run_time, oldest: None }
    }

    fn take_back(&self, _now: Option<Instant>) -> (Vec<Assignment>, Option<Instant>) {
        (Vec::new(), None)
    }

    fn relieve(&self) -> bool {
        false
    }
}

#[test]
fn the_result_of_a_task_that_came_alone_goes_before_the_next_poll() {
    let client = Arc::new(OneByOne::default());
    let executor = Arc::new(Quick { returns: true, kept: Mutex::default() });
    let runtime = Runtime::start_with(Arc::clone(&client) as _, 4, Arc::new(Lines::default())).unwrap();
    runtime.add_worker(config("lone", 5), executor, false).unwrap();
    eventually("ten are done", || {
        client.0.lock().unwrap().iter().filter(|what| **what == "post").count() >= 10
    });
    runtime.stop_polling().unwrap();
    assert!(runtime.wait_idle(DEADLINE).unwrap());
    let asked = client.0.lock().unwrap();
    let after_tasks: Vec<_> = asked.windows(2).filter(|two| two[0] == "task").map(|two| two[1]).collect();
    assert!(after_tasks.iter().all(|next| *next == "post"), "{asked:?}");
}

#[test]
fn a_function_that_is_slow_for_once_does_not_hold_polls_up() {
    let client = Arc::new(OneByOne::default());
    let executor = Arc::new(Quick { returns: false, kept: Mutex::default() });
    let runtime = Runtime::start_with(Arc::clone(&client) as _, 4, Arc::new(Lines::default())).unwrap();
    runtime.add_worker(config("lone", 5), Arc::clone(&executor) as _, false).unwrap();
    eventually("all slots are taken", || executor.kept.lock().unwrap().len() == 5);
    runtime.stop_polling().unwrap();
    executor.kept.lock().unwrap().clear();
    assert!(runtime.wait_idle(DEADLINE).unwrap());
}
