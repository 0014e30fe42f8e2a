//! What can go wrong on the way to the server, and the only judge of what may be tried again.

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
    /// 500 says both "I am in trouble" and "I cannot read this body" (protocol.md, 0): only what else the server
    /// takes meanwhile tells which.
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

/// Turns an unsuccessful answer into an error. `body` is the server's, of any length and any content.
#[cold]
pub fn classify(status: u16, body: &[u8]) -> Error {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ErrorResponse {
        error: Option<String>,
        message: Option<String>,
        #[serde(default)]
        retryable: bool,
        #[serde(default)]
        validation_errors: Vec<ValidationError>,
    }
    #[derive(serde::Deserialize)]
    struct ValidationError {
        path: String,
        message: String,
    }
    let response = serde_json::from_slice::<ErrorResponse>(body).ok();
    let code = response.as_ref().and_then(|response| token_refusal(status, response.error.as_deref()?));
    let (message, retryable) = match response {
        Some(ErrorResponse { message: Some(mut message), retryable, validation_errors, .. }) => {
            // The message itself is then only: check below errors for detail.
            for error in validation_errors {
                message.extend([" ", &error.path, ": ", &error.message, ";"]);
            }
            (message.trim_end_matches(';').to_owned(), retryable)
        }
        _ => (page_title(&String::from_utf8_lossy(&body[..body.len().min(2048)])), false),
    };
    let message = cut(message, 512);
    match code {
        Some(code) => ErrorKind::TokenRefused { status, code, message },
        None => ErrorKind::Answer { status, message, retryable, retry_after: None },
    }
    .into()
}

/// The two codes with which Orkes' servers refuse a token (api_client.py:92-112): a fresh one may help.
fn token_refusal(status: u16, code: &str) -> Option<&'static str> {
    let refuses = |known: &&str| matches!(status, 401 | 403) && *known == code;
    ["EXPIRED_TOKEN", "INVALID_TOKEN"].into_iter().find(refuses)
}

/// The title of an HTML page, which says all that a proxy's page has to say; any other text as it is.
fn page_title(text: &str) -> String {
    if !text.trim_start().starts_with('<') {
        return text.to_owned();
    }
    let title = text.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    title.map_or_else(|| "an HTML page".to_owned(), |(title, _)| format!("an HTML page: {}", title.trim()))
}

fn cut(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let end = (0..=limit).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
    }
    text
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

    #[test]
    fn the_table_of_answers() {
        let no_task = br#"{"status":404,"message":"No such task found by id: x","retryable":false}"#;
        let no_route = br#"{"status":404,"message":"No static resource api/tasks.","retryable":false}"#;
        let not_json = br#"{"status":500,"message":"JSON parse error: too deep","retryable":false}"#;
        let down = br#"{"status":500,"message":"down","retryable":true}"#;
        let rows: [(&[u16], &[u8], Judgement); 12] = [
            (&[404], no_task, Judgement::Gone),
            (&[404], no_route, Judgement::Misconfigured),
            (&[302, 403, 404, 405, 501, 505, 511], b"", Judgement::Misconfigured),
            (&[401], b"", Judgement::Unauthorized),
            (&[401, 403], br#"{"error":"INVALID_TOKEN"}"#, Judgement::Unauthorized),
            (&[500], not_json, Judgement::Poison),
            (&[500], down, Judgement::Transient),
            (&[500], b"oops", Judgement::Suspect),
            (&[429, 503], b"<html>", Judgement::Throttled),
            (&[408, 425, 502, 504, 520, 522, 524], b"", Judgement::Transient),
            (&[400, 413, 415, 422], b"{}", Judgement::Poison),
            (&[409], b"", Judgement::Conflict),
        ];
        let rows = rows.iter().flat_map(|(statuses, body, expected)| {
            statuses.iter().map(move |status| (*status, *body, *expected))
        });
        for (status, body, expected) in rows {
            assert_eq!(
                classify(status, body).judge(),
                expected,
                "{status} {:?}",
                String::from_utf8_lossy(body)
            );
        }
    }

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

    #[test]
    fn only_the_two_token_codes_of_a_401_or_403_are_about_the_token() {
        for (status, body, expected) in [
            (401, r#"{"error":"EXPIRED_TOKEN","message":"m"}"#, Some("EXPIRED_TOKEN")),
            (403, r#"{"error":"INVALID_TOKEN","message":"m"}"#, Some("INVALID_TOKEN")),
            (401, r#"{"error":"INVALID_TOKEN"}"#, Some("INVALID_TOKEN")),
            (403, r#"{"error":"FORBIDDEN","message":"m"}"#, None),
            (500, r#"{"error":"EXPIRED_TOKEN","message":"m"}"#, None),
            (401, "<html>EXPIRED_TOKEN", None),
            (401, "", None),
        ] {
            let error = classify(status, body.as_bytes());
            let code = match error.kind() {
                ErrorKind::TokenRefused { code, .. } => Some(*code),
                _ => None,
            };
            assert_eq!(code, expected, "{status} {body}");
            let judgement = match status {
                500 => Judgement::Suspect,
                403 if code.is_none() => Judgement::Misconfigured,
                _ => Judgement::Unauthorized,
            };
            assert_eq!(error.judge(), judgement);
        }
    }

    #[test]
    fn messages_say_what_the_server_or_the_proxy_says() {
        let refused = br#"{"message":"Validation failed.","validationErrors":[
            {"path":"a.taskId","message":"is empty"},{"path":"a.b","message":"too"}]}"#;
        let page = b"<!doctype html><html><head><title> Bad Gateway\n</title></head></html>";
        let rows: [(&[u8], &str); 4] = [
            (refused, "status 400: Validation failed. a.taskId: is empty; a.b: too"),
            (page, "status 400: an HTML page: Bad Gateway"),
            (b"<p>oops", "status 400: an HTML page"),
            (b"oops", "status 400: oops"),
        ];
        for (body, expected) in rows {
            assert_eq!(classify(400, body).to_string(), expected);
        }
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let body = "é".repeat(1_000);
        let error = classify(500, body.as_bytes());
        assert!(error.to_string().len() <= 512 + "status 500: ".len());
    }
}
