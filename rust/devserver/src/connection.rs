//! One connection: its requests one after the other, its end as Tomcat ends it.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::answer::{Answer, AnswerBody};
use crate::control_routes::control_route;
use crate::fault::FaultAction;
use crate::request::{ApiRequest, polled_type};
use crate::routes::route;
use crate::shared::Shared;
use crate::token_routes::TOKEN_PATH;

/// hyper closes a connection without an answer when the service fails.
#[derive(Debug)]
struct CloseConnection;

impl fmt::Display for CloseConnection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("closed by a fault rule or by the client")
    }
}

impl std::error::Error for CloseConnection {}

impl From<Infallible> for CloseConnection {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// What the idle timer looks at.
#[derive(Debug, Default)]
struct Activity {
    begun: AtomicU32,
    ended: AtomicU32,
    /// When the last request began, in milliseconds since the server's start.
    last_millis: AtomicU64,
}

/// Serves a connection until one side closes it.
pub(crate) async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    // Small answers must not wait for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let activity = Activity::default();
    activity.last_millis.store(shared.clock.elapsed_millis(), Ordering::Relaxed);
    let connection = http1::Builder::new().pipeline_flush(true).serve_connection(
        TokioIo::new(stream),
        service_fn(|request| async {
            let response = respond(&shared, request, &activity).await;
            activity.ended.fetch_add(1, Ordering::Relaxed);
            response
        }),
    );
    tokio::pin!(connection);
    // One timer per connection instead of one per request: it looks when the last request was.
    let idle_timeout = shared.options.idle_timeout;
    let mut pause = idle_timeout;
    loop {
        tokio::select! {
            _ = &mut connection => return,
            () = sleep(pause) => {}
        }
        let last = Duration::from_millis(activity.last_millis.load(Ordering::Relaxed));
        let idle = Duration::from_millis(shared.clock.elapsed_millis()).saturating_sub(last);
        let busy = activity.begun.load(Ordering::Relaxed) != activity.ended.load(Ordering::Relaxed);
        if busy || idle < idle_timeout {
            pause = idle_timeout.saturating_sub(idle).max(Duration::from_millis(1));
        } else {
            connection.as_mut().graceful_shutdown();
            pause = idle_timeout;
        }
    }
}

async fn respond(
    shared: &Arc<Shared>,
    request: Request<Incoming>,
    activity: &Activity,
) -> Result<Response<AnswerBody>, CloseConnection> {
    let number = activity.begun.fetch_add(1, Ordering::Relaxed) + 1;
    let last = shared.options.requests_per_connection.is_some_and(|limit| number >= limit);
    let request = ApiRequest::read(request).await.map_err(|_| CloseConnection)?;
    let elapsed_millis = shared.clock.elapsed_millis();
    activity.last_millis.store(elapsed_millis, Ordering::Relaxed);
    if let Some(rest) = request.path().strip_prefix("/dev/") {
        return Ok(control_route(shared, &request, rest).into_response(last));
    }
    shared.requests.fetch_add(1, Ordering::Relaxed);
    let (method, path, query) = (request.method(), request.path(), request.query());
    // A transcript is printed by tests that fail: it must not hold the key's secret.
    let body: &[u8] = if path == TOKEN_PATH { b"" } else { &request.body };
    let sequence = shared.transcript().record(elapsed_millis, method, path, query, body);
    let (answer, task_type) = answer(shared, &request).await;
    shared.transcript().answered(sequence, answer.as_ref().map(|answer| answer.status), task_type);
    answer.map(|answer| answer.into_response(last)).ok_or(CloseConnection)
}

/// The answer after all fault rules (`None`: close without one) and the task type for the transcript.
async fn answer(shared: &Arc<Shared>, request: &ApiRequest) -> (Option<Answer>, Option<Arc<str>>) {
    let (fault, task_type) = fault(shared, request);
    let answer = match fault {
        None => Some(route(shared, request).await),
        Some(FaultAction::Answer { status, body, headers }) => Some(Answer::scripted(status, body, headers)),
        Some(FaultAction::Close) => None,
        Some(FaultAction::CloseAfter) => {
            route(shared, request).await;
            None
        }
        Some(FaultAction::Delay(time)) => {
            sleep(time).await;
            Some(route(shared, request).await)
        }
    };
    let task_type = task_type.or_else(|| answer.as_ref().and_then(|answer| answer.task_type.clone()));
    (answer, task_type)
}

fn fault(shared: &Shared, request: &ApiRequest) -> (Option<FaultAction>, Option<Arc<str>>) {
    if shared.faults().is_empty() {
        return (None, None);
    }
    let task_type = task_type(shared, request);
    let action = shared.faults().hit(request.method(), request.path(), task_type.as_deref());
    (action, task_type)
}

/// The type that a poll names, or that of the task that an update names.
fn task_type(shared: &Shared, request: &ApiRequest) -> Option<Arc<str>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        task_id: String,
    }
    if let Some(task_type) = polled_type(request.path()) {
        return Some(Arc::from(&*task_type));
    }
    let named: Named = serde_json::from_slice(&request.body).ok()?;
    shared.store().find(&named.task_id).map(|task| Arc::clone(&task.template.task_type))
}
