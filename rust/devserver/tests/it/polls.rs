use std::time::Duration;

use conductor_devserver::PushOptions;

use crate::client::{Client, batch, gathering, id, poll_one, push, server, timed};

#[test]
fn empty_queue_answers_an_empty_list_after_the_timeout() {
    let server = server();
    let mut client = Client::new(&server);
    for (query, least, most) in [("timeout=0", 0, 90), ("timeout=300", 300, 900), ("", 100, 600)] {
        let (tasks, millis) = timed(|| batch(&mut client, query));
        assert!(tasks.is_empty());
        assert!((least..most).contains(&millis), "{query}: {millis} ms");
    }
}

#[test]
fn a_poll_marks_the_task() {
    let server = server();
    let mut client = Client::new(&server);
    let ids = push(&server, 1);
    let task = poll_one(&mut client);
    assert_eq!(id(&task), ids[0]);
    assert_eq!(task["status"], "IN_PROGRESS");
    assert_eq!(task["workerId"], "w1");
    assert_eq!(task["pollCount"], 1);
    assert_eq!(task["inputData"]["name"], "World");
    assert_eq!(task["taskDefName"], "greet");
    assert_eq!(task["responseTimeoutSeconds"], 3600);
    assert_eq!(task["workflowTask"]["taskReferenceName"], "greet_ref");
    assert_eq!(task["taskDefinition"]["retryCount"], 3);
    assert!(task["startTime"].as_u64() >= task["scheduledTime"].as_u64());
    assert!(task.get("domain").is_none());
}

#[test]
fn the_envelope_of_a_small_task_has_one_kilobyte_and_the_usual_fields() {
    let server = server();
    let mut client = Client::new(&server);
    let input = format!(r#"{{"name":"{}"}}"#, "x".repeat(75));
    server.push("greet", &input, &PushOptions::default()).unwrap();
    let response = client.get("/tasks/poll/batch/greet?timeout=0&workerid=w1");
    assert!((1000..1300).contains(&response.body.len()), "{} bytes", response.body.len());
    assert!(response.json()[0].as_object().unwrap().len() >= 30);
}

#[test]
fn a_partial_batch_is_answered_at_once() {
    let server = server();
    let mut client = Client::new(&server);
    for timeout in [0, 100, 1000] {
        push(&server, 3);
        let (tasks, millis) = timed(|| batch(&mut client, &format!("count=10&timeout={timeout}")));
        assert_eq!(tasks.len(), 3);
        assert!(millis < 90, "{millis} ms");
    }
}

#[test]
fn a_gathering_server_holds_a_partial_batch() {
    let server = gathering();
    let mut client = Client::new(&server);
    for (timeout, least, most) in [(0, 100, 250), (100, 100, 250), (700, 700, 1000)] {
        push(&server, 3);
        let (tasks, millis) = timed(|| batch(&mut client, &format!("count=10&timeout={timeout}")));
        assert_eq!(tasks.len(), 3);
        assert!((least..most).contains(&millis), "timeout {timeout}: {millis} ms");
    }
    let (tasks, millis) = timed(|| batch(&mut client, "count=10&timeout=0"));
    assert!(tasks.is_empty() && millis < 90, "{millis} ms");
    push(&server, 1);
    let (tasks, millis) = timed(|| batch(&mut client, "count=1&timeout=1000"));
    assert!(tasks.len() == 1 && millis < 90, "{millis} ms");
}

#[test]
fn a_task_that_arrives_ends_the_long_poll() {
    let server = server();
    let mut client = Client::new(&server);
    let poll = "GET /api/tasks/poll/batch/greet?count=10&timeout=5000 HTTP/1.1\r\nHost: x\r\n\r\n";
    client.write(poll.as_bytes()).unwrap();
    while server.requests() == 0 {
        std::thread::yield_now();
    }
    push(&server, 2);
    let (response, millis) = timed(|| client.read().unwrap());
    // One waiter may be woken by the first of several pushes, never without a task.
    assert!(!response.json().as_array().unwrap().is_empty());
    assert!(millis < 1000, "{millis} ms");
}

#[test]
fn redis_gives_at_most_64_without_a_timeout() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 1500);
    assert_eq!(batch(&mut client, "count=1000&timeout=0").len(), 64);
    assert_eq!(batch(&mut client, "count=1000&timeout=100").len(), 1000);
    assert_eq!(batch(&mut client, "count=0&timeout=0").len(), 0);
    assert_eq!(batch(&mut client, "count=-1").len(), 0);
    assert_eq!(batch(&mut client, "timeout=0").len(), 1);

    let server = gathering();
    push(&server, 100);
    assert_eq!(batch(&mut Client::new(&server), "count=100&timeout=0").len(), 100);
}

#[test]
fn racing_polls_get_distinct_tasks() {
    let server = server();
    let ids = push(&server, 3);
    let mut polled: Vec<String> = std::thread::scope(|scope| {
        let poll = || batch(&mut Client::new(&server), "count=3&timeout=0");
        let polls: Vec<_> = (0..8).map(|_| scope.spawn(poll)).collect();
        polls.into_iter().flat_map(|poll| poll.join().unwrap()).map(|task| id(&task).to_owned()).collect()
    });
    polled.sort();
    assert_eq!(polled, ids);
}

#[test]
fn a_single_poll_gives_a_task_or_204() {
    let server = server();
    let mut client = Client::new(&server);
    push(&server, 1);
    let response = client.get("/tasks/poll/greet?workerid=w1");
    assert_eq!((response.status, response.json()["status"].as_str()), (200, Some("IN_PROGRESS")));
    let (response, millis) = timed(|| client.get("/tasks/poll/greet"));
    assert_eq!((response.status, response.header("content-length")), (204, None));
    assert!((100..600).contains(&millis), "{millis} ms");
}

#[test]
fn a_domain_is_a_queue_of_its_own() {
    let server = server();
    let mut client = Client::new(&server);
    let options = PushOptions { domain: Some("eu".to_owned()), ..PushOptions::default() };
    server.push("greet", "{}", &options).unwrap();
    assert!(batch(&mut client, "timeout=0").is_empty());
    assert!(batch(&mut client, "timeout=0&domain=us").is_empty());
    let tasks = batch(&mut client, "timeout=0&domain=eu");
    assert_eq!(tasks[0]["domain"], "eu");
    push(&server, 1);
    assert!(batch(&mut client, "timeout=0&domain=").is_empty(), "an empty domain is another queue");
}

#[test]
fn blanks_and_unicode_in_a_task_type_are_fine() {
    let server = server();
    let mut client = Client::new(&server);
    server.push("grüß dich", "{}", &PushOptions::default()).unwrap();
    let task = client.get("/tasks/poll/gr%C3%BC%C3%9F%20dich").json();
    assert_eq!(task["taskType"], "grüß dich");
}

#[test]
fn a_poll_goes_on_when_its_client_has_gone() {
    let server = server();
    let mut client = Client::new(&server);
    client.write(b"GET /api/tasks/poll/batch/greet?timeout=5000 HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    while server.requests() == 0 {
        std::thread::yield_now();
    }
    drop(client);
    // Time for the server to notice that the client has gone; the poll must outlive that.
    std::thread::sleep(Duration::from_millis(100));
    push(&server, 1);
    assert!(server.wait_for(1, Some("greet"), Some("IN_PROGRESS"), Duration::from_secs(2)));
}

#[test]
fn raw_input_is_written_as_it_is() {
    let server = server();
    let mut client = Client::new(&server);
    server.push_raw_input("greet", b"{\"broken\": tru", &PushOptions::default());
    let response = client.get("/tasks/poll/batch/greet?timeout=0");
    assert!(response.text().contains("\"inputData\":{\"broken\": tru,\"referenceTaskName\""));
}
