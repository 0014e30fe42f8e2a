use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::histogram::{RecentDistribution, RecentTimes};
use super::host_view::{HostState, HostView, LiveHost, OutboxView, WorkerView};
use super::spool_view::SpoolView;
use super::worker_counts::WorkerCounts;
use super::worker_metrics::WorkerMetrics;

/// Counters live as long as the process, as those who collect them expect: a worker that is started again
/// under another host goes on where it was. Bounded by the number of queues.
static REGISTRY: Mutex<Registry> =
    Mutex::new(Registry { process: 0, start: None, workers: Vec::new(), hosts: Vec::new() });
static REQUESTS: [RecentTimes; 4] = [const { RecentTimes::new() }; 4];
/// Answers other than 200, with whatever status; bounded by the statuses that there are.
static OTHER_REQUESTS: Mutex<OtherRequests> = Mutex::new(BTreeMap::new());
static TOKEN_FAILURES: AtomicU64 = AtomicU64::new(0);
static PANICS: AtomicU64 = AtomicU64::new(0);
static ABANDONED: AtomicU64 = AtomicU64::new(0);

type OtherRequests = BTreeMap<(HttpCall, u16), Box<RecentTimes>>;

struct Registry {
    process: u32,
    start: Option<Instant>,
    workers: Vec<Arc<WorkerMetrics>>,
    hosts: Vec<Weak<dyn LiveHost>>,
}

/// The calls of the engine, by the names of the reference SDK's labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HttpCall {
    Poll,
    Update,
    GetTask,
    Token,
}

impl HttpCall {
    const ALL: [Self; 4] = [Self::Poll, Self::Update, Self::GetTask, Self::Token];

    const fn method_and_uri(self) -> (&'static str, &'static str) {
        match self {
            Self::Poll => ("GET", "/tasks/poll/batch/{taskType}"),
            Self::Update => ("POST", "/tasks"),
            Self::GetTask => ("GET", "/tasks/{taskId}"),
            Self::Token => ("POST", "/token"),
        }
    }
}

/// The counters of a queue, made with the first call.
pub fn worker_metrics(task_type: &Arc<str>, domain: Option<&str>) -> Arc<WorkerMetrics> {
    let mut registry = registry();
    let is_it =
        |known: &&Arc<WorkerMetrics>| known.task_type == *task_type && known.domain.as_deref() == domain;
    if let Some(known) = registry.workers.iter().find(is_it) {
        return Arc::clone(known);
    }
    let metrics = Arc::new(WorkerMetrics::new(task_type, domain));
    registry.workers.push(Arc::clone(&metrics));
    metrics
}

pub(crate) fn add_host(host: &Arc<dyn LiveHost>) {
    let mut registry = registry();
    registry.hosts.retain(|host| host.strong_count() > 0);
    registry.hosts.push(Arc::downgrade(host));
}

/// An answer, or its absence (status 0), to one request.
pub fn http_request(call: HttpCall, status: u16, took: Duration) {
    if status == 200 {
        return REQUESTS[call as usize].add(took);
    }
    let mut others = other_requests();
    others.entry((call, status)).or_insert_with(|| Box::new(RecentTimes::new())).add(took);
}

pub(crate) fn token_failed() {
    TOKEN_FAILURES.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn panicked() {
    PANICS.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn abandoned(count: usize) {
    ABANDONED.fetch_add(count as u64, Ordering::Relaxed);
}

/// Of the process that forks: both locks, in the order in which `registry` takes them.
pub(crate) struct HeldMetrics {
    _registry: MutexGuard<'static, Registry>,
    _requests: MutexGuard<'static, OtherRequests>,
}

impl HeldMetrics {
    pub(crate) fn hold() -> Self {
        // Fields are made in the order in which they are written.
        Self { _registry: registry(), _requests: other_requests() }
    }
}

/// A forked child counts from zero: its parent's counts are told by its parent.
fn registry() -> MutexGuard<'static, Registry> {
    let mut registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if registry.process != process {
        *registry = Registry { process, start: Some(Instant::now()), workers: Vec::new(), hosts: Vec::new() };
        REQUESTS.iter().for_each(RecentTimes::clear);
        other_requests().clear();
        TOKEN_FAILURES.store(0, Ordering::Relaxed);
        PANICS.store(0, Ordering::Relaxed);
        ABANDONED.store(0, Ordering::Relaxed);
    }
    registry
}

fn other_requests() -> MutexGuard<'static, OtherRequests> {
    OTHER_REQUESTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Requests of one kind with one status.
#[derive(Debug, Clone)]
pub struct RequestTimes {
    pub method: &'static str,
    pub uri: &'static str,
    pub status: u16,
    pub times: RecentDistribution,
}

/// All that there is to tell of this process. Plain data.
#[derive(Debug, Clone, Default)]
pub struct MetricsSnapshot {
    pub process: u32,
    pub uptime: Duration,
    /// By task type and domain, each once.
    pub workers: Vec<(Arc<str>, Option<String>, WorkerCounts)>,
    pub requests: Vec<RequestTimes>,
    pub token_failures: u64,
    pub panics: u64,
    pub abandoned: u64,
    pub hosts: Vec<HostView>,
}

impl MetricsSnapshot {
    pub fn take() -> Self {
        let (start, workers, hosts) = {
            let registry = registry();
            let hosts: Vec<_> = registry.hosts.iter().filter_map(Weak::upgrade).collect();
            (registry.start, registry.workers.clone(), hosts)
        };
        let mut workers: Vec<_> = workers
            .iter()
            .map(|worker| (Arc::clone(&worker.task_type), worker.domain.clone(), worker.read()))
            .collect();
        workers.sort_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
        Self {
            process: std::process::id(),
            uptime: start.map(|start| start.elapsed()).unwrap_or_default(),
            workers,
            requests: requests(),
            token_failures: TOKEN_FAILURES.load(Ordering::Relaxed),
            panics: PANICS.load(Ordering::Relaxed),
            abandoned: ABANDONED.load(Ordering::Relaxed),
            hosts: hosts.iter().map(|host| host.view()).collect(),
        }
    }

    /// Hosts that are not stopped: what a stopped one held is settled or given up.
    pub(super) fn live_hosts(&self) -> impl Iterator<Item = &HostView> {
        self.hosts.iter().filter(|host| host.state != HostState::Stopped)
    }

    /// The outboxes of all hosts.
    pub fn outbox(&self) -> OutboxView {
        self.live_hosts().fold(OutboxView::default(), |all, host| OutboxView {
            results: all.results + host.outbox.results,
            bytes: all.bytes + host.outbox.bytes,
            oldest_age: all.oldest_age.max(host.outbox.oldest_age),
        })
    }

    /// What lies on disk for all hosts, if any has a spool directory.
    pub fn spool(&self) -> Option<SpoolView> {
        self.live_hosts().filter_map(|host| host.spool).reduce(SpoolView::and)
    }

    /// The workers of all hosts, two for one queue as one.
    pub fn live_workers(&self) -> Vec<WorkerView> {
        let mut merged: Vec<WorkerView> = Vec::new();
        for worker in self.live_hosts().flat_map(|host| &host.workers) {
            let known = merged
                .iter_mut()
                .find(|known| known.task_type == worker.task_type && known.domain == worker.domain);
            match known {
                Some(known) => {
                    known.thread_count += worker.thread_count;
                    known.slots_in_use += worker.slots_in_use;
                    known.prefetched += worker.prefetched;
                    known.paused &= worker.paused;
                    known.results_blocked |= worker.results_blocked;
                }
                None => merged.push(worker.clone()),
            }
        }
        merged
    }

    /// What was counted of each task type, its domains together.
    pub fn by_task_type(&self) -> BTreeMap<Arc<str>, WorkerCounts> {
        let mut merged: BTreeMap<Arc<str>, WorkerCounts> = BTreeMap::new();
        for (task_type, _, counts) in &self.workers {
            merged.entry(Arc::clone(task_type)).or_default().merge(counts);
        }
        merged
    }
}

fn requests() -> Vec<RequestTimes> {
    let made = |call: HttpCall, status, times: &RecentTimes| {
        let (method, uri) = call.method_and_uri();
        RequestTimes { method, uri, status, times: times.read() }
    };
    let mut requests: Vec<_> =
        HttpCall::ALL.into_iter().map(|call| made(call, 200, &REQUESTS[call as usize])).collect();
    requests.retain(|request| request.times.all.count() > 0);
    requests.extend(other_requests().iter().map(|((call, status), times)| made(*call, *status, times)));
    requests
}
