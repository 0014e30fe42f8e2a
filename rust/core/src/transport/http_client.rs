use std::error::Error as _;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::{Request, Response, StatusCode};
use reqwest::{Client, Proxy, redirect};

use super::answer::{Answer, Patience, read};
use super::connections::{IDLE_LIMIT, unreachable_server};
use super::tls_problem::tls_problem;
use crate::error::{Error, ErrorKind};
use crate::settings::Configuration;

/// For calls that have a limit of their own: the cap of a body alone, so that no server fills the memory. A
/// workflow with all its tasks may be large.
const UNHURRIED: Patience = Patience { head: Duration::from_secs(3_600), most_bytes: 512 * 1024 * 1024 };

/// The client of the calls that are not hot, and of all calls where there is a proxy.
#[derive(Debug, Clone)]
pub(super) struct HttpClient {
    client: Client,
    origin: Arc<str>,
    /// Whom it connects to, for errors: the server, or the server through a proxy.
    way: Arc<str>,
}

impl HttpClient {
    pub(super) fn new(configuration: &Configuration, tls: rustls::ClientConfig) -> Result<Self, Error> {
        let mut builder = Client::builder()
            .http1_only()
            // Our headers may carry a token; reqwest strips only the standard ones on a redirect.
            .redirect(redirect::Policy::none())
            // Who reads the environment is Python.
            .no_proxy()
            .pool_idle_timeout(IDLE_LIMIT)
            .connect_timeout(configuration.connect_timeout)
            .tls_backend_preconfigured(tls);
        let mut way = configuration.authority();
        if let Some(url) = configuration.proxy() {
            let refused =
                |_| Error::configuration("proxy", "cannot be used; give something like http://proxy:3128");
            builder = builder.proxy(Proxy::all(url.clone()).map_err(refused)?);
            let (host, port) =
                (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(80));
            way = format!("{way} through the proxy {host}:{port}");
        }
        let client =
            builder.build().map_err(|error| Error::configuration("server_api_url", error.to_string()))?;
        Ok(Self { client, origin: configuration.origin().into(), way: way.into() })
    }

    /// Sends one request, whose URI is a path, and reads the whole answer, success or not: a connection is
    /// only used again after its body was read. How long that may take is the caller's business.
    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<(StatusCode, Bytes), Error> {
        let answer = self.exchange(request).await?;
        Ok((answer.status, answer.body))
    }

    /// As `send`, with the answer's headers.
    pub(super) async fn exchange(&self, request: Request<Bytes>) -> Result<Answer, Error> {
        let mut answer = self.send_within(request, UNHURRIED).await?;
        match answer.cut.take() {
            _ if answer.status.is_redirection() => Err(answer.redirection()),
            None => Ok(answer),
            Some(problem) => Err(Error::network(problem)),
        }
    }

    pub(super) async fn send_within(
        &self,
        request: Request<Bytes>,
        patience: Patience,
    ) -> Result<Answer, Error> {
        let broken = |error: reqwest::Error| self.network(&error).to_string();
        let ((), answer) = read(patience, pin!(self.head(request)), broken).await?;
        Ok(answer)
    }

    async fn head(&self, request: Request<Bytes>) -> Result<((), Response<reqwest::Body>), Error> {
        let (mut parts, body) = request.into_parts();
        let not_a_uri = |_| Error::network("the path of the request is no URI");
        parts.uri = format!("{}{}", self.origin, parts.uri).parse().map_err(not_a_uri)?;
        let request = reqwest::Request::try_from(Request::from_parts(parts, body));
        let request = request.map_err(|_| Error::network("the URL of the request is no URL"))?;
        let response = self.client.execute(request).await.map_err(|error| self.network(&error))?;
        if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Err(proxy_wants_a_password());
        }
        Ok(((), response.into()))
    }

    /// reqwest's own text names the URL; the causes below it do not.
    #[cold]
    fn network(&self, error: &reqwest::Error) -> Error {
        let connected = !error.is_connect();
        if let Some(problem) = tls_problem(error) {
            return ErrorKind::Network { problem, connected }.into();
        }
        let mut problem = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            problem = inner.to_string();
            cause = inner.source();
        }
        // hyper-util has no type for it.
        if problem.contains("proxy authorization required") {
            return proxy_wants_a_password();
        }
        if connected {
            return Error::network(format!("connection lost: {problem}"));
        }
        unreachable_server(&self.way, problem)
    }
}

#[cold]
fn proxy_wants_a_password() -> Error {
    let problem = "proxy: it wants another user and password; write them in its URL, as in \
                   http://user:password@proxy:3128";
    ErrorKind::Unauthorized { status: 407, problem: problem.to_owned() }.into()
}
