//! The connections of the hot calls against peers that keep to a script.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use conductor_core::error::{Error, ErrorKind};
use conductor_core::settings::Configuration;
use conductor_core::transport::{HttpTaskClient, TaskClient};
use tokio::runtime::{Builder, Runtime};

use super::support::{DEADLINE, Lines};

const YES: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nid";

/// What a peer does with the requests of one connection, in turn.
#[derive(Clone)]
enum Act {
    Answer(&'static [u8]),
    /// Without waiting for a request.
    Say(&'static [u8]),
    Close,
    /// Answers when it has read so many bytes of the request, reads no more of it, and closes.
    Refuse(usize, &'static [u8]),
}

/// Connections that come are numbered; each follows its script and tells the bodies that came on it, and what else
/// it did.
fn peer(scripts: Vec<Vec<Act>>) -> (String, Receiver<(usize, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api", listener.local_addr().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for (number, script) in scripts.into_iter().enumerate() {
            let Ok((stream, _)) = listener.accept() else { return };
            let tell = tell.clone();
            std::thread::spawn(move || {
                let mut stream = stream;
                for act in script {
                    match act {
                        Act::Answer(answer) => {
                            let Some(body) = read_request(&mut stream, usize::MAX) else { return };
                            // Told first, so that a test that has its answer finds it.
                            tell.send((number, body)).unwrap();
                            stream.write_all(answer).unwrap();
                        }
                        Act::Say(words) => {
                            stream.write_all(words).unwrap();
                            tell.send((number, b"said".to_vec())).unwrap();
                        }
                        Act::Close => {
                            drop(stream);
                            tell.send((number, b"closed".to_vec())).unwrap();
                            return;
                        }
                        Act::Refuse(most, answer) => {
                            read_request(&mut stream, most);
                            stream.write_all(answer).unwrap();
                            stream.shutdown(Shutdown::Write).unwrap();
                            // Without a reset, which would take the answer with it.
                            while stream.read(&mut [0; 16_384]).is_ok_and(|length| length > 0) {}
                            return;
                        }
                    }
                }
                // Open until the client goes.
                let _ = stream.read(&mut [0]);
            });
        }
    });
    (url, told)
}

/// The body of a request, or what of it is within `most`. `None`: the client hung up.
fn read_request(stream: &mut TcpStream, most: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 16_384];
    loop {
        let length = stream.read(&mut piece).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&piece[..length]);
        let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&bytes[..head]).unwrap();
        assert!(text.starts_with("POST /api/tasks HTTP/1.1\r\n") && text.contains("\r\nhost: 127.0.0.1:"));
        let line = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let end = head + 4 + line.parse::<usize>().unwrap();
        assert!(bytes.len() <= end, "more than one request came");
        if bytes.len() >= end.min(most) {
            return Some(bytes.split_off(head + 4));
        }
    }
}

struct Caller {
    runtime: Runtime,
    client: HttpTaskClient,
}

impl Caller {
    fn new(url: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let client = HttpTaskClient::new(&Configuration::new(url).unwrap(), Arc::new(Lines::default()));
        Self { runtime, client: client.unwrap() }
    }

    fn update(&self, body: impl Into<Bytes>) -> Result<(), Error> {
        let body = body.into();
        self.runtime
            .block_on(async { tokio::time::timeout(DEADLINE, self.client.update_task(body)).await.unwrap() })
    }

    /// Notices what has arrived.
    fn look_around(&self) {
        self.runtime.block_on(async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
        });
    }
}

fn numbers(told: &Receiver<(usize, Vec<u8>)>) -> Vec<usize> {
    told.try_iter().map(|(number, _)| number).collect()
}

#[test]
fn one_connection_serves_one_call_after_the_other() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nid\r\n0\r\nX: y\r\n\r\n";
    let interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    let refused = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: 3\r\n\r\n";
    let old = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nid";
    let script = [YES, chunked, interim, refused, old, YES].map(Act::Answer);
    let (url, told) = peer(vec![script.to_vec()]);
    let caller = Caller::new(&url);
    for turn in 0..6 {
        let answer = caller.update("{}");
        assert_eq!(answer.is_ok(), turn != 3, "{turn}: {answer:?}");
        assert!(answer.err().is_none_or(|error| error.retry_after() == Some(Duration::from_secs(3))));
    }
    assert_eq!(numbers(&told), [0; 6]);
}

#[test]
fn a_connection_that_cannot_go_on_is_not_used_again() {
    for last in [
        &b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nid"[..],
        b"HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nid",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nid",
        // More than was asked for may be the answer to a question that somebody else asks.
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nidHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nid",
    ] {
        let (url, told) = peer(vec![vec![Act::Answer(last)], vec![Act::Answer(YES)]]);
        let caller = Caller::new(&url);
        caller.update("{}").unwrap();
        caller.update("{}").unwrap();
        assert_eq!(numbers(&told), [0, 1], "{}", String::from_utf8_lossy(last));
    }
}

#[test]
fn a_connection_that_closed_or_spoke_while_it_was_idle_costs_nothing() {
    for then in [Act::Close, Act::Say(YES), Act::Say(b"x")] {
        let (url, told) = peer(vec![vec![Act::Answer(YES), then], vec![Act::Answer(YES)]]);
        let caller = Caller::new(&url);
        caller.update("{}").unwrap();
        assert_eq!(told.recv().unwrap(), (0, b"{}".to_vec()));
        let (_, did) = told.recv_timeout(DEADLINE).unwrap();
        caller.look_around();
        caller.update("{}").unwrap();
        assert_eq!(numbers(&told), [1], "it {} meanwhile", String::from_utf8_lossy(&did));
    }
}

#[test]
fn a_request_that_may_have_been_read_is_not_sent_twice() {
    let (url, told) =
        peer(vec![vec![Act::Answer(b""), Act::Close], vec![Act::Answer(YES)], vec![Act::Answer(YES)]]);
    let caller = Caller::new(&url);
    let error = caller.update("1").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Network { connected: true, .. }), "{error}");
    assert_eq!(error.to_string(), "connection lost: the server closed it before it answered");
    caller.update("2").unwrap();
    let told: Vec<_> = told.try_iter().filter(|(_, body)| body != b"closed").collect();
    assert_eq!(told, [(0, b"1".to_vec()), (1, b"2".to_vec())]);
}

#[test]
fn a_body_of_any_size_arrives_as_it_is() {
    let sizes = [1, 8_191, 8_192, 8_193, 100_000, 10_000_000];
    let (url, told) = peer(vec![vec![Act::Answer(YES); sizes.len()]]);
    let caller = Caller::new(&url);
    for size in sizes {
        let body: Vec<u8> = (0..=250).cycle().take(size).collect();
        caller.update(body.clone()).unwrap();
        let (number, came) = told.try_recv().unwrap();
        assert!(number == 0 && came == body, "{size}: {} came on {number}", came.len());
    }
}

#[test]
fn a_refusal_in_the_middle_of_a_large_body_is_heard() {
    let refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
    let (url, told) = peer(vec![vec![Act::Refuse(100_000, refusal)], vec![Act::Answer(YES)]]);
    let caller = Caller::new(&url);
    let started = Instant::now();
    let error = caller.update(vec![b'x'; 50_000_000]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Answer { status: 413, .. }), "{error}");
    assert!(started.elapsed() < DEADLINE);
    // What is left of the body must not be taken for the next request.
    caller.update("2").unwrap();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [(1, b"2".to_vec())]);
}

#[test]
fn calls_at_once_have_a_connection_each_and_leave_them_to_later_ones() {
    let (url, told) = peer(vec![vec![Act::Answer(YES); 4]; 3]);
    let caller = Caller::new(&url);
    for _ in 0..4 {
        let call = || caller.client.update_task(Bytes::from("{}"));
        let (first, second, third) = caller.runtime.block_on(async { tokio::join!(call(), call(), call()) });
        first.and(second).and(third).unwrap();
    }
    let mut used = numbers(&told);
    used.sort_unstable();
    assert_eq!(used, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
}

#[test]
fn nobody_there_is_told_with_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = Caller::new(&format!("http://{address}/api")).update("{}").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Network { connected: false, .. }), "{error}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}
