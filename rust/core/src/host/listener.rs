use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answers::answer;
use crate::error::Error;
use crate::io_thread::IoThread;
use crate::observe::Catalogue;
use crate::supervise::spawn_untold;

/// For the head of a request, and between two.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Of a request's head: hyper's smallest.
const HEAD_BYTES: usize = 8 * 1024;
/// A client that does not read its answer holds a connection no longer than this.
const CONNECTION_LIMIT: Duration = Duration::from_secs(60);
const CONNECTIONS: usize = 64;
/// After a failed accept, which is the system's lack of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// `/metrics`, the probes and the page of this process: on a thread of its own, without Python.
pub struct Listener {
    address: SocketAddr,
    io: IoThread,
}

impl Listener {
    /// Port 0 takes a free one. `catalogue`: what `/metrics` tells unless it is asked for another.
    pub fn start(host: &str, port: u16, catalogue: Catalogue) -> Result<Self, Error> {
        let bound = TcpListener::bind((host, port)).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        });
        let (address, listener) = bound.map_err(|error| refused(host, port, &error))?;
        let io = IoThread::start("conductor-metrics")?;
        io.run(async move {
            let listener = tokio::net::TcpListener::from_std(listener)
                .map_err(|error| refused(&address.ip().to_string(), address.port(), &error))?;
            spawn_untold(accept(listener, address, catalogue));
            Ok(())
        })?;
        Ok(Self { address, io })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn close(&self) {
        self.io.close();
    }
}

#[cold]
fn refused(host: &str, port: u16, error: &std::io::Error) -> Error {
    let remedy = match error.kind() {
        std::io::ErrorKind::AddrInUse => "give another http_port, or stop who has it",
        std::io::ErrorKind::PermissionDenied => "give an http_port above 1023",
        _ => "check CONDUCTOR_FAST_METRICS_HOST",
    };
    Error::configuration("http_port", format!("cannot listen on port {port} of {host} ({error}); {remedy}"))
}

async fn accept(listener: tokio::net::TcpListener, address: SocketAddr, catalogue: Catalogue) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => spawn_untold(serve(stream, address, catalogue, place)),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn serve(stream: TcpStream, address: SocketAddr, catalogue: Catalogue, _place: OwnedSemaphorePermit) {
    let service = service_fn(|request| {
        let answer = answer(&request, address.ip(), catalogue);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    // How a connection ends, and why, is its client's business.
    let _ = tokio::time::timeout(CONNECTION_LIMIT, connection).await;
}
