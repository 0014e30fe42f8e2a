use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use conductor_core::error::Error;
use conductor_core::host::Runtime;
use conductor_core::transport::{BoxFuture, PollRequest, Queue, TaskClient};

use super::support::{DEADLINE, Immediate, Lines, config, eventually};

/// A server that keeps the input of the task "far" in external storage.
#[derive(Default)]
struct Externalising {
    handed_out: Mutex<bool>,
    reported: Mutex<Vec<serde_json::Value>>,
}

impl TaskClient for Externalising {
    fn batch_poll<'a>(
        &'a self,
        _queue: &'a Queue,
        _request: PollRequest,
    ) -> BoxFuture<'a, Result<Bytes, Error>> {
        Box::pin(async move {
            if std::mem::replace(&mut *self.handed_out.lock().unwrap(), true) {
                tokio::time::sleep(Duration::from_millis(5)).await;
                return Ok(Bytes::from_static(b"[]"));
            }
            Ok(Bytes::from_static(
                br#"[{"taskId":"near","workflowInstanceId":"w","inputData":{"a":1}},
                    {"taskId":"far","workflowInstanceId":"w","inputData":{},
                     "externalInputPayloadStoragePath":"task/input/canary.json"},
                    {"taskId":"empty","workflowInstanceId":"w","inputData":{}}]"#,
            ))
        })
    }

    fn update_task(&self, body: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.reported.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
            Ok(())
        })
    }

    fn get_task<'a>(&'a self, _task_id: &'a str) -> BoxFuture<'a, Result<Bytes, Error>> {
        Box::pin(async { Ok(Bytes::new()) })
    }
}

#[test]
fn a_task_whose_input_was_moved_out_fails_and_never_runs() {
    let client = Arc::new(Externalising::default());
    let executor = Arc::new(Immediate::default());
    let lines = Arc::new(Lines::default());
    let runtime = Runtime::start_with(Arc::clone(&client) as _, 4, Arc::clone(&lines) as _).unwrap();
    runtime.add_worker(config("large", 3), Arc::clone(&executor) as _, false).unwrap();
    eventually("all three are reported", || client.reported.lock().unwrap().len() == 3);
    runtime.stop_polling().unwrap();
    assert!(runtime.wait_idle(DEADLINE).unwrap(), "the slot of the refused task is free again");
    assert_eq!(executor.batches().concat(), ["near", "empty"]);
    let reported = client.reported.lock().unwrap();
    let far = reported.iter().find(|result| result["taskId"] == "far").unwrap();
    assert_eq!(far["status"], "FAILED_WITH_TERMINAL_ERROR");
    assert_eq!(far["workerId"], "test");
    let reason = far["reasonForIncompletion"].as_str().unwrap();
    assert!(reason.contains("externalInputPayloadStoragePath"), "{reason}");
    assert!(!reason.contains("canary"), "the path may be a signed address: {reason}");
}
