//! As much of HTTP/1.1 as worker clients speak.

use std::borrow::Cow;
use std::io::Write as _;

use memchr::{memchr, memmem};

/// A whole request at the start of a buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) path: &'a [u8],
    pub(crate) query: &'a [u8],
    pub(crate) body: Cow<'a, [u8]>,
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
    let body_start = head_length + 4;
    let rest = bytes.get(body_start..)?;
    let (body, body_length) = match body_form(head.get(line.len()..)?)? {
        Form::Sized(length) => match rest.get(..length) {
            Some(body) => (Cow::Borrowed(body), length),
            None => return Some(Parsed::Part),
        },
        Form::Chunked => match chunks(rest)? {
            Some((body, length)) => (Cow::Owned(body), length),
            None => return Some(Parsed::Part),
        },
    };
    Some(Parsed::Whole(Request {
        method: line.get(..method_end)?,
        path: target.get(..path_end)?,
        query: target.get(path_end + 1..).unwrap_or_default(),
        body,
        length: body_start + body_length,
    }))
}

enum Form {
    Sized(usize),
    Chunked,
}

/// A body of 0 bytes without a header; `None` for what is no number, and for a body of another kind.
fn body_form(mut lines: &[u8]) -> Option<Form> {
    while let Some(end) = memchr(b'\n', lines) {
        lines = lines.get(end + 1..)?;
        if !matches!(lines.first(), Some(b'c' | b'C' | b't' | b'T')) {
            continue;
        }
        let line = lines.get(..memchr(b'\r', lines).unwrap_or(lines.len()))?;
        let colon = memchr(b':', line)?;
        let (name, value) = (line.get(..colon)?, line.get(colon + 1..)?.trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            return Some(Form::Sized(std::str::from_utf8(value).ok()?.parse().ok()?));
        }
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            return value.eq_ignore_ascii_case(b"chunked").then_some(Form::Chunked);
        }
    }
    Some(Form::Sized(0))
}

/// The joined chunks at the start of `bytes`, and how many bytes they take up; inside `None`: there is more to
/// come. Trailers are no part of this.
#[expect(clippy::option_option, reason = "malformed, part, whole")]
fn chunks(bytes: &[u8]) -> Option<Option<(Vec<u8>, usize)>> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let Some(line) = memmem::find(bytes.get(at..)?, b"\r\n") else { return Some(None) };
        let size = std::str::from_utf8(bytes.get(at..at + line)?).ok()?;
        let size = usize::from_str_radix(size, 16).ok()?;
        let start = at + line + 2;
        let Some(chunk) = bytes.get(start..start + size + 2) else { return Some(None) };
        body.extend_from_slice(chunk.strip_suffix(b"\r\n")?);
        at = start + size + 2;
        if size == 0 {
            return Some(Some((body, at)));
        }
    }
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
            (request.method, request.path, &*request.body),
            (&b"POST"[..], &b"/api/tasks"[..], &b"abc"[..])
        );
        assert_eq!((number(request.query, b"count"), number(request.query, b"timeout")), (Some(12), None));
        for end in 0..request.length {
            assert_eq!(parse(&bytes[..end]), Parsed::Part, "{end}");
        }
        assert_eq!(parse(&bytes[request.length..]), Parsed::Part);
    }

    #[test]
    fn chunks_are_joined() {
        let bytes = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nGET";
        let Parsed::Whole(request) = parse(bytes) else { panic!("whole") };
        assert_eq!((&*request.body, request.length), (&b"abc0123456789"[..], bytes.len() - 3));
        for end in 0..request.length {
            assert_eq!(parse(&bytes[..end]), Parsed::Part, "{end}");
        }
    }

    #[test]
    fn what_is_no_request_is_malformed() {
        for text in [
            "x\r\n\r\n",
            "GET /\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
        ] {
            assert_eq!(parse(text.as_bytes()), Parsed::Malformed, "{text}");
        }
    }
}
