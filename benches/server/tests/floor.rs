//! The server and the floor client, as `make bench` runs them.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the message")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the floor client until the stretch is measured; the server's last line.
fn run(options: &str, connections: &str) -> Value {
    let mut server = Killed(
        Command::new(env!("CARGO_BIN_EXE_conductor-bench-server"))
            .arg(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let mut events = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let listening = events.next().unwrap();
    let mut client = Killed(
        Command::new(env!("CARGO_BIN_EXE_conductor-bench-floor"))
            .args([listening["url"].as_str().unwrap(), connections])
            .spawn()
            .unwrap(),
    );
    assert!(events.any(|event| event["event"] == "measured"), "{options}");
    let _ = client.0.kill();
    drop(server.0.stdin.take());
    events.find(|event| event["event"] == "ended").unwrap()
}

fn assert_sound(ended: &Value) {
    let counts = &ended["whole_run"];
    for problem in ["not_completed", "duplicate", "unknown", "wrong_output", "refused"] {
        assert_eq!(counts[problem], 0, "{problem}: {ended}");
    }
    assert!(ended["stretch"]["tasks"].as_u64().unwrap() > 0, "{ended}");
}

#[test]
fn a_closed_loop_is_carried_and_judged() {
    let ended = run(r#"{"warm_up_seconds":0.1,"seconds":0.3,"longest_seconds":20}"#, "8");
    assert_sound(&ended);
    assert_eq!(ended["latencies"]["completed_micros"], Value::Null);
    assert_eq!(ended["most_connections"], 8);
}

#[test]
fn open_loops_measure_latency() {
    for (arrivals, latency) in [
        (r#"{"kind":"open","per_second":500}"#, "completed_micros"),
        (r#"{"kind":"burst","tasks":60,"every_millis":100}"#, "burst_micros"),
    ] {
        for polls in ["held", "gathered", "at_once"] {
            let options = format!(
                r#"{{"arrivals":{arrivals},"polls":"{polls}","think_micros":50,"warm_up_seconds":0.1,"seconds":0.4,"longest_seconds":20}}"#
            );
            let ended = run(&options, "0");
            assert_sound(&ended);
            assert!(ended["latencies"][latency].is_object(), "{ended}");
        }
    }
}
