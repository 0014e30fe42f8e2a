//! The floor client of `make bench`: the least that a client of this protocol can do. Bare epoll, one poll for
//! 64 tasks, one post a task, bytes that were built before; no JSON, no retry, no function.
//!
//! `conductor-bench-floor URL [CONNECTIONS]` keeps so many busy (32) until it is killed or the server closes;
//! `conductor-bench-floor URL 0` is the floor of latency: one blocking thread that polls for one task, and
//! posts.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use memchr::memmem;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

const BATCH: usize = 64;
const ID_LENGTH: usize = 36;
const FULL: Duration = Duration::from_micros(50);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: conductor-bench-floor URL [CONNECTIONS]")?;
    let connections = arguments.next().map_or(Ok(32), |number| number.parse())?;
    let host =
        url.strip_prefix("http://").and_then(|url| url.strip_suffix("/api")).ok_or("http://HOST:PORT/api")?;
    let server: SocketAddr = host.parse()?;
    let ended = if connections == 0 { one_at_a_time(server) } else { many_at_once(server, connections) };
    // The server is the one that ends a run.
    match ended {
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => Ok(()),
        other => Ok(other?),
    }
}

fn poll_request(count: usize, timeout_millis: usize) -> Vec<u8> {
    format!(
        "GET /api/tasks/poll/batch/bench_0?workerid=floor&count={count}&timeout={timeout_millis} HTTP/1.1\r\n\
         Host: localhost\r\nAccept: application/json\r\n\r\n"
    )
    .into_bytes()
}

/// A post whose ids and output are written over: they have the same size in every task.
struct Post {
    text: Vec<u8>,
    task_id: usize,
    workflow_id: usize,
    output: usize,
    output_length: usize,
}

impl Post {
    fn new(task: &Task<'_>) -> Self {
        let mut body = br#"{"taskId":""#.to_vec();
        let task_id = body.len();
        body.extend_from_slice(task.id);
        body.extend_from_slice(br#"","workflowInstanceId":""#);
        let workflow_id = body.len();
        body.extend_from_slice(task.workflow_id);
        body.extend_from_slice(br#"","workerId":"floor","status":"COMPLETED","outputData":"#);
        let output = body.len();
        body.extend_from_slice(task.input);
        body.push(b'}');
        let mut text = format!(
            "POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Accept: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        let head = text.len();
        text.append(&mut body);
        Self {
            text,
            task_id: task_id + head,
            workflow_id: workflow_id + head,
            output: output + head,
            output_length: task.input.len(),
        }
    }

    fn fill(&mut self, task: &Task<'_>) -> &[u8] {
        self.text[self.task_id..self.task_id + ID_LENGTH].copy_from_slice(task.id);
        self.text[self.workflow_id..self.workflow_id + ID_LENGTH].copy_from_slice(task.workflow_id);
        self.text[self.output..self.output + self.output_length].copy_from_slice(task.input);
        &self.text
    }
}

/// What a post needs of a polled task.
struct Task<'a> {
    id: &'a [u8],
    workflow_id: &'a [u8],
    input: &'a [u8],
}

/// Finds the next task of a batch; and where to look for the one after it.
fn next_task(body: &[u8]) -> Option<(Task<'_>, usize)> {
    let input_start = memmem::find(body, br#""inputData":"#)? + 12;
    // What follows the input in this server's tasks: it may hold braces of its own.
    let input_end = input_start + memmem::find(body.get(input_start..)?, br#","referenceTaskName""#)?;
    let workflow = input_end + memmem::find(body.get(input_end..)?, br#""workflowInstanceId":""#)? + 22;
    let id = workflow + memmem::find(body.get(workflow..)?, br#""taskId":""#)? + 10;
    let task = Task {
        id: body.get(id..id + ID_LENGTH)?,
        workflow_id: body.get(workflow..workflow + ID_LENGTH)?,
        input: body.get(input_start..input_end)?,
    };
    Some((task, id + ID_LENGTH))
}

/// The body of the answer at the start of `bytes`, if it is whole.
fn answer(bytes: &[u8]) -> io::Result<Option<&[u8]>> {
    let Some(head) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    if !bytes.starts_with(b"HTTP/1.1 200") {
        return Err(io::Error::other("the server refused a request"));
    }
    let length = memmem::rfind(&bytes[..head], b"Content-Length: ")
        .and_then(|at| std::str::from_utf8(bytes.get(at + 16..head)?).ok()?.parse::<usize>().ok());
    let length = length.ok_or_else(|| io::Error::other("an answer without a length at its end"))?;
    Ok(bytes.get(head + 4..head + 4 + length))
}

/// Reads until the answer is whole.
fn read_answer<'a>(stream: &mut impl Read, buffer: &'a mut Vec<u8>) -> io::Result<Option<&'a [u8]>> {
    let mut filled = 0;
    buffer.resize(buffer.len().max(128 * 1024), 0);
    loop {
        if filled == buffer.len() {
            buffer.resize(filled * 2, 0);
        }
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => return Err(ErrorKind::ConnectionReset.into()),
            Ok(length) => filled += length,
            Err(error) if error.kind() == ErrorKind::WouldBlock && filled == 0 => return Ok(None),
            // In the middle of an answer: the rest is on its way.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if answer(&buffer[..filled])?.is_some() {
            return answer(&buffer[..filled]);
        }
    }
}

/// Writes all, also what is larger than the socket's buffer: the server reads, whatever it has to write.
fn write(stream: &mut TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(FULL),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn many_at_once(server: SocketAddr, connections: usize) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut streams = Vec::with_capacity(connections);
    for token in 0..connections {
        let stream = std::net::TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(token), Interest::READABLE)?;
        streams.push(stream);
    }
    let get = poll_request(BATCH, 100);
    let (mut buffer, mut batch, mut at) = (Vec::new(), Vec::new(), 0);
    let mut post: Option<Post> = None;
    let mut polling: Option<usize> = None;
    let mut idle: Vec<usize> = (0..connections).collect();
    let mut events = Events::with_capacity(connections);
    loop {
        while let Some(token) = idle.pop() {
            if let Some((task, length)) = next_task(&batch[at..]) {
                at += length;
                let post = post.get_or_insert_with(|| Post::new(&task));
                write(&mut streams[token], post.fill(&task))?;
            } else if polling.is_none() {
                streams[token].write_all(&get)?;
                polling = Some(token);
            } else {
                idle.push(token);
                break;
            }
        }
        poll.poll(&mut events, None)?;
        for event in &events {
            let Token(token) = event.token();
            if let Some(body) = read_answer(&mut streams[token], &mut buffer)? {
                if polling == Some(token) {
                    polling = None;
                    batch.clear();
                    batch.extend_from_slice(body);
                    at = 0;
                }
                idle.push(token);
            }
        }
    }
}

fn one_at_a_time(server: SocketAddr) -> io::Result<()> {
    let mut stream = std::net::TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    let get = poll_request(1, 5_000);
    let (mut buffer, mut batch) = (Vec::new(), Vec::new());
    let mut post: Option<Post> = None;
    loop {
        stream.write_all(&get)?;
        batch.clear();
        batch.extend_from_slice(read_answer(&mut stream, &mut buffer)?.unwrap_or_default());
        if let Some((task, _)) = next_task(&batch) {
            let post = post.get_or_insert_with(|| Post::new(&task));
            stream.write_all(post.fill(&task))?;
            read_answer(&mut stream, &mut buffer)?;
        }
    }
}
