use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use super::answer::{Answer, Bounds, Patience};
use super::connection::{Connection, Failure};
use super::request::{Call, Requests};
use super::tls_problem::tls_problem;
use crate::error::{Error, ErrorKind};
use crate::settings::Configuration;

/// Under the idle limits of the peers that matter (Tomcat 20 to 60 s, an ALB 60 s, nginx 75 s): a
/// request written into a connection that the peer is closing fails without our knowing whether it
/// was processed (hyper issue 2136).
pub(super) const IDLE_LIMIT: Duration = Duration::from_secs(15);
/// A name may have moved to other addresses since.
const AGE_LIMIT: Duration = Duration::from_secs(300);
/// More idle connections than posts in flight are of no use.
const IDLE_CONNECTIONS: usize = 64;
/// So that a peer that vanished without a word is noticed by a connection that waits for an answer.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// The hot calls' connections to the one host that there is, in HTTP/1.1.
pub(super) struct Connections {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    connect_timeout: Duration,
    /// Of every request.
    head_lines: Bytes,
    /// In the order in which they were used. The last one is used next, so that those that are not needed grow
    /// old and go.
    idle: Mutex<Vec<Connection>>,
}

impl Connections {
    pub(super) fn new(
        configuration: &Configuration,
        requests: &Requests,
        tls: rustls::ClientConfig,
    ) -> Result<Self, Error> {
        let (host, port) = configuration.host_and_port();
        let tls = if configuration.is_tls() {
            let name = ServerName::try_from(host.clone())
                .map_err(|_| Error::configuration("server_api_url", format!("{host:?} is no host name")))?;
            Some((TlsConnector::from(Arc::new(tls)), name))
        } else {
            None
        };
        let (connect_timeout, head_lines) = (configuration.connect_timeout, requests.head_lines());
        Ok(Self { host, port, tls, connect_timeout, head_lines, idle: Mutex::default() })
    }

    /// Sends one request and reads the answer, success or not. A connection that closed before the request
    /// was written is replaced without a word.
    pub(super) async fn send(&self, call: &Call<'_>, patience: Patience) -> Result<Answer, Error> {
        let mut bounds = Bounds::new(patience);
        loop {
            let idle = self.take_idle(bounds.started);
            let is_new = idle.is_none();
            let mut connection = match idle {
                Some(connection) => connection,
                // A handshake's state is 10 KB, which every call would carry and move about: boxed, as it is rare.
                None => Box::pin(self.open()).await?,
            };
            match connection.exchange(call, &self.head_lines, &mut bounds).await {
                Ok((answer, is_reusable)) => {
                    if is_reusable {
                        self.give_back(connection);
                    }
                    return Ok(answer);
                }
                Err(Failure::Unsent(_)) if !is_new => {}
                Err(Failure::Unsent(error) | Failure::Lost(error)) => return Err(error),
            }
        }
    }

    fn take_idle(&self, now: Instant) -> Option<Connection> {
        loop {
            let last = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = last?;
            if now < connection.usable_until && connection.is_silent() {
                return Some(connection);
            }
        }
    }

    fn give_back(&self, mut connection: Connection) {
        let now = Instant::now();
        connection.usable_until = (now + IDLE_LIMIT).min(connection.opened + AGE_LIMIT);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody else looks at those that are not needed.
        let old = idle.iter().take_while(|connection| connection.usable_until <= now).count();
        idle.drain(..old);
        if idle.len() < IDLE_CONNECTIONS {
            idle.push(connection);
        }
    }

    async fn open(&self) -> Result<Connection, Error> {
        let late = |_| Err(self.unreachable(format!("not within {:?}", self.connect_timeout)));
        tokio::time::timeout(self.connect_timeout, self.connect()).await.unwrap_or_else(late)
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let unreachable = |error| self.unreachable(error);
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive).map_err(unreachable)?;
        Ok(match &self.tls {
            None => Connection::new(stream),
            Some((connector, name)) => {
                let refused = |error| match tls_problem(&error) {
                    Some(problem) => ErrorKind::Network { problem, connected: false }.into(),
                    None => self.unreachable(error),
                };
                Connection::new(connector.connect(name.clone(), stream).await.map_err(refused)?)
            }
        })
    }

    #[cold]
    fn unreachable(&self, problem: impl std::fmt::Display) -> Error {
        unreachable_server(&format!("{}:{}", self.host, self.port), problem)
    }
}

/// `way`: host and port, and the proxy if there is one.
#[cold]
pub(super) fn unreachable_server(way: &str, problem: impl std::fmt::Display) -> Error {
    let remedy = if way.contains("through the proxy") {
        "check proxy and server_api_url (proxies may come from HTTPS_PROXY and the like)"
    } else {
        "check server_api_url, and that the server runs"
    };
    ErrorKind::Network { problem: format!("cannot connect to {way}: {problem}; {remedy}"), connected: false }
        .into()
}
