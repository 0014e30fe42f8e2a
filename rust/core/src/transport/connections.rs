use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::answer::{Answer, Patience, read};
use super::tls_problem::tls_problem;
use crate::error::{Error, ErrorKind};
use crate::settings::Configuration;
use crate::supervise::spawn_untold;

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

/// The hot calls' connections to the one host that there is. Held by us and not by a pooling client: a
/// pool's key, checkout and request cloning cost more than the request (15.6 µs a task on reqwest, 10.1
/// here: measurements.md, A).
pub(super) struct Connections {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    connect_timeout: Duration,
    /// The one used last is used next, so that those that are not needed grow old and go.
    idle: Mutex<Vec<Connection>>,
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    opened: Instant,
    used: Instant,
}

impl Connection {
    fn is_usable(&self, now: Instant) -> bool {
        !self.sender.is_closed() && now - self.used < IDLE_LIMIT && now - self.opened < AGE_LIMIT
    }
}

impl Connections {
    pub(super) fn new(configuration: &Configuration, tls: rustls::ClientConfig) -> Result<Self, Error> {
        let (host, port) = configuration.host_and_port();
        let tls = if configuration.is_tls() {
            let name = ServerName::try_from(host.clone())
                .map_err(|_| Error::configuration("server_api_url", format!("{host:?} is no host name")))?;
            Some((TlsConnector::from(Arc::new(tls)), name))
        } else {
            None
        };
        let connect_timeout = configuration.connect_timeout;
        Ok(Self { host, port, tls, connect_timeout, idle: Mutex::default() })
    }

    /// Sends one request and reads the answer, success or not. A connection that closed before the request
    /// was written is replaced without a word.
    pub(super) async fn send(&self, request: Request<Bytes>, patience: Patience) -> Result<Answer, Error> {
        let broken = |error: hyper::Error| connection_lost(&error);
        let (mut connection, answer) = read(patience, self.head(request), broken).await?;
        if answer.cut.is_none() {
            connection.used = Instant::now();
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE_CONNECTIONS {
                idle.push(connection);
            }
        }
        Ok(answer)
    }

    async fn head(&self, request: Request<Bytes>) -> Result<(Connection, Response<Incoming>), Error> {
        let mut request = request.map(Full::new);
        while let Some(mut connection) = self.take_idle() {
            match connection.sender.try_send_request(request).await {
                Ok(response) => return Ok((connection, response)),
                Err(mut refused) => match refused.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(lost(refused.error())),
                },
            }
        }
        let mut connection = self.open().await?;
        let response = connection.sender.send_request(request).await.map_err(|error| lost(&error))?;
        Ok((connection, response))
    }

    fn take_idle(&self) -> Option<Connection> {
        let now = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(connection) = idle.pop() {
            if connection.is_usable(now) {
                return Some(connection);
            }
        }
        None
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
        match &self.tls {
            None => shake_hands(stream).await,
            Some((connector, name)) => {
                let refused = |error| match tls_problem(&error) {
                    Some(problem) => ErrorKind::Network { problem, connected: false }.into(),
                    None => self.unreachable(error),
                };
                shake_hands(connector.connect(name.clone(), stream).await.map_err(refused)?).await
            }
        }
    }

    #[cold]
    fn unreachable(&self, problem: impl std::fmt::Display) -> Error {
        unreachable_server(&format!("{}:{}", self.host, self.port), problem)
    }
}

async fn shake_hands<S>(stream: S) -> Result<Connection, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| lost(&error))?;
    // Driven by itself, so that a close by the server is noticed while the connection is idle. What goes
    // wrong with it is told to whoever sends.
    spawn_untold(async move {
        let _ = connection.await;
    });
    let now = Instant::now();
    Ok(Connection { sender, opened: now, used: now })
}

#[cold]
fn lost(error: &hyper::Error) -> Error {
    Error::network(connection_lost(error))
}

#[cold]
fn connection_lost(error: &hyper::Error) -> String {
    // A server that wants a client certificate says so after the handshake, in TLS 1.3.
    tls_problem(error).unwrap_or_else(|| format!("connection lost: {error}"))
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
