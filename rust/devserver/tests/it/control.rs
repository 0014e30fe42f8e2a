use std::time::{Duration, Instant};

use conductor_devserver::{DevServer, Options, PushError, PushOptions};
use serde_json::{Value, json};

use crate::client::{Client, batch, id, poll_one, push, report, server, timed};

fn transcript(server: &DevServer) -> Vec<Value> {
    serde_json::from_str(&server.transcript_json()).unwrap()
}

#[test]
fn the_transcript_holds_every_request_in_order() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 1);
    let task = poll_one(&mut client);
    report(&mut client, &task, json!({"status": "COMPLETED", "outputData": {"long": "x".repeat(5000)}}));
    assert_eq!(client.post("/token", "{}").status, 404);
    let entries = transcript(&server);
    assert_eq!(entries.len(), 3);
    let poll = &entries[0];
    assert_eq!(
        (&poll["sequence"], &poll["method"], &poll["path"]),
        (&json!(1), &json!("GET"), &json!("/api/tasks/poll/batch/greet"))
    );
    assert_eq!(
        (&poll["query"], &poll["taskType"]),
        (&json!("count=1&timeout=0&workerid=w1"), &json!("greet"))
    );
    assert_eq!((&poll["status"], &poll["body"]), (&json!(200), &json!("")));
    let update = &entries[1];
    assert_eq!((&update["taskType"], &update["status"]), (&json!("greet"), &json!(200)));
    assert_eq!(update["body"].as_str().unwrap().len(), 2048);
    assert!(update["bodyBytes"].as_u64().unwrap() > 5000);
    assert_eq!((&entries[2]["path"], &entries[2]["status"]), (&json!("/api/token"), &json!(404)));
    server.clear_transcript();
    client.get("/tasks/none");
    assert_eq!(transcript(&server)[0]["sequence"], 4);
}

#[test]
fn the_transcript_is_a_ring() {
    for (capacity, kept) in [(3, vec![8, 9, 10]), (0, vec![])] {
        let options = Options { transcript_capacity: capacity, ..Options::default() };
        let server = DevServer::start(options).unwrap();
        let mut client = Client::new(&server);
        for _ in 0..10 {
            client.get("/tasks/none");
        }
        let sequences: Vec<_> =
            transcript(&server).iter().map(|entry| entry["sequence"].as_u64().unwrap()).collect();
        assert_eq!(sequences, kept);
    }
}

#[test]
fn counting_waiting_and_forgetting() {
    let server = server();
    let mut client = Client::new(&server);
    let ids = push(&server, 3);
    server.push("other", "{}", &PushOptions::default()).unwrap();
    assert_eq!((server.count(None, None), server.count(Some("greet"), Some("SCHEDULED"))), (4, 3));
    assert_eq!((server.count(Some("none"), None), server.count(None, Some("NONSENSE"))), (0, 0));

    let soon = Duration::from_millis(50);
    assert!(!server.wait_for(1, Some("greet"), None, soon));
    assert!(!server.wait_for(0, None, Some("NONSENSE"), soon));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| server.wait_for(2, Some("greet"), None, Duration::from_secs(10)));
        for fields in [json!({"status": "COMPLETED"}), json!({"status": "FAILED_WITH_TERMINAL_ERROR"})] {
            let task = poll_one(&mut client);
            report(&mut client, &task, fields);
        }
        assert!(waiting.join().unwrap());
    });
    assert!(server.wait_for(1, None, Some("COMPLETED"), Duration::ZERO));

    let tasks: Value = serde_json::from_str(&server.tasks_json(Some("greet"), None)).unwrap();
    let listed: Vec<_> = tasks.as_array().unwrap().iter().map(id).collect();
    assert_eq!(listed, ids, "push order");
    assert_eq!(server.forget_terminal(), 2);
    assert_eq!((server.count(None, None), server.task_json(&ids[0])), (2, None));
    assert_eq!(id(&poll_one(&mut client)), ids[2], "what is open stays");
    assert_eq!(server.forget_terminal(), 0);
}

#[test]
fn what_is_no_object_is_not_pushed() {
    let server = server();
    for input in ["[]", "{", "1", ""] {
        let pushed = server.push("greet", input, &PushOptions::default());
        assert!(matches!(pushed, Err(PushError::Input(_))), "{input}");
    }
    assert_eq!(server.count(None, None), 0);
}

#[test]
fn push_options_reach_the_worker() {
    let server = server();
    let mut client = Client::new(&server);
    let options = PushOptions {
        workflow_instance_id: Some("wf-1".to_owned()),
        reference_task_name: Some("say_\"hello\"".to_owned()),
        ..PushOptions::default()
    };
    server.push_many("greet", "{}", 2, &options).unwrap();
    let tasks = batch(&mut client, "count=2&timeout=0");
    assert!(tasks.iter().all(|task| task["workflowInstanceId"] == "wf-1"));
    assert_eq!(tasks[0]["referenceTaskName"], "say_\"hello\"");
    push(&server, 2);
    let tasks = batch(&mut client, "count=2&timeout=0");
    assert_ne!(tasks[0]["workflowInstanceId"], tasks[1]["workflowInstanceId"], "each its own");
}

#[test]
fn other_languages_control_it_over_http() {
    let server = server();
    let mut client = Client::new(&server);
    let mut dev =
        |method: &str, path: &str, body: &str| client.send(method, path, &[], body.as_bytes()).unwrap();
    let body = r#"{"taskType":"greet","inputData":{"a":1},"count":2,"domain":"eu","retryCount":0}"#;
    let ids = dev("POST", "/dev/push", body).json();
    assert_eq!(ids.as_array().unwrap().len(), 2);
    let tasks = dev("GET", "/dev/tasks?taskType=greet&status=SCHEDULED", "").json();
    assert_eq!((&tasks[0]["taskId"], &tasks[0]["inputData"]), (&ids[0], &json!({"a": 1})));
    assert_eq!(dev("POST", "/dev/push", r#"{"taskTyp":"greet"}"#).status, 400);
    assert_eq!(dev("POST", "/dev/push", r#"{"taskType":"greet","inputData":[]}"#).status, 400);
    let cancel = format!("/dev/cancel/{}", ids[0].as_str().unwrap());
    assert_eq!((dev("POST", &cancel, "").text(), dev("POST", &cancel, "").text()), ("true", "false"));
    assert_eq!(dev("POST", "/dev/faults", r#"{"close":true}"#).text(), "1");
    assert_eq!(dev("POST", "/dev/faults", "{}").status, 400);
    assert_eq!(dev("DELETE", "/dev/faults", "").status, 204);
    assert_eq!(dev("GET", "/api/tasks/none", "").status, 404);
    assert_eq!(dev("GET", "/dev/transcript", "").json().as_array().unwrap().len(), 1, "without /dev");
    assert_eq!(dev("DELETE", "/dev/transcript", "").status, 204);
    assert_eq!(dev("GET", "/dev/transcript", "").text(), "[]");
    assert_eq!(server.requests(), 1);
}

#[test]
fn a_hundred_thousand_tasks_are_pushed_in_a_moment() {
    let server = server();
    let (ids, millis) = timed(|| push(&server, 100_000));
    assert_eq!(ids.len(), 100_000);
    assert!(millis < 5000, "{millis} ms");
    let begun = Instant::now();
    for _ in 0..1000 {
        assert_eq!(server.count(Some("greet"), Some("SCHEDULED")), 100_000);
    }
    assert!(begun.elapsed() < Duration::from_secs(1));
}
