use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::json_string::plain_string;
use super::scan::Scan;

/// The two names that a report needs.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    output: Range<usize>,
    /// The server keeps the input in external storage, and sent none of it.
    input_is_elsewhere: bool,
    pub identity: TaskIdentity,
    /// Silent for so long, the server gives the task to somebody else; zero: never.
    pub response_timeout: Duration,
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

    /// `outputData` as JSON text: what an earlier report of this very task left there; empty if there is none.
    pub(super) fn output(&self) -> &[u8] {
        self.raw.get(self.output.clone()).unwrap_or_default()
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

    fn find(body: &Bytes, scan: &mut Scan<'_>, start: usize) -> (Option<Self>, Option<usize>) {
        let (mut task_id, mut workflow_instance_id) = (None, None);
        let (mut input, mut output) = (0..0, 0..0);
        let (mut elsewhere, mut timeout) = (false, 0);
        let end = scan.members(start, |key, value| match key {
            b"taskId" => task_id = text(body, &value),
            b"workflowInstanceId" => workflow_instance_id = text(body, &value),
            b"inputData" => input = value.start - start..value.end - start,
            b"outputData" => output = value.start - start..value.end - start,
            b"externalInputPayloadStoragePath" => elsewhere = text(body, &value).is_some(),
            b"responseTimeoutSeconds" => timeout = seconds(body, &value),
            _ => {}
        });
        // An object that cannot be walked may still end where its brackets say.
        let end = end.or_else(|| Scan::from(body, start).skip_value(start));
        let task = match (task_id, workflow_instance_id, end) {
            (Some(task_id), Some(workflow_instance_id), Some(end)) => Some(Self {
                raw: body.slice(start..end),
                input_is_elsewhere: elsewhere && is_empty(body.get(start..end), &input),
                input,
                output,
                identity: TaskIdentity { task_id, workflow_instance_id },
                response_timeout: Duration::from_secs(u64::from(timeout)),
            }),
            _ => None,
        };
        (task, end)
    }
}

/// The string at `range`, if there is one that is not empty.
fn text(body: &[u8], range: &Range<usize>) -> Option<Arc<str>> {
    let value = body.get(range.clone())?;
    if let Some(plain) = plain_string(value) {
        return (!plain.is_empty()).then(|| plain.into());
    }
    serde_json::from_slice::<String>(value).ok().filter(|text| !text.is_empty()).map(Into::into)
}

/// No input: absent, null, or an object without members.
fn is_empty(task: Option<&[u8]>, input: &Range<usize>) -> bool {
    match task.and_then(|task| task.get(input.clone())).unwrap_or_default() {
        b"" | b"null" => true,
        [b'{', inner @ .., b'}'] => inner.iter().all(u8::is_ascii_whitespace),
        _ => false,
    }
}

/// The number at `range`; 0 for what is none. A century is "never", and does not overflow a clock.
fn seconds(body: &[u8], range: &Range<usize>) -> u32 {
    let digits = body.get(range.clone()).and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| digits.parse().ok()).filter(|seconds| *seconds < 100 * 365 * 86_400).unwrap_or(0)
}

/// Has the task in this answer to `GET /tasks/{taskId}` ended? False for a status that is not known, and
/// for what is no task: nothing may be cancelled by mistake.
pub fn has_ended(body: &[u8]) -> bool {
    let mut ended = false;
    let mut scan = Scan::new(body);
    scan.members(scan.skip_space(0), |key, value| {
        if key == b"status" {
            ended = matches!(
                body.get(value),
                Some(
                    br#""CANCELED""#
                        | br#""TIMED_OUT""#
                        | br#""COMPLETED""#
                        | br#""COMPLETED_WITH_ERRORS""#
                        | br#""FAILED""#
                        | br#""FAILED_WITH_TERMINAL_ERROR""#
                        | br#""SKIPPED""#
                )
            );
        }
    });
    ended
}

impl PolledBatch {
    /// Splits the body of a batch poll. `None`: it is no JSON array, so it is not Conductor that answered.
    /// An empty body is an empty batch (older servers answer 204).
    pub fn split(body: &Bytes) -> Option<Self> {
        let mut batch = Self::default();
        let mut scan = Scan::new(body);
        let mut at = scan.skip_space(0);
        match body.get(at) {
            None => return Some(batch),
            Some(b'[') => at = scan.skip_space(at + 1),
            Some(_) => return None,
        }
        if body.get(at) == Some(&b']') {
            return Some(batch);
        }
        loop {
            let (task, end) = PolledTask::find(body, &mut scan, at);
            match task {
                Some(task) => batch.tasks.push(task),
                None => batch.unusable += 1,
            }
            let Some(end) = end else { return Some(batch) };
            at = scan.skip_space(end);
            match body.get(at) {
                Some(b',') => at = scan.skip_space(at + 1),
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
    fn the_response_timeout_is_read_and_nonsense_is_none() {
        for (given, expected) in
            [("10", 10), ("0", 0), ("-1", 0), ("null", 0), (r#""10""#, 0), ("1.5", 0), ("4294967295", 0)]
        {
            let batch = split(&format!(
                r#"[{{"taskId":"a","responseTimeoutSeconds": {given} ,"workflowInstanceId":"w"}}]"#
            ));
            assert_eq!(batch.tasks[0].response_timeout, Duration::from_secs(expected), "{given}");
        }
        assert_eq!(split(&format!("[{}]", task("a", "{}"))).tasks[0].response_timeout, Duration::ZERO);
    }

    #[test]
    fn only_a_known_end_is_an_end() {
        for (body, ended) in [
            (r#"{"inputData":{"status":"CANCELED"},"status":"IN_PROGRESS"}"#, false),
            (r#" {"status":"CANCELED","taskId":"a"}"#, true),
            (r#"{"status" : "TIMED_OUT"}"#, true),
            (r#"{"status":"SCHEDULED"}"#, false),
            (r#"{"status":"NEW_IN_A_LATER_SERVER"}"#, false),
            ("<html>", false),
            ("", false),
        ] {
            assert_eq!(has_ended(body.as_bytes()), ended, "{body}");
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
