use std::time::{Duration, Instant};

use conductor_devserver::{DevServer, PushOptions};
use serde_json::{Value, json};

use crate::client::{Client, batch, get_task, id, poll_one, report, server};

fn push_with(server: &DevServer, retry_delay_seconds: u64, response_timeout_seconds: u64) {
    let options = PushOptions {
        retry_count_limit: Some(1),
        retry_delay_seconds: Some(retry_delay_seconds),
        response_timeout_seconds: Some(response_timeout_seconds),
        correlation_id: Some("order-7".to_owned()),
        ..PushOptions::default()
    };
    server.push("greet", "{}", &options).unwrap();
}

/// The next task and after how many milliseconds it came.
fn next(client: &mut Client, begun: Instant) -> (Value, u128) {
    let task = batch(client, "timeout=5000").remove(0);
    (task, begun.elapsed().as_millis())
}

#[test]
fn a_failed_task_is_retried_as_a_new_task() {
    let server = server();
    let mut client = Client::new(&server);
    push_with(&server, 0, 60);
    let first = poll_one(&mut client);
    report(&mut client, &first, json!({"status": "FAILED", "reasonForIncompletion": "why"}));
    let stored = get_task(&mut client, id(&first));
    assert_eq!((&stored["status"], &stored["retried"]), (&json!("FAILED"), &json!(true)));

    let second = poll_one(&mut client);
    assert_ne!(id(&second), id(&first));
    assert_eq!(second["retriedTaskId"], first["taskId"]);
    assert_eq!(second["workflowInstanceId"], first["workflowInstanceId"]);
    assert_eq!((&second["retryCount"], &second["seq"]), (&json!(1), &json!(2)));
    assert_eq!((&second["pollCount"], &second["correlationId"]), (&json!(1), &json!("order-7")));
    assert_eq!(second["reasonForIncompletion"], "why");
    report(&mut client, &second, json!({"status": "FAILED"}));
    assert!(batch(&mut client, "timeout=0").is_empty(), "no retries left");
    assert_eq!(get_task(&mut client, id(&second))["retried"], false);
}

#[test]
fn a_retry_comes_after_its_delay() {
    let server = server();
    let mut client = Client::new(&server);
    push_with(&server, 1, 60);
    let first = poll_one(&mut client);
    let begun = Instant::now();
    report(&mut client, &first, json!({"status": "FAILED"}));
    let (second, millis) = next(&mut client, begun);
    assert_eq!((&second["retryCount"], &second["startDelayInSeconds"]), (&json!(1), &json!(1)));
    assert!((1000..1600).contains(&millis), "{millis} ms");
}

#[test]
fn terminal_errors_and_cancels_are_not_retried() {
    let server = server();
    let mut client = Client::new(&server);
    for status in ["FAILED_WITH_TERMINAL_ERROR", "CANCELED", "COMPLETED"] {
        push_with(&server, 0, 60);
        let task = poll_one(&mut client);
        report(&mut client, &task, json!({"status": status}));
        assert!(batch(&mut client, "timeout=0").is_empty(), "{status}");
    }
}

#[test]
fn a_silent_worker_loses_its_task() {
    let server = server();
    let mut client = Client::new(&server);
    push_with(&server, 0, 1);
    let begun = Instant::now();
    let first = poll_one(&mut client);
    let (second, millis) = next(&mut client, begun);
    assert!((1000..1600).contains(&millis), "{millis} ms");
    assert_ne!(id(&second), id(&first));
    assert_eq!((&second["retryCount"], &second["retriedTaskId"]), (&json!(1), &first["taskId"]));
    // Late: 200, the id, ignored.
    report(&mut client, &first, json!({"status": "COMPLETED"}));
    let stored = get_task(&mut client, id(&first));
    let reason =
        format!("responseTimeout: 1 exceeded for the taskId: {} with Task Definition: greet", id(&first));
    assert_eq!((&stored["status"], &stored["reasonForIncompletion"]), (&json!("TIMED_OUT"), &json!(reason)));
}

#[test]
fn a_lease_extension_moves_the_timeout() {
    let server = server();
    let mut client = Client::new(&server);
    push_with(&server, 0, 1);
    let first = poll_one(&mut client);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(1500) {
        report(&mut client, &first, json!({"extendLease": true, "status": "IN_PROGRESS"}));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(get_task(&mut client, id(&first))["status"], "IN_PROGRESS");
    let (second, millis) = next(&mut client, begun);
    assert!((2400..3200).contains(&millis), "{millis} ms");
    assert_eq!(second["retryCount"], 1);
}

#[test]
fn a_callback_comes_after_its_delay() {
    let server = server();
    let mut client = Client::new(&server);
    push_with(&server, 0, 60);
    let task = poll_one(&mut client);
    let begun = Instant::now();
    let fields = json!({"status": "IN_PROGRESS", "callbackAfterSeconds": 1, "outputData": {"step": 2}});
    report(&mut client, &task, fields);
    assert!(batch(&mut client, "timeout=0").is_empty());
    let stored = get_task(&mut client, id(&task));
    assert_eq!((&stored["status"], &stored["callbackAfterSeconds"]), (&json!("SCHEDULED"), &json!(1)));
    let (again, millis) = next(&mut client, begun);
    assert!((1000..1600).contains(&millis), "{millis} ms");
    assert_eq!((id(&again), &again["pollCount"]), (id(&task), &json!(2)));
    assert_eq!((&again["outputData"], &again["callbackAfterSeconds"]), (&json!({"step": 2}), &json!(0)));
}

#[test]
fn a_task_without_a_response_timeout_stays() {
    let server = server();
    let mut client = Client::new(&server);
    push_with(&server, 0, 0);
    let task = poll_one(&mut client);
    assert_eq!(task["responseTimeoutSeconds"], 0);
    assert!(batch(&mut client, "timeout=100").is_empty());
    assert_eq!(get_task(&mut client, id(&task))["status"], "IN_PROGRESS");
}
