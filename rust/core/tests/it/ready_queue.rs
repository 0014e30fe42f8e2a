use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use conductor_devserver::PushOptions;

use super::support::{DEADLINE, Engine, echo, server};

#[test]
fn a_short_function_that_blocks_once_does_not_hold_up_the_others() {
    let server = server();
    let mut engine = Engine::start(&server.url());
    let (go_on, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    engine.worker("mixed", 4, move |task| {
        if task.input() == br#"{"block":true}"# {
            let _ = gate.lock().unwrap().recv_timeout(DEADLINE);
        }
        echo(task)
    });
    // Teaches the moving average that the function is short, so that one thread is woken for many tasks.
    server.push_many("mixed", "{}", 200, &PushOptions::default()).unwrap();
    assert!(server.wait_for(200, Some("mixed"), Some("COMPLETED"), DEADLINE));
    let blocked = server.push("mixed", r#"{"block":true}"#, &PushOptions::default()).unwrap();
    server.push_many("mixed", "{}", 50, &PushOptions::default()).unwrap();
    assert!(
        server.wait_for(250, Some("mixed"), Some("COMPLETED"), DEADLINE),
        "the rest went past the blocked one"
    );
    assert!(server.task_json(&blocked).unwrap().contains("IN_PROGRESS"));
    go_on.send(()).unwrap();
    assert!(engine.stop(DEADLINE).is_empty());
}

#[test]
fn tasks_that_block_run_side_by_side() {
    let server = server();
    let mut engine = Engine::start(&server.url());
    let barrier = Arc::new(std::sync::Barrier::new(8));
    engine.worker("together", 8, move |task| {
        // Only passes when all eight are here at once.
        barrier.wait();
        echo(task)
    });
    server.push_many("together", "{}", 8, &PushOptions::default()).unwrap();
    assert!(server.wait_for(8, Some("together"), Some("COMPLETED"), DEADLINE));
    assert!(engine.stop(Duration::from_secs(5)).is_empty());
}
