//! The same bytes from a socket, read by the connection of the hot calls and by hyper: whatever the one takes, the
//! other takes as the same. Where ours refuses more, `STRICTER` says so.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use conductor_core::error::{Error, ErrorKind, classify};
use conductor_core::settings::Configuration;
use conductor_core::transport::{HttpTaskClient, PollRequest, Queue, TaskClient};
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER, TRANSFER_ENCODING};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::support::{DEADLINE, Lines};

/// What hyper takes and ours does not, by ours' words, and what of hyper's reading has to be there for it.
type Stricter = (&'static str, fn(&Reading) -> bool);
const STRICTER: [Stricter; 5] = [
    // Two readers on the way may take it for two different bodies.
    ("it has a Content-Length and is chunked", |read| {
        read.headers.contains_key(CONTENT_LENGTH) && read.headers.contains_key(TRANSFER_ENCODING)
    }),
    // hyper hands a body on that is compressed still, or ends with the connection.
    ("its Transfer-Encoding is not the one", |read| {
        read.headers.get_all(TRANSFER_ENCODING).iter().any(|value| value != "chunked")
            || read.headers.get_all(TRANSFER_ENCODING).iter().count() > 1
    }),
    ("it switches to a protocol", |read| read.status == 101),
    // hyper takes any number of leading zeros.
    ("a chunk has no size", |read| read.headers.contains_key(TRANSFER_ENCODING)),
    // hyper looks for CR alone and lets httparse, which is content with LF, read the trailers.
    ("a line of a chunk ends without CR", |read| read.headers.contains_key(TRANSFER_ENCODING)),
];

/// What hyper makes of an answer.
#[derive(Debug)]
struct Reading {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    is_whole: bool,
}

/// Sends `pieces` to the first who asks, then no more.
async fn serve(listener: TcpListener, pieces: Vec<Bytes>) -> io::Result<()> {
    let (mut stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    for piece in pieces {
        stream.write_all(&piece).await?;
        // The client reads between two pieces.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
    }
    stream.shutdown().await?;
    // A reset would take with it what the client has not read.
    while stream.read_buf(&mut request).await? > 0 {}
    Ok(())
}

async fn listen(pieces: &[Bytes]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(serve(listener, pieces.to_vec()));
    address
}

async fn read_by_hyper(pieces: &[Bytes]) -> Result<Reading, hyper::Error> {
    let stream = TcpStream::connect(listen(pieces).await).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get("/api/tasks").header("host", "x").body(Empty::<Bytes>::new()).unwrap();
    let (head, mut body) = sender.send_request(request).await?.into_parts();
    let mut read =
        Reading { status: head.status.as_u16(), headers: head.headers, body: Bytes::new(), is_whole: true };
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            read.is_whole = false;
            break;
        };
        all.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new()));
    }
    read.body = all.into();
    Ok(read)
}

async fn read_by_us(pieces: &[Bytes]) -> Result<Bytes, Error> {
    let configuration = Configuration::new(&format!("http://{}/api", listen(pieces).await)).unwrap();
    let client = HttpTaskClient::new(&configuration, Arc::new(Lines::default())).unwrap();
    let queue = Queue { task_type: "t".into(), domain: None, worker_id: "w".into() };
    client.batch_poll(&queue, PollRequest { count: 1, timeout: Duration::ZERO }).await
}

/// What the poll answers with if it is read as hyper reads it.
fn expected(read: &Reading) -> Result<&Bytes, String> {
    let text = |name| read.headers.get(name).and_then(|value| value.to_str().ok());
    match read.status {
        200..300 => match read.body.trim_ascii_start().first() {
            None | Some(b'[') if read.is_whole => Ok(&read.body),
            None | Some(b'[') => Err(format!("cut after {:?}", read.body)),
            _ => {
                let kind: String = text(CONTENT_TYPE).unwrap_or("no type").chars().take(64).collect();
                Err(format!("{kind} instead of a JSON array of tasks"))
            }
        },
        300..400 => {
            let origin = text(LOCATION).and_then(|location| url::Url::parse(location).ok());
            let origin = origin.map(|url| format!("redirects to {}", url.origin().ascii_serialization()));
            Err(origin.unwrap_or_else(|| "redirects elsewhere".to_owned()))
        }
        status => {
            let seconds = text(RETRY_AFTER).and_then(|text| text.trim().parse().ok());
            let asked = seconds.map(|seconds: u64| Duration::from_secs(seconds.min(600)));
            Err(format!("{} {asked:?}", classify(status, &read.body)))
        }
    }
}

fn compare(pieces: &[Bytes]) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let both = async { (read_by_hyper(pieces).await, read_by_us(pieces).await) };
    let both = runtime.block_on(async { tokio::time::timeout(DEADLINE, both).await });
    let (hyper, ours) = both.map_err(|_| "somebody waits for ever".to_owned())?;
    let same = match (&hyper, &ours) {
        (Err(_), Err(error)) => matches!(error.kind(), ErrorKind::Network { .. }),
        (Err(_), Ok(_)) => false,
        (Ok(read), Err(error))
            if STRICTER.iter().any(|(words, fits)| error.to_string().contains(words) && fits(read)) =>
        {
            true
        }
        (Ok(read), ours) => match (expected(read), ours) {
            (Ok(body), Ok(ours)) => body == ours,
            (Err(expected), Err(ours)) => match ours.kind() {
                ErrorKind::Cut { received, .. } => expected == format!("cut after {:?}", received.0),
                ErrorKind::UnexpectedBody { .. } | ErrorKind::Answer { status: 300..400, .. } => {
                    ours.to_string().contains(&expected)
                }
                ErrorKind::Answer { .. } => expected == format!("{ours} {:?}", ours.retry_after()),
                // In other words, which name the setting.
                ErrorKind::Unauthorized { status, .. } => *status == read.status,
                _ => false,
            },
            _ => false,
        },
    };
    if same { Ok(()) } else { Err(format!("{pieces:?}\nhyper: {hyper:?}\nours: {ours:?}")) }
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "\\[[a-z0-9{}\",: ]{0,200}\\]".prop_map(String::into_bytes),
        1 => "(<html>|\\{\"message\": \"[a-z ]{0,40}\", \"retryable\": true\\}|)".prop_map(String::into_bytes),
        1 => (0..100_000_usize).prop_map(|length| [b"[", "x".repeat(length).as_bytes()].concat()),
    ]
}

/// Chunks of `body`, of these sizes in turn, in one of the forms that are allowed.
fn chunked(body: &[u8], sizes: &[usize], extension: &str, trailers: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), body);
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, more) = rest.split_at((*size).min(rest.len()));
        out.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
        rest = more;
    }
    out.extend_from_slice(format!("0{extension}\r\n{trailers}\r\n").as_bytes());
    out
}

fn answer() -> impl Strategy<Value = Vec<u8>> {
    let interim = select(vec![
        "",
        "",
        "",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        "HTTP/1.1 100 \r\n\r\nHTTP/1.1 102 Processing\r\nContent-Length: 7\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    ]);
    let status = select(vec![200, 200, 200, 200, 201, 204, 302, 304, 400, 404, 429, 500, 503]);
    let start = (select(vec!["1.1", "1.1", "1.1", "1.0"]), status, select(vec![" OK", "", " ", " Ünsöld"]));
    let header = select(vec![
        "Content-Type: application/json",
        "content-type:text/html;charset=utf-8",
        "Connection: close",
        "connection: Keep-Alive, x",
        "Retry-After: 7",
        "Retry-After: soon",
        "Location: https://elsewhere:8443/a?b",
        "location: /here",
        "X: \u{fc}",
        "x-empty:",
        "Transfer-Encoding: gzip",
        "Content-Length: 3",
        "X : y",
        " folded",
    ]);
    let framing = (0..8_u8, prop::collection::vec(1..20_000_usize, 1..4));
    let extras =
        (select(vec!["", ";a=b", " ;a=\"b\"", "\t"]), select(vec!["", "X-Sum: 1\r\n", "a: b\r\nc: d\r\n"]));
    (interim, start, prop::collection::vec(header, 0..3), framing, extras, body(), "[a-z]{0,3}").prop_map(
        |(
            interim,
            (version, status, reason),
            headers,
            (framing, sizes),
            (extension, trailers),
            body,
            more,
        )| {
            let mut head = format!("{interim}HTTP/{version} {status}{reason}\r\n");
            head.extend(headers.iter().flat_map(|header| [header, "\r\n"]));
            let length = body.len();
            // Near its limit hyper counts the extensions of small chunks in another way.
            let extension = if length > 2_000 { "" } else { extension };
            let (line, body) = match framing {
                0..=2 => (format!("Content-Length: {length}\r\n"), body),
                3..=4 => {
                    ("Transfer-Encoding: chunked\r\n".into(), chunked(&body, &sizes, extension, trailers))
                }
                5 => (format!("content-length: {length}, {length}\r\nContent-Length:{length}\r\n"), body),
                6 => {
                    ("transfer-encoding:\tChunked \r\n".into(), chunked(&body, &[1, 2], extension, trailers))
                }
                _ => (String::new(), body),
            };
            [head.as_bytes(), line.as_bytes(), b"\r\n", &body, more.as_bytes()].concat()
        },
    )
}

#[derive(Debug, Clone)]
enum Change {
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Repeat(Index, Index),
    End(Index),
}

/// Most of them hit the head: it is what can be read in two ways.
fn change() -> impl Strategy<Value = Change> {
    let byte = select(b"\r\n\r\n :;,0159afAF\t\0\x7f\x80H/x[".to_vec());
    prop_oneof![
        (any::<Index>(), byte.clone()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        (any::<Index>(), byte).prop_map(|(at, byte)| Change::Insert(at, byte)),
        any::<Index>().prop_map(Change::Remove),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Change::Repeat(from, to)),
        any::<Index>().prop_map(Change::End),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        let near = bytes.len().min(400);
        match change {
            Change::Replace(at, byte) => bytes[at.index(near)] = *byte,
            Change::Insert(at, byte) => bytes.insert(at.index(near), *byte),
            Change::Remove(at) => drop(bytes.remove(at.index(near))),
            Change::Repeat(from, to) => {
                let part = bytes[from.index(near)..].iter().take(20).copied().collect::<Vec<_>>();
                let to = to.index(near);
                bytes.splice(to..to, part);
            }
            Change::End(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
    bytes
}

fn cut(bytes: &[u8], places: &[Index]) -> Vec<Bytes> {
    let mut places: Vec<usize> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|ends| Bytes::copy_from_slice(&bytes[ends[0]..ends[1]])).collect()
}

/// The same ones each time; PROPTEST_CASES=1000000 for more of them.
#[test]
fn answers_are_read_as_hyper_reads_them() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRunner::deterministic().rng().clone());
    let changes = prop_oneof![3 => Just(Vec::new()), 7 => prop::collection::vec(change(), 1..4)];
    let cases = (answer(), changes, prop::collection::vec(any::<Index>(), 0..6));
    runner
        .run(&cases, |(answer, changes, places)| {
            compare(&cut(&changed(answer, &changes), &places)).map_err(TestCaseError::fail)
        })
        .unwrap();
}

/// What once was read in two ways by some pair of clients.
#[test]
fn answers_that_are_read_in_two_ways_elsewhere_are_read_as_hyper_reads_them() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\n\r\n[]",
        "HTTP/1.1 200 OK\n\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[] ",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n[] ",
        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        "HTTP/1.0 200 OK\r\n\r\n[]",
        "HTTP/2.0 200 OK\r\n\r\n[]",
        "ICY 200 OK\r\n\r\n[]",
        "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n[]",
        "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n[]",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        "HTTP/1.1 099 Low\r\n\r\n[]",
        "HTTP/1.1 999 High\r\nContent-Length: 2\r\n\r\n[]",
        "HTTP/1.1 1000 Higher\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a\rb\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]x\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+2\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n 2\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 2\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000000002\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000002\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n[]\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\na\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\na: b\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\na: b\r\n c\r\n\r\n",
    ] {
        let bytes = Bytes::from_static(answer.as_bytes());
        let each: Vec<Bytes> = bytes.chunks(1).map(Bytes::copy_from_slice).collect();
        for pieces in [&[bytes][..], &each] {
            compare(pieces).unwrap_or_else(|problem| panic!("{problem}"));
        }
    }
}

/// Without end, or nearly.
#[test]
fn what_grows_without_end_is_refused_as_by_hyper() {
    let line = "X-Line: 0123456789012345678901234567890123456789\r\n";
    let start = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2";
    for answer in [
        format!("HTTP/1.1 200 OK\r\n{}", line.repeat(101)),
        format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(500_000)),
        format!("{start};{}\r\n[]\r\n0\r\n\r\n", "y".repeat(17_000)),
        format!("{start};{}", "y".repeat(17_000)),
        format!("{start}\r\n[]\r\n0\r\n{}\r\n", line.repeat(400)),
    ] {
        compare(&[answer.into()]).unwrap_or_else(|problem| panic!("{problem}"));
    }
}
