use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response};
use url::form_urlencoded::byte_serialize;

use super::http_client;
use super::task_client::{BoxFuture, PollRequest, Queue, TaskClient};
use crate::error::{Error, ErrorKind, classify};
use crate::settings::Configuration;

/// Beyond the time that the server may hold a poll: for the way there and back.
const POLL_GRACE: Duration = Duration::from_secs(10);
/// For a result, plus what its size needs.
const UPDATE_TIMEOUT: Duration = Duration::from_secs(30);
const UPDATE_BYTES_PER_SECOND: usize = 256 * 1024;

/// [`TaskClient`] over HTTP.
#[derive(Debug)]
pub struct HttpTaskClient {
    client: Client,
    base_url: String,
    update_url: String,
}

impl HttpTaskClient {
    pub fn new(configuration: &Configuration) -> Result<Self, Error> {
        let base_url = configuration.base_url().to_owned();
        Ok(Self {
            client: http_client::build(configuration)?,
            update_url: format!("{base_url}/tasks"),
            base_url,
        })
    }

    fn poll_url(&self, queue: &Queue, request: PollRequest) -> String {
        let mut url = format!("{}/tasks/poll/batch/", self.base_url);
        path_segment(&mut url, &queue.task_type);
        url.push_str("?workerid=");
        url.extend(byte_serialize(queue.worker_id.as_bytes()));
        if let Some(domain) = &queue.domain {
            url.push_str("&domain=");
            url.extend(byte_serialize(domain.as_bytes()));
        }
        // Writing to a String does not fail.
        let _ = write!(url, "&count={}&timeout={}", request.count, request.timeout.as_millis());
        url
    }

    async fn poll(&self, queue: &Queue, request: PollRequest) -> Result<Bytes, Error> {
        let response = self
            .client
            .get(self.poll_url(queue, request))
            .timeout(request.timeout + POLL_GRACE)
            .send()
            .await
            .map_err(|error| network(&error))?;
        successful_body(response).await
    }

    async fn update(&self, body: Bytes) -> Result<(), Error> {
        let extra = Duration::from_secs((body.len() / UPDATE_BYTES_PER_SECOND) as u64);
        let response = self
            .client
            .post(&self.update_url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .timeout(UPDATE_TIMEOUT + extra)
            .body(body)
            .send()
            .await
            .map_err(|error| network(&error))?;
        let answer = successful_body(response).await?;
        if answer.first() == Some(&b'<') {
            let problem = "a page instead of a task id".to_owned();
            return Err(ErrorKind::UnexpectedBody { problem }.into());
        }
        Ok(())
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
            client.poll_url(&queue, request),
            "http://localhost:8080/api/tasks/poll/batch/my%20task?workerid=host+1&count=10&timeout=100"
        );
        queue.domain = Some("a&b".into());
        queue.task_type = "ü?".into();
        assert_eq!(
            client.poll_url(&queue, request),
            "http://localhost:8080/api/tasks/poll/batch/%C3%BC%3F?workerid=host+1&domain=a%26b&count=10&timeout=100"
        );
    }
}
