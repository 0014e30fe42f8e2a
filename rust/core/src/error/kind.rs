use std::fmt;
use std::time::Duration;

use bytes::Bytes;

/// An error of the core, with the kind boxed so that `Result`s on the hot path stay small.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: Box<ErrorKind>,
}

/// Part of an answer. It may hold inputs, so that only its length is ever shown.
#[derive(Clone)]
pub struct Received(pub Bytes);

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

#[derive(Debug, Clone)]
pub enum ErrorKind {
    /// A setting that cannot be used; never seen after start.
    Configuration { field: &'static str, problem: String },
    /// No answer: refused, reset, timed out, truncated. `connected`: something may have been sent.
    Network { problem: String, connected: bool },
    /// A success whose body did not come whole: broken off, too slow, too large. `received` is what came.
    Cut { problem: String, received: Received },
    /// An answer that is not a success. `message` is the server's, cut to 512 bytes; `retry_after`: how long
    /// it asks not to be called again.
    Answer { status: u16, message: String, retryable: bool, retry_after: Option<Duration> },
    /// 401 or 403 because the token of the call has expired or is not known; `code` is the server's.
    TokenRefused { status: u16, code: &'static str, message: String },
    /// The server refuses the key, or asks for one. `problem` names the setting and the remedy.
    Unauthorized { status: u16, problem: String },
    /// A success whose body is not what the call answers with, such as a proxy's login page.
    UnexpectedBody { problem: String },
    /// The call came after the host was closed.
    Closed,
    /// The call came from a child process that was forked after start.
    Forked { started_in: u32 },
}

/// What an error means for the call that got it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The server or the way to it is in trouble: try again.
    Transient,
    /// The server asks for less: try again, later.
    Throttled,
    /// 500 says both "I am in trouble" and "I cannot read this body" (conductor-server 3.32.3): only what
    /// else the server takes meanwhile tells which.
    Suspect,
    /// The token or the key is refused: try again seldom, and never give up for it.
    Unauthorized,
    /// The server does not know the task or its workflow: there is nobody to report to.
    Gone,
    /// The server refuses this very body: trying again cannot help.
    Poison,
    /// The server has something else under way with the same task: try again a few times.
    Conflict,
    /// The address or the rights are wrong: try again seldom, and say so.
    Misconfigured,
}

impl Error {
    #[cold]
    pub fn configuration(field: &'static str, problem: impl Into<String>) -> Self {
        ErrorKind::Configuration { field, problem: problem.into() }.into()
    }

    #[cold]
    pub fn network(problem: impl Into<String>) -> Self {
        ErrorKind::Network { problem: problem.into(), connected: true }.into()
    }

    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// For how long the server asks not to be called again.
    pub fn retry_after(&self) -> Option<Duration> {
        match &*self.kind {
            ErrorKind::Answer { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Of a call without a success: may the server have done all the same what it was asked for?
    pub fn may_have_been_done(&self) -> bool {
        match &*self.kind {
            ErrorKind::Network { connected, .. } => *connected,
            ErrorKind::Cut { .. } => true,
            // Proxies say this once they have passed the request on (520 and 524: Cloudflare).
            ErrorKind::Answer { status, .. } => matches!(status, 502 | 504 | 520 | 524),
            _ => false,
        }
    }

    /// The same, from a server that asks not to be called again for so long.
    pub(crate) fn with_retry_after(mut self, asked: Option<Duration>) -> Self {
        if let ErrorKind::Answer { retry_after, .. } = &mut *self.kind {
            *retry_after = asked;
        }
        self
    }

    /// May the call be tried again, and how?
    pub fn judge(&self) -> Judgement {
        match &*self.kind {
            ErrorKind::Network { .. } | ErrorKind::Cut { .. } | ErrorKind::UnexpectedBody { .. } => {
                Judgement::Transient
            }
            ErrorKind::Answer { status, message, retryable, .. } => {
                judge_answer(*status, message, *retryable)
            }
            ErrorKind::TokenRefused { .. } | ErrorKind::Unauthorized { .. } => Judgement::Unauthorized,
            ErrorKind::Configuration { .. } | ErrorKind::Closed | ErrorKind::Forked { .. } => {
                Judgement::Misconfigured
            }
        }
    }
}

fn judge_answer(status: u16, message: &str, retryable: bool) -> Judgement {
    match status {
        429 | 503 => Judgement::Throttled,
        401 => Judgement::Unauthorized,
        // A missing task and a missing endpoint share the status; only the text tells them apart
        // (WorkflowExecutorOps.java:937; Spring says "No static resource …").
        404 if message.starts_with("No such task") || message.starts_with("No such workflow") => {
            Judgement::Gone
        }
        // The server answers 500 to a body that its JSON parser refuses (too deep, a string too long).
        500 if message.starts_with("JSON parse error") => Judgement::Poison,
        500 if !retryable => Judgement::Suspect,
        400 | 413 | 415 | 422 => Judgement::Poison,
        409 => Judgement::Conflict,
        408 | 425 | 500 | 502 | 504 | 520..=599 => Judgement::Transient,
        _ => Judgement::Misconfigured,
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self { kind: Box::new(kind) }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration { field, problem } => write!(f, "{field}: {problem}"),
            Self::Network { problem, .. }
            | Self::Cut { problem, .. }
            | Self::Unauthorized { problem, .. } => f.write_str(problem),
            Self::Answer { status, message, .. } if message.is_empty() => write!(f, "status {status}"),
            Self::Answer { status, message, .. } => write!(f, "status {status}: {message}"),
            Self::TokenRefused { status, code, message } => write!(f, "status {status} {code}: {message}"),
            Self::UnexpectedBody { problem } => {
                write!(
                    f,
                    "the answer is not Conductor's ({problem}); check the URL, it usually ends with /api"
                )
            }
            Self::Closed => f.write_str("this is closed; make a new one"),
            Self::Forked { started_in } => write!(
                f,
                "this was started in process {started_in} and cannot be used after fork; make a new one in \
                 the child process, or start the children with the \"spawn\" method"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::classify;

    #[test]
    fn a_call_may_have_been_done_where_only_its_answer_is_missing() {
        let refused = ErrorKind::Network { problem: "refused".into(), connected: false }.into();
        let cut = ErrorKind::Cut { problem: "reset".into(), received: Received(Bytes::new()) }.into();
        let not_done = [500, 503, 521, 401].map(|status| classify(status, b""));
        let done = [502, 504, 520, 524].map(|status| classify(status, b""));
        for error in not_done.into_iter().chain([refused, Error::configuration("a", "b")]) {
            assert!(!error.may_have_been_done(), "{error}");
        }
        for error in done.into_iter().chain([Error::network("reset"), cut]) {
            assert!(error.may_have_been_done(), "{error}");
        }
    }
}
