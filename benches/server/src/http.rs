//! As much of HTTP/1.1 as worker clients speak.

use std::io::Write as _;

use memchr::{memchr, memmem};

/// A whole request at the start of a buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) path: &'a [u8],
    pub(crate) query: &'a [u8],
    pub(crate) body: &'a [u8],
    /// Bytes that it takes up.
    pub(crate) length: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed<'a> {
    Whole(Request<'a>),
    /// There is more to come.
    Part,
    Malformed,
}

pub(crate) fn parse(bytes: &[u8]) -> Parsed<'_> {
    let Some(head_length) = memmem::find(bytes, b"\r\n\r\n") else { return Parsed::Part };
    whole(bytes, head_length).unwrap_or(Parsed::Malformed)
}

fn whole(bytes: &[u8], head_length: usize) -> Option<Parsed<'_>> {
    let head = bytes.get(..head_length)?;
    let line = head.get(..memchr(b'\r', head).unwrap_or(head_length))?;
    let method_end = memchr(b' ', line)?;
    let target = line.get(method_end + 1..)?;
    let target = target.get(..memchr(b' ', target)?)?;
    let path_end = memchr(b'?', target).unwrap_or(target.len());
    let body_length = content_length(head.get(line.len()..)?)?;
    let body_start = head_length + 4;
    let Some(body) = bytes.get(body_start..body_start + body_length) else { return Some(Parsed::Part) };
    Some(Parsed::Whole(Request {
        method: line.get(..method_end)?,
        path: target.get(..path_end)?,
        query: target.get(path_end + 1..).unwrap_or_default(),
        body,
        length: body_start + body_length,
    }))
}

/// 0 without the header; `None` for what is no number, and for a body of another kind.
fn content_length(mut lines: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    while let Some(end) = memchr(b'\n', lines) {
        lines = lines.get(end + 1..)?;
        if !matches!(lines.first(), Some(b'c' | b'C' | b't' | b'T')) {
            continue;
        }
        if let Some((name, value)) = lines.split_at_checked(NAME.len()) {
            if name.eq_ignore_ascii_case(NAME) {
                let value = value.get(..memchr(b'\r', value).unwrap_or(value.len()))?;
                return std::str::from_utf8(value.trim_ascii()).ok()?.parse().ok();
            }
            if name.eq_ignore_ascii_case(b"transfer-encodi") {
                return None;
            }
        }
    }
    Some(0)
}

/// The number of query parameter `name`.
pub(crate) fn number(query: &[u8], name: &[u8]) -> Option<usize> {
    let value =
        query.split(|byte| *byte == b'&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix(b"="))?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Appends the head of an answer whose body has `length` bytes.
pub(crate) fn head(to: &mut Vec<u8>, status: &str, content_type: &str, length: usize, close: bool) {
    to.extend_from_slice(b"HTTP/1.1 ");
    to.extend_from_slice(status.as_bytes());
    if close {
        to.extend_from_slice(b"\r\nConnection: close");
    }
    // Writing to a Vec does not fail.
    let _ = write!(to, "\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_as_they_come() {
        let bytes = b"POST /api/tasks?x=1&count=12 HTTP/1.1\r\nHost: a\r\nContent-LENGTH: 3\r\n\r\nabcGET";
        let Parsed::Whole(request) = parse(bytes) else { panic!("whole") };
        assert_eq!(
            (request.method, request.path, request.body),
            (&b"POST"[..], &b"/api/tasks"[..], &b"abc"[..])
        );
        assert_eq!((number(request.query, b"count"), number(request.query, b"timeout")), (Some(12), None));
        for end in 0..request.length {
            assert_eq!(parse(&bytes[..end]), Parsed::Part, "{end}");
        }
        assert_eq!(parse(&bytes[request.length..]), Parsed::Part);
    }

    #[test]
    fn what_is_no_request_is_malformed() {
        for text in [
            "x\r\n\r\n",
            "GET /\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert_eq!(parse(text.as_bytes()), Parsed::Malformed, "{text}");
        }
    }
}
