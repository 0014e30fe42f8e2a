use conductor_devserver::{FaultAction, FaultRule, PushOptions};
use serde_json::{Value, json};

use crate::client::{Client, batch, get_task, id, poll_one, push, result, server, timed};

fn rule(json: &Value) -> FaultRule {
    FaultRule::from_json(&json.to_string()).unwrap()
}

#[test]
fn an_answer_is_given_as_often_as_scripted() {
    let server = server();
    let mut client = Client::new(&server);
    let answer = json!({"status": 503, "body": "busy", "headers": {"Retry-After": "2"}});
    let path = "/api/tasks/poll";
    assert_eq!(
        server.add_fault(rule(&json!({"method": "GET", "path": path, "answer": answer, "count": 2}))),
        1
    );
    for _ in 0..2 {
        let response = client.get("/tasks/poll/batch/greet?timeout=0");
        assert_eq!((response.status, response.text()), (503, "busy"));
        assert_eq!(response.header("retry-after"), Some("2"));
        assert_eq!(client.get("/tasks/none").status, 404, "another path");
    }
    assert!(batch(&mut client, "timeout=0").is_empty());
}

#[test]
fn a_rule_may_name_a_task_type() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 1);
    server.push("other", "{}", &PushOptions::default()).unwrap();
    let task = poll_one(&mut client);
    let other = client.get("/tasks/poll/other").json();
    server.add_fault(rule(&json!({"taskType": "greet", "answer": {"status": 500, "body": "{}"}})));
    let fields = json!({"status": "COMPLETED"});
    assert_eq!(client.get("/tasks/poll/batch/greet?timeout=0").status, 500);
    assert_eq!(client.post("/tasks", &result(&task, fields.clone())).status, 500);
    assert_eq!(client.get("/tasks/poll/batch/other?timeout=0").status, 200);
    assert_eq!(client.post("/tasks", &result(&other, fields.clone())).status, 200);
    server.clear_faults();
    assert_eq!(client.post("/tasks", &result(&task, fields)).status, 200);
}

#[test]
fn a_connection_may_break_before_or_after_the_work() {
    let server = server();
    push(&server, 1);
    let task = poll_one(&mut Client::new(&server));
    let body = result(&task, json!({"status": "COMPLETED"}));
    let post = format!(
        "POST /api/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    for (fault, status) in [("close", "IN_PROGRESS"), ("closeAfter", "COMPLETED")] {
        server.add_fault(rule(&json!({"method": "POST", "path": "/api/tasks", fault: true, "count": 1})));
        let mut client = Client::new(&server);
        assert!(client.send_bytes(post.as_bytes()).is_err(), "{fault}");
        assert_eq!(get_task(&mut client, id(&task))["status"], status, "{fault}");
    }
    let transcript: Value = serde_json::from_str(&server.transcript_json()).unwrap();
    let posts: Vec<_> =
        transcript.as_array().unwrap().iter().filter(|entry| entry["method"] == "POST").collect();
    assert!(posts.iter().all(|entry| entry["status"].is_null() && entry["taskType"] == "greet"));
    assert_eq!(posts.len(), 2);
}

#[test]
fn a_delay_comes_before_the_work() {
    let server = server();
    let mut client = Client::new(&server);
    server.add_fault(rule(&json!({"delayMillis": 150, "count": 1})));
    let (response, millis) = timed(|| client.get("/tasks/none"));
    assert_eq!(response.status, 404);
    assert!((150..900).contains(&millis), "{millis} ms");
}

#[test]
fn rules_from_json_are_checked() {
    let full = rule(&json!({"method": "post", "path": "/api", "taskType": "t", "close": true, "count": 3}));
    let expected = FaultRule {
        method: Some("post".to_owned()),
        path_prefix: "/api".to_owned(),
        task_type: Some("t".to_owned()),
        action: FaultAction::Close,
        count: Some(3),
    };
    assert_eq!(full, expected);
    for wrong in [
        json!({}),
        json!({"close": true, "delayMillis": 1}),
        json!({"clsoe": true}),
        json!({"answer": {"status": 99}}),
        json!({"answer": {}}),
    ] {
        assert!(FaultRule::from_json(&wrong.to_string()).is_err(), "{wrong}");
    }
}
