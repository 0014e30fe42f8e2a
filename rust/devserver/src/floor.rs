//! The least that a client of this server can do, for `conductor-fast bench`: blocking sockets, one poll for 64
//! tasks, one post each, bytes that were built before. No JSON, no function, no second try.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use memchr::memmem;

/// As many tasks a poll, and as many posts under way.
const BATCH: usize = 64;
const ID_LENGTH: usize = 36;

/// Completes tasks of `task_type`, each with `output` (a JSON text), until the server ends. `url` is the server's.
///
/// # Errors
///
/// For a URL that is not `DevServer::url`'s, a server that is not there, and answers other than `200`.
pub fn run_floor(url: &str, task_type: &str, output: &str) -> io::Result<()> {
    let host = url.strip_prefix("http://").and_then(|url| url.strip_suffix("/api"));
    let server = host.and_then(|host| host.parse().ok());
    let server = server.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "not http://IP:PORT/api"))?;
    let connections = (0..BATCH).map(|_| Connection::open(server)).collect::<Result<_, _>>()?;
    match work(Connection::open(server)?, connections, task_type, output) {
        Err(error) if has_ended(error.kind()) => Ok(()),
        other => other,
    }
}

fn has_ended(kind: ErrorKind) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, UnexpectedEof};
    matches!(kind, BrokenPipe | ConnectionRefused | ConnectionReset | UnexpectedEof)
}

fn work(
    mut poller: Connection,
    mut connections: Vec<Connection>,
    task_type: &str,
    output: &str,
) -> io::Result<()> {
    let poll = format!(
        "GET /api/tasks/poll/batch/{task_type}?workerid=floor&count={BATCH}&timeout=100 HTTP/1.1\r\n\
         Host: localhost\r\n\r\n"
    );
    let mut post = Post::new(output);
    poller.send(poll.as_bytes())?;
    loop {
        // It was sent behind the posts: when it is answered, so are they, and one sleep was enough for all.
        for (connection, ids) in connections.iter_mut().zip(tasks(poller.answer()?)) {
            if connection.asked {
                connection.answer()?;
            }
            connection.send(post.of(&ids))?;
        }
        poller.send(poll.as_bytes())?;
    }
}

/// Of a task and of its workflow.
type Ids<'a> = [&'a [u8]; 2];

/// Finds a batch's tasks by their ids, which the server writes in this order.
fn tasks(mut body: &[u8]) -> impl Iterator<Item = Ids<'_>> {
    std::iter::from_fn(move || {
        let workflow = memmem::find(body, br#""workflowInstanceId":""#)? + 22;
        let task = workflow + memmem::find(body.get(workflow..)?, br#""taskId":""#)? + 10;
        let ids = [body.get(task..task + ID_LENGTH)?, body.get(workflow..workflow + ID_LENGTH)?];
        body = body.get(task + ID_LENGTH..)?;
        Some(ids)
    })
}

/// A request whose ids are written over.
struct Post {
    text: Vec<u8>,
    places: [usize; 2],
}

impl Post {
    fn new(output: &str) -> Self {
        let blank = " ".repeat(ID_LENGTH);
        let body = format!(
            r#"{{"taskId":"{blank}","workflowInstanceId":"{blank}","workerId":"floor","status":"COMPLETED","outputData":{output}}}"#
        );
        let head = format!(
            "POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let task = head.len() + r#"{"taskId":""#.len();
        let places = [task, task + ID_LENGTH + r#"","workflowInstanceId":""#.len()];
        Self { text: (head + &body).into_bytes(), places }
    }

    fn of(&mut self, ids: &Ids<'_>) -> &[u8] {
        for (place, id) in self.places.into_iter().zip(ids) {
            self.text[place..place + ID_LENGTH].copy_from_slice(id);
        }
        &self.text
    }
}

struct Connection {
    server: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Its answer is not read yet.
    asked: bool,
    /// By the server, as it does after some requests.
    closed: bool,
}

impl Connection {
    fn open(server: SocketAddr) -> io::Result<Self> {
        Ok(Self { server, stream: connect(server)?, buffer: vec![0; 4096], asked: false, closed: false })
    }

    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        if std::mem::take(&mut self.closed) {
            self.stream = connect(self.server)?;
        }
        self.asked = true;
        self.stream.write_all(request)
    }

    /// What the server says, with its chunk's frame; the server writes a batch as one chunk.
    fn answer(&mut self) -> io::Result<&[u8]> {
        let mut filled = 0;
        loop {
            let length = self.stream.read(&mut self.buffer[filled..])?;
            if length == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            filled += length;
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            let Some(head) = memmem::find(&self.buffer[..filled], b"\r\n\r\n") else { continue };
            let body = &self.buffer[head + 4..filled];
            let head = &self.buffer[..head];
            if !head.starts_with(b"HTTP/1.1 200") {
                return Err(io::Error::other(String::from_utf8_lossy(head)));
            }
            if length_of(head).map_or(body.ends_with(b"0\r\n\r\n"), |length| body.len() >= length) {
                self.asked = false;
                self.closed = memmem::find(head, b"connection: close").is_some();
                return Ok(&self.buffer[head.len() + 4..filled]);
            }
        }
    }
}

fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn length_of(head: &[u8]) -> Option<usize> {
    let at = memmem::find(head, b"content-length: ")? + 16;
    let digits = head[at..].split(|byte| *byte == b'\r').next()?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
