use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::answer::{Answer, Bounds, Headers, no_answer, too_slow};
use super::chunks::Chunks;
use super::request::Call;
use super::response_head::{Framing, ResponseHead};
use super::tls_problem::tls_problem;
use crate::error::Error;

/// A body up to this is copied behind its head: one buffer is written with less work than two.
const COPIED: usize = 8 * 1024;
/// What is read at first: all of most answers. A buffer that grew larger goes with its answer, so that idle
/// connections hold little; and asking for more each time would cost a worker with little to do more than the
/// second read costs a busy one.
const KEPT: usize = 4 * 1024;
/// With less room than this the buffer is renewed.
const LEAST: usize = 512;
/// What is read at once of a body whose length is not known, at least.
const PIECE: usize = 16 * 1024;
/// So much is set aside for a body of which nothing has come.
const UNPROVED: usize = 256 * 1024;

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One connection for one call at a time. Whoever calls drives it: no task of its own to wake, no channel to
/// it (6.8 instead of 10.2 µs a task on hyper's, in a prototype).
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    /// The head of the request, and its body if that is small.
    outgoing: Vec<u8>,
    /// What has come and is not handed on.
    incoming: BytesMut,
    /// Moved when it fires, not with each call: in and out of Tokio's wheel costs more than a look.
    timer: Pin<Box<Sleep>>,
    pub(super) opened: Instant,
    /// While it is idle.
    pub(super) usable_until: Instant,
}

/// Why there is no answer.
pub(super) enum Failure {
    /// Nothing of the request was written: another connection may take it.
    Unsent(Error),
    Lost(Error),
}

/// A request on its way.
struct Sending {
    /// What of `Connection::outgoing` is written.
    sent: usize,
    /// What is not in there.
    body: Bytes,
    begun: bool,
    flushed: bool,
    failed: Option<io::Error>,
}

enum Step {
    Received,
    Closed,
    Failed(io::Error),
    Late,
}

impl Connection {
    pub(super) fn new(stream: impl Stream + 'static) -> Self {
        let now = Instant::now();
        let (outgoing, incoming) = (Vec::new(), BytesMut::new());
        let timer = Box::pin(sleep_until(now));
        Self { stream: Box::new(stream), outgoing, incoming, timer, opened: now, usable_until: now }
    }

    /// An idle connection has nothing to say: the peer closed it, or sends what nobody asked for.
    pub(super) fn is_silent(&mut self) -> bool {
        let mut byte = [0];
        let mut context = Context::from_waker(Waker::noop());
        Pin::new(&mut self.stream).poll_read(&mut context, &mut ReadBuf::new(&mut byte)).is_pending()
    }

    /// Sends one request and reads the answer, success or not. With the answer: may the connection be used again?
    pub(super) async fn exchange(
        &mut self,
        call: &Call<'_>,
        head_lines: &[u8],
        bounds: &mut Bounds,
    ) -> Result<(Answer, bool), Failure> {
        let mut sending = self.begin(call, head_lines);
        if self.incoming.capacity() < LEAST {
            self.incoming.reserve(KEPT);
        }
        let head = loop {
            let step = self.step(&mut sending, bounds.end(0)).await;
            let failed = |error: Error| {
                if sending.begun { Failure::Lost(error) } else { Failure::Unsent(error) }
            };
            match step {
                Step::Received => {}
                Step::Closed => return Err(failed(closed("before it answered"))),
                Step::Failed(error) => return Err(failed(Error::network(lost(&error)))),
                Step::Late => return Err(failed(no_answer())),
            }
            let refused = |problem: String| Failure::Lost(Error::network(bad_answer(&problem)));
            let mut head = ResponseHead::parse(&self.incoming).map_err(refused)?;
            while let Some(interim) = head.take_if(|head| head.is_interim()) {
                self.incoming.advance(interim.length);
                head = ResponseHead::parse(&self.incoming).map_err(refused)?;
            }
            match head {
                Some(head) => break head,
                None => self.incoming.reserve(KEPT),
            }
        };
        let (body, cut) = self.body(&head, &mut sending, bounds).await;
        let whole = self.incoming.split_to(body.end).freeze();
        let is_reusable = head.keep_alive && cut.is_none() && sending.flushed && self.incoming.is_empty();
        if whole.len() + self.incoming.capacity() > KEPT {
            self.incoming = BytesMut::new();
        }
        let headers = Headers::AsSent(whole.slice(..head.length));
        Ok((Answer { status: head.status, headers, body: whole.slice(body), cut }, is_reusable))
    }

    fn begin(&mut self, call: &Call<'_>, head_lines: &[u8]) -> Sending {
        self.outgoing.clear();
        call.write_head(head_lines, &mut self.outgoing);
        let mut body = Bytes::new();
        if call.body.len() <= COPIED {
            self.outgoing.extend_from_slice(call.body);
        } else {
            body = call.body.clone();
        }
        Sending { sent: 0, body, begun: false, flushed: false, failed: None }
    }

    /// Where in `incoming` the body is, and why it is not whole.
    async fn body(
        &mut self,
        head: &ResponseHead,
        sending: &mut Sending,
        bounds: &mut Bounds,
    ) -> (std::ops::Range<usize>, Option<String>) {
        let mut body = head.length..head.length;
        let mut chunks = Chunks::default();
        loop {
            let came = self.incoming.len() - head.length;
            let missing = match head.framing {
                Framing::Chunked => match chunks.unwrap(&mut self.incoming, &mut body) {
                    Ok(true) => 0,
                    Ok(false) => PIECE,
                    Err(problem) => return (body, Some(bad_answer(problem))),
                },
                Framing::Sized(length) => {
                    let length = usize::try_from(length).unwrap_or(usize::MAX);
                    body.end = head.length + came.min(length);
                    length - body.len()
                }
                Framing::UntilClose => {
                    body.end = self.incoming.len();
                    PIECE
                }
            };
            if let Some(problem) = bounds.too_large(body.len()) {
                return (body, Some(problem));
            }
            if missing == 0 {
                return (body, None);
            }
            // No more than has come: a length is only what the server says. One byte more than may be, to find that out.
            let most = bounds.patience.most_bytes - body.len() + 1;
            self.incoming.reserve(missing.min(body.len().max(UNPROVED)).min(most));
            bounds.progressed();
            let problem = match self.step(sending, bounds.end(body.len())).await {
                Step::Received => continue,
                Step::Closed if head.framing == Framing::UntilClose => return (body, None),
                Step::Closed => closed("in the middle of its answer").to_string(),
                Step::Failed(error) => lost(&error),
                Step::Late => too_slow(body.len()),
            };
            return (body, Some(problem));
        }
    }

    /// Until something has come. Meanwhile the request goes out, as far as it has not: a server may refuse it
    /// before it has read it all.
    async fn step(&mut self, sending: &mut Sending, end: Instant) -> Step {
        std::future::poll_fn(|context| {
            if !sending.flushed
                && sending.failed.is_none()
                && let Poll::Ready(Err(error)) = self.poll_send(sending, context)
            {
                sending.failed = Some(error);
            }
            match pin!(self.stream.read_buf(&mut self.incoming)).poll(context) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Step::Closed),
                Poll::Ready(Ok(_)) => return Poll::Ready(Step::Received),
                Poll::Ready(Err(error)) => return Poll::Ready(Step::Failed(error)),
                Poll::Pending => {}
            }
            if let Some(error) = sending.failed.take() {
                return Poll::Ready(Step::Failed(error));
            }
            if self.timer.deadline() > end {
                self.timer.as_mut().reset(end);
            }
            while self.timer.as_mut().poll(context).is_ready() {
                if Instant::now() >= end {
                    return Poll::Ready(Step::Late);
                }
                self.timer.as_mut().reset(end);
            }
            Poll::Pending
        })
        .await
    }

    fn poll_send(&mut self, sending: &mut Sending, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let head = &self.outgoing[sending.sent..];
            let written = if sending.body.is_empty() {
                if head.is_empty() {
                    break;
                }
                std::task::ready!(Pin::new(&mut self.stream).poll_write(context, head))?
            } else {
                let mut both = Buf::chain(head, &*sending.body);
                std::task::ready!(pin!(self.stream.write_buf(&mut both)).poll(context))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            sending.begun = true;
            let of_head = written.min(head.len());
            sending.sent += of_head;
            sending.body.advance(written - of_head);
        }
        std::task::ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        sending.flushed = true;
        Poll::Ready(Ok(()))
    }
}

#[cold]
fn closed(when: &str) -> Error {
    Error::network(format!("connection lost: the server closed it {when}"))
}

#[cold]
fn bad_answer(problem: &str) -> String {
    format!("connection lost: the answer cannot be read, {problem}")
}

#[cold]
pub(super) fn lost(error: &io::Error) -> String {
    // A server that wants a client certificate says so after the handshake, in TLS 1.3.
    tls_problem(error).unwrap_or_else(|| format!("connection lost: {error}"))
}
