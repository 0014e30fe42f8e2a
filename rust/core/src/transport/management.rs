use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method};
use url::form_urlencoded::byte_serialize;

use super::backoff::Backoff;
use super::http_client;
use super::http_task_client::{network, path_segment, successful_body};
use crate::error::{Error, ErrorKind, Judgement};
use crate::settings::Configuration;

const TIMEOUT: Duration = Duration::from_secs(30);
const TRIES: u32 = 4;
const RETRY: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(2));

/// A call that no hot loop makes: definitions, workflows, logs, queue sizes.
#[derive(Debug, Clone)]
pub struct ManagementCall {
    pub method: Method,
    /// Segments below the base URL, not encoded.
    pub path: Vec<String>,
    pub query: Vec<(String, String)>,
    pub body: Option<Bytes>,
    /// On top of the usual 30 s: how long the server may hold the call.
    pub hold: Duration,
    /// May it be sent again after an answer was lost? Reads and reports may; a start may not.
    pub repeatable: bool,
}

/// Makes [`ManagementCall`]s.
#[derive(Debug, Clone)]
pub struct Management {
    client: Client,
    base_url: String,
}

impl Management {
    pub fn new(configuration: &Configuration) -> Result<Self, Error> {
        Ok(Self { client: http_client::build(configuration)?, base_url: configuration.base_url().to_owned() })
    }

    /// The body of a successful answer. A call that could not even connect is tried again, and so is a
    /// repeatable one after a transient failure: four times within 3 s.
    pub async fn call(self, call: ManagementCall) -> Result<Bytes, Error> {
        let url = self.url(&call);
        let mut backoff = RETRY;
        for _ in 1..TRIES {
            match self.send(&url, &call).await {
                Err(error) if may_repeat(&call, &error) => {
                    tokio::time::sleep(backoff.failed(fastrand::f64())).await;
                }
                answer => return answer,
            }
        }
        self.send(&url, &call).await
    }

    async fn send(&self, url: &str, call: &ManagementCall) -> Result<Bytes, Error> {
        let mut request = self.client.request(call.method.clone(), url).timeout(TIMEOUT + call.hold);
        if let Some(body) = &call.body {
            request =
                request.header(CONTENT_TYPE, HeaderValue::from_static("application/json")).body(body.clone());
        }
        let response = request.send().await.map_err(|error| network(&error))?;
        if response.status().is_success() && is_page(response.headers()) {
            return Err(ErrorKind::UnexpectedBody { problem: "an HTML page".into() }.into());
        }
        successful_body(response).await
    }

    fn url(&self, call: &ManagementCall) -> String {
        let mut url = self.base_url.clone();
        for segment in &call.path {
            url.push('/');
            path_segment(&mut url, segment);
        }
        for (index, (name, value)) in call.query.iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            // Writing to a String does not fail.
            let _ = write!(url, "{name}=");
            url.extend(byte_serialize(value.as_bytes()));
        }
        url
    }
}

/// A login page comes with a success; taken for an answer it would be a workflow id, or a silent yes.
fn is_page(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|content_type| content_type.starts_with("text/html"))
}

fn may_repeat(call: &ManagementCall, error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Network { connected: false, .. } => true,
        _ => call.repeatable && matches!(error.judge(), Judgement::Transient | Judgement::Throttled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_and_values_are_encoded() {
        let management = Management::new(&Configuration::new("http://localhost/api").unwrap()).unwrap();
        let call = ManagementCall {
            method: Method::GET,
            path: vec!["tasks".into(), "a/b c".into(), "log".into()],
            query: vec![("reason".into(), "a&b c".into()), ("x".into(), "1".into())],
            body: None,
            hold: Duration::ZERO,
            repeatable: true,
        };
        assert_eq!(management.url(&call), "http://localhost/api/tasks/a%2Fb%20c/log?reason=a%26b+c&x=1");
    }
}
