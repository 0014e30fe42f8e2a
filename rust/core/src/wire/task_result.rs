use bytes::Bytes;

use super::polled_task::TaskIdentity;

/// Cut by the server beyond this many UTF-16 units (TaskResult.java:149); we count `char`s, which are fewer.
const MAX_REASON_CHARS: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Completed,
    Failed,
    FailedWithTerminalError,
    InProgress,
    Canceled,
}

impl Status {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::FailedWithTerminalError => "FAILED_WITH_TERMINAL_ERROR",
            Self::InProgress => "IN_PROGRESS",
            Self::Canceled => "CANCELED",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Completed, Self::Failed, Self::FailedWithTerminalError, Self::InProgress, Self::Canceled]
            .into_iter()
            .find(|status| status.name() == name)
    }
}

/// A line for the task's log on the server.
#[derive(Debug, Clone)]
pub struct TaskExecLog {
    pub log: String,
    /// Milliseconds since 1970: the server's unit (the reference SDK sends seconds by mistake).
    pub created_time: i64,
}

/// What is sent back for a task: ready bytes, so that a retry costs no work and changes nothing.
#[derive(Debug, Clone)]
pub struct TaskResult {
    pub identity: TaskIdentity,
    pub body: Bytes,
}

/// Writes the request body around output bytes that the caller appends, so that body and output share
/// one buffer: `begin`, append one JSON object to `body`, then `finish`.
#[derive(Debug)]
pub struct TaskResultWriter {
    pub body: Vec<u8>,
}

impl TaskResultWriter {
    pub fn begin(task: &TaskIdentity, worker_id: &str, status: Status) -> Self {
        // 512: a small task's result is about 250 bytes, so most bodies never grow.
        let mut body = Vec::with_capacity(512);
        body.extend_from_slice(br#"{"taskId":"#);
        write_json_string(&mut body, &task.task_id);
        body.extend_from_slice(br#","workflowInstanceId":"#);
        write_json_string(&mut body, &task.workflow_instance_id);
        body.extend_from_slice(br#","workerId":"#);
        write_json_string(&mut body, worker_id);
        body.extend_from_slice(br#","status":""#);
        body.extend_from_slice(status.name().as_bytes());
        body.extend_from_slice(br#"","outputData":"#);
        Self { body }
    }

    pub fn reason_for_incompletion(&mut self, reason: &str) {
        let end = reason.char_indices().nth(MAX_REASON_CHARS).map_or(reason.len(), |(at, _)| at);
        self.body.extend_from_slice(br#","reasonForIncompletion":"#);
        write_json_string(&mut self.body, reason.get(..end).unwrap_or(reason));
    }

    pub fn callback_after_seconds(&mut self, seconds: u64) {
        self.body.extend_from_slice(br#","callbackAfterSeconds":"#);
        self.body.extend_from_slice(itoa::Buffer::new().format(seconds).as_bytes());
    }

    pub fn external_output_payload_storage_path(&mut self, path: &str) {
        self.body.extend_from_slice(br#","externalOutputPayloadStoragePath":"#);
        write_json_string(&mut self.body, path);
    }

    pub fn logs(&mut self, task: &TaskIdentity, logs: &[TaskExecLog]) {
        for (index, line) in logs.iter().enumerate() {
            self.body.extend_from_slice(if index == 0 { br#","logs":[{"log":"# } else { br#",{"log":"# });
            write_json_string(&mut self.body, &line.log);
            self.body.extend_from_slice(br#","taskId":"#);
            write_json_string(&mut self.body, &task.task_id);
            self.body.extend_from_slice(br#","createdTime":"#);
            self.body.extend_from_slice(itoa::Buffer::new().format(line.created_time).as_bytes());
            self.body.push(b'}');
        }
        if !logs.is_empty() {
            self.body.push(b']');
        }
    }

    pub fn finish(mut self, task: &TaskIdentity) -> TaskResult {
        self.body.push(b'}');
        TaskResult { identity: task.clone(), body: self.body.into() }
    }

    /// A whole result without output: for tasks that could not be run or whose output could not be sent.
    pub fn failure(task: &TaskIdentity, worker_id: &str, status: Status, reason: &str) -> TaskResult {
        let mut writer = Self::begin(task, worker_id, status);
        writer.body.extend_from_slice(b"{}");
        writer.reason_for_incompletion(reason);
        writer.finish(task)
    }
}

/// The request body that extends a lease: the server then ignores all else (WorkflowExecutorOps.java:921).
pub fn lease_extension(task: &TaskIdentity) -> Bytes {
    let mut body = Vec::with_capacity(160);
    body.extend_from_slice(br#"{"workflowInstanceId":"#);
    write_json_string(&mut body, &task.workflow_instance_id);
    body.extend_from_slice(br#","taskId":"#);
    write_json_string(&mut body, &task.task_id);
    body.extend_from_slice(br#","status":"IN_PROGRESS","extendLease":true}"#);
    body.into()
}

/// Appends `text` as a JSON string. Only what JSON demands is escaped; the rest stays UTF-8.
pub fn write_json_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[copied..at]);
        copied = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(br"\n"),
            b'\r' => out.extend_from_slice(br"\r"),
            b'\t' => out.extend_from_slice(br"\t"),
            _ => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
        }
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> TaskIdentity {
        TaskIdentity { task_id: "t\"1".into(), workflow_instance_id: "w1".into() }
    }

    #[test]
    fn a_whole_body_is_json() {
        let task = task();
        let mut writer = TaskResultWriter::begin(&task, "host", Status::InProgress);
        writer.body.extend_from_slice(br#"{"a":1}"#);
        writer.reason_for_incompletion("because\n\u{1}");
        writer.callback_after_seconds(60);
        writer.external_output_payload_storage_path("x/y");
        writer.logs(
            &task,
            &[
                TaskExecLog { log: "one".into(), created_time: 1 },
                TaskExecLog { log: "two".into(), created_time: 2 },
            ],
        );
        let value: serde_json::Value = serde_json::from_slice(&writer.finish(&task).body).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "taskId": "t\"1", "workflowInstanceId": "w1", "workerId": "host", "status": "IN_PROGRESS",
                "outputData": {"a": 1}, "reasonForIncompletion": "because\n\u{1}", "callbackAfterSeconds": 60,
                "externalOutputPayloadStoragePath": "x/y",
                "logs": [{"log": "one", "taskId": "t\"1", "createdTime": 1}, {"log": "two", "taskId": "t\"1", "createdTime": 2}],
            })
        );
    }

    #[test]
    fn an_extension_is_json() {
        let value: serde_json::Value = serde_json::from_slice(&lease_extension(&task())).unwrap();
        assert_eq!(
            value,
            serde_json::json!({
                "workflowInstanceId": "w1", "taskId": "t\"1", "status": "IN_PROGRESS", "extendLease": true,
            })
        );
    }

    #[test]
    fn a_long_reason_is_cut_as_the_server_cuts_it() {
        let result = TaskResultWriter::failure(&task(), "host", Status::Failed, &"é".repeat(600));
        let value: serde_json::Value = serde_json::from_slice(&result.body).unwrap();
        assert_eq!(value["reasonForIncompletion"].as_str().unwrap().chars().count(), 500);
    }

    #[test]
    fn every_character_survives() {
        let text: String = (0..=0x2ff_u32).chain(0x1_f600..0x1_f610).filter_map(char::from_u32).collect();
        let mut out = Vec::new();
        write_json_string(&mut out, &text);
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }

    #[test]
    fn names_of_statuses_go_both_ways() {
        for status in [
            Status::Completed,
            Status::Failed,
            Status::FailedWithTerminalError,
            Status::InProgress,
            Status::Canceled,
        ] {
            assert_eq!(Status::from_name(status.name()), Some(status));
        }
        assert_eq!(Status::from_name("SCHEDULED"), None);
    }
}
