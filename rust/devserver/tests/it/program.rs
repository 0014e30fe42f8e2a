use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_conductor-devserver"))
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

#[test]
fn wrong_usage_ends_with_2_and_a_clear_error() {
    for (arguments, message) in [
        (vec!["--prt", "1"], "conductor-devserver: unknown option --prt\n"),
        (vec!["--port"], "conductor-devserver: --port needs a value\n"),
        (vec!["--port", "http"], "conductor-devserver: --port does not take 'http'\n"),
        (vec!["--auth-key", "k"], "conductor-devserver: --auth-key and --auth-secret are needed together\n"),
        (vec!["--push", "greet"], "conductor-devserver: --push takes TYPE:COUNT, not 'greet'\n"),
    ] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().starts_with(message), "{message}");
    }
    let output = run(&["--port", "0", "--push", "greet:1", "--input", "[]"]);
    assert_eq!(output.status.code(), Some(1));
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().contains("--gathering"));
}

#[test]
fn it_serves_and_keeps_a_queue_filled() {
    let mut child = program()
        .args(["--port", "0", "--push", "once:3", "--auto", "greet:5"])
        .args(["--define", r#"{"name":"greet","retryCount":7}"#])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().strip_suffix("/api").unwrap();
    let get = |path: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    let tasks = |text: &str| text.matches("\"taskId\":").count();
    assert_eq!(tasks(&get("/api/tasks/poll/batch/once?count=10&timeout=0")), 3);
    let mut polled = 0;
    let begun = Instant::now();
    while polled < 20 && begun.elapsed() < Duration::from_secs(10) {
        let text = get("/api/tasks/poll/batch/greet?count=10&timeout=100");
        assert!(tasks(&text) == 0 || text.contains("\"retryCount\":7"));
        polled += tasks(&text);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(polled >= 20);
}
