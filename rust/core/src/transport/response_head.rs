use std::mem::MaybeUninit;

use hyper::StatusCode;

/// hyper's default.
const HEADERS: usize = 100;
/// A head that grows further is no head. Servers that people run stop at 8 to 16 KiB.
const HEAD_BYTES: usize = 32 * 1024;

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// By its length.
    Sized(u64),
    Chunked,
    /// By the end of the connection.
    UntilClose,
}

/// The head of an answer in HTTP/1.1 or 1.0, as far as the connection has to know it.
#[derive(Debug)]
pub(super) struct ResponseHead {
    /// In bytes, with the empty line.
    pub(super) length: usize,
    pub(super) status: StatusCode,
    pub(super) framing: Framing,
    /// May the connection be used again?
    pub(super) keep_alive: bool,
}

impl ResponseHead {
    /// `None`: its end has not come yet. Whatever two readers could take for two different bodies is refused.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<Self>, String> {
        let mut headers = [const { MaybeUninit::uninit() }; HEADERS];
        let mut response = httparse::Response::new(&mut []);
        let parser = httparse::ParserConfig::default();
        let parsed = parser.parse_response_with_uninit_headers(&mut response, bytes, &mut headers);
        let length = match parsed.map_err(|error| error.to_string())? {
            httparse::Status::Complete(length) if length <= HEAD_BYTES => length,
            httparse::Status::Partial if bytes.len() < HEAD_BYTES => return Ok(None),
            _ => return Err(format!("its head is larger than {HEAD_BYTES} bytes")),
        };
        let status = response.code.and_then(|code| StatusCode::from_u16(code).ok());
        let status = status.ok_or("its status is none of HTTP")?;
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Err("it switches to a protocol that nobody asked for".to_owned());
        }
        let is_old = response.version == Some(0);
        // Whatever it says of its body.
        let has_body = !status.is_informational()
            && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let (mut closes, mut keeps, mut sized, mut chunked) = (false, false, None, false);
        for header in &*response.headers {
            if has_body && header.name.eq_ignore_ascii_case("content-length") {
                let length = content_length(header.value, sized);
                sized = Some(length.ok_or("its Content-Length is none, or there are several")?);
            } else if has_body && header.name.eq_ignore_ascii_case("transfer-encoding") {
                if is_old || chunked || !header.value.eq_ignore_ascii_case(b"chunked") {
                    return Err("its Transfer-Encoding is not the one that was asked for".to_owned());
                }
                chunked = true;
            } else if header.name.eq_ignore_ascii_case("connection") {
                let mut options = header.value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
                closes |= options.clone().any(|option| option.eq_ignore_ascii_case(b"close"));
                keeps |= options.any(|option| option.eq_ignore_ascii_case(b"keep-alive"));
            }
        }
        let framing = match sized {
            _ if !has_body => Framing::Sized(0),
            Some(_) if chunked => return Err("it has a Content-Length and is chunked".to_owned()),
            Some(length) => Framing::Sized(length),
            None if chunked => Framing::Chunked,
            None => Framing::UntilClose,
        };
        let keep_alive = !closes && (keeps || !is_old) && framing != Framing::UntilClose;
        Ok(Some(Self { length, status, framing, keep_alive }))
    }

    /// Another head follows, as after `100 Continue`.
    pub(super) fn is_interim(&self) -> bool {
        self.status.is_informational()
    }
}

/// `value` may repeat itself, in a list or in several headers.
fn content_length(value: &[u8], mut known: Option<u64>) -> Option<u64> {
    for part in value.split(|byte| *byte == b',') {
        let part = part.trim_ascii();
        if part.is_empty() {
            return None;
        }
        // Digits alone: a number of Rust may have a sign.
        let length = part.iter().try_fold(0_u64, |length, byte| {
            let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
            length.checked_mul(10)?.checked_add(digit)
        })?;
        if known.replace(length).is_some_and(|known| known != length) {
            return None;
        }
    }
    known
}

/// The first value of a header in a head that was parsed before.
#[cold]
pub(super) fn header(head: &[u8], name: &str) -> Option<String> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    response.parse(head).ok()?;
    let header = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(header.value).ok().map(str::to_owned)
}
