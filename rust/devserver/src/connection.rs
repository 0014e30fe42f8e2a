//! One connection: its requests one after the other, its end as Tomcat ends it.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::answer::{Answer, AnswerBody};
use crate::control_routes::control_route;
use crate::fault::FaultAction;
use crate::request::{ApiRequest, decode};
use crate::routes::{polled_type, route};
use crate::shared::Shared;

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

/// Serves a connection until one side closes it.
pub(crate) async fn serve(shared: Arc<Shared>, stream: TcpStream) {
    // Small answers must not wait for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let begun = AtomicU32::new(0);
    let ended = AtomicU32::new(0);
    let connection = http1::Builder::new().pipeline_flush(true).serve_connection(
        TokioIo::new(stream),
        service_fn(|request| async {
            let number = begun.fetch_add(1, Ordering::Relaxed) + 1;
            let response = respond(&shared, request, number).await;
            ended.fetch_add(1, Ordering::Relaxed);
            response
        }),
    );
    tokio::pin!(connection);
    // One timer per idle period instead of one per request: it looks whether anything happened since.
    let mut seen = 0;
    loop {
        tokio::select! {
            _ = &mut connection => return,
            () = sleep(shared.options.idle_timeout) => {}
        }
        let begun = begun.load(Ordering::Relaxed);
        if begun == seen && begun == ended.load(Ordering::Relaxed) {
            connection.as_mut().graceful_shutdown();
        }
        seen = begun;
    }
}

async fn respond(
    shared: &Arc<Shared>,
    request: Request<Incoming>,
    number: u32,
) -> Result<Response<AnswerBody>, CloseConnection> {
    let last = shared.options.requests_per_connection.is_some_and(|limit| number >= limit);
    let request = ApiRequest::read(request).await.map_err(|_| CloseConnection)?;
    if let Some(rest) = request.path().strip_prefix("/dev/") {
        return Ok(control_route(shared, &request, rest).into_response(last));
    }
    shared.requests.fetch_add(1, Ordering::Relaxed);
    let sequence = shared.transcript().record(
        shared.clock.elapsed_millis(),
        request.method(),
        request.path(),
        request.query(),
        &request.body,
    );
    let answer = answer(shared, &request).await;
    let status = answer.as_ref().map(|answer| answer.status);
    let task_type = answer.as_ref().and_then(|answer| answer.task_type.clone());
    shared.transcript().answered(sequence, status, task_type);
    answer.map(|answer| answer.into_response(last)).ok_or(CloseConnection)
}

/// The answer after all fault rules; `None`: close without one.
async fn answer(shared: &Arc<Shared>, request: &ApiRequest) -> Option<Answer> {
    match fault(shared, request) {
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
    }
}

fn fault(shared: &Shared, request: &ApiRequest) -> Option<FaultAction> {
    if shared.faults().is_empty() {
        return None;
    }
    let task_type = task_type(shared, request);
    shared.faults().hit(request.method(), request.path(), task_type.as_deref())
}

/// The type that a poll names, or that of the task that an update names.
fn task_type(shared: &Shared, request: &ApiRequest) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        task_id: String,
    }
    if let Some(task_type) = polled_type(request.path()) {
        return Some(decode(task_type, false).into_owned());
    }
    let named: Named = serde_json::from_slice(&request.body).ok()?;
    shared.store().find(&named.task_id).map(|task| task.template.task_type.to_string())
}
