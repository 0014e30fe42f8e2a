use serde_json::json;

use crate::client::{Client, get_task, id, poll_one, push, result, server};

/// (path, body, status, beginning of the message)
type Refusal<'a> = (&'a str, &'a str, u16, &'a str);

const BOTH: [&str; 2] = ["/tasks", "/tasks/update-v2"];

#[test]
fn error_bodies_are_the_servers() {
    let server = server();
    let mut client = Client::new(&server);
    let response = client.get("/tasks/poll/batch/greet?timeout=6000");
    assert_eq!(
        (response.status, response.json()),
        (
            400,
            json!({"status": 400, "message": "Long Poll Timeout value cannot be more than 5 seconds",
                   "instance": "devserver", "retryable": false})
        )
    );
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert_eq!(response.header("connection"), Some("close"), "Tomcat closes after 400 and 500");
}

#[test]
fn unreadable_bodies_get_a_500() {
    let server = server();
    let mut client = Client::new(&server);
    let cases: [(&str, &str); 8] = [
        ("{\"taskId\":", "JSON parse error: Unexpected end-of-input"),
        ("hello", "JSON parse error: Unrecognized token 'hello': was expecting"),
        (r#"{"outputData":{"a":NaN}}"#, "JSON parse error: Non-standard token 'NaN': enable"),
        (r#"{"outputData":{"a":-Infinity}}"#, "JSON parse error: Non-standard token '-Infinity'"),
        (r#"{"status":"WRONG"}"#, "JSON parse error: Cannot deserialize value of type `com.netflix"),
        (
            r#"{"outputData":[1]}"#,
            "JSON parse error: Cannot deserialize value of type `java.util.LinkedHashMap",
        ),
        ("\u{1f}\u{8b}\u{8}", "JSON parse error: Illegal character ((CTRL-CHAR, code 31))"),
        ("", "Required request body is missing: public "),
    ];
    for path in BOTH {
        for (body, message) in cases {
            let response = client.post(path, body);
            assert_eq!((response.status, &response.json()["retryable"]), (500, &json!(false)), "{body}");
            assert!(response.message().starts_with(message), "{body}: {}", response.message());
        }
    }
}

#[test]
fn a_body_over_jacksons_limits_leaves_the_task_in_progress() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 1);
    let task = poll_one(&mut client);
    let deep = format!("{}{}", "[".repeat(1200), "]".repeat(1200));
    let long = format!("\"{}\"", "x".repeat(20_000_001));
    for (value, message) in [
        (deep, "JSON parse error: Document nesting depth (1001) exceeds the maximum allowed (1000, "),
        (long, "JSON parse error: String value length (20000001) exceeds the maximum allowed (20000000, "),
    ] {
        let fields = json!({"status": "COMPLETED", "outputData": {"a": "HERE"}});
        let response = client.post("/tasks", &result(&task, fields).replace("\"HERE\"", &value));
        assert_eq!(response.status, 500);
        assert!(response.message().starts_with(message), "{}", response.message());
    }
    assert_eq!(get_task(&mut client, id(&task))["status"], "IN_PROGRESS");
}

#[test]
fn missing_ids_are_a_400_in_v1_and_a_500_in_v2() {
    let server = server();
    let mut client = Client::new(&server);
    let response = client.post("/tasks", r#"{"taskId":"x","status":"COMPLETED"}"#);
    assert_eq!(
        (response.status, response.json()),
        (
            400,
            json!({"status": 400, "message": "Validation failed, check below errors for detail.",
                   "retryable": false, "validationErrors": [{"path": "updateTask.arg0.workflowInstanceId",
                   "message": "Workflow Id cannot be null or empty"}]})
        )
    );
    let response = client.post("/tasks/update-v2", r#"{"status":"COMPLETED"}"#);
    assert_eq!(response.status, 500);
    let message = response.message();
    assert!(message.starts_with("Validation failed for argument [0] in public "), "{message}");
    assert!(message.contains("with 2 errors: [Field error in object 'taskResult'"), "{message}");
    assert!(message.ends_with("default message [Task ID cannot be null or empty]] "), "{message}");
}

#[test]
fn unknown_tasks_and_workflows_are_a_404() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 1);
    let task = poll_one(&mut client);
    let workflow = task["workflowInstanceId"].as_str().unwrap();
    for path in BOTH {
        let body = json!({"workflowInstanceId": workflow, "taskId": "nosuch", "status": "COMPLETED"});
        let response = client.post(path, &body.to_string());
        assert_eq!(
            (response.status, response.message()),
            (404, "No such task found by id: nosuch".to_owned())
        );
        for task_id in ["nosuch", id(&task)] {
            let body = json!({"workflowInstanceId": "gone", "taskId": task_id, "status": "COMPLETED"});
            let response = client.post(path, &body.to_string());
            assert_eq!(
                (response.status, response.message()),
                (404, "No such workflow found by id: gone".to_owned())
            );
        }
    }
    let response = client.get("/tasks/nosuch");
    assert_eq!((response.status, response.message()), (404, "Task not found for taskId: nosuch".to_owned()));
    assert_eq!(response.header("connection"), None, "a 404 keeps the connection");
}

#[test]
fn the_ids_of_another_server_are_unknown() {
    let (one, other) = (server(), server());
    let task_id = push(&one, 1).remove(0);
    push(&other, 1);
    assert!(one.task_json(&task_id).is_some());
    assert!(other.task_json(&task_id).is_none());
}

#[test]
fn no_status_is_a_500() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 1);
    let task = poll_one(&mut client);
    let response = client.post("/tasks", &result(&task, json!({})));
    assert_eq!(response.status, 500);
    assert!(response.message().ends_with("TaskResult.getStatus()\" is null"), "{}", response.message());
}

#[test]
fn routes_that_do_not_exist() {
    let server = server();
    let mut client = Client::new(&server);
    let cases: [Refusal<'_>; 5] = [
        ("POST", "/token", 404, "No static resource api/token."),
        ("POST", "/schema", 404, "No static resource api/schema."),
        ("GET", "/nosuch/thing", 404, "No static resource api/nosuch/thing."),
        ("GET", "/tasks/poll/greet/", 404, "No static resource api/tasks/poll/greet."),
        ("GET", "/tasks/poll/batch/greet/more", 404, "No static resource api/tasks/poll/batch/greet/more."),
    ];
    for (method, path, status, message) in cases {
        let response = client.body(method, path, "");
        assert_eq!((response.status, response.message().as_str()), (status, message));
    }
    for (method, path) in [("DELETE", "/tasks"), ("PUT", "/tasks/update-v2"), ("POST", "/tasks/poll/greet")] {
        let response = client.body(method, path, "");
        let message = format!("Request method '{method}' is not supported");
        assert_eq!((response.status, response.message()), (405, message));
    }
}

#[test]
fn tomcat_refuses_with_a_page() {
    let server = server();
    let mut client = Client::new(&server);
    let long = "a".repeat(9000);
    for (path, header) in [("/api/tasks/poll/a%2Fb", ""), ("/api/tasks/poll/ab", long.as_str())] {
        let response = client.send("GET", path, &[("X-Long", header)], b"").unwrap();
        assert_eq!(response.status, 400);
        assert_eq!(response.header("content-type"), Some("text/html;charset=utf-8"));
        assert!(response.text().starts_with("<!doctype html>"));
    }
}

#[test]
fn numbers_and_content_types_are_checked() {
    let server = server();
    let mut client = Client::new(&server);
    let response = client.get("/tasks/poll/batch/greet?timeout=abc");
    assert_eq!(response.status, 500);
    assert!(response.message().starts_with("Method parameter 'timeout': Failed to convert value of type"));
    let response = client.send("POST", "/api/tasks", &[("Content-Type", "text/plain")], b"{}").unwrap();
    assert_eq!(response.message(), "Content-Type 'text/plain' is not supported");
    let response = client.send("GET", "/health", &[], b"").unwrap();
    assert_eq!((response.status, &response.json()["healthy"]), (200, &json!(true)));
}
