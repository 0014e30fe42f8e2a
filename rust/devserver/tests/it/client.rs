//! A small HTTP/1.1 client of our own, so that the tests see every byte, and helpers that all tests use.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use conductor_devserver::{DevServer, Options, PushOptions};
use serde_json::{Value, json};

pub(crate) struct Client {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The `message` of an error body.
    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }
}

impl Client {
    pub(crate) fn new(server: &DevServer) -> Self {
        Self { address: server.address(), stream: None }
    }

    /// Below `/api`; opens a new connection when the server closed the last one.
    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.send("GET", &format!("/api{path}"), &[], b"").unwrap()
    }

    pub(crate) fn post(&mut self, path: &str, body: &str) -> Response {
        self.body("POST", path, body)
    }

    pub(crate) fn put(&mut self, path: &str, body: &str) -> Response {
        self.body("PUT", path, body)
    }

    pub(crate) fn body(&mut self, method: &str, path: &str, body: &str) -> Response {
        let headers = [("Content-Type", "application/json")];
        self.send(method, &format!("/api{path}"), &headers, body.as_bytes()).unwrap()
    }

    /// A request as given, `path` from the root.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Response> {
        let mut bytes = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n").into_bytes();
        for (name, value) in headers {
            write!(bytes, "{name}: {value}\r\n")?;
        }
        if !body.is_empty() || method == "POST" {
            write!(bytes, "Content-Length: {}\r\n", body.len())?;
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        self.send_bytes(&bytes)
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) -> std::io::Result<Response> {
        self.write(bytes)?;
        self.read()
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            self.stream = Some(BufReader::new(stream));
        }
        self.stream.as_mut().unwrap().get_mut().write_all(bytes)
    }

    /// The next answer on the connection.
    pub(crate) fn read(&mut self) -> std::io::Result<Response> {
        let mut stream = self.stream.take().expect("nothing was sent");
        let status_line = line(&mut stream)?;
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| std::io::Error::other(format!("no status in {status_line:?}")))?;
        let mut response = Response { status, headers: Vec::new(), body: Vec::new() };
        loop {
            let line = line(&mut stream)?;
            let Some((name, value)) = line.split_once(':') else { break };
            response.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        if response.header("transfer-encoding") == Some("chunked") {
            loop {
                let size = usize::from_str_radix(&line(&mut stream)?, 16).map_err(std::io::Error::other)?;
                let mut chunk = vec![0; size + 2];
                stream.read_exact(&mut chunk)?;
                response.body.extend_from_slice(&chunk[..size]);
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = response.header("content-length") {
            response.body = vec![0; length.parse().map_err(std::io::Error::other)?];
            stream.read_exact(&mut response.body)?;
        }
        if response.header("connection") != Some("close") {
            self.stream = Some(stream);
        }
        Ok(response)
    }

    /// `true` when the server has closed the connection; waits for it up to the read timeout.
    pub(crate) fn is_closed(&mut self) -> bool {
        let Some(stream) = &mut self.stream else { return true };
        matches!(stream.fill_buf(), Ok([]))
    }
}

fn line(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end().len());
    Ok(line)
}

pub(crate) fn server() -> DevServer {
    DevServer::start(Options::default()).unwrap()
}

pub(crate) fn gathering() -> DevServer {
    DevServer::start(Options { gathering: true, ..Options::default() }).unwrap()
}

pub(crate) fn push(server: &DevServer, count: usize) -> Vec<String> {
    server.push_many("greet", r#"{"name":"World"}"#, count, &PushOptions::default()).unwrap()
}

/// Polls one task of type `greet` without waiting.
pub(crate) fn poll_one(client: &mut Client) -> Value {
    let tasks = batch(client, "count=1&timeout=0&workerid=w1");
    assert_eq!(tasks.len(), 1, "no task was ready");
    tasks.into_iter().next().unwrap()
}

/// A batch poll of type `greet`.
pub(crate) fn batch(client: &mut Client, query: &str) -> Vec<Value> {
    let response = client.get(&format!("/tasks/poll/batch/greet?{query}"));
    assert_eq!(response.status, 200, "{response:?}");
    response.json().as_array().unwrap().clone()
}

/// The body of an update of `task` with further fields.
pub(crate) fn result(task: &Value, mut fields: Value) -> String {
    let mut body = json!({"workflowInstanceId": task["workflowInstanceId"], "taskId": task["taskId"]});
    body.as_object_mut().unwrap().extend(fields.as_object_mut().map(std::mem::take).unwrap());
    body.to_string()
}

/// Reports `task` by v1 and expects the `200` with its id.
pub(crate) fn report(client: &mut Client, task: &Value, fields: Value) {
    let response = client.post("/tasks", &result(task, fields));
    assert_eq!((response.status, response.text()), (200, id(task)), "{response:?}");
}

pub(crate) fn id(task: &Value) -> &str {
    task["taskId"].as_str().unwrap()
}

pub(crate) fn get_task(client: &mut Client, task_id: &str) -> Value {
    let response = client.get(&format!("/tasks/{task_id}"));
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

/// Runs `action`; gives its value and how long it took, in milliseconds.
pub(crate) fn timed<T>(action: impl FnOnce() -> T) -> (T, u128) {
    let begun = Instant::now();
    let value = action();
    (value, begun.elapsed().as_millis())
}
