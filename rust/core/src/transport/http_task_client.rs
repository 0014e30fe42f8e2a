use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Method, Request};
use reqwest::Response;
use url::form_urlencoded::byte_serialize;

use super::connections::Connections;
use super::http_client::USER_AGENT_VALUE;
use super::task_client::{BoxFuture, PollRequest, Queue, TaskClient};
use crate::error::{Error, ErrorKind, classify};
use crate::settings::Configuration;

/// Beyond the time that the server may hold a poll: for the way there and back.
const POLL_GRACE: Duration = Duration::from_secs(10);
/// For the look at a task, with whatever input it carries.
const GET_TIMEOUT: Duration = Duration::from_secs(10);
/// For a result, plus what its size needs.
const UPDATE_TIMEOUT: Duration = Duration::from_secs(30);
const UPDATE_BYTES_PER_SECOND: usize = 256 * 1024;

/// [`TaskClient`] over HTTP.
pub struct HttpTaskClient {
    connections: Connections,
    /// Of every request.
    headers: HeaderMap,
    base_path: String,
    update_path: String,
}

impl HttpTaskClient {
    pub fn new(configuration: &Configuration) -> Result<Self, Error> {
        let base_path = configuration.base_path().to_owned();
        Ok(Self {
            connections: Connections::new(configuration)?,
            headers: headers(configuration)?,
            update_path: format!("{base_path}/tasks"),
            base_path,
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
        self.send(Method::GET, &path, Bytes::new(), request.timeout + POLL_GRACE).await
    }

    async fn update(&self, body: Bytes) -> Result<(), Error> {
        let extra = Duration::from_secs((body.len() / UPDATE_BYTES_PER_SECOND) as u64);
        let answer = self.send(Method::POST, &self.update_path, body, UPDATE_TIMEOUT + extra).await?;
        if answer.first() == Some(&b'<') {
            let problem = "a page instead of a task id".to_owned();
            return Err(ErrorKind::UnexpectedBody { problem }.into());
        }
        Ok(())
    }

    async fn get(&self, task_id: &str) -> Result<Bytes, Error> {
        let mut path = format!("{}/tasks/", self.base_path);
        path_segment(&mut path, task_id);
        self.send(Method::GET, &path, Bytes::new(), GET_TIMEOUT).await
    }

    async fn send(&self, method: Method, path: &str, body: Bytes, timeout: Duration) -> Result<Bytes, Error> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|_| Error::network("the path of the request is no URI"))?;
        request.headers_mut().clone_from(&self.headers);
        let (status, body) = tokio::time::timeout(timeout, self.connections.send(request))
            .await
            .unwrap_or_else(|_| Err(Error::network("no answer in time")))?;
        if status.is_success() { Ok(body) } else { Err(classify(status.as_u16(), &body)) }
    }
}

fn headers(configuration: &Configuration) -> Result<HeaderMap, Error> {
    let refused = |_| Error::configuration("server_api_url", "its host cannot stand in a Host header");
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_str(&configuration.authority()).map_err(refused)?);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static(USER_AGENT_VALUE));
    if let Some((user, password)) = configuration.user_information() {
        let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
        let mut value = HeaderValue::from_str(&format!("Basic {credentials}")).map_err(refused)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
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

/// Appends one segment of a path. A '+' is a blank only in a query: in a path it has to be %20.
pub(super) fn path_segment(url: &mut String, segment: &str) {
    byte_serialize(segment.as_bytes()).for_each(|part| url.push_str(&part.replace('+', "%20")));
}

/// The whole body, also of a failure: a connection is only used again after its body was read.
pub(super) async fn successful_body(response: Response) -> Result<Bytes, Error> {
    let status = response.status();
    let body = response.bytes().await.map_err(|error| network(&error))?;
    if status.is_success() { Ok(body) } else { Err(classify(status.as_u16(), &body)) }
}

/// reqwest's own text names the URL, which may hold user information; the causes below it do not.
#[cold]
pub(super) fn network(error: &reqwest::Error) -> Error {
    if error.is_timeout() {
        return Error::network("no answer in time");
    }
    let mut cause = error.source();
    let mut problem = String::from(if error.is_connect() { "cannot connect" } else { "connection lost" });
    while let Some(inner) = cause {
        cause = inner.source();
        if cause.is_none() {
            let _ = write!(problem, ": {inner}");
        }
    }
    ErrorKind::Network { problem, connected: !error.is_connect() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_poll_url_is_the_one_of_the_reference_client() {
        let configuration = Configuration::new("http://localhost:8080/api/").unwrap();
        let client = HttpTaskClient::new(&configuration).unwrap();
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
    fn user_information_travels_as_basic_authentication_and_is_not_shown() {
        let configuration = Configuration::new("http://me:p%40ss@[::1]:8080/api").unwrap();
        let headers = headers(&configuration).unwrap();
        assert_eq!(headers[HOST], "[::1]:8080");
        assert_eq!(headers[AUTHORIZATION], format!("Basic {}", BASE64_STANDARD.encode("me:p@ss")));
        assert!(!format!("{headers:?}").contains("Basic"), "{headers:?}");
        assert_eq!(configuration.host_and_port(), ("::1".to_owned(), 8080));
    }
}
