//! The pure parts of a task's way: `cargo bench -p conductor-core`.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use conductor_core::settings::{PollInterval, Prefetch, WorkerConfig};
use conductor_core::wire::{PolledBatch, Status, TaskIdentity, TaskResultWriter};
use conductor_core::worker::PollPlan;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// `tasks` tasks with an input of about `input_bytes`.
fn batch(tasks: usize, input_bytes: usize) -> Bytes {
    let mut text = String::from("[");
    for number in 0..tasks {
        let separator = if number == 0 { "" } else { "," };
        let row = r#"{"id":1,"name":"one row","price":2.5},"#.repeat(input_bytes / 38);
        // Writing to a String does not fail.
        let _ = write!(
            text,
            r#"{separator}{{"taskType":"t","status":"IN_PROGRESS","inputData":{{"rows":[{row}0]}},"retryCount":0,"taskDefName":"t","responseTimeoutSeconds":3600,"workflowInstanceId":"f10f10f1-0000-4000-8000-{number:012}","taskId":"b0b0cafe-0000-4000-8000-{number:012}","workflowTask":{{"name":"t","inputParameters":{{}}}},"taskDefinition":null}}"#
        );
    }
    text.push(']');
    text.into()
}

fn split(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("split");
    for (name, tasks, input_bytes) in
        [("64_small", 64, 40), ("64_of_8_kb", 64, 8_192), ("1_of_1_mb", 1, 1 << 20)]
    {
        let body = batch(tasks, input_bytes);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| PolledBatch::split(black_box(&body))));
    }
    group.finish();
}

fn write(criterion: &mut Criterion) {
    let task = TaskIdentity {
        task_id: "b0b0cafe-0000-4000-8000-000000000000".into(),
        workflow_instance_id: "f10f10f1-0000-4000-8000-000000000000".into(),
    };
    criterion.bench_function("write", |bencher| {
        bencher.iter(|| {
            let mut writer = TaskResultWriter::begin(black_box(&task), "worker-1", Status::Completed);
            writer.body.extend_from_slice(black_box(br#"{"a":1,"b":"two"}"#));
            writer.finish(&task)
        });
    });
}

fn poll_plan(criterion: &mut Criterion) {
    let mut plan = PollPlan::new(&WorkerConfig {
        task_type: "t".into(),
        domain: None,
        worker_id: String::new(),
        thread_count: 10,
        poll_interval: PollInterval::UpTo(Duration::from_millis(100)),
        poll_timeout: None,
        prefetch: Prefetch::Auto,
        lease_extend_enabled: false,
        paused: false,
    });
    criterion.bench_function("poll_plan", |bencher| {
        bencher.iter(|| {
            let request = plan.next(black_box(10));
            plan.answered(request, black_box(10), Duration::from_micros(300))
        });
    });
}

criterion_group!(benches, split, write, poll_plan);
criterion_main!(benches);
