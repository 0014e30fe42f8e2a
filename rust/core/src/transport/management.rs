use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::HeaderValue;
use url::form_urlencoded::byte_serialize;

use super::auth::Auth;
use super::backoff::Backoff;
use super::http_client::HttpClient;
use super::request::{Requests, path_segment, uri};
use super::tls;
use crate::error::{Error, ErrorKind, Judgement, classify};
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
#[derive(Clone)]
pub struct Management {
    client: HttpClient,
    auth: Auth,
    requests: Requests,
}

impl Management {
    pub fn new(configuration: &Configuration) -> Result<Self, Error> {
        let client = HttpClient::new(configuration, tls::client_config(configuration)?)?;
        let requests = Requests::new(configuration)?;
        let auth = Auth::new(configuration, client.clone(), requests.clone(), None);
        Ok(Self { client, auth, requests })
    }

    /// The body of a successful answer. A call that could not even connect is tried again, and so is a
    /// repeatable one after a transient failure: four times within 3 s.
    pub async fn call(self, call: ManagementCall) -> Result<Bytes, Error> {
        let path = self.path(&call);
        let mut backoff = RETRY;
        for _ in 1..TRIES {
            match self.send(&path, &call).await {
                Err(error) if may_repeat(&call, &error) => {
                    tokio::time::sleep(backoff.failed(fastrand::f64())).await;
                }
                answer => return answer,
            }
        }
        self.send(&path, &call).await
    }

    async fn send(&self, path: &str, call: &ManagementCall) -> Result<Bytes, Error> {
        self.auth.call(|token| self.exchange(path, call, token)).await
    }

    async fn exchange(
        &self,
        path: &str,
        call: &ManagementCall,
        token: Option<HeaderValue>,
    ) -> Result<Bytes, Error> {
        let body = call.body.clone().unwrap_or_default();
        let request = self.requests.make(call.method.clone(), uri(path)?, body, token);
        let (status, body) = tokio::time::timeout(TIMEOUT + call.hold, self.client.send(request))
            .await
            .unwrap_or_else(|_| Err(Error::network("no answer in time")))?;
        if !status.is_success() {
            return Err(classify(status.as_u16(), &body));
        }
        if is_page(&body) {
            return Err(ErrorKind::UnexpectedBody { problem: "an HTML page".into() }.into());
        }
        Ok(body)
    }

    fn path(&self, call: &ManagementCall) -> String {
        let mut url = self.requests.base_path.clone();
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
/// Neither JSON nor an id begins as a page does.
fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<')
}

fn may_repeat(call: &ManagementCall, error: &Error) -> bool {
    let passes = || {
        let judgement = error.judge();
        matches!(judgement, Judgement::Transient | Judgement::Throttled | Judgement::Suspect)
    };
    matches!(error.kind(), ErrorKind::Network { connected: false, .. }) || call.repeatable && passes()
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
        assert_eq!(management.path(&call), "/api/tasks/a%2Fb%20c/log?reason=a%26b+c&x=1");
    }
}
