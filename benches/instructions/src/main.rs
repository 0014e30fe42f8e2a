//! `conductor-bench-instructions split|write|metrics|update TIMES`: core's code in a loop, for callgrind to count.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use conductor_core::observe::{EventSink, HttpCall, LogRecord, Returned, http_request, worker_metrics};
use conductor_core::settings::Configuration;
use conductor_core::transport::{HttpTaskClient, TaskClient};
use conductor_core::wire::{PolledBatch, Status, TaskIdentity, TaskResultWriter};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const TASKS: usize = 64;
const OUTPUT: &[u8] = br#"{"a":1000000,"b":"two","c":true,"d":4.5}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, what, times] = arguments.as_slice() else {
        return Err("usage: split|write|metrics|update TIMES".into());
    };
    let times: usize = times.parse()?;
    // For all, so that they have one start.
    let body = black_box(batch());
    match what.as_str() {
        "split" => split(&body, times),
        "write" => write(times),
        "metrics" => {
            metrics(times);
            Ok(())
        }
        "update" => update(times),
        _ => Err(format!("{what} is none of split, write, metrics and update").into()),
    }
}

/// `times` tasks, in batches of 64.
fn split(body: &Bytes, times: usize) -> Result<(), Box<dyn Error>> {
    for _ in 0..times / TASKS {
        let batch = PolledBatch::split(black_box(body)).ok_or("no batch")?;
        if black_box(&batch).tasks.len() != TASKS {
            return Err("tasks are missing".into());
        }
    }
    Ok(())
}

/// `times` results.
fn write(times: usize) -> Result<(), Box<dyn Error>> {
    let task = TaskIdentity {
        task_id: "b0b0cafe-0000-4000-8000-000000000000".into(),
        workflow_instance_id: "f10f10f1-0000-4000-8000-000000000000".into(),
    };
    for _ in 0..times {
        let mut writer = TaskResultWriter::begin(black_box(&task), "worker-1", Status::Completed);
        writer.output(|body| {
            body.extend_from_slice(black_box(OUTPUT));
            Ok(())
        })?;
        black_box(writer.finish(&task));
    }
    Ok(())
}

/// What is counted of `times` tasks from the function's start to the server's yes, and the two looks at the
/// clock that nothing but metrics needs.
fn metrics(times: usize) {
    let metrics = worker_metrics(&"t".into(), None);
    let took = Duration::from_micros(150);
    for _ in 0..times {
        let metrics = black_box(&*metrics);
        metrics.execution_started();
        metrics.returned(black_box(took), Returned::Completed, Some(black_box(OUTPUT.len())));
        let sent = Instant::now();
        http_request(HttpCall::Update, black_box(200), sent.elapsed());
        metrics.updated(black_box(took));
    }
}

/// `times` results over one connection, with a server in the same thread that does next to nothing.
fn update(times: usize) -> Result<(), Box<dyn Error>> {
    const YES: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain;charset=utf-8\r\nContent-Length: 36\r\n\r\nb0b0cafe-0000-4000-8000-000000000000";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/api", listener.local_addr()?);
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            let mut request = [0; 1_024];
            // A request is one write, and so one read.
            while stream.read(&mut request).await? > 0 {
                stream.write_all(YES).await?;
            }
            std::io::Result::Ok(())
        });
        let client = HttpTaskClient::new(&Configuration::new(&url)?, Arc::new(Nobody))?;
        let body = Bytes::from([br#"{"outputData":"#, OUTPUT, b"}"].concat());
        for _ in 0..times {
            client.update_task(black_box(&body).clone()).await?;
        }
        Ok(())
    })
}

struct Nobody;

impl EventSink for Nobody {
    fn log(&self, _record: LogRecord) {}
}

/// The answer to a poll as the real server writes it: 1.0 KB a task.
fn batch() -> Bytes {
    let mut text = String::from("[");
    for number in 0..TASKS {
        let separator = if number == 0 { "" } else { "," };
        // Writing to a String does not fail.
        let _ = write!(
            text,
            r#"{separator}{{"taskType":"t","status":"IN_PROGRESS","inputData":{{"a":1,"b":"two","c":true,"d":4.5}},"referenceTaskName":"t_ref","retryCount":0,"seq":1,"pollCount":1,"taskDefName":"t","scheduledTime":1764000000000,"startTime":1764000000001,"endTime":0,"updateTime":1764000000001,"startDelayInSeconds":0,"retried":false,"executed":false,"callbackFromWorker":true,"responseTimeoutSeconds":3600,"workflowInstanceId":"f10f10f1-0000-4000-8000-{number:012}","workflowType":"bench","taskId":"b0b0cafe-0000-4000-8000-{number:012}","callbackAfterSeconds":0,"workflowTask":{{"name":"t","taskReferenceName":"t_ref","inputParameters":{{}},"type":"SIMPLE","startDelay":0,"optional":false,"asyncComplete":false}},"rateLimitPerFrequency":0,"rateLimitFrequencyInSeconds":1,"workflowPriority":0,"iteration":0,"subworkflowChanged":false,"firstStartTime":0,"executionMetadata":{{"additionalContext":{{}},"empty":true,"additionalContextMap":{{}}}},"taskDefinition":null,"queueWaitTime":1,"loopOverTask":false}}"#
        );
    }
    text.push(']');
    text.into()
}
