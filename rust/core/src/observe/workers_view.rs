use std::time::Duration;

use serde::Serialize;

use super::host_view::HostState;
use super::process_metrics::MetricsSnapshot;

/// `/workers.json`: what a page or a terminal shows of this process.
#[derive(Serialize)]
struct Process<'a> {
    pid: u32,
    uptime_seconds: f64,
    /// Without user information; of several hosts with different servers all, separated by ", ".
    server: String,
    state: &'static str,
    outbox: Outbox,
    workers: Vec<Worker<'a>>,
}

#[derive(Serialize)]
struct Outbox {
    results: usize,
    bytes: usize,
    oldest_age_seconds: f64,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "a worker's id is called so")]
struct Worker<'a> {
    task_type: &'a str,
    domain: Option<&'a str>,
    worker_id: &'a str,
    /// A word for people.
    state: &'static str,
    thread_count: usize,
    slots_in_use: usize,
    paused: bool,
    completed_total: u64,
    failed_total: u64,
    poll_total: u64,
    poll_error_total: u64,
    update_error_total: u64,
    last_successful_poll_age_seconds: Option<f64>,
    execute_p50_seconds: Option<f64>,
    execute_p99_seconds: Option<f64>,
}

/// The workers of hosts that are there, with the counts of their queues.
pub fn workers_json(snapshot: &MetricsSnapshot) -> String {
    let outbox = snapshot.outbox();
    let live = snapshot.live_workers();
    let workers = live.iter().map(|worker| {
        let counted = snapshot
            .workers
            .iter()
            .find(|(task_type, domain, _)| *task_type == worker.task_type && *domain == worker.domain);
        let counts = counted.map(|(_, _, counts)| counts.clone()).unwrap_or_default();
        let mut execute_time = counts.execute_time.succeeded.clone();
        execute_time.merge(&counts.execute_time.failed);
        let quantiles = execute_time.quantiles([0.5, 0.99]);
        Worker {
            task_type: &worker.task_type,
            domain: worker.domain.as_deref(),
            worker_id: &worker.worker_id,
            state: match counts.last_successful_poll_age {
                _ if worker.paused => "paused",
                _ if worker.results_blocked => "results fail",
                _ if counts.last_poll_failed => "polls fail",
                None => "starting",
                Some(_) => "running",
            },
            thread_count: worker.thread_count,
            slots_in_use: worker.slots_in_use,
            paused: worker.paused,
            completed_total: counts.completed(),
            failed_total: counts.failed(),
            poll_total: counts.polls,
            poll_error_total: counts.poll_errors.values().sum(),
            update_error_total: counts.update_errors.values().sum(),
            last_successful_poll_age_seconds: counts.last_successful_poll_age.map(|age| age.as_secs_f64()),
            execute_p50_seconds: quantiles.map(|[median, _]| median),
            execute_p99_seconds: quantiles.map(|[_, high]| high),
        }
    });
    let mut servers: Vec<&str> = snapshot.hosts.iter().map(|host| host.server.as_str()).collect();
    servers.sort_unstable();
    servers.dedup();
    let process = Process {
        pid: snapshot.process,
        uptime_seconds: snapshot.uptime.as_secs_f64(),
        server: servers.join(", "),
        state: match snapshot.hosts.iter().map(|host| host.state).min() {
            Some(HostState::Running) => "running",
            Some(HostState::Draining) => "draining",
            Some(HostState::Stopped) | None => "stopped",
        },
        outbox: Outbox {
            results: outbox.results,
            bytes: outbox.bytes,
            oldest_age_seconds: outbox.oldest_age.unwrap_or(Duration::ZERO).as_secs_f64(),
        },
        workers: workers.collect(),
    };
    // Numbers and texts: nothing of it can fail.
    serde_json::to_string(&process).unwrap_or_default()
}
