//! The batch splitter against serde_json, and against what no server should send.

use bytes::Bytes;
use conductor_core::wire::{PolledBatch, PolledTask, has_ended};
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

fn ids(tasks: &[PolledTask]) -> Vec<String> {
    tasks.iter().map(|task| task.identity.task_id.to_string()).collect()
}

/// Splits, reads everything there is to read, and returns the ids. Nothing of it may panic or hang.
pub(crate) fn exercise(bytes: &[u8]) -> Option<Vec<String>> {
    let body = Bytes::copy_from_slice(bytes);
    let batch = PolledBatch::split(&body)?;
    for task in &batch.tasks {
        assert!(task.raw().len() <= bytes.len() && task.input().len() <= task.raw().len());
        assert!(!task.identity.task_id.is_empty());
        let _ = (task.refusal(), task.response_timeout, has_ended(task.raw()));
    }
    Some(ids(&batch.tasks))
}

/// Values with every kind of text: quotes, brackets, escapes, other scripts.
fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![".*", r#"["\\\[\]{},:u0-9]{0,12}"#];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no other", |number| number.is_finite()).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(".*", inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn task() -> impl Strategy<Value = Value> {
    let members = prop::collection::hash_map("[a-z]{1,8}", value(), 0..5);
    (members, ".+", value()).prop_map(|(members, id, input)| {
        let mut task: Map<String, Value> = members.into_iter().collect();
        task.insert("taskId".into(), id.into());
        task.insert("workflowInstanceId".into(), "w".into());
        task.insert("inputData".into(), input);
        Value::Object(task)
    })
}

fn text(tasks: &[Value], pretty: bool) -> String {
    if pretty { serde_json::to_string_pretty(tasks) } else { serde_json::to_string(tasks) }.unwrap()
}

#[test]
fn nesting_has_no_limit() {
    for bracket in ["[", "{\"a\":", "[{\"taskId\":"] {
        exercise(bracket.repeat(100_000).as_bytes());
    }
}

proptest! {
    #[test]
    fn a_batch_is_split_as_serde_json_reads_it(tasks in prop::collection::vec(task(), 0..6), pretty: bool) {
        let text = text(&tasks, pretty);
        let batch = PolledBatch::split(&Bytes::from(text.clone())).unwrap();
        let raw: Vec<&RawValue> = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(batch.unusable, 0);
        prop_assert_eq!(batch.tasks.len(), tasks.len());
        for ((split, whole), expected) in batch.tasks.iter().zip(raw).zip(&tasks) {
            prop_assert_eq!(split.raw(), whole.get().as_bytes());
            prop_assert_eq!(&*split.identity.task_id, expected["taskId"].as_str().unwrap());
            let input: Value = serde_json::from_slice(split.input()).unwrap();
            prop_assert_eq!(&input, &serde_json::from_str::<Value>(&expected["inputData"].to_string()).unwrap());
        }
    }

    #[test]
    fn a_cut_batch_gives_its_first_tasks(tasks in prop::collection::vec(task(), 1..6), pretty: bool, cut: prop::sample::Index) {
        let text = text(&tasks, pretty);
        let whole = exercise(text.as_bytes()).unwrap();
        let some = exercise(&text.as_bytes()[..cut.index(text.len())]).unwrap_or_default();
        prop_assert!(whole.starts_with(&some), "{some:?} of {whole:?}");
    }

    #[test]
    fn spoilt_batches_are_survived(
        tasks in prop::collection::vec(task(), 1..4),
        spots in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = text(&tasks, false).into_bytes();
        for (spot, byte) in spots {
            let at = spot.index(bytes.len());
            bytes[at] = byte;
        }
        exercise(&bytes);
    }

    #[test]
    fn any_bytes_are_survived(bytes: Vec<u8>, json in r#"[\[\]{}",:\\ a-z0-9]{0,200}"#) {
        exercise(&bytes);
        exercise(json.as_bytes());
        exercise(&[b"[", &bytes[..]].concat());
    }
}
