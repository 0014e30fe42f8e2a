use bytes::Bytes;

use super::json_string::write_json_string;
use super::polled_task::{PolledTask, TaskIdentity};

/// Cut by the server beyond this many UTF-16 units (TaskResult.java:149); we count `char`s, which are fewer.
const MAX_REASON_CHARS: usize = 500;
/// The server's limit for the output of one task (ConductorProperties.java:264, in KB).
const MAX_OUTPUT_BYTES: usize = 10_240 * 1_024;

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
    pub status: Status,
    pub body: Bytes,
}

/// Writes the request body around output bytes that the caller appends, so that body and output share
/// one buffer: `begin`, `output`, then `finish`.
#[derive(Debug)]
pub struct TaskResultWriter {
    pub body: Vec<u8>,
    status: Status,
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
        Self { body, status }
    }

    /// Lets `write` append the output, one JSON object. The error is the reason why it cannot be sent:
    /// `write`'s own, or that the server would not take so much.
    pub fn output(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), String>) -> Result<(), String> {
        let start = self.body.len();
        write(&mut self.body)?;
        let size = self.body.len() - start;
        if size <= MAX_OUTPUT_BYTES {
            return Ok(());
        }
        Err(format!(
            "outputData has {size} bytes, and the server takes at most {MAX_OUTPUT_BYTES}; \
             store it elsewhere and return where it is"
        ))
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
        TaskResult { identity: task.clone(), status: self.status, body: self.body.into() }
    }

    /// A whole result without output: for tasks that could not be run or whose output could not be sent.
    pub fn failure(task: &TaskIdentity, worker_id: &str, status: Status, reason: &str) -> TaskResult {
        let mut writer = Self::begin(task, worker_id, status);
        writer.body.extend_from_slice(b"{}");
        writer.reason_for_incompletion(reason);
        writer.finish(task)
    }

    /// Gives a task back that was not started: it is offered again at once. The server replaces the output by
    /// what it is sent, so that goes back too (conductor-server 3.32.3).
    pub fn hand_back(task: &PolledTask, worker_id: &str) -> TaskResult {
        let mut writer = Self::begin(&task.identity, worker_id, Status::InProgress);
        let output = Some(task.output()).filter(|output| output.starts_with(b"{"));
        writer.body.extend_from_slice(output.unwrap_or(b"{}"));
        writer.callback_after_seconds(0);
        writer.finish(&task.identity)
    }

    /// The result of a task whose output cannot be sent: it would not be sendable at the next attempt
    /// either. What the function logged is kept.
    #[cold]
    pub fn unsendable(
        task: &TaskIdentity,
        worker_id: &str,
        reason: &str,
        logs: &[TaskExecLog],
    ) -> TaskResult {
        let mut writer = Self::begin(task, worker_id, Status::FailedWithTerminalError);
        writer.body.extend_from_slice(b"{}");
        writer.reason_for_incompletion(reason);
        writer.logs(task, logs);
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

#[cfg(test)]
mod tests {
    use super::super::polled_task::PolledBatch;
    use super::*;

    fn task() -> TaskIdentity {
        TaskIdentity { task_id: "t\"1".into(), workflow_instance_id: "w1".into() }
    }

    #[test]
    fn the_buffer_that_is_written_is_the_one_that_is_sent() {
        for size in [10, 100_000] {
            let mut writer = TaskResultWriter::begin(&task(), "host", Status::Completed);
            let written = writer.output(|body| {
                (0..size).for_each(|_| body.push(b' '));
                Ok(())
            });
            written.unwrap();
            let buffer = writer.body.as_ptr();
            let result = writer.finish(&task());
            assert_eq!(result.body.as_ptr(), buffer);
            assert_eq!(result.clone().body.as_ptr(), buffer, "a second try sends it too");
        }
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
    fn an_output_over_the_servers_limit_is_refused_with_both_numbers() {
        let task = task();
        let write = |size: usize| {
            TaskResultWriter::begin(&task, "host", Status::Completed).output(|body| {
                body.resize(body.len() + size, b' ');
                Ok(())
            })
        };
        assert_eq!(write(10_485_760), Ok(()));
        let reason = write(10_485_761).unwrap_err();
        assert!(reason.starts_with("outputData has 10485761 bytes, and the server takes at most 10485760"));
        let own = TaskResultWriter::begin(&task, "host", Status::Completed).output(|_| Err("own".into()));
        assert_eq!(own, Err("own".to_owned()));
    }

    #[test]
    fn what_cannot_be_sent_keeps_its_logs() {
        let logs = [TaskExecLog { log: "one".into(), created_time: 1 }];
        let result = TaskResultWriter::unsendable(&task(), "host", "too long", &logs);
        let value: serde_json::Value = serde_json::from_slice(&result.body).unwrap();
        assert_eq!(value["status"], "FAILED_WITH_TERMINAL_ERROR");
        assert_eq!(value["reasonForIncompletion"], "too long");
        assert_eq!(value["outputData"], serde_json::json!({}));
        assert_eq!(value["logs"][0]["log"], "one");
    }

    #[test]
    fn a_task_goes_back_with_the_output_that_it_carried() {
        for (members, output) in [
            (r#","outputData":{"seen":[1]}"#, r#"{"seen":[1]}"#),
            (r#","outputData":null"#, "{}"),
            ("", "{}"),
        ] {
            let body = format!(r#"[{{"taskId":"a","workflowInstanceId":"w","inputData":{{}}{members}}}]"#);
            let batch = PolledBatch::split(&body.into()).unwrap();
            let result = TaskResultWriter::hand_back(&batch.tasks[0], "host");
            let text = std::str::from_utf8(&result.body).unwrap();
            assert_eq!(
                text,
                format!(
                    r#"{{"taskId":"a","workflowInstanceId":"w","workerId":"host","status":"IN_PROGRESS","outputData":{output},"callbackAfterSeconds":0}}"#
                )
            );
        }
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
