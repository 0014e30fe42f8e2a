use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::scan;

/// The two names that a report needs.
#[derive(Debug, Clone)]
pub struct TaskIdentity {
    /// Unique per attempt.
    pub task_id: Arc<str>,
    pub workflow_instance_id: Arc<str>,
}

/// A task as the server handed it out: the few header fields that the engine reads, and slices of the
/// response for the rest. Nothing is copied but the two ids.
#[derive(Debug)]
pub struct PolledTask {
    /// The whole task object, as the server sent it.
    raw: Bytes,
    input: Range<usize>,
    /// The server keeps the input in external storage, and sent none of it.
    input_is_elsewhere: bool,
    pub identity: TaskIdentity,
}

/// The answer to one poll.
#[derive(Debug, Default)]
pub struct PolledBatch {
    pub tasks: Vec<PolledTask>,
    /// Elements that carry no usable ids: they can neither be run nor reported.
    pub unusable: usize,
}

impl PolledTask {
    /// `inputData` as JSON text; empty if the task has none. Not validated.
    pub fn input(&self) -> &[u8] {
        self.raw.get(self.input.clone()).unwrap_or_default()
    }

    /// The whole task as JSON text. Not validated.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Why the task must not be run, whatever its function asks for. Without its input it would run on
    /// nothing and complete; another attempt would get no more of it.
    pub fn refusal(&self) -> Option<&'static str> {
        self.input_is_elsewhere.then_some(
            "The server moved the input of this task to external storage (externalInputPayloadStoragePath), \
             which this worker cannot read; pass less input, or a reference to it",
        )
    }

    fn find(body: &Bytes, start: usize) -> (Option<Self>, Option<usize>) {
        let (mut task_id, mut workflow_instance_id, mut input, mut elsewhere) = (None, None, 0..0, false);
        let end = scan::members(body, start, |key, value| match key {
            b"taskId" => task_id = text(body, &value),
            b"workflowInstanceId" => workflow_instance_id = text(body, &value),
            b"inputData" => input = value.start - start..value.end - start,
            b"externalInputPayloadStoragePath" => elsewhere = text(body, &value).is_some(),
            _ => {}
        });
        // An object that cannot be walked may still end where its brackets say.
        let end = end.or_else(|| scan::skip_value(body, start));
        let task = match (task_id, workflow_instance_id, end) {
            (Some(task_id), Some(workflow_instance_id), Some(end)) => Some(Self {
                raw: body.slice(start..end),
                input_is_elsewhere: elsewhere && is_empty(body.get(start..end), &input),
                input,
                identity: TaskIdentity {
                    task_id: task_id.into(),
                    workflow_instance_id: workflow_instance_id.into(),
                },
            }),
            _ => None,
        };
        (task, end)
    }
}

/// The string at `range`, if there is one that is not empty.
fn text(body: &[u8], range: &Range<usize>) -> Option<String> {
    serde_json::from_slice::<String>(body.get(range.clone())?).ok().filter(|text| !text.is_empty())
}

/// No input: absent, null, or an object without members.
fn is_empty(task: Option<&[u8]>, input: &Range<usize>) -> bool {
    match task.and_then(|task| task.get(input.clone())).unwrap_or_default() {
        b"" | b"null" => true,
        [b'{', inner @ .., b'}'] => inner.iter().all(u8::is_ascii_whitespace),
        _ => false,
    }
}

impl PolledBatch {
    /// Splits the body of a batch poll. `None`: it is no JSON array, so it is not Conductor that answered.
    /// An empty body is an empty batch (older servers answer 204).
    pub fn split(body: &Bytes) -> Option<Self> {
        let mut batch = Self::default();
        let mut at = scan::skip_space(body, 0);
        match body.get(at) {
            None => return Some(batch),
            Some(b'[') => at = scan::skip_space(body, at + 1),
            Some(_) => return None,
        }
        if body.get(at) == Some(&b']') {
            return Some(batch);
        }
        loop {
            let (task, end) = PolledTask::find(body, at);
            match task {
                Some(task) => batch.tasks.push(task),
                None => batch.unusable += 1,
            }
            let Some(end) = end else { return Some(batch) };
            at = scan::skip_space(body, end);
            match body.get(at) {
                Some(b',') => at = scan::skip_space(body, at + 1),
                _ => return Some(batch),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> PolledBatch {
        PolledBatch::split(&Bytes::copy_from_slice(text.as_bytes())).expect("an array")
    }

    fn task(id: &str, input: &str) -> String {
        format!(
            r#"{{"status":"IN_PROGRESS", "inputData" : {input} ,"taskId":"{id}","workflowInstanceId":"w-{id}"}}"#
        )
    }

    #[test]
    fn a_batch_is_split_into_slices() {
        let batch = split(&format!("[{}, {}]", task("a", r#"{"x":[1,"]"]}"#), task("b", "{}")));
        assert_eq!(batch.unusable, 0);
        assert_eq!(batch.tasks.len(), 2);
        assert_eq!(&*batch.tasks[0].identity.task_id, "a");
        assert_eq!(&*batch.tasks[0].identity.workflow_instance_id, "w-a");
        assert_eq!(batch.tasks[0].input(), br#"{"x":[1,"]"]}"#);
        assert_eq!(batch.tasks[1].raw(), task("b", "{}").as_bytes());
    }

    #[test]
    fn malformed_input_does_not_sink_its_batch() {
        let batch = split(&format!(
            "[{},{},{}]",
            task("a", r#"{"x": nope}"#),
            task("b", "{}"),
            task("c", r#"{"x":01}"#)
        ));
        let ids: Vec<_> = batch.tasks.iter().map(|task| &*task.identity.task_id).collect();
        assert_eq!(ids, ["a", "b", "c"]);
        assert_eq!(batch.tasks[0].input(), br#"{"x": nope}"#);
    }

    #[test]
    fn tasks_without_ids_are_counted() {
        let batch = split(&format!(r#"[{{"taskId":7}},{},null,{{"taskId":"x"}}]"#, task("a", "{}")));
        assert_eq!((batch.tasks.len(), batch.unusable), (1, 3));
    }

    #[test]
    fn a_truncated_body_gives_what_was_whole() {
        let whole = format!("[{},{}]", task("a", "{}"), task("b", "{}"));
        for end in 1..whole.len() - 1 {
            let batch = split(&whole[..end]);
            assert!(batch.tasks.len() <= 2);
        }
        assert_eq!(split(&whole[..whole.len() - 3]).tasks.len(), 1);
    }

    #[test]
    fn what_is_no_array_is_refused() {
        assert!(PolledBatch::split(&Bytes::from_static(b"<html>")).is_none());
        assert!(PolledBatch::split(&Bytes::from_static(b"{}")).is_none());
        for empty in ["", " ", "[]", "[ ]"] {
            assert!(split(empty).tasks.is_empty());
        }
    }

    #[test]
    fn ids_with_escapes_are_decoded() {
        let batch = split(r#"[{"taskId":"a\"\u00e9","workflowInstanceId":"w"}]"#);
        assert_eq!(&*batch.tasks[0].identity.task_id, "a\"é");
        assert!(batch.tasks[0].input().is_empty());
    }

    #[test]
    fn a_task_whose_input_is_elsewhere_is_not_to_be_run() {
        let path = r#""externalInputPayloadStoragePath":"task/input/secret.json""#;
        for (members, refused) in [
            (format!(r#"{path},"inputData":{{}}"#), true),
            (format!(r#"{path},"inputData":{{ }}"#), true),
            (format!(r#""inputData":null,{path}"#), true),
            (path.to_owned(), true),
            (format!(r#""inputData":{{"a":1}},{path}"#), false),
            (r#""inputData":{},"externalInputPayloadStoragePath":null"#.to_owned(), false),
            (r#""inputData":{},"externalInputPayloadStoragePath":"""#.to_owned(), false),
            (r#""inputData":{}"#.to_owned(), false),
        ] {
            let batch = split(&format!(r#"[{{"taskId":"a","workflowInstanceId":"w",{members}}}]"#));
            let refusal = batch.tasks[0].refusal();
            assert_eq!(refusal.is_some(), refused, "{members}");
            assert!(refusal.is_none_or(|reason| !reason.contains("secret.json")));
        }
    }
}
