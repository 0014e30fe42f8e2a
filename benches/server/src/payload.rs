//! What a task looks like on the wire, built once: per task three numbers of fixed width are written over.

use std::io::Write as _;

/// Of the ids: they end in the task's number.
const DIGITS: usize = 12;
pub(crate) const ID_LENGTH: usize = 36;
const TASK_ID: &str = "b0b0cafe-0000-4000-8000-000000000000";
const WORKFLOW_ID: &str = "f10f10f1-0000-4000-8000-000000000000";
/// The input's `a`: no leading zero, seven digits, another one for each of nine million tasks.
const FIRST_A: usize = 1_000_000;
const MANY_A: usize = 9_000_000;

/// A text with places for a task's numbers.
#[derive(Debug, Clone)]
struct Template {
    text: Vec<u8>,
    ids: Vec<usize>,
    a: usize,
}

/// The tasks of one type.
#[derive(Debug)]
pub(crate) struct Payload {
    envelope: Template,
    /// The input, and so the output that is right: the function gives back what it got.
    input: Template,
}

impl Payload {
    pub(crate) fn new(task_type: &str, document_bytes: usize) -> Self {
        let input = format!(
            r#"{{"a":{FIRST_A},"b":"two","c":true,"d":4.5{}}}"#,
            if document_bytes == 0 {
                String::new()
            } else {
                format!(r#","document":{}"#, document(document_bytes))
            }
        );
        Self { envelope: Template::new(envelope(task_type, &input)), input: Template::new(input) }
    }

    /// Appends the whole task, as a poll's answer carries it.
    pub(crate) fn write(&self, to: &mut Vec<u8>, number: usize) {
        let start = to.len();
        to.extend_from_slice(&self.envelope.text);
        if let Some(text) = to.get_mut(start..) {
            self.envelope.number(text, number);
        }
    }

    /// The output that is right for task `number`, without white space.
    pub(crate) fn expected(&mut self, number: usize) -> &[u8] {
        let Template { text, a, .. } = &mut self.input;
        put_digits(text, *a, FIRST_A + number % MANY_A);
        text
    }
}

impl Template {
    fn new(text: String) -> Self {
        let end = |id: &str| text.find(id).map(|at| at + ID_LENGTH - DIGITS);
        Self {
            ids: [TASK_ID, WORKFLOW_ID].into_iter().filter_map(end).collect(),
            a: text.find(r#"{"a":"#).map_or(0, |at| at + 5),
            text: text.into_bytes(),
        }
    }

    fn number(&self, text: &mut [u8], number: usize) {
        let hex = hex(number);
        for at in &self.ids {
            if let Some(place) = text.get_mut(*at..at + DIGITS) {
                place.copy_from_slice(&hex);
            }
        }
        put_digits(text, self.a, FIRST_A + number % MANY_A);
    }
}

/// The number of the task with this id, if it is one of ours.
pub(crate) fn number_of(id: &[u8]) -> Option<usize> {
    let (head, digits) = id.split_at_checked(ID_LENGTH - DIGITS)?;
    if head != TASK_ID.get(..ID_LENGTH - DIGITS)?.as_bytes() || digits.len() != DIGITS {
        return None;
    }
    digits.iter().try_fold(0_usize, |number, digit| {
        Some(number << 4 | usize::try_from(char::from(*digit).to_digit(16)?).ok()?)
    })
}

fn hex(mut number: usize) -> [u8; DIGITS] {
    let mut hex = [b'0'; DIGITS];
    for digit in hex.iter_mut().rev() {
        *digit = b"0123456789abcdef"[number & 15];
        number >>= 4;
    }
    hex
}

fn put_digits(text: &mut [u8], at: usize, mut number: usize) {
    for digit in text.get_mut(at..at + 7).unwrap_or_default().iter_mut().rev() {
        *digit = b"0123456789"[number % 10];
        number /= 10;
    }
}

/// About 1.0 KB, the fields and the order of server 3.32.3.
fn envelope(task_type: &str, input: &str) -> String {
    format!(
        r#"{{"taskType":"{task_type}","status":"IN_PROGRESS","inputData":{input},"referenceTaskName":"{task_type}_ref","retryCount":0,"seq":1,"pollCount":1,"taskDefName":"{task_type}","scheduledTime":1764000000000,"startTime":1764000000001,"endTime":0,"updateTime":1764000000001,"startDelayInSeconds":0,"retried":false,"executed":false,"callbackFromWorker":true,"responseTimeoutSeconds":3600,"workflowInstanceId":"{WORKFLOW_ID}","workflowType":"bench","taskId":"{TASK_ID}","callbackAfterSeconds":0,"workflowTask":{{"name":"{task_type}","taskReferenceName":"{task_type}_ref","inputParameters":{{}},"type":"SIMPLE","startDelay":0,"optional":false,"asyncComplete":false}},"rateLimitPerFrequency":0,"rateLimitFrequencyInSeconds":1,"workflowPriority":0,"iteration":0,"subworkflowChanged":false,"firstStartTime":0,"executionMetadata":{{"additionalContext":{{}},"empty":true,"additionalContextMap":{{}}}},"taskDefinition":null,"queueWaitTime":1,"loopOverTask":false}}"#
    )
}

/// A JSON array of rows with at least `size` bytes, in the form that every JSON writer gives it.
fn document(size: usize) -> String {
    let mut text = Vec::with_capacity(size + 200);
    text.push(b'[');
    let mut row = 0;
    while text.len() < size {
        // Writing to a Vec does not fail.
        let _ = write!(
            text,
            r#"{}{{"id":{row},"name":"name {row}","tags":["x","y"],"price":{row}.5,"text":"one row of a document"}}"#,
            if row == 0 { "" } else { "," }
        );
        row += 1;
    }
    text.push(b']');
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_json_and_carries_its_number() {
        for document_bytes in [0, 8_192] {
            let mut payload = Payload::new("bench_0", document_bytes);
            let mut text = Vec::new();
            payload.write(&mut text, 0xabc);
            let task: serde_json::Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(number_of(task["taskId"].as_str().unwrap().as_bytes()), Some(0xabc));
            assert!(task["workflowInstanceId"].as_str().unwrap().ends_with("000000000abc"));
            let expected: serde_json::Value = serde_json::from_slice(payload.expected(0xabc)).unwrap();
            assert_eq!(task["inputData"], expected);
            assert_eq!(expected["a"], 1_002_748);
            assert!(text.len() > 900 + document_bytes);
        }
    }

    #[test]
    fn foreign_ids_have_no_number() {
        for id in ["", "b0b0cafe-0000-4000-8000-00000000000", "a0b0cafe-0000-4000-8000-000000000001"] {
            assert_eq!(number_of(id.as_bytes()), None, "{id}");
        }
    }
}
