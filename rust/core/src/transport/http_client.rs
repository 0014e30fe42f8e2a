use std::error::Error as _;
use std::sync::Arc;

use bytes::Bytes;
use hyper::{Request, Response, StatusCode};
use reqwest::{Client, Proxy, redirect};

use super::connections::{IDLE_LIMIT, unreachable_server};
use super::tls_problem::tls_problem;
use crate::error::{Error, ErrorKind};
use crate::settings::Configuration;

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

    /// Sends one request, whose URI is a path, and reads the whole answer, success or not.
    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<(StatusCode, Bytes), Error> {
        let response = self.exchange(request).await?;
        Ok((response.status(), response.into_body()))
    }

    /// As `send`, with the answer's headers. A connection is only used again after its body was read.
    pub(super) async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let (mut parts, body) = request.into_parts();
        let not_a_uri = |_| Error::network("the path of the request is no URI");
        parts.uri = format!("{}{}", self.origin, parts.uri).parse().map_err(not_a_uri)?;
        let request = reqwest::Request::try_from(Request::from_parts(parts, body));
        let request = request.map_err(|_| Error::network("the URL of the request is no URL"))?;
        let mut response = self.client.execute(request).await.map_err(|error| self.network(&error))?;
        if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Err(proxy_wants_a_password());
        }
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        *answer.body_mut() = response.bytes().await.map_err(|error| self.network(&error))?;
        Ok(answer)
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
