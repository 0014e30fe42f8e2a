//! Load generator: how many requests a second does the dev server serve on one core?
//!
//! It starts the server program on core 0 (`taskset`), keeps some connections busy from the core it is run on,
//! each with rounds of one batch poll of 64 and 64 updates, and prints requests a second and the server's CPU:
//!
//! ```text
//! cargo build --release -p conductor-devserver --bins --examples
//! taskset -c 1 target/release/examples/load [--connections 16] [--seconds 5] [--transcript 100000]
//! ```

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const TASK_TYPE: &str = "load";
const BATCH: usize = 64;
/// 86 bytes, the input of the project's other measurements.
const INPUT: &str =
    r#"{"name":"World","number":1,"flag":true,"text":"some words to fill it up","list":[1,2]}"#;

type Anyhow<T> = Result<T, Box<dyn std::error::Error>>;

/// One keep-alive connection, which does rounds of a poll and its updates.
struct Connection {
    address: String,
    stream: TcpStream,
    buffer: Vec<u8>,
    chunk: Vec<u8>,
    /// (task id, workflow instance id) of polled tasks that are not reported yet.
    tasks: Vec<(String, String)>,
    request: Vec<u8>,
    /// The server announced `Connection: close`.
    closed: bool,
    polling: bool,
}

impl Connection {
    fn open(address: &str) -> Anyhow<Self> {
        Ok(Self {
            address: address.to_owned(),
            stream: connect(address)?,
            buffer: Vec::with_capacity(1 << 17),
            chunk: vec![0; 1 << 17],
            tasks: Vec::new(),
            request: Vec::new(),
            closed: false,
            polling: false,
        })
    }

    fn send(&mut self) -> Anyhow<()> {
        if self.closed {
            self.stream = connect(&self.address)?;
            self.closed = false;
        }
        self.request.clear();
        if let Some((task_id, workflow_instance_id)) = self.tasks.pop() {
            let body = format!(
                "{{\"workflowInstanceId\":\"{workflow_instance_id}\",\"taskId\":\"{task_id}\",\"workerId\":\"load\",\
                 \"status\":\"COMPLETED\",\"outputData\":{{\"message\":\"Hello World\"}},\"logs\":[]}}"
            );
            write!(
                self.request,
                "POST /api/tasks HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )?;
            self.polling = false;
        } else {
            write!(
                self.request,
                "GET /api/tasks/poll/batch/{TASK_TYPE}?workerid=load&count={BATCH}&timeout=0 HTTP/1.1\r\n\
                 Host: localhost\r\nAccept: */*\r\nContent-Type: application/json\r\n\r\n"
            )?;
            self.polling = true;
        }
        self.stream.write_all(&self.request)?;
        Ok(())
    }

    fn receive(&mut self) -> Anyhow<()> {
        self.buffer.clear();
        let head = loop {
            let length = self.stream.read(&mut self.chunk)?;
            if length == 0 {
                return Err("the server closed the connection without an answer".into());
            }
            self.buffer.extend_from_slice(&self.chunk[..length]);
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                let complete = if find(&self.buffer[..end], b"chunked").is_some() {
                    self.buffer.ends_with(b"\r\n0\r\n\r\n")
                } else {
                    // Task ids have 36 bytes.
                    self.buffer.len() >= end + 4 + 36
                };
                if complete {
                    break end;
                }
            }
        };
        if !self.buffer.starts_with(b"HTTP/1.1 200") {
            return Err(String::from_utf8_lossy(&self.buffer).into_owned().into());
        }
        self.closed = find(&self.buffer[..head], b"connection: close").is_some();
        if self.polling {
            let body = &self.buffer[head..];
            let workflows = values(body, b"\"workflowInstanceId\":\"");
            self.tasks = values(body, b"\"taskId\":\"").into_iter().zip(workflows).collect();
            if self.tasks.is_empty() {
                return Err("the queue ran dry".into());
            }
        }
        Ok(())
    }
}

fn main() -> Anyhow<()> {
    let option = |name: &str, default: &str| {
        let position = std::env::args().position(|argument| argument == name);
        position.and_then(|at| std::env::args().nth(at + 1)).unwrap_or_else(|| default.to_owned())
    };
    let connections: usize = option("--connections", "16").parse()?;
    let seconds: u64 = option("--seconds", "5").parse()?;
    let mut server = start(&option("--transcript", "100000"))?;
    let result = run(&mut server, connections, Duration::from_secs(seconds));
    server.kill()?;
    server.wait()?;
    result
}

fn start(transcript: &str) -> Anyhow<Child> {
    let program = std::env::current_exe()?.with_file_name("../conductor-devserver");
    let child = Command::new("taskset")
        .args(["-c", "0"])
        .arg(program)
        .args(["--port", "0", "--transcript", transcript, "--input", INPUT])
        .args(["--auto", &format!("{TASK_TYPE}:20000")])
        .stdout(Stdio::piped())
        .spawn()?;
    Ok(child)
}

fn run(server: &mut Child, connections: usize, time: Duration) -> Anyhow<()> {
    let mut line = String::new();
    BufReader::new(server.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    let address = line.trim().strip_prefix("listening on http://").and_then(|rest| rest.strip_suffix("/api"));
    let address = address.ok_or("the server did not say where it listens")?;
    let mut connections: Vec<_> =
        (0..connections).map(|_| Connection::open(address)).collect::<Anyhow<_>>()?;
    let cpu_before = cpu_seconds(server.id())?;
    let begun = Instant::now();
    let mut requests = 0_u32;
    while begun.elapsed() < time {
        for connection in &mut connections {
            connection.send()?;
        }
        for connection in &mut connections {
            connection.receive()?;
            requests += 1;
        }
    }
    let elapsed = begun.elapsed().as_secs_f64();
    let cpu = cpu_seconds(server.id())? - cpu_before;
    writeln!(
        std::io::stdout(),
        "{} connections, {requests} requests in {elapsed:.2} s: {:.0} requests/s; server CPU {:.0} %, \
         {:.2} us a request",
        connections.len(),
        f64::from(requests) / elapsed,
        100.0 * cpu / elapsed,
        1e6 * cpu / f64::from(requests)
    )?;
    Ok(())
}

fn connect(address: &str) -> Anyhow<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok(stream)
}

/// User and system time of a process, from `/proc/PID/stat`, in ticks of 10 ms.
fn cpu_seconds(process: u32) -> Anyhow<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks / 100.0)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

/// The ids behind every `prefix`.
fn values(body: &[u8], prefix: &[u8]) -> Vec<String> {
    let starts = memchr::memmem::find_iter(body, prefix).map(|at| at + prefix.len());
    starts.map(|start| String::from_utf8_lossy(&body[start..start + 36]).into_owned()).collect()
}
