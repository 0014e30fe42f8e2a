use serde_json::{Value, json};

use conductor_devserver::PushOptions;

use crate::client::{Client, batch, get_task, id, poll_one, push, report, result, server, timed};

#[test]
fn every_terminal_status_is_taken() {
    let server = server();
    let mut client = Client::new(&server);
    for status in ["COMPLETED", "FAILED", "FAILED_WITH_TERMINAL_ERROR", "CANCELED"] {
        push(&server, 1);
        let task = poll_one(&mut client);
        let fields = json!({"status": status, "outputData": {"a": 1}, "workerId": "w2", "unknown": true});
        let response = client.post("/tasks", &result(&task, fields));
        assert_eq!((response.status, response.text()), (200, id(&task)));
        assert_eq!(response.header("content-type"), Some("text/plain;charset=UTF-8"));
        assert_eq!(response.header("content-length"), Some("36"));
        let stored = get_task(&mut client, id(&task));
        assert_eq!(stored["status"], status);
        assert_eq!(stored["outputData"], json!({"a": 1}));
        assert_eq!(stored["workerId"], "w2");
        assert!(stored["endTime"].as_u64() > Some(0));
    }
}

#[test]
fn the_first_result_stands() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 1);
    let task = poll_one(&mut client);
    report(&mut client, &task, json!({"status": "COMPLETED", "outputData": {"first": 1}}));
    report(&mut client, &task, json!({"status": "FAILED", "outputData": {"second": 2}}));
    let stored = get_task(&mut client, id(&task));
    assert_eq!((&stored["status"], &stored["outputData"]), (&json!("COMPLETED"), &json!({"first": 1})));
    assert_eq!(server.count(None, None), 1, "no retry of a finished task");
}

#[test]
fn odd_output_is_kept_exactly() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 1);
    let task = poll_one(&mut client);
    let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let output =
        format!(r#"{{"big":1180591620717411303424,"emoji":"🦀","nul":"\u0000","nested":{nested},"n":null}}"#);
    let body =
        result(&task, json!({"status": "COMPLETED", "outputData": "HERE"})).replace("\"HERE\"", &output);
    assert_eq!(client.post("/tasks", &body).status, 200);
    assert!(server.task_json(id(&task)).unwrap().contains(&format!("\"outputData\":{output},")));
}

#[test]
fn v2_hands_out_the_next_task() {
    let server = server();
    let mut client = Client::new(&server);
    let ids = push(&server, 2);
    let task = poll_one(&mut client);
    let body = result(&task, json!({"status": "COMPLETED", "workerId": "w7"}));
    let next = client.post("/tasks/update-v2", &body);
    assert_eq!(next.status, 200);
    assert_eq!((id(&next.json()), &next.json()["workerId"]), (ids[1].as_str(), &json!("w7")));
    // The same again: ignored, and another task is handed out.
    let third = push(&server, 1);
    let next = client.post("/tasks/update-v2", &body);
    assert_eq!(id(&next.json()), third[0]);
}

#[test]
fn v2_on_an_empty_queue_waits_100_ms() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 1);
    let task = poll_one(&mut client);
    let body = result(&task, json!({"status": "COMPLETED"}));
    let (response, millis) = timed(|| client.post("/tasks/update-v2", &body));
    assert_eq!((response.status, response.body.len()), (204, 0));
    assert!((100..600).contains(&millis), "{millis} ms");
}

#[test]
fn v2_stays_in_the_domain() {
    let server = server();
    let mut client = Client::new(&server);
    let options = PushOptions { domain: Some("eu".to_owned()), ..PushOptions::default() };
    server.push_many("greet", "{}", 2, &options).unwrap();
    push(&server, 1);
    let task = batch(&mut client, "timeout=0&domain=eu").remove(0);
    let next = client.post("/tasks/update-v2", &result(&task, json!({"status": "COMPLETED"})));
    assert_eq!(next.json()["domain"], "eu");
}

#[test]
fn v2_hands_out_nothing_for_in_progress_and_leases() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 2);
    let task = poll_one(&mut client);
    for fields in [json!({"extendLease": true}), json!({"status": "IN_PROGRESS", "callbackAfterSeconds": 30})]
    {
        let (response, millis) = timed(|| client.post("/tasks/update-v2", &result(&task, fields)));
        assert_eq!(response.status, 204);
        assert!(millis < 90, "{millis} ms");
    }
    assert_eq!(server.count(None, Some("SCHEDULED")), 2);
}

#[test]
fn a_polled_task_can_be_handed_back() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 1);
    let task = poll_one(&mut client);
    let fields = json!({"status": "IN_PROGRESS", "callbackAfterSeconds": 0, "outputData": {"step": 1}});
    report(&mut client, &task, fields);
    let stored = get_task(&mut client, id(&task));
    assert_eq!((&stored["status"], &stored["outputData"]), (&json!("SCHEDULED"), &json!({"step": 1})));
    assert!(stored.get("workerId").is_none(), "the result named none");

    let again = poll_one(&mut client);
    assert_eq!(id(&again), id(&task));
    assert_eq!((&again["pollCount"], &again["retryCount"]), (&json!(2), &json!(0)));
    assert_eq!(again["outputData"], json!({"step": 1}), "the worker sees what it left");
    // Left out: emptied. Handed back twice: offered once.
    report(&mut client, &again, json!({"status": "IN_PROGRESS"}));
    report(&mut client, &again, json!({"status": "IN_PROGRESS"}));
    assert_eq!(poll_one(&mut client)["outputData"], json!({}));
    assert!(batch(&mut client, "timeout=0").is_empty());
}

#[test]
fn a_task_that_ended_while_queued_is_not_offered() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 1);
    let task = poll_one(&mut client);
    report(&mut client, &task, json!({"status": "IN_PROGRESS", "callbackAfterSeconds": 0}));
    report(&mut client, &task, json!({"status": "COMPLETED"}));
    assert!(batch(&mut client, "timeout=0").is_empty());
}

#[test]
fn a_lease_extension_ignores_all_other_fields() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 1);
    let task = poll_one(&mut client);
    let fields = json!({"status": "COMPLETED", "extendLease": true, "outputData": {"a": 1}});
    report(&mut client, &task, fields);
    let stored = get_task(&mut client, id(&task));
    assert_eq!((&stored["status"], &stored["outputData"]), (&json!("IN_PROGRESS"), &json!({})));
    assert!(server.cancel(id(&task)));
    report(&mut client, &task, json!({"extendLease": true}));
    assert_eq!(get_task(&mut client, id(&task))["status"], "CANCELED");
}

#[test]
fn an_output_over_10_mebibytes_fails_the_task() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 2);
    let task = poll_one(&mut client);
    let output = json!({"a": "x".repeat(12 * 1024 * 1024)});
    report(&mut client, &task, json!({"status": "COMPLETED", "outputData": output}));
    let stored = get_task(&mut client, id(&task));
    assert_eq!(stored["status"], "FAILED_WITH_TERMINAL_ERROR");
    assert_eq!(stored["outputData"], json!({}));
    let (task_id, workflow_instance_id) = (id(&task), task["workflowInstanceId"].as_str().unwrap());
    assert_eq!(
        stored["reasonForIncompletion"],
        format!(
            "The payload size: 12582920 of task: {task_id} in workflow: {workflow_instance_id}  is greater than \
             the permissible limit: 10485760 bytes"
        )
    );

    let task = poll_one(&mut client);
    let output = json!({"a": "x".repeat(4 * 1024 * 1024)});
    report(&mut client, &task, json!({"status": "COMPLETED", "outputData": output}));
    assert_eq!(server.count(None, Some("COMPLETED")), 1);
}

#[test]
fn a_reason_is_cut_to_500_characters() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 1);
    let task = poll_one(&mut client);
    let reason = "ü".repeat(600);
    let status = "FAILED_WITH_TERMINAL_ERROR";
    report(&mut client, &task, json!({"status": status, "reasonForIncompletion": reason}));
    let stored = get_task(&mut client, id(&task));
    assert_eq!(stored["reasonForIncompletion"], "ü".repeat(500));
}

#[test]
fn logs_are_kept() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 1);
    let task = poll_one(&mut client);
    let path = format!("/tasks/{}/log", id(&task));
    assert_eq!(client.get(&path).status, 204);
    assert_eq!(client.post(&path, "a line").status, 200);
    let log = json!({"log": "another", "taskId": id(&task), "createdTime": 7});
    report(&mut client, &task, json!({"status": "COMPLETED", "logs": [log]}));
    let logs: Value = client.get(&path).json();
    assert_eq!((&logs[0]["log"], &logs[1]), (&json!("a line"), &log));
}

#[test]
fn an_update_by_reference_name_keeps_what_the_task_has() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 1);
    let task = poll_one(&mut client);
    let fields = json!({
        "status": "IN_PROGRESS", "callbackAfterSeconds": 60, "reasonForIncompletion": "why", "workerId": "w1",
        "outputData": {"big": 1, "kept": 2}
    });
    report(&mut client, &task, fields);
    let path = format!(
        "/tasks/{}/{}/COMPLETED?workerid=",
        task["workflowInstanceId"].as_str().unwrap(),
        task["referenceTaskName"].as_str().unwrap()
    );
    let response = client.post(&path, r#"{"big":1180591620717411303424}"#);
    assert_eq!((response.status, response.text()), (200, id(&task)));
    assert!(server.task_json(id(&task)).unwrap().contains(r#"{"big":1180591620717411303424,"kept":2}"#));
    let stored = get_task(&mut client, id(&task));
    assert_eq!((&stored["reasonForIncompletion"], &stored["workerId"]), (&json!("why"), &json!("w1")));
    // Finished now: nothing to update, and no error.
    let response = client.post(&path, "{}");
    assert_eq!((response.status, response.text()), (200, ""));
    assert_eq!(client.post("/tasks/no-such-workflow/greet_ref/COMPLETED", "{}").status, 200);
    assert_eq!(client.post("/tasks/no-such-workflow/greet_ref/TIMED_OUT", "{}").status, 500);
    assert_eq!(client.get("/tasks/no-such-workflow/greet_ref/COMPLETED").status, 405);
}
