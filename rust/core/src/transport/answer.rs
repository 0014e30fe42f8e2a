use std::pin::{Pin, pin};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use hyper::{Response, StatusCode};
use tokio::time::{Instant, sleep};
use url::Url;

use super::response_head;
use super::retry_after::retry_after;
use crate::error::{Error, ErrorKind, Received, classify};

/// A body that is silent for so long is given up.
const SILENCE: Duration = Duration::from_secs(10);
/// A body slower than this is given up: far below any link that a worker is run on, far above a drip.
const BYTES_PER_MILLISECOND: u64 = 64;
/// Of a content type, so much is told.
const TOLD_BYTES: usize = 64;

/// How long the server may take, and how much it may send. Two bounds of time: `head` plus what the size of
/// the body needs, and `SILENCE`. A large batch on a slow link is not given up, a drip is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Until the head is there.
    pub(super) head: Duration,
    /// Of the body.
    pub(super) most_bytes: usize,
}

/// `Patience` with one answer.
pub(super) struct Bounds {
    pub(super) patience: Patience,
    pub(super) started: Instant,
    /// When some of the body came last; `None` before the head.
    last: Option<Instant>,
}

impl Bounds {
    pub(super) fn new(patience: Patience) -> Self {
        Self { patience, started: Instant::now(), last: None }
    }

    /// The head is there, or more of the body.
    pub(super) fn progressed(&mut self) {
        self.last = Some(Instant::now());
    }

    /// Until when one may wait for more, after `length` bytes of the body.
    pub(super) fn end(&self, length: usize) -> Instant {
        let needed = Duration::from_millis(length as u64 / BYTES_PER_MILLISECOND);
        let end = self.started + self.patience.head + needed;
        self.last.map_or(end, |last| end.min(last + SILENCE))
    }

    pub(super) fn too_large(&self, length: usize) -> Option<String> {
        let most = self.patience.most_bytes;
        (length > most).then(|| format!("the answer is larger than {most} bytes"))
    }
}

#[cold]
pub(super) fn no_answer() -> Error {
    Error::network("no answer in time")
}

#[cold]
pub(super) fn too_slow(length: usize) -> String {
    format!("the answer stopped after {length} bytes, or came too slowly")
}

/// Of an answer: looked at only if something is wrong with it.
pub(super) enum Headers {
    /// Boxed, since no hot call has it, and each would move it about.
    Read(Box<HeaderMap>),
    /// A head of HTTP/1.1, which was found good.
    AsSent(Bytes),
}

/// An answer, success or not, as far as it came.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Headers,
    pub(super) body: Bytes,
    /// Why there is no more of the body, if there should be.
    pub(super) cut: Option<String>,
}

impl Answer {
    #[cold]
    fn header(&self, name: &HeaderName) -> Option<String> {
        match &self.headers {
            Headers::Read(headers) => Some(headers.get(name)?.to_str().ok()?.to_owned()),
            Headers::AsSent(head) => response_head::header(head, name.as_str()),
        }
    }

    /// For how long the server asks not to be called again.
    #[cold]
    pub(super) fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.header(&RETRY_AFTER)?, SystemTime::now())
    }

    /// The body of a success that came whole and is what `is_expected`; `what` that is.
    pub(super) fn success(self, what: &str, is_expected: fn(&[u8]) -> bool) -> Result<Bytes, Error> {
        if self.status.is_redirection() {
            return Err(self.redirection());
        }
        if !self.status.is_success() {
            return Err(classify(self.status.as_u16(), &self.body).with_retry_after(self.retry_after()));
        }
        if !is_expected(self.body.trim_ascii_start()) {
            let problem = format!("{} instead of {what}", self.content_type());
            return Err(ErrorKind::UnexpectedBody { problem }.into());
        }
        match self.cut {
            None => Ok(self.body),
            Some(problem) => Err(ErrorKind::Cut { problem, received: Received(self.body) }.into()),
        }
    }

    /// Not followed: our headers may carry a token. Of the address only the origin is told, since the rest may
    /// hold what a proxy wants to know back.
    #[cold]
    pub(super) fn redirection(&self) -> Error {
        let location = self.header(&LOCATION);
        let target = location.and_then(|location| Url::parse(&location).ok()).map_or_else(
            || "elsewhere on the same server".to_owned(),
            |url| format!("to {}", url.origin().ascii_serialization()),
        );
        let message = format!("it redirects {target}, which is not followed; check server_api_url");
        ErrorKind::Answer { status: self.status.as_u16(), message, retryable: false, retry_after: None }
            .into()
    }

    #[cold]
    fn content_type(&self) -> String {
        let text = self.header(&CONTENT_TYPE);
        text.as_deref().unwrap_or("no type").chars().take(TOLD_BYTES).collect()
    }
}

/// Awaits the head, then the body. `send` gives the response and what to keep with it (pinned by the caller: here
/// it would be moved, and kept twice in the future); `broken` puts the end of a body into words.
pub(super) async fn read<K, B>(
    patience: Patience,
    mut send: Pin<&mut impl Future<Output = Result<(K, Response<B>), Error>>>,
    broken: impl Fn(B::Error) -> String,
) -> Result<(K, Answer), Error>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut bounds = Bounds::new(patience);
    // One timer for all: it looks what has come since, and sleeps again.
    let mut timer = pin!(sleep(patience.head));
    let (kept, response) = tokio::select! {
        biased;
        response = &mut send => response?,
        () = &mut timer => return Err(no_answer()),
    };
    let (parts, mut body) = response.into_parts();
    let (mut first, mut longer) = (Bytes::new(), BytesMut::new());
    bounds.progressed();
    let cut = loop {
        let length = first.len() + longer.len();
        if let Some(problem) = bounds.too_large(length) {
            break Some(problem);
        }
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = &mut timer => {
                if bounds.end(length) <= Instant::now() {
                    break Some(too_slow(length));
                }
                timer.as_mut().reset(bounds.end(length));
                continue;
            }
        };
        match frame {
            None => break None,
            Some(Err(error)) => break Some(broken(error)),
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else { continue };
                bounds.progressed();
                // Most bodies come in one piece, which is not copied.
                if length == 0 {
                    first = data;
                } else {
                    longer.extend_from_slice(&std::mem::take(&mut first));
                    longer.extend_from_slice(&data);
                }
            }
        }
    };
    let body = if longer.is_empty() { first } else { longer.freeze() };
    Ok((kept, Answer { status: parts.status, headers: Headers::Read(Box::new(parts.headers)), body, cut }))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::task::{Context, Poll, ready};

    use hyper::body::Frame;
    use tokio::time::Sleep;

    use super::*;

    /// `pieces` of `size` bytes, each after `pause`; then the end, unless it stays silent.
    struct Script {
        pieces: usize,
        size: usize,
        pause: Duration,
        silent: bool,
        timer: Pin<Box<Sleep>>,
    }

    impl Script {
        fn new(pieces: usize, size: usize, pause: u64) -> Self {
            let pause = Duration::from_millis(pause);
            Self { pieces, size, pause, silent: false, timer: Box::pin(sleep(pause)) }
        }
    }

    impl Body for Script {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.pieces == 0 {
                return if self.silent { Poll::Pending } else { Poll::Ready(None) };
            }
            ready!(self.timer.as_mut().poll(context));
            let next = Instant::now() + self.pause;
            self.timer.as_mut().reset(next);
            self.pieces -= 1;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b'x'; self.size])))))
        }
    }

    const PATIENCE: Patience = Patience { head: Duration::from_secs(10), most_bytes: 64 * 1024 * 1024 };

    async fn read_all(script: Script) -> (usize, Option<String>, Duration) {
        let start = Instant::now();
        let head = async { Ok(((), Response::new(script))) };
        let ((), answer) = read(PATIENCE, pin!(head), |never| match never {}).await.unwrap();
        (answer.body.len(), answer.cut, start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_take_what_its_size_needs_and_a_drip_may_not() {
        // 40 MiB at 400 KiB/s: 100 s, ten times the time of the head.
        let (length, cut, _) = read_all(Script::new(1_000, 40 * 1024, 100)).await;
        assert_eq!((length, cut), (1_000 * 40 * 1024, None));
        let (length, cut, took) = read_all(Script::new(10_000, 1, 1_000)).await;
        assert!(length < 15 && cut.is_some() && took.as_secs() <= 11, "{length} {cut:?} {took:?}");
        let (length, cut, took) = read_all(Script { silent: true, ..Script::new(30, 1024 * 1024, 1) }).await;
        assert_eq!(length, 30 * 1024 * 1024);
        assert!(cut.is_some() && took.as_secs() <= 11, "{cut:?} {took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_over_the_cap_is_cut_there() {
        let (length, cut, _) = read_all(Script::new(1_000, 1024 * 1024, 0)).await;
        assert_eq!(length, 65 * 1024 * 1024);
        assert_eq!(cut.unwrap(), "the answer is larger than 67108864 bytes");
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_come_is_no_answer() {
        let head = std::future::pending::<Result<((), Response<Script>), Error>>();
        let error = read(PATIENCE, pin!(head), |never| match never {}).await.err().unwrap();
        assert_eq!(error.to_string(), "no answer in time");
    }

    #[test]
    fn a_redirection_names_the_origin_alone() {
        let mut headers = HeaderMap::new();
        let location = "https://me:secret@elsewhere:8443/login?token=secret";
        headers.insert(LOCATION, location.parse().unwrap());
        let headers = Headers::Read(Box::new(headers));
        let answer = Answer { status: StatusCode::FOUND, headers, body: Bytes::new(), cut: None };
        let error = answer.success("a task", |_| true).unwrap_err().to_string();
        assert!(error.starts_with("status 302: it redirects to https://elsewhere:8443, "), "{error}");
    }
}
