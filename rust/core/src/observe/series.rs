use std::collections::BTreeMap;
use std::sync::Arc;

use super::error_counts::ErrorLabel;
use super::exposition::{Labels, Series};
use super::histogram::{Distribution, RecentDistribution, TIME_BOUNDS};
use super::host_view::WorkerView;
use super::process_metrics::MetricsSnapshot;
use super::spool_view::SpoolView;
use super::worker_counts::{OutcomeTimes, WorkerCounts};

/// A snapshot while it is told.
pub(super) struct Told<'a> {
    pub(super) counts: BTreeMap<Arc<str>, WorkerCounts>,
    pub(super) snapshot: &'a MetricsSnapshot,
}

pub(super) fn each(told: &Told<'_>, mut tell: impl FnMut(&[(&'static str, &str)], &WorkerCounts)) {
    for (task_type, counts) in &told.counts {
        tell(&[("taskType", task_type)], counts);
    }
}

pub(super) fn queues(told: &Told<'_>, mut tell: impl FnMut(&[(&'static str, &str)], &WorkerCounts)) {
    for (task_type, domain, counts) in &told.snapshot.workers {
        tell(&[("taskType", task_type), ("domain", domain.as_deref().unwrap_or_default())], counts);
    }
}

pub(super) fn workers(told: &Told<'_>, mut tell: impl FnMut(&[(&'static str, &str)], &WorkerView)) {
    for worker in told.snapshot.live_workers() {
        let domain = worker.domain.as_deref().unwrap_or_default();
        tell(&[("taskType", &worker.task_type), ("domain", domain)], &worker);
    }
}

/// Nothing for a process that has no spool directory.
pub(super) fn spool(told: &Told<'_>, tell: impl FnOnce(&SpoolView)) {
    if let Some(view) = told.snapshot.spool() {
        tell(&view);
    }
}

pub(super) fn requests(told: &Told<'_>, mut tell: impl FnMut(&[(&'static str, &str)], &RecentDistribution)) {
    for request in &told.snapshot.requests {
        let status = request.status.to_string();
        tell(&[("method", request.method), ("uri", request.uri), ("status", &status)], &request.times);
    }
}

pub(super) fn by_exception(to: &mut Series<'_>, labels: Labels<'_>, errors: &BTreeMap<ErrorLabel, u64>) {
    let mut exceptions = BTreeMap::<_, u64>::new();
    for (label, count) in errors {
        *exceptions.entry(&label.exception).or_default() += count;
    }
    for (exception, count) in exceptions {
        to.count(&[labels, &[("exception", exception)]].concat(), count);
    }
}

pub(super) fn by_status(to: &mut Series<'_>, labels: Labels<'_>, errors: &BTreeMap<ErrorLabel, u64>) {
    let mut statuses = BTreeMap::<_, u64>::new();
    for (label, count) in errors {
        *statuses.entry(label.status).or_default() += count;
    }
    for (status, count) in statuses {
        to.count(&[labels, &[("includeRetries", "false"), ("status", &status.to_string())]].concat(), count);
    }
}

pub(super) fn outcomes(to: &mut Series<'_>, labels: Labels<'_>, of: &OutcomeTimes) {
    times(to, labels, "SUCCESS", &of.succeeded.all);
    times(to, labels, "FAILURE", &of.failed.all);
}

pub(super) fn times(to: &mut Series<'_>, labels: Labels<'_>, status: &str, distribution: &Distribution) {
    if distribution.count() > 0 {
        to.histogram(&[labels, &[("status", status)]].concat(), &TIME_BOUNDS, distribution);
    }
}

pub(super) fn last(to: &mut Series<'_>, labels: Labels<'_>, of: &OutcomeTimes) {
    if of.count() > 0 {
        to.value(labels, of.last);
    }
}

pub(super) fn recent(
    told: &Told<'_>,
    of: impl Fn(&WorkerCounts) -> &OutcomeTimes,
    mut tell: impl FnMut(&[(&'static str, &str)], &RecentDistribution),
) {
    each(told, |labels, counts| {
        let times = of(counts);
        for (status, times) in [("SUCCESS", &times.succeeded), ("FAILURE", &times.failed)] {
            if times.all.count() > 0 {
                tell(&[labels, &[("status", status)]].concat(), times);
            }
        }
    });
}

pub(super) fn quantiles(to: &mut Series<'_>, labels: Labels<'_>, times: &RecentDistribution) {
    const QUANTILES: [f64; 5] = [0.5, 0.75, 0.9, 0.95, 0.99];
    for (quantile, seconds) in QUANTILES.iter().zip(times.quantiles(QUANTILES).into_iter().flatten()) {
        to.value(&[labels, &[("quantile", &quantile.to_string())]].concat(), seconds);
    }
}
