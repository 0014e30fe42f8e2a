use std::time::Duration;

use conductor_devserver::{DevServer, Options};

use crate::client::{Client, server};

const GET: &[u8] = b"GET /api/tasks/none HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn a_connection_is_closed_after_its_100th_request() {
    let server = server();
    let mut client = Client::new(&server);
    for number in 1..=100 {
        let response = client.send_bytes(GET).unwrap();
        assert_eq!(response.header("connection"), (number == 100).then_some("close"), "request {number}");
    }
    assert!(client.is_closed());
    client.send_bytes(GET).unwrap();
    assert_eq!((server.connections_opened(), server.requests()), (2, 101));
}

#[test]
fn a_connection_may_live_for_ever() {
    let options = Options { requests_per_connection: None, ..Options::default() };
    let server = DevServer::start(options).unwrap();
    let mut client = Client::new(&server);
    for _ in 0..250 {
        client.send_bytes(GET).unwrap();
    }
    assert_eq!(server.connections_opened(), 1);
}

#[test]
fn an_idle_connection_is_closed() {
    let options = Options { idle_timeout: Duration::from_millis(100), ..Options::default() };
    let server = DevServer::start(options).unwrap();
    let mut client = Client::new(&server);
    // A long poll is not idle.
    let poll = b"GET /api/tasks/poll/batch/greet?timeout=400 HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(client.send_bytes(poll).unwrap().status, 200);
    assert!(client.is_closed());
}

#[test]
fn json_is_chunked_and_has_no_length() {
    let server = server();
    let response = Client::new(&server).get("/tasks/poll/batch/greet?timeout=0");
    assert_eq!(response.header("transfer-encoding"), Some("chunked"));
    assert_eq!(response.header("content-length"), None);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = server();
    let mut client = Client::new(&server);
    let two = b"GET /api/tasks/one HTTP/1.1\r\nHost: x\r\n\r\nGET /api/tasks/two HTTP/1.1\r\nHost: x\r\n\r\n";
    client.write(two).unwrap();
    for task_id in ["one", "two"] {
        assert_eq!(client.read().unwrap().message(), format!("Task not found for taskId: {task_id}"));
    }
}

#[test]
fn chunked_request_bodies_and_expect_continue_work() {
    let server = server();
    let mut client = Client::new(&server);
    let head = "POST /api/tasks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    let chunked =
        format!("{head}Transfer-Encoding: chunked\r\n\r\n5\r\n{{\"tas\r\n9\r\nkId\":\"x\"}}\r\n0\r\n\r\n");
    assert_eq!(client.send_bytes(chunked.as_bytes()).unwrap().status, 400, "read, and without a workflow id");
    let expecting = format!("{head}Content-Length: 14\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.send_bytes(expecting.as_bytes()).unwrap().status, 100);
    assert_eq!(client.send_bytes(b"{\"taskId\":\"x\"}").unwrap().status, 400);
}

#[test]
fn http_2_is_refused() {
    let server = server();
    let mut client = Client::new(&server);
    client.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    assert!(client.read().map_or(true, |response| response.status >= 400));
}

#[test]
fn stop_closes_everything_and_may_be_repeated() {
    let server = server();
    let mut client = Client::new(&server);
    client.send_bytes(GET).unwrap();
    server.stop();
    server.stop();
    assert!(client.is_closed());
    assert!(Client::new(&server).send_bytes(GET).is_err());
    assert_eq!(server.requests(), 1);
}
