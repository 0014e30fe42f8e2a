use std::time::Duration;

use crate::observe::{HostState, HostView, MetricsSnapshot, WorkerView};

/// A step of a poll loop that is later than this hangs: an answer that never comes is given up after 10 s.
const OVERDUE_LIMIT: Duration = Duration::from_secs(15);
/// The server holds an idle poll for so long.
const LONGEST_HOLD: Duration = Duration::from_secs(5);
/// The outbox is in trouble when its oldest result has waited for so long.
const OUTBOX_LIMIT: Duration = Duration::from_secs(60);

/// Why this process should be restarted: one line a reason, none if it should not. A server that is down is
/// none: its polls fail and are tried again.
pub(super) fn not_live(snapshot: &MetricsSnapshot) -> Vec<String> {
    let hosts = snapshot.hosts.iter().filter(|host| host.state != HostState::Stopped);
    hosts.flat_map(|host| &host.workers).filter_map(overdue).collect()
}

/// Why this process takes no tasks now: one line a reason, none if it does.
pub(super) fn not_ready(snapshot: &MetricsSnapshot) -> Vec<String> {
    let Some(host) = snapshot.hosts.iter().min_by_key(|host| host.state) else {
        return vec!["no worker host was started".to_owned()];
    };
    match host.state {
        HostState::Running => {}
        HostState::Draining => return vec!["draining: no new task is taken".to_owned()],
        HostState::Stopped => return vec!["stopped".to_owned()],
    }
    let running = || snapshot.hosts.iter().filter(|host| host.state == HostState::Running);
    let workers = running().flat_map(|host| &host.workers).filter(|worker| !worker.paused);
    let mut reasons: Vec<_> = running().filter_map(outbox).collect();
    reasons.extend(workers.filter_map(|worker| overdue(worker).or_else(|| not_polled(snapshot, worker))));
    reasons
}

fn overdue(worker: &WorkerView) -> Option<String> {
    let late = worker.overdue.as_secs();
    (worker.overdue > OVERDUE_LIMIT).then(|| format!("{}: its poll is {late} s overdue", named(worker)))
}

fn outbox(host: &HostView) -> Option<String> {
    let age = host.outbox.oldest_age.filter(|age| *age > OUTBOX_LIMIT)?;
    Some(format!("{} results wait for delivery, the oldest for {} s", host.outbox.results, age.as_secs()))
}

/// Polls fail, and none was answered within three intervals.
fn not_polled(snapshot: &MetricsSnapshot, worker: &WorkerView) -> Option<String> {
    let is_it = |counted: &&(_, _, _)| {
        let (task_type, domain, _) = counted;
        *task_type == worker.task_type && *domain == worker.domain
    };
    let (_, _, counts) = snapshot.workers.iter().find(is_it)?;
    if !counts.last_poll_failed {
        return counts
            .last_successful_poll_age
            .is_none()
            .then(|| format!("{}: no poll was answered yet", named(worker)));
    }
    let limit = (worker.poll_interval + LONGEST_HOLD) * 3;
    match counts.last_successful_poll_age {
        Some(age) if age <= limit => None,
        Some(age) => Some(format!("{}: its polls fail, for {} s", named(worker), age.as_secs())),
        None => Some(format!("{}: its polls fail", named(worker))),
    }
}

fn named(worker: &WorkerView) -> String {
    match &worker.domain {
        Some(domain) => format!("worker {:?} in domain {domain:?}", worker.task_type),
        None => format!("worker {:?}", worker.task_type),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{OutboxView, WorkerCounts};

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A host whose worker's last successful poll is so old, and whose last poll failed or not.
    fn snapshot(age: Option<u64>, last_poll_failed: bool) -> MetricsSnapshot {
        let worker = WorkerView {
            task_type: "greet".into(),
            domain: None,
            worker_id: String::new(),
            thread_count: 1,
            slots_in_use: 0,
            prefetched: 0,
            paused: false,
            results_blocked: false,
            poll_interval: seconds(2),
            overdue: Duration::ZERO,
        };
        let counts = WorkerCounts {
            last_successful_poll_age: age.map(seconds),
            last_poll_failed,
            ..WorkerCounts::default()
        };
        let host = HostView {
            server: String::new(),
            state: HostState::Running,
            outbox: OutboxView::default(),
            outbox_is_full: false,
            unauthorized: false,
            workers: vec![worker],
        };
        MetricsSnapshot {
            workers: vec![("greet".into(), None, counts)],
            hosts: vec![host],
            ..MetricsSnapshot::default()
        }
    }

    #[test]
    fn ready_is_who_polls_with_success() {
        assert_eq!(not_ready(&MetricsSnapshot::default()), ["no worker host was started"]);
        for (age, failed, expected) in [
            (None, false, Some("worker \"greet\": no poll was answered yet")),
            (None, true, Some("worker \"greet\": its polls fail")),
            (Some(900), false, None),
            (Some(21), true, None),
            (Some(22), true, Some("worker \"greet\": its polls fail, for 22 s")),
        ] {
            let snapshot = snapshot(age, failed);
            assert_eq!(not_ready(&snapshot), expected.as_slice(), "{age:?} {failed}");
            assert_eq!(not_live(&snapshot), [""; 0], "a server that is down is no reason for a restart");
        }
    }

    #[test]
    fn a_loop_that_hangs_is_neither_ready_nor_live_unless_it_is_stopped() {
        let mut snapshot = snapshot(Some(1), false);
        snapshot.hosts[0].workers[0].overdue = seconds(16);
        let hangs = ["worker \"greet\": its poll is 16 s overdue"];
        assert_eq!(
            (not_ready(&snapshot), not_live(&snapshot)),
            (hangs.map(String::from).into(), hangs.map(String::from).into())
        );
        snapshot.hosts[0].state = HostState::Stopped;
        assert_eq!(not_live(&snapshot), [""; 0]);
        assert_eq!(not_ready(&snapshot), ["stopped"]);
    }

    #[test]
    fn a_drain_and_an_old_outbox_are_not_ready() {
        let mut snapshot = snapshot(Some(1), false);
        snapshot.hosts[0].outbox = OutboxView { results: 3, bytes: 9, oldest_age: Some(seconds(61)) };
        assert_eq!(not_ready(&snapshot), ["3 results wait for delivery, the oldest for 61 s"]);
        snapshot.hosts[0].state = HostState::Draining;
        assert_eq!(not_ready(&snapshot), ["draining: no new task is taken"]);
    }
}
