use conductor_devserver::{PushError, PushOptions};
use serde_json::json;

use crate::client::{Client, batch, poll_one, push, report, server};

#[test]
fn a_new_definition_gets_the_servers_defaults() {
    let server = server();
    let mut client = Client::new(&server);
    let response = client.post("/metadata/taskdefs", r#"[{"name":"greet"}]"#);
    assert_eq!((response.status, response.header("content-length")), (200, Some("0")));
    let definition = client.get("/metadata/taskdefs/greet").json();
    assert_eq!(
        (&definition["retryCount"], &definition["retryDelaySeconds"], &definition["responseTimeoutSeconds"]),
        (&json!(3), &json!(60), &json!(3600))
    );
    assert_eq!(client.get("/metadata/taskdefs").json().as_array().unwrap().len(), 1);
    assert_eq!(client.body("DELETE", "/metadata/taskdefs/greet", "").status, 200);
    let response = client.get("/metadata/taskdefs/greet");
    assert_eq!(
        (response.status, response.message()),
        (404, "No such taskType found by name: greet".to_owned())
    );
    assert_eq!(client.body("DELETE", "/metadata/taskdefs/greet", "").status, 500);
}

#[test]
fn put_replaces_what_exists() {
    let server = server();
    let mut client = Client::new(&server);
    let response = client.put("/metadata/taskdefs", r#"{"name":"greet"}"#);
    assert_eq!((response.status, response.message()), (404, "No such task by name greet".to_owned()));
    server.define(r#"{"name":"greet","retryCount":9}"#).unwrap();
    assert_eq!(client.put("/metadata/taskdefs", r#"{"name":"greet"}"#).status, 200);
    assert_eq!(client.get("/metadata/taskdefs/greet").json()["retryCount"], 3);
}

#[test]
fn bad_definitions_are_refused() {
    let server = server();
    let mut client = Client::new(&server);
    assert_eq!(client.post("/metadata/taskdefs", r#"{"name":"greet"}"#).status, 500);
    assert_eq!(client.post("/metadata/taskdefs", "[").status, 500);
    for (body, path) in [
        (r#"[{"name":"a"},{"retryCount":1}]"#, "registerTaskDef.arg0[1].name"),
        (r#"[{"name":"a","responseTimeoutSeconds":0}]"#, "registerTaskDef.arg0[0].responseTimeoutSeconds"),
        (r#"[{"name":"a","responseTimeoutSeconds":20,"timeoutSeconds":10}]"#, "registerTaskDef.arg0[0]"),
        (r#"[{"name":"a","retryCount":-1}]"#, "registerTaskDef.arg0[0].retryCount"),
        ("[]", "registerTaskDef.arg0"),
    ] {
        let response = client.post("/metadata/taskdefs", body);
        assert_eq!((response.status, &response.json()["validationErrors"][0]["path"]), (400, &json!(path)));
    }
    assert_eq!(client.put("/metadata/taskdefs", "{}").status, 400);
    assert_eq!(
        client.post("/metadata/taskdefs", r#"[{"name":"a"},{"name":"b","timeoutPolicy":"NONE"}]"#).status,
        500
    );
    assert_eq!(client.get("/metadata/taskdefs").text(), "[]");
    assert!(matches!(server.define("{}"), Err(PushError::Definition(_))));
    assert!(matches!(server.define("[]"), Err(PushError::Definition(_))));
}

#[test]
fn tasks_follow_their_definition() {
    let server = server();
    let mut client = Client::new(&server);
    let definition = r#"{"name":"greet","retryCount":1,"retryDelaySeconds":0,"responseTimeoutSeconds":20}"#;
    push(&server, 1);
    server.define(definition).unwrap();
    push(&server, 1);
    assert_eq!(poll_one(&mut client)["responseTimeoutSeconds"], 3600, "pushed before the definition");
    let task = poll_one(&mut client);
    assert_eq!(task["responseTimeoutSeconds"], 20);
    assert_eq!(task["taskDefinition"]["retryCount"], 1);
    assert_eq!(task["workflowTask"]["taskDefinition"]["retryDelaySeconds"], 0);
    report(&mut client, &task, json!({"status": "FAILED"}));
    assert_eq!(poll_one(&mut client)["retryCount"], 1);

    let options = PushOptions { response_timeout_seconds: Some(5), ..PushOptions::default() };
    server.push("greet", "{}", &options).unwrap();
    assert_eq!(poll_one(&mut client)["responseTimeoutSeconds"], 5, "the push goes first");
}

#[test]
fn backoff_is_written_into_the_retry() {
    let server = server();
    let mut client = Client::new(&server);
    for (logic, delays) in
        [("FIXED", [7, 7, 7]), ("LINEAR_BACKOFF", [21, 42, 63]), ("EXPONENTIAL_BACKOFF", [7, 14, 28])]
    {
        let definition =
            json!({"name": "greet", "retryLogic": logic, "retryDelaySeconds": 7, "backoffScaleFactor": 3});
        server.define(&definition.to_string()).unwrap();
        push(&server, 1);
        let mut task = poll_one(&mut client);
        for delay in delays {
            report(&mut client, &task, json!({"status": "FAILED"}));
            let scheduled =
                client.send("GET", "/dev/tasks?taskType=greet&status=SCHEDULED", &[], b"").unwrap();
            let waiting = scheduled.json().as_array().unwrap().last().unwrap().clone();
            assert_eq!(waiting["startDelayInSeconds"], delay, "{logic}");
            // A result may come for a task that nobody polled: it ends this attempt without the wait.
            task = waiting;
        }
        report(&mut client, &task, json!({"status": "FAILED"}));
        assert_eq!(server.count(None, Some("SCHEDULED")), 0);
        assert!(batch(&mut client, "timeout=0").is_empty());
    }
}
