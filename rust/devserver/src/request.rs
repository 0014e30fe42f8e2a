//! A request in the form in which the routes read it.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::http::request::Parts;

/// Tomcat's `maxHttpRequestHeaderSize`, in bytes.
const MAX_HEAD_BYTES: usize = 8192;

#[derive(Debug)]
pub(crate) struct ApiRequest {
    parts: Parts,
    pub(crate) body: Bytes,
}

impl ApiRequest {
    /// Reads the whole body; an error means that the client has gone.
    pub(crate) async fn read(request: Request<Incoming>) -> hyper::Result<Self> {
        let (parts, mut incoming) = request.into_parts();
        let mut body = Bytes::new();
        let mut longer = BytesMut::new();
        while !incoming.is_end_stream() {
            let Some(frame) = incoming.frame().await else { break };
            let Ok(data) = frame?.into_data() else { continue };
            // Most bodies come in one piece, which is not copied.
            if body.is_empty() && longer.is_empty() {
                body = data;
            } else {
                longer.extend_from_slice(&std::mem::take(&mut body));
                longer.extend_from_slice(&data);
            }
        }
        if !longer.is_empty() {
            body = longer.freeze();
        }
        Ok(Self { parts, body })
    }

    /// The same with `count` raised by `more`, whatever it was.
    pub(crate) fn asking_for_more(mut self, more: usize) -> Self {
        let count = self.integer("count", 1).ok().and_then(|count| usize::try_from(count).ok()).unwrap_or(1);
        let others = self.query().split('&').filter(|pair| !pair.starts_with("count="));
        let query: Vec<_> =
            others.map(str::to_owned).chain([format!("count={}", count.saturating_add(more))]).collect();
        if let Ok(target) = format!("{}?{}", self.path(), query.join("&")).parse() {
            self.parts.uri = target;
        }
        self
    }

    pub(crate) fn method(&self) -> &'static str {
        match self.parts.method.as_str() {
            // Spring answers HEAD as GET; hyper leaves the body out.
            "GET" | "HEAD" => "GET",
            "POST" => "POST",
            "PUT" => "PUT",
            "DELETE" => "DELETE",
            "PATCH" => "PATCH",
            "OPTIONS" => "OPTIONS",
            _ => "OTHER",
        }
    }

    pub(crate) fn path(&self) -> &str {
        self.parts.uri.path()
    }

    pub(crate) fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    pub(crate) fn has_json_content_type(&self) -> bool {
        self.content_type().contains("json")
    }

    pub(crate) fn content_type(&self) -> &str {
        let value = self.parts.headers.get(CONTENT_TYPE);
        value.and_then(|value| value.to_str().ok()).unwrap_or("application/octet-stream")
    }

    /// What `/token` gave.
    pub(crate) fn token(&self) -> Option<&str> {
        self.parts.headers.get("x-authorization").and_then(|value| value.to_str().ok())
    }

    /// What Tomcat refuses before any route: a head over 8 KB, an escaped slash in the path.
    pub(crate) fn is_refused_by_tomcat(&self) -> bool {
        let target = self.path().len() + self.query().len();
        let escaped_slash = self.path().contains('%') && self.path().to_ascii_lowercase().contains("%2f");
        escaped_slash || target + header_bytes(&self.parts.headers) > MAX_HEAD_BYTES
    }

    /// The first value of a query parameter, decoded.
    pub(crate) fn parameter<'a>(&'a self, name: &'a str) -> Option<Cow<'a, str>> {
        self.parameters(name).next()
    }

    /// All values of a query parameter, decoded.
    pub(crate) fn parameters<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
        self.query().split('&').filter_map(move |pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key, true) == name).then(|| decode(value, true))
        })
    }

    /// A number among the query parameters, or the message of the server's `500`.
    pub(crate) fn integer(&self, name: &str, default: i32) -> Result<i32, String> {
        let Some(value) = self.parameter(name) else { return Ok(default) };
        if value.is_empty() {
            return Ok(default);
        }
        value.parse().map_err(|_| {
            format!(
                "Method parameter '{name}': Failed to convert value of type 'java.lang.String' to required type \
                 'int'; For input string: \"{value}\""
            )
        })
    }
}

/// The task type in the path of a poll.
pub(crate) fn polled_type(path: &str) -> Option<Cow<'_, str>> {
    let rest = path.strip_prefix("/api/tasks/poll/")?;
    let task_type = rest.strip_prefix("batch/").unwrap_or(rest);
    (!task_type.is_empty() && !task_type.contains('/')).then(|| decode(task_type, false))
}

fn header_bytes(headers: &HeaderMap) -> usize {
    // 4: the colon, the blank and the line end.
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

/// Undoes percent escapes, and `+` in queries. What is no escape stays as it is.
pub(crate) fn decode(text: &str, is_query: bool) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte != b'%' && !(is_query && byte == b'+');
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = (byte == b'%').then(|| text_of(after.get(..2))).flatten();
        if let Some(value) = escape {
            decoded.push(value);
            rest = &after[2..];
            continue;
        }
        decoded.push(if is_query && byte == b'+' { b' ' } else { byte });
        rest = after;
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}

fn text_of(digits: Option<&[u8]>) -> Option<u8> {
    let digits = std::str::from_utf8(digits?).ok()?;
    u8::from_str_radix(digits, 16).ok()
}
