use std::io::ErrorKind;
use std::thread;
use std::time::Duration;

use conductor_devserver::{PushOptions, run_floor};

use crate::client::server;

const OUTPUT: &str = r#"{"number":1}"#;

/// More than a batch, and more than a connection's 100 requests.
#[test]
fn the_floor_completes_every_task_and_ends_with_the_server() {
    let server = server();
    server.push_many("greet", "{}", 8_000, &PushOptions::default()).unwrap();
    let url = server.url();
    let floor = thread::spawn(move || run_floor(&url, "greet", OUTPUT));
    assert!(server.wait_for(8_000, Some("greet"), Some("COMPLETED"), Duration::from_secs(60)));
    let ended = server.tasks_json(Some("greet"), Some("COMPLETED"));
    assert_eq!(ended.matches(&format!(r#""outputData":{OUTPUT}"#)).count(), 8_000);
    server.stop();
    floor.join().unwrap().unwrap();
}

#[test]
fn the_floor_needs_a_server() {
    let kind = |url| run_floor(url, "greet", OUTPUT).unwrap_err().kind();
    assert_eq!(kind("https://example.org"), ErrorKind::InvalidInput);
    let server = server();
    let url = server.url();
    server.stop();
    assert_eq!(kind(&url), ErrorKind::ConnectionRefused);
}
