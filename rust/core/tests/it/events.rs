use std::sync::Arc;
use std::time::Duration;

use conductor_core::observe::Happening;
use conductor_core::settings::WorkerConfig;
use conductor_devserver::PushOptions;

use super::support::{DEADLINE, Engine, Lines, config, echo, eventually, fault, server};

/// The names of what happened, without polls that brought nothing.
fn names(lines: &Lines) -> Vec<&'static str> {
    let name = |what: &Happening| match what {
        Happening::PollStarted { .. } => "PollStarted",
        Happening::PollCompleted { .. } => "PollCompleted",
        Happening::PollFailure { .. } => "PollFailure",
        Happening::TaskUpdateCompleted { .. } => "TaskUpdateCompleted",
        Happening::TaskUpdateFailure { .. } => "TaskUpdateFailure",
        Happening::TaskPaused => "TaskPaused",
        Happening::TaskExecutionQueueFull => "TaskExecutionQueueFull",
    };
    lines.events().iter().map(|event| name(&event.what)).collect()
}

fn count(lines: &Lines, name: &str) -> usize {
    names(lines).iter().filter(|each| **each == name).count()
}

#[test]
fn polls_and_reports_are_told_in_order_with_what_they_brought() {
    let server = server();
    let ids = server.push_many("told", "{}", 2, &PushOptions::default()).unwrap();
    let mut engine = Engine::start_listening(&server.url());
    engine.worker("told", 2, echo);
    assert!(server.wait_for(2, Some("told"), Some("COMPLETED"), DEADLINE));
    let lines = Arc::clone(&engine.lines);
    assert!(engine.stop(DEADLINE).is_empty());
    let events = lines.events();
    assert!(events.iter().all(|event| &*event.task_type == "told"));
    let [first, second, ..] = events.as_slice() else { unreachable!("{events:?}") };
    assert!(
        matches!(&first.what, Happening::PollStarted { worker_id, poll_count: 2 } if worker_id == "test"),
        "{first:?}"
    );
    assert!(matches!(second.what, Happening::PollCompleted { tasks_received: 2, .. }), "{second:?}");
    let mut updated: Vec<String> = events
        .iter()
        .filter_map(|event| match &event.what {
            Happening::TaskUpdateCompleted { task_id, .. } => Some(task_id.to_string()),
            _ => None,
        })
        .collect();
    updated.sort();
    let mut ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.sort();
    assert_eq!(updated, ids);
}

#[test]
fn a_poll_that_fails_is_told_with_its_cause() {
    let server = server();
    fault(&server, r#"{"method":"GET","path":"/api/tasks/poll","answer":{"status":503}}"#);
    let mut engine = Engine::start_listening(&server.url());
    engine.worker("told", 1, echo);
    eventually("a failure is told", || count(&engine.lines, "PollFailure") > 0);
    let lines = Arc::clone(&engine.lines);
    assert_eq!(names(&lines)[..2], ["PollStarted", "PollFailure"]);
    let Happening::PollFailure { cause, .. } = &lines.events()[1].what else { unreachable!() };
    assert!(cause.to_string().contains("503"), "{cause}");
    server.clear_faults();
    engine.stop(DEADLINE);
}

#[test]
fn a_result_that_is_given_up_is_told_and_so_is_the_one_in_its_place() {
    let server = server();
    let rule = r#"{"method":"POST","path":"/api/tasks","taskType":"told","count":1,"answer":{"status":400}}"#;
    fault(&server, rule);
    server.push("told", r#"{"a":1}"#, &PushOptions::default()).unwrap();
    let mut engine = Engine::start_listening(&server.url());
    engine.worker("told", 1, echo);
    assert!(server.wait_for(1, Some("told"), Some("FAILED_WITH_TERMINAL_ERROR"), DEADLINE));
    let lines = Arc::clone(&engine.lines);
    assert!(engine.stop(DEADLINE).is_empty());
    let events = lines.events();
    let given_up = events.iter().position(|event| {
        matches!(&event.what, Happening::TaskUpdateFailure { tries: 1, result, .. }
            if result.windows(7).any(|part| part == br#"{"a":1}"#))
    });
    let updated = events.iter().position(|event| matches!(event.what, Happening::TaskUpdateCompleted { .. }));
    assert!(given_up.is_some() && given_up < updated, "{events:?}");
    assert_eq!(count(&lines, "TaskUpdateFailure"), 1);
}

#[test]
fn a_pause_and_a_want_of_slots_are_told_once() {
    let server = server();
    let mut engine = Engine::start_listening(&server.url());
    let paused = WorkerConfig { paused: true, ..config("told", 1) };
    let runner = engine.add(paused, 1, |task, _| {
        std::thread::sleep(Duration::from_millis(200));
        echo(task)
    });
    eventually("the pause is told", || count(&engine.lines, "TaskPaused") == 1);
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(names(&engine.lines), ["TaskPaused"]);
    server.push("told", "{}", &PushOptions::default()).unwrap();
    runner.resume();
    assert!(server.wait_for(1, Some("told"), Some("COMPLETED"), DEADLINE));
    let lines = Arc::clone(&engine.lines);
    assert!(engine.stop(DEADLINE).is_empty());
    assert_eq!((count(&lines, "TaskPaused"), count(&lines, "TaskExecutionQueueFull")), (1, 1));
}
