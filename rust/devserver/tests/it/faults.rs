use conductor_devserver::{DevServer, FaultAction, FaultRule, Options, PushOptions};
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
        count: Some(3),
        ..FaultRule::new(FaultAction::Close)
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

#[test]
fn a_rule_in_words_is_the_same_as_in_json() {
    for (words, same) in [
        ("503 of=updates seconds=30", json!({"status": 503, "of": "updates", "seconds": 30})),
        (
            "429 retry-after=7 count=3 type=7",
            json!({"status": 429, "retryAfter": "7", "count": 3, "taskType": "7"}),
        ),
        ("close-after share=0.01 skip=2", json!({"closeAfter": true, "share": 0.01, "skip": 2})),
        ("length-off=-3 method=GET path=/api", json!({"lengthOff": -3, "method": "GET", "path": "/api"})),
        (r#" {"html": true, "twice": false}"#, json!({"html": true})),
    ] {
        assert_eq!(FaultRule::parse(words).as_ref(), Ok(&rule(&same)), "{words}");
    }
    for (wrong, named) in [
        ("503 off=polls", "\"off\""),
        ("close twice", "exactly one"),
        ("", "exactly one"),
        ("503 of=everything", "everything"),
        ("close close", "twice"),
        ("close retry-after=1", "goes with status"),
        ("503 share=2", "share"),
        ("503 seconds=-1", "seconds"),
        ("cut=many", "cut"),
        ("99", "99"),
    ] {
        let error = FaultRule::parse(wrong).unwrap_err();
        assert!(error.contains(named), "{wrong}: {error}");
    }
}

#[test]
fn every_row_of_the_table_is_a_word() {
    for row in FaultRule::table().lines() {
        let word = row.split_whitespace().next().unwrap();
        let given = match word.split_once('=') {
            Some((key @ "of", _)) => format!("{key}=polls"),
            Some(("answer", _)) => continue,
            Some(("status", _)) => "200".to_owned(),
            Some((key, "JSON" | "NAME" | "PREFIX" | "TEXT")) => format!("{key}=x"),
            Some((key, _)) => format!("{key}=1"),
            None => word.to_owned(),
        };
        let error = FaultRule::parse(&given).err().unwrap_or_default();
        // A word that only says whom to hit lacks the fault; a fault alone is whole.
        assert!(error.is_empty() || error.contains("exactly one"), "{given}: {error}");
        assert!(
            FaultRule::parse(&format!("{given} {given}")).unwrap_err().contains("given twice"),
            "{given}"
        );
    }
}

/// What a client sees of one poll of the two tasks that are there, as bytes until the server ends.
fn raw_poll(fault: &str) -> (DevServer, std::io::Result<Vec<u8>>) {
    use std::io::{Read, Write};
    let server = server();
    push(&server, 2);
    server.add_fault(FaultRule::parse(fault).unwrap());
    let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_millis(500))).unwrap();
    stream
        .write_all(b"GET /api/tasks/poll/batch/greet?count=2&timeout=0 HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut seen = Vec::new();
    let end = stream.read_to_end(&mut seen);
    (server, end.map(|_| seen))
}

#[test]
fn an_answer_is_spoilt_on_its_way() {
    let in_progress = |server: &DevServer| server.count(Some("greet"), Some("IN_PROGRESS"));
    let text = |fault: &str| {
        let (server, seen) = raw_poll(fault);
        assert_eq!(in_progress(&server), 2, "{fault}: the work is done");
        String::from_utf8_lossy(&seen.unwrap()).into_owned()
    };
    let cut = text("cut=40");
    assert!(cut.starts_with("HTTP/1.1 200") && cut.contains("chunked") && !cut.ends_with(']'), "{cut}");
    assert_eq!(cut.split_once("\r\n[").unwrap().1.len(), 39);
    assert!(!text("garbage").contains("HTTP/"));
    let longer = text("length-off=5");
    let (head, body) = longer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("Content-Length: {}", body.len() + 5)), "{longer}");
    assert!(text("continue").starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"));
    assert!(text("connection-close").to_lowercase().contains("connection: close"));

    let (server, seen) = raw_poll("cut-reset=40");
    assert_eq!((in_progress(&server), seen.unwrap_err().kind()), (2, std::io::ErrorKind::ConnectionReset));
    for (fault, taken, end) in [
        ("reset", 0, std::io::ErrorKind::ConnectionReset),
        ("hang", 0, std::io::ErrorKind::WouldBlock),
        ("hang-after", 2, std::io::ErrorKind::WouldBlock),
    ] {
        let (server, seen) = raw_poll(fault);
        assert!(seen.is_err_and(|error| error.kind() == end), "{fault}");
        assert_eq!(in_progress(&server), taken, "{fault}");
    }
    server.clear_faults();
    server.add_fault(FaultRule::parse("drip-millis=1").unwrap());
    let (answer, millis) = timed(|| Client::new(&server).get("/metadata/taskdefs"));
    assert!(answer.status == 200 && millis >= 100, "a hundred bytes: {millis} ms");
    let (server, seen) = raw_poll("huge=200000");
    assert_eq!((in_progress(&server), seen.unwrap().len() > 200_000), (0, true));
}

#[test]
fn a_poll_may_hand_out_more_or_the_same_again() {
    let server = server();
    push(&server, 4);
    let mut client = Client::new(&server);
    server.add_fault(FaultRule::parse("more-tasks=2 count=1").unwrap());
    assert_eq!(batch(&mut client, "count=1&timeout=0").len(), 3);
    server.add_fault(FaultRule::parse("again count=1").unwrap());
    let first = batch(&mut client, "count=9&timeout=0");
    assert_eq!(batch(&mut client, "count=9&timeout=0").iter().map(id).collect::<Vec<_>>(), [id(&first[0])]);
    push(&server, 1);
    server.add_fault(FaultRule::parse("twice count=1").unwrap());
    let twice = batch(&mut client, "count=9&timeout=0");
    assert_eq!((twice.len(), id(&twice[0])), (2, id(&twice[1])));
}

#[test]
fn a_rule_hits_a_share_of_the_requests_for_a_while() {
    let options = Options { requests_per_connection: None, ..Options::default() };
    let server = DevServer::start(options).unwrap();
    let mut client = Client::new(&server);
    server.add_fault(FaultRule::parse("404 share=0.1 skip=3 of=looks").unwrap());
    let statuses: Vec<_> =
        (0..300).map(|_| client.get("/tasks/none").json()["message"].to_string()).collect();
    let hits = statuses.iter().filter(|message| message.contains("fault rule")).count();
    assert!((10..60).contains(&hits), "{hits}");
    server.clear_faults();
    server.add_fault(FaultRule::parse("503 seconds=0.05").unwrap());
    assert_eq!(client.get("/tasks/none").status, 503);
    let ((), millis) = timed(|| while client.get("/tasks/none").status == 503 {});
    assert!(millis < 5_000, "{millis}");
}
