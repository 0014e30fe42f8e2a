//! Batch poll, single poll and the poll of update-v2, with their long polls (`ExecutionService.java`).

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::shared::Shared;

/// How long a long poll may be, in milliseconds; more is a `400`.
pub(crate) const MAX_LONG_POLL_MILLIS: i32 = 5000;
/// `POLLING_TIMEOUT_IN_MS`: without `timeout`, at a single poll, and in update-v2.
pub(crate) const DEFAULT_LONG_POLL_MILLIS: i32 = 100;
/// The Redis store gives no more than this at `timeout=0`.
const MAX_TASKS_WITHOUT_TIMEOUT: usize = 64;
/// The sleep between two tries of a store that gathers.
const GATHERING_SLEEP: Duration = Duration::from_millis(100);
/// A guess at a small task's JSON, to reserve room once.
const TASK_BYTES: usize = 1200;

#[derive(Clone, Debug)]
pub(crate) struct PollRequest {
    /// Index in `Queues`.
    pub(crate) queue: usize,
    pub(crate) count: usize,
    pub(crate) timeout: Duration,
    pub(crate) worker_id: Option<Arc<str>>,
}

/// The polled tasks' JSON, separated by commas, behind what `poll` was given; and their number.
pub(crate) struct Polled {
    pub(crate) json: Vec<u8>,
    pub(crate) count: usize,
}

/// Polls. A poll that waits goes on when its client has gone and takes what comes, as on the real server,
/// where a poll is a write; such tasks come back by their response timeout.
pub(crate) async fn poll(shared: &Arc<Shared>, request: PollRequest, json: Vec<u8>) -> Polled {
    let mut polled = Polled { json, count: 0 };
    let limit = if request.timeout.is_zero() && !shared.options.gathering {
        request.count.min(MAX_TASKS_WITHOUT_TIMEOUT)
    } else {
        request.count
    };
    take(shared, &request, limit, &mut polled);
    let enough = if shared.options.gathering {
        polled.count >= limit || (request.timeout.is_zero() && polled.count == 0)
    } else {
        polled.count > 0 || request.timeout.is_zero() || limit == 0
    };
    if enough {
        return polled;
    }
    let shared = Arc::clone(shared);
    let waiting = tokio::spawn(async move {
        if shared.options.gathering {
            gather(&shared, &request, limit, &mut polled).await;
        } else {
            wait_for_first(&shared, &request, limit, &mut polled).await;
        }
        polled
    });
    waiting.await.unwrap_or(Polled { json: Vec::new(), count: 0 })
}

/// Redis: until the first tasks are there.
async fn wait_for_first(shared: &Arc<Shared>, request: &PollRequest, limit: usize, polled: &mut Polled) {
    let deadline = Instant::now() + request.timeout;
    let arrived = Arc::clone(&shared.store().queues.get(request.queue).arrived);
    loop {
        let notified = arrived.notified();
        tokio::pin!(notified);
        // Before the look, or a task that arrives between the two would wake nobody.
        notified.as_mut().enable();
        take(shared, request, limit, polled);
        if polled.count > 0 || timeout_at(deadline, notified).await.is_err() {
            break;
        }
    }
}

/// `SQLite`, Postgres: until the count is full or the timeout is over (`PostgresQueueDAO.java`).
async fn gather(shared: &Arc<Shared>, request: &PollRequest, limit: usize, polled: &mut Polled) {
    let deadline = Instant::now() + request.timeout;
    loop {
        sleep(GATHERING_SLEEP).await;
        take(shared, request, limit - polled.count, polled);
        if polled.count >= limit || Instant::now() >= deadline {
            break;
        }
    }
}

fn take(shared: &Shared, request: &PollRequest, limit: usize, polled: &mut Polled) {
    let now = shared.clock.now();
    let mut store = shared.store();
    let ready = store.queues.get(request.queue).ready.len().min(limit);
    polled.json.reserve(ready * TASK_BYTES);
    let taken = store.take(request.queue, limit, request.worker_id.as_ref(), now, &mut polled.json);
    polled.count += taken;
    if taken > 0 {
        shared.wake_waits(&store);
    }
}
