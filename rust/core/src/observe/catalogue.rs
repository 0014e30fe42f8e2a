use super::exposition::{Exposition, Kind, Series};
use super::histogram::{SIZE_BOUNDS, TIME_BOUNDS};
use super::process_metrics::MetricsSnapshot;
use super::series::{
    Told, by_exception, by_status, each, last, outcomes, quantiles, queues, recent, requests, spool, times,
    workers,
};
use crate::error::Error;

/// Under which names and with which labels metrics are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Catalogue {
    /// Those that all SDKs are to share.
    Canonical,
    /// conductor-python's default.
    Legacy,
    /// Those of the worker guide for Go.
    Go,
}

use Catalogue::{Canonical, Go, Legacy};
use Kind::{Counter, Gauge};

impl Catalogue {
    pub fn from_name(name: &str) -> Result<Self, Error> {
        match name {
            "canonical" => Ok(Canonical),
            "legacy" => Ok(Legacy),
            "go" => Ok(Go),
            _ => {
                let problem = format!("{name:?} is none; there are \"canonical\", \"legacy\" and \"go\"");
                Err(Error::configuration("catalogue", problem))
            }
        }
    }

    /// `snapshot` as text: these names, then ours.
    pub fn render(self, snapshot: &MetricsSnapshot) -> String {
        let mut exposition = Exposition::default();
        let told = Told { counts: snapshot.by_task_type(), snapshot };
        for row in TABLE.iter().filter(|row| row.of.contains(&self)) {
            (row.tell)(&told, &mut exposition.family(row.name, row.kind, row.help));
        }
        exposition.text
    }
}

/// One family: where it belongs to, and how its series are told.
struct Row {
    of: &'static [Catalogue],
    name: &'static str,
    kind: Kind,
    help: &'static str,
    tell: fn(&Told<'_>, &mut Series<'_>),
}

const fn row(
    of: &'static [Catalogue],
    name: &'static str,
    kind: Kind,
    help: &'static str,
    tell: fn(&Told<'_>, &mut Series<'_>),
) -> Row {
    Row { of, name, kind, help, tell }
}

const ALL: &[Catalogue] = &[Canonical, Legacy, Go];
const PYTHON: &[Catalogue] = &[Canonical, Legacy];
const HISTOGRAM: Kind = Kind::Histogram;

/// Every family. Where the reference SDK has one, its name, type, labels and words are the SDK's
/// (telemetry/model/metric_name.py); a legacy "histogram" is gauges by quantile.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    row(PYTHON, "task_poll_total", Counter, "Incremented each time polling is done",
        |told, to| each(told, |labels, counts| to.count(labels, counts.polls))),
    row(&[Go], "task_poll_counter", Counter, "Incremented each time polling is done",
        |told, to| each(told, |labels, counts| to.count(labels, counts.polls))),
    row(&[Canonical], "task_poll_error_total", Counter, "Incremented when a poll request fails client-side",
        |told, to| each(told, |labels, counts| by_exception(to, labels, &counts.poll_errors))),
    row(&[Go], "task_poll_error", Counter, "Client error when polling for a task queue",
        |told, to| each(told, |labels, counts| by_status(to, labels, &counts.poll_errors))),
    row(&[Canonical], "task_execution_started_total", Counter, "Incremented when a polled task is dispatched to the worker function",
        |told, to| each(told, |labels, counts| to.count(labels, counts.executions_started))),
    row(PYTHON, "task_execute_error_total", Counter, "Execution error",
        |told, to| each(told, |labels, counts| by_exception(to, labels, &counts.execute_errors))),
    row(&[Go], "task_execute_error", Counter, "Execution error",
        |told, to| each(told, |labels, counts| to.count(labels, counts.failed()))),
    row(PYTHON, "task_update_error_total", Counter, "Task status cannot be updated back to server",
        |told, to| each(told, |labels, counts| by_exception(to, labels, &counts.update_errors))),
    row(&[Go], "task_update_error", Counter, "Task status cannot be updated back to server",
        |told, to| each(told, |labels, counts| to.count(labels, counts.update_errors.values().sum()))),
    row(PYTHON, "task_execution_queue_full_total", Counter, "Counter to record execution queue has saturated",
        |told, to| each(told, |labels, counts| to.count(labels, counts.queue_full))),
    row(&[Go], "task_execution_queue_full", Counter, "Counter to record execution queue has saturated",
        |told, to| each(told, |labels, counts| to.count(labels, counts.queue_full))),
    row(PYTHON, "task_paused_total", Counter, "Counter for number of times the task has been polled, when the worker has been paused",
        |told, to| each(told, |labels, counts| to.count(labels, counts.paused))),
    row(&[Go], "task_paused", Counter, "Counter for number of times the task has been polled, when the worker has been paused",
        |told, to| each(told, |labels, counts| to.count(labels, counts.paused))),

    row(&[Canonical], "task_poll_time_seconds", HISTOGRAM, "Latency of task poll requests in seconds",
        |told, to| each(told, |labels, counts| outcomes(to, labels, &counts.poll_time))),
    row(&[Canonical], "task_execute_time_seconds", HISTOGRAM, "Duration of worker task execution in seconds",
        |told, to| each(told, |labels, counts| outcomes(to, labels, &counts.execute_time))),
    row(&[Canonical], "task_update_time_seconds", HISTOGRAM, "Latency of task result updates in seconds",
        |told, to| each(told, |labels, counts| {
            times(to, labels, "SUCCESS", &counts.update_succeeded);
            times(to, labels, "FAILURE", &counts.update_failed);
        })),
    row(&[Canonical], "http_api_client_request_seconds", HISTOGRAM, "Latency of HTTP API client requests in seconds",
        |told, to| requests(told, |labels, all| to.histogram(labels, &TIME_BOUNDS, &all.all))),
    row(&[Canonical], "task_result_size_bytes", HISTOGRAM, "Serialized byte size of task result output",
        |told, to| each(told, |labels, counts| if counts.result_size.count() > 0 {
            to.histogram(labels, &SIZE_BOUNDS, &counts.result_size);
        })),
    row(&[Canonical], "active_workers", Gauge, "Current number of worker threads actively executing a task",
        |told, to| each(told, |labels, counts| to.count(labels, counts.running()))),

    row(&[Legacy, Go], "task_poll_time", Gauge, "Time to poll for a batch of tasks",
        |told, to| each(told, |labels, counts| last(to, labels, &counts.poll_time))),
    row(&[Legacy, Go], "task_execute_time", Gauge, "Time to execute a task",
        |told, to| each(told, |labels, counts| last(to, labels, &counts.execute_time))),
    row(&[Legacy, Go], "task_result_size", Gauge, "Records output payload size of a task",
        |told, to| each(told, |labels, counts| if counts.result_size.count() > 0 {
            to.count(labels, counts.last_result_size);
        })),
    row(&[Legacy], "task_poll_time_seconds", Gauge, "Task poll duration in seconds with quantiles",
        |told, to| recent(told, |counts| &counts.poll_time, |labels, times| quantiles(to, labels, times))),
    row(&[Legacy], "task_poll_time_seconds_count", Gauge, "Task poll duration in seconds with quantiles - count",
        |told, to| recent(told, |counts| &counts.poll_time, |labels, times| to.count(labels, times.recent.len() as u64))),
    row(&[Legacy], "task_poll_time_seconds_sum", Gauge, "Task poll duration in seconds with quantiles - sum",
        |told, to| recent(told, |counts| &counts.poll_time, |labels, times| to.value(labels, times.recent_sum()))),
    row(&[Legacy], "task_execute_time_seconds", Gauge, "Task execution duration in seconds with quantiles",
        |told, to| recent(told, |counts| &counts.execute_time, |labels, times| quantiles(to, labels, times))),
    row(&[Legacy], "task_execute_time_seconds_count", Gauge, "Task execution duration in seconds with quantiles - count",
        |told, to| recent(told, |counts| &counts.execute_time, |labels, times| to.count(labels, times.recent.len() as u64))),
    row(&[Legacy], "task_execute_time_seconds_sum", Gauge, "Task execution duration in seconds with quantiles - sum",
        |told, to| recent(told, |counts| &counts.execute_time, |labels, times| to.value(labels, times.recent_sum()))),
    row(&[Legacy], "http_api_client_request", Gauge, "API request duration in seconds with quantiles",
        |told, to| requests(told, |labels, times| quantiles(to, labels, times))),
    row(&[Legacy], "http_api_client_request_count", Gauge, "API request duration in seconds with quantiles - count",
        |told, to| requests(told, |labels, times| to.count(labels, times.recent.len() as u64))),
    row(&[Legacy], "http_api_client_request_sum", Gauge, "API request duration in seconds with quantiles - sum",
        |told, to| requests(told, |labels, times| to.value(labels, times.recent_sum()))),

    row(ALL, "conductor_fast_slots", Gauge, "Tasks that a worker may hold at once",
        |told, to| workers(told, |labels, worker| to.count(labels, worker.thread_count as u64))),
    row(ALL, "conductor_fast_slots_in_use", Gauge, "Tasks that a worker holds: polled, and their result not yet in the outbox",
        |told, to| workers(told, |labels, worker| to.count(labels, worker.slots_in_use as u64))),
    row(ALL, "conductor_fast_paused", Gauge, "1 while a worker is paused",
        |told, to| workers(told, |labels, worker| to.count(labels, worker.paused.into()))),
    row(ALL, "conductor_fast_last_successful_poll_age_seconds", Gauge, "Since the last poll that the server answered",
        |told, to| queues(told, |labels, counts| if let Some(age) = counts.last_successful_poll_age {
            to.value(labels, age.as_secs_f64());
        })),
    row(ALL, "conductor_fast_polls_ambiguous_total", Counter, "Polls whose answer was lost after the server may have handed out tasks",
        |told, to| queues(told, |labels, counts| to.count(labels, counts.polls_ambiguous))),
    row(ALL, "conductor_fast_delivered_after_deadline_total", Counter, "Results that the server took after their task's response timeout, and so may have ignored",
        |told, to| queues(told, |labels, counts| to.count(labels, counts.delivered_after_deadline))),
    row(ALL, "conductor_fast_prefetched", Gauge, "Tasks that a worker holds beyond its slots, which wait for a thread",
        |told, to| workers(told, |labels, worker| to.count(labels, worker.prefetched as u64))),
    row(ALL, "conductor_fast_handed_back_total", Counter, "Tasks that went back to the server unstarted",
        |told, to| queues(told, |labels, counts| to.count(labels, counts.handed_back))),
    row(ALL, "conductor_fast_results_gone_total", Counter, "Results of tasks that the server did not know any more",
        |told, to| queues(told, |labels, counts| to.count(labels, counts.results_gone))),
    row(ALL, "conductor_fast_dead_letters_total", Counter, "Results that the server will never take, each replaced by a small failure",
        |told, to| queues(told, |labels, counts| to.count(labels, counts.dead_letters))),
    row(ALL, "conductor_fast_update_breaker_open", Gauge, "1 while results of a worker do not get through and no task of it is taken",
        |told, to| workers(told, |labels, worker| to.count(labels, worker.results_blocked.into()))),
    row(ALL, "conductor_fast_auth_breaker_open", Gauge, "1 while the server refuses the key or its token and no task is taken",
        |told, to| to.count(&[], told.snapshot.live_hosts().any(|host| host.unauthorized).into())),
    row(ALL, "conductor_fast_outbox_full", Gauge, "1 while so many results wait that no task is taken",
        |told, to| to.count(&[], told.snapshot.live_hosts().any(|host| host.outbox_is_full).into())),
    row(ALL, "conductor_fast_gil_wait_seconds", HISTOGRAM, "From a thread's wake-up for a task until it has the GIL",
        |told, to| queues(told, |labels, counts| if counts.gil_wait.count() > 0 {
            to.histogram(labels, &TIME_BOUNDS, &counts.gil_wait);
        })),
    row(ALL, "conductor_fast_outbox_results", Gauge, "Results that have not yet the server's yes",
        |told, to| to.count(&[], told.snapshot.outbox().results as u64)),
    row(ALL, "conductor_fast_outbox_bytes", Gauge, "Their size",
        |told, to| to.count(&[], told.snapshot.outbox().bytes as u64)),
    row(ALL, "conductor_fast_outbox_oldest_age_seconds", Gauge, "Since the function of the oldest of them returned; 0 without any",
        |told, to| to.value(&[], told.snapshot.outbox().oldest_age.unwrap_or_default().as_secs_f64())),
    row(ALL, "conductor_fast_spool_results", Gauge, "Results on disk that wait for delivery",
        |told, to| spool(told, |spool| to.count(&[], spool.waiting))),
    row(ALL, "conductor_fast_spool_bytes", Gauge, "Size of the file of results",
        |told, to| spool(told, |spool| to.count(&[], spool.bytes))),
    row(ALL, "conductor_fast_spool_dead_letters", Gauge, "Results on disk that the server refuses or that are too old",
        |told, to| spool(told, |spool| to.count(&[], spool.dead_letters))),
    row(ALL, "conductor_fast_spool_failed_writes_total", Counter, "Writes of results to disk that failed",
        |told, to| spool(told, |spool| to.count(&[], spool.failed_writes))),
    row(ALL, "conductor_fast_spool_set_aside_total", Counter, "Damaged files of results that were renamed",
        |told, to| spool(told, |spool| to.count(&[], spool.set_aside))),
    row(ALL, "conductor_fast_spool_has_room", Gauge, "0 while no task is taken because its result would find no room on disk",
        |told, to| spool(told, |spool| to.count(&[], spool.has_room.into()))),
    row(ALL, "conductor_fast_token_failures_total", Counter, "Tokens that could not be had",
        |told, to| to.count(&[], told.snapshot.token_failures)),
    row(ALL, "conductor_fast_panics_total", Counter, "Faults of the engine itself, whose loop was started again",
        |told, to| to.count(&[], told.snapshot.panics)),
    row(ALL, "conductor_fast_abandoned_total", Counter, "Tasks that were left unfinished or unreported when a drain gave up",
        |told, to| to.count(&[], told.snapshot.abandoned)),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_catalogue_tells_a_name_twice() {
        for catalogue in [Canonical, Legacy, Go] {
            let names: Vec<_> =
                TABLE.iter().filter(|row| row.of.contains(&catalogue)).map(|row| row.name).collect();
            let different: BTreeSet<_> = names.iter().collect();
            assert_eq!(different.len(), names.len(), "{catalogue:?}");
        }
    }

    #[test]
    fn the_page_lists_every_family() {
        let page = include_str!("../../../../docs/metrics.md");
        let (_, table) = page.split_once("<!-- series -->").unwrap();
        let (table, _) = table.split_once("<!-- /series -->").unwrap();
        let listed: BTreeSet<_> = table
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| {
                let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
                (cells[0].trim_matches('`'), cells[1], cells[3].to_owned())
            })
            .collect();
        let there: BTreeSet<_> = TABLE
            .iter()
            .map(|row| {
                let kind = match row.kind {
                    Counter => "counter",
                    Gauge => "gauge",
                    HISTOGRAM => "histogram",
                };
                let of: Vec<_> = row.of.iter().map(|of| format!("{of:?}").to_lowercase()).collect();
                (row.name, kind, if of.len() == 3 { "all".to_owned() } else { of.join(", ") })
            })
            .collect();
        assert_eq!(there, listed);
    }

    #[test]
    fn a_bad_name_is_told_with_the_good_ones() {
        let error = Catalogue::from_name("golang").unwrap_err().to_string();
        assert_eq!(error, "catalogue: \"golang\" is none; there are \"canonical\", \"legacy\" and \"go\"");
    }
}
