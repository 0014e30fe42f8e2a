use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, Read as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token, Waker};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};
use serde_json::json;

use crate::connection::{Connection, accept};
use crate::http::{self, Parsed, Request};
use crate::options::{Options, Tls};
use crate::report;
use crate::stretch::{Stretch, nanos};
use crate::tasks::Tasks;
use crate::waiters::{Form, Waiter, Waiters};

const LISTENER: Token = Token(usize::MAX);
const STDIN: Token = Token(usize::MAX - 1);
/// epoll counts milliseconds: what is due sooner is waited for by asking again and again.
const SPIN: u64 = 2_000_000;
/// The real server's poll behind an update-v2 (ExecutionService.java:278).
const SINGLE_TIMEOUT: u64 = 100_000_000;

struct Server {
    poll: Poll,
    listener: TcpListener,
    start: Instant,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    serials: u64,
    most_connections: usize,
    tasks: Tasks,
    waiters: Waiters,
    think: u64,
    /// Answers that are not due yet: when, token, serial.
    delayed: VecDeque<(u64, usize, u64)>,
    requests_per_connection: u32,
    tls: Option<Arc<ServerConfig>>,
}

/// Serves until stdin is closed or the longest time has passed.
pub(crate) fn run(options: &Options) -> io::Result<()> {
    let poll = Poll::new()?;
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.port)))?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let closed = watch_stdin(Waker::new(poll.registry(), STDIN)?);
    let tls = options.tls.as_ref().map(configuration).transpose().map_err(io::Error::other)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    report::event("listening", json!({ "url": format!("{scheme}://{}/api", listener.local_addr()?) }))?;
    let mut stretch = Stretch::new(options);
    let mut server = Server {
        poll,
        listener,
        start: Instant::now(),
        connections: Vec::new(),
        free: Vec::new(),
        serials: 0,
        most_connections: 0,
        tasks: Tasks::new(options),
        waiters: Waiters::new(options.polls),
        think: options.think_micros * 1_000,
        delayed: VecDeque::new(),
        requests_per_connection: options.requests_per_connection,
        tls,
    };
    let end = nanos(options.longest_seconds);
    let mut events = Events::with_capacity(1_024);
    while server.now() < end && !closed.load(Ordering::Acquire) {
        server.round(&mut events, stretch.next())?;
        let now = server.now();
        stretch.step(&mut server.tasks, now)?;
    }
    stretch.end(&server.tasks, server.most_connections)
}

fn configuration(files: &Tls) -> Result<Arc<ServerConfig>, Box<dyn Error + Send + Sync>> {
    let chain = CertificateDer::pem_file_iter(&files.certificate)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(&files.key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(builder.with_no_client_auth().with_single_cert(chain, key)?))
}

fn watch_stdin(waker: Waker) -> Arc<AtomicBool> {
    let closed = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&closed);
    std::thread::spawn(move || {
        let _ = io::stdin().read_to_end(&mut Vec::new());
        seen.store(true, Ordering::Release);
        waker.wake()
    });
    closed
}

impl Server {
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn round(&mut self, events: &mut Events, stretch: Option<u64>) -> io::Result<()> {
        let now = self.now();
        let timeout = self.timeout(now, stretch);
        match self.poll.poll(events, Some(timeout)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in &*events {
            match event.token() {
                LISTENER => self.accept()?,
                STDIN => {}
                Token(token) => self.ready(token, event.is_readable(), event.is_read_closed()),
            }
        }
        self.due();
        Ok(())
    }

    /// Until what is due next: exactly for tasks and delayed answers, to the millisecond for all else.
    fn timeout(&self, now: u64, stretch: Option<u64>) -> Duration {
        let exact =
            self.tasks.next_arrival().into_iter().chain(self.delayed.front().map(|(due, ..)| *due)).min();
        let rough = self.waiters.next_deadline().into_iter().chain(stretch).min();
        let exact = exact.map(|due| due.saturating_sub(now + SPIN) / 1_000_000);
        let rough = rough.map(|due| due.saturating_sub(now).div_ceil(1_000_000));
        Duration::from_millis(exact.into_iter().chain(rough).min().unwrap_or(100).min(100))
    }

    fn accept(&mut self) -> io::Result<()> {
        while let Some(stream) = accept(&self.listener)? {
            let token = self.free.pop().unwrap_or(self.connections.len());
            if token == self.connections.len() {
                self.connections.push(None);
            }
            self.serials += 1;
            let tls = self.tls.as_ref().map(|tls| ServerConnection::new(Arc::clone(tls)));
            let tls = tls.transpose().map_err(io::Error::other)?;
            let mut connection = Connection::new(stream, tls, self.serials);
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(connection.stream(), Token(token), interest)?;
            self.connections[token] = Some(connection);
            self.tasks.counts.connections_opened += 1;
            self.most_connections = self.most_connections.max(self.connections.len() - self.free.len());
        }
        Ok(())
    }

    fn ready(&mut self, token: usize, readable: bool, closed: bool) {
        let Some(connection) = self.connections.get_mut(token).and_then(Option::as_mut) else { return };
        let mut open = connection.write();
        if open && readable {
            open = connection.read(closed);
            self.handle(token);
        }
        if !open {
            self.close(token);
        }
    }

    fn close(&mut self, token: usize) {
        if let Some(connection) = self.connections.get_mut(token).and_then(Option::take) {
            self.waiters.forget(connection.serial);
            self.free.push(token);
        }
    }

    /// Answers the whole requests that are there, until one has to wait.
    fn handle(&mut self, token: usize) {
        while let Some(connection) = self.connections.get_mut(token).and_then(Option::as_mut) {
            if connection.busy || connection.filled == 0 {
                return;
            }
            let input = std::mem::take(&mut connection.input);
            let length = match http::parse(&input[..connection.filled]) {
                Parsed::Whole(request) => {
                    connection.busy = true;
                    connection.requests += 1;
                    connection.close = connection.requests == self.requests_per_connection;
                    self.answer(token, &request);
                    request.length
                }
                Parsed::Part => 0,
                Parsed::Malformed => {
                    self.tasks.counts.refused += 1;
                    self.close(token);
                    return;
                }
            };
            let Some(connection) = self.connections.get_mut(token).and_then(Option::as_mut) else { return };
            connection.input = input;
            connection.input.copy_within(length..connection.filled, 0);
            connection.filled -= length;
            if length == 0 {
                return;
            }
        }
    }

    fn answer(&mut self, token: usize, request: &Request<'_>) {
        self.tasks.counts.requests += 1;
        let now = self.now();
        let path = request.path.strip_prefix(b"/api").unwrap_or(request.path);
        match (request.method, path) {
            (b"POST", b"/tasks") => match self.tasks.report(&request.body, now) {
                Some(_) => self.respond(token, "200 OK", "text/plain", b"updated"),
                None => self.respond(token, "404 Not Found", "text/plain", b"no such task"),
            },
            (b"POST", b"/tasks/update-v2") => {
                if let Some(number) = self.tasks.report(&request.body, now) {
                    let task_type = self.tasks.type_of(number);
                    self.ask(token, Form::Single, task_type, 1, now + SINGLE_TIMEOUT);
                } else {
                    self.respond(token, "404 Not Found", "text/plain", b"no such task");
                }
            }
            (b"GET", path) if path.starts_with(b"/tasks/poll/batch/") => {
                self.tasks.counts.polls += 1;
                self.tasks.start_schedule(now);
                let name = path.get(b"/tasks/poll/batch/".len()..).unwrap_or_default();
                let count = http::number(request.query, b"count").unwrap_or(1);
                let timeout = http::number(request.query, b"timeout").unwrap_or(100) as u64 * 1_000_000;
                match self.tasks.task_type(name) {
                    Some(task_type) => self.ask(token, Form::Batch, task_type, count, now + timeout),
                    None => self.respond(token, "200 OK", "application/json", b"[]"),
                }
            }
            (b"POST" | b"PUT", b"/metadata/taskdefs") => {
                self.respond(token, "200 OK", "application/json", b"");
            }
            (b"POST", path) if path.ends_with(b"/log") => {
                self.respond(token, "200 OK", "application/json", b"");
            }
            _ => {
                self.tasks.counts.refused += 1;
                self.respond(
                    token,
                    "404 Not Found",
                    "application/json",
                    br#"{"status":404,"message":"not here"}"#,
                );
            }
        }
    }

    fn ask(&mut self, token: usize, form: Form, task_type: usize, count: usize, deadline: u64) {
        let Some(connection) = self.connections.get(token).and_then(Option::as_ref) else { return };
        let waiter =
            Waiter { token, serial: connection.serial, form, task_type, count, deadline, taken: Vec::new() };
        let now = self.now();
        if let Some(waiter) = self.waiters.ask(waiter, &mut self.tasks, now) {
            self.hand_out(&waiter);
        }
    }

    /// Answers a poll with the tasks that it took.
    fn hand_out(&mut self, waiter: &Waiter) {
        let mut body = Vec::with_capacity(waiter.taken.len() * 1_100 + 2);
        let batch = waiter.form == Form::Batch;
        self.tasks.counts.empty_polls += u64::from(batch && waiter.taken.is_empty());
        if batch {
            body.push(b'[');
        }
        for (index, number) in waiter.taken.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            if let Some(payload) = self.tasks.payload(*number) {
                payload.write(&mut body, *number);
            }
        }
        if batch {
            body.push(b']');
        }
        let status = if body.is_empty() { "204 No Content" } else { "200 OK" };
        self.respond(waiter.token, status, "application/json", &body);
    }

    /// The answer to the request of this connection: written now, or when the server has thought enough.
    fn respond(&mut self, token: usize, status: &str, content_type: &str, body: &[u8]) {
        let due = self.now() + self.think;
        let Some(connection) = self.connections.get_mut(token).and_then(Option::as_mut) else { return };
        http::head(&mut connection.output, status, content_type, body.len(), connection.close);
        connection.output.extend_from_slice(body);
        if self.think > 0 {
            self.delayed.push_back((due, token, connection.serial));
        } else {
            self.write(token);
        }
    }

    fn write(&mut self, token: usize) {
        let Some(connection) = self.connections.get_mut(token).and_then(Option::as_mut) else { return };
        connection.busy = false;
        if !connection.write() {
            self.close(token);
        }
    }

    /// What the clock asks for: new tasks, polls whose time is up, delayed answers.
    fn due(&mut self) {
        let now = self.now();
        let mut answer = Vec::new();
        let waiters = &mut self.waiters;
        self.tasks.arrive(now, |tasks, task_type| waiters.arrived(task_type, tasks, now, &mut answer));
        self.waiters.expired(now, &mut answer);
        for waiter in answer {
            self.hand_out(&waiter);
        }
        while let Some((_, token, serial)) = self.delayed.front().copied().filter(|(due, ..)| *due <= now) {
            self.delayed.pop_front();
            let same =
                self.connections.get(token).and_then(Option::as_ref).is_some_and(|it| it.serial == serial);
            if same {
                self.write(token);
                self.handle(token);
            }
        }
    }
}
