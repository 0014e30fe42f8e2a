use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::Method;
use hyper::header::HeaderValue;
use url::form_urlencoded::byte_serialize;

use super::answer::Patience;
use super::auth::Auth;
use super::connections::Connections;
use super::http_client::HttpClient;
use super::request::{Call, Requests, path_segment};
use super::sender::Sender;
use super::task_client::{BoxFuture, PollRequest, Queue, TaskClient};
use super::tls;
use crate::error::Error;
use crate::observe::{EventSink, HttpCall, http_request};
use crate::settings::Configuration;

/// Beyond the time that the server may hold a poll: for the way there and back.
const POLL_GRACE: Duration = Duration::from_secs(10);
/// A task's input may have 10 MiB before the server moves it out, and the task carries more than that.
const BYTES_PER_TASK: usize = 16 * 1024 * 1024;
/// A server that sends more tasks than asked for is heard out up to here.
const LEAST_POLL_BYTES: usize = 64 * 1024 * 1024;
/// A task id, or what a proxy says instead.
const UPDATE_ANSWER_BYTES: usize = 64 * 1024;
/// For the look at a task, with whatever input it carries.
const GET_TIMEOUT: Duration = Duration::from_secs(10);
/// For a result, plus what its size needs.
const UPDATE_TIMEOUT: Duration = Duration::from_secs(30);
const UPDATE_BYTES_PER_SECOND: usize = 256 * 1024;

/// [`TaskClient`] over HTTP.
pub struct HttpTaskClient {
    sender: Sender,
    auth: Auth,
    base_path: String,
    update_path: String,
}

impl HttpTaskClient {
    pub fn new(configuration: &Configuration, sink: Arc<dyn EventSink>) -> Result<Self, Error> {
        let tls = tls::client_config(configuration)?;
        let client = HttpClient::new(configuration, tls.clone())?;
        let requests = Requests::new(configuration)?;
        let sender = if configuration.proxy().is_some() {
            Sender::Proxied(client.clone(), requests.clone())
        } else {
            Sender::Direct(Connections::new(configuration, &requests, tls)?)
        };
        let base_path = requests.base_path.clone();
        let update_path = format!("{base_path}/tasks");
        Ok(Self {
            sender,
            auth: Auth::new(configuration, client, requests, Some(sink)),
            base_path,
            update_path,
        })
    }

    fn poll_path(&self, queue: &Queue, request: PollRequest) -> String {
        let mut path = format!("{}/tasks/poll/batch/", self.base_path);
        path_segment(&mut path, &queue.task_type);
        path.push_str("?workerid=");
        path.extend(byte_serialize(queue.worker_id.as_bytes()));
        if let Some(domain) = &queue.domain {
            path.push_str("&domain=");
            path.extend(byte_serialize(domain.as_bytes()));
        }
        // Writing to a String does not fail.
        let _ = write!(path, "&count={}&timeout={}", request.count, request.timeout.as_millis());
        path
    }

    async fn poll(&self, queue: &Queue, request: PollRequest) -> Result<Bytes, Error> {
        let path = self.poll_path(queue, request);
        let most_bytes = request.count.saturating_mul(BYTES_PER_TASK).max(LEAST_POLL_BYTES);
        let patience = Patience { head: request.timeout + POLL_GRACE, most_bytes };
        // Older servers answer 204.
        let is_array = |body: &[u8]| matches!(body.first(), None | Some(b'['));
        let expected = ("a JSON array of tasks", is_array as fn(&[u8]) -> bool);
        let call = Call { method: &Method::GET, path: &path, token: None, body: &Bytes::new() };
        self.send(HttpCall::Poll, call, patience, expected).await
    }

    async fn update(&self, body: Bytes) -> Result<(), Error> {
        let extra = Duration::from_secs((body.len() / UPDATE_BYTES_PER_SECOND) as u64);
        let patience = Patience { head: UPDATE_TIMEOUT + extra, most_bytes: UPDATE_ANSWER_BYTES };
        let is_no_page = |body: &[u8]| body.first() != Some(&b'<');
        let expected = ("a task id", is_no_page as fn(&[u8]) -> bool);
        let call = Call { method: &Method::POST, path: &self.update_path, token: None, body: &body };
        self.send(HttpCall::Update, call, patience, expected).await?;
        Ok(())
    }

    async fn get(&self, task_id: &str) -> Result<Bytes, Error> {
        let mut path = format!("{}/tasks/", self.base_path);
        path_segment(&mut path, task_id);
        let patience = Patience { head: GET_TIMEOUT, most_bytes: LEAST_POLL_BYTES };
        let is_object = |body: &[u8]| body.first() == Some(&b'{');
        let expected = ("a task", is_object as fn(&[u8]) -> bool);
        let call = Call { method: &Method::GET, path: &path, token: None, body: &Bytes::new() };
        self.send(HttpCall::GetTask, call, patience, expected).await
    }

    async fn send(
        &self,
        what: HttpCall,
        call: Call<'_>,
        patience: Patience,
        (expected, is_expected): (&str, fn(&[u8]) -> bool),
    ) -> Result<Bytes, Error> {
        let exchange = async |token: Option<HeaderValue>| {
            let call = Call { token: token.as_ref(), ..call };
            let sent = Instant::now();
            let answer = self.sender.send(&call, patience).await;
            http_request(what, answer.as_ref().map_or(0, |answer| answer.status.as_u16()), sent.elapsed());
            answer?.success(expected, is_expected)
        };
        self.auth.call(exchange).await
    }
}

impl TaskClient for HttpTaskClient {
    fn batch_poll<'a>(
        &'a self,
        queue: &'a Queue,
        request: PollRequest,
    ) -> BoxFuture<'a, Result<Bytes, Error>> {
        Box::pin(self.poll(queue, request))
    }

    fn update_task(&self, body: Bytes) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.update(body))
    }

    fn get_task<'a>(&'a self, task_id: &'a str) -> BoxFuture<'a, Result<Bytes, Error>> {
        Box::pin(self.get(task_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::LogRecord;

    struct Nobody;

    impl EventSink for Nobody {
        fn log(&self, _record: LogRecord) {}
    }

    #[test]
    fn the_poll_url_is_the_one_of_the_reference_client() {
        let configuration = Configuration::new("http://localhost:8080/api/").unwrap();
        let client = HttpTaskClient::new(&configuration, Arc::new(Nobody)).unwrap();
        let mut queue = Queue { task_type: "my task".into(), domain: None, worker_id: "host 1".into() };
        let request = PollRequest { count: 10, timeout: Duration::from_millis(100) };
        assert_eq!(
            client.poll_path(&queue, request),
            "/api/tasks/poll/batch/my%20task?workerid=host+1&count=10&timeout=100"
        );
        queue.domain = Some("a&b".into());
        queue.task_type = "ü?".into();
        assert_eq!(
            client.poll_path(&queue, request),
            "/api/tasks/poll/batch/%C3%BC%3F?workerid=host+1&domain=a%26b&count=10&timeout=100"
        );
    }

    #[test]
    fn a_call_carries_no_handshake_about() {
        let configuration = Configuration::new("http://localhost:8080/api/").unwrap();
        let client = HttpTaskClient::new(&configuration, Arc::new(Nobody)).unwrap();
        let size = size_of_val(&client.update(Bytes::new()));
        assert!(size < 1_536, "it is moved several times, and has {size} bytes; box what is rare");
    }
}
