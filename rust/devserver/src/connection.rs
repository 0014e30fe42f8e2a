//! One connection: its requests one after the other, its end as Tomcat ends it.

use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::answer::AnswerBody;
use crate::control_routes::control_route;
use crate::fault_answer::{Outcome, answer};
use crate::raw_answer::RawAnswer;
use crate::request::ApiRequest;
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
    // hyper has the socket; a second handle of it is for what HTTP does not write.
    let raw = Mutex::new(None);
    let Ok(spare) = SockRef::from(&stream).try_clone() else { return };
    serve_http(&shared, stream, &raw).await;
    let raw = raw.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let (Some(raw), Ok(stream)) = (raw, TcpStream::from_std(spare.into())) {
        // Fails when the client has gone.
        let _ = raw.write(stream).await;
    }
}

/// Until the end of the connection, or until an answer is wanted that HTTP does not write.
async fn serve_http(shared: &Arc<Shared>, stream: TcpStream, raw: &Mutex<Option<RawAnswer>>) {
    let activity = Activity::default();
    activity.last_millis.store(shared.clock.elapsed_millis(), Ordering::Relaxed);
    let connection = http1::Builder::new().pipeline_flush(true).serve_connection(
        TokioIo::new(stream),
        service_fn(|request| async {
            let response = respond(shared, request, &activity, raw).await;
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
    raw: &Mutex<Option<RawAnswer>>,
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
    let (outcome, task_type) = answer(shared, request).await;
    let status = outcome.answer().map(|answer| answer.status);
    shared.transcript().answered(sequence, status, task_type);
    match RawAnswer::of(outcome) {
        Err(Outcome::LastAnswer(answer)) => Ok(answer.into_response(true)),
        Err(Outcome::Answer(answer)) => Ok(answer.into_response(last)),
        Err(_) => Err(CloseConnection),
        Ok(answer) => {
            *raw.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
            Err(CloseConnection)
        }
    }
}
