use bytes::BytesMut;

/// Of a line with a chunk's size, of all extensions together, and of all trailers (hyper's limits).
const MOST_EXTRA: usize = 16 * 1024;

/// Takes the chunks of a body out of their wrapping, where they are.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    next: Next,
    /// Extensions and trailers so far, in bytes.
    extra: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Next {
    #[default]
    Size,
    Data(u64),
    /// The line break after a chunk.
    Break,
    Trailer,
    Nothing,
}

impl Chunks {
    /// What has come since the last call is all from `body.end` on; afterwards that is what is not yet
    /// understood. The first chunk stays where it is, and the body then begins there. True: the body is whole.
    pub(super) fn unwrap(
        &mut self,
        bytes: &mut BytesMut,
        body: &mut std::ops::Range<usize>,
    ) -> Result<bool, &'static str> {
        let mut at = body.end;
        while self.next != Next::Nothing && at < bytes.len() {
            if let Next::Data(left) = self.next {
                let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - at);
                if body.start == body.end {
                    *body = at..at;
                }
                if body.end != at {
                    bytes.copy_within(at..at + length, body.end);
                }
                body.end += length;
                at += length;
                let left = left - length as u64;
                self.next = if left == 0 { Next::Break } else { Next::Data(left) };
                continue;
            }
            let Some(line) = memchr::memchr(b'\n', &bytes[at..]).map(|end| &bytes[at..=at + end]) else {
                if self.extra + bytes.len() - at > MOST_EXTRA {
                    return Err(TOO_MUCH);
                }
                break;
            };
            at += line.len();
            self.next = self.after(line)?;
        }
        // Without this, what wraps small chunks would pile up behind the body.
        if at != body.end {
            let rest = bytes.len() - at;
            bytes.copy_within(at.., body.end);
            bytes.truncate(body.end + rest);
        }
        Ok(self.next == Next::Nothing)
    }

    fn after(&mut self, line: &[u8]) -> Result<Next, &'static str> {
        let content = line.strip_suffix(b"\r\n").ok_or("a line of a chunk ends without CR")?;
        match self.next {
            Next::Break if content.is_empty() => Ok(Next::Size),
            Next::Break => Err("a chunk is longer than its size"),
            Next::Trailer if content.is_empty() => Ok(Next::Nothing),
            Next::Trailer => {
                let mut trailers = [httparse::EMPTY_HEADER; 1];
                // Parsed, as a whole, for nothing but its form.
                let whole = [line, b"\r\n"].concat();
                let parsed = httparse::parse_headers(&whole, &mut trailers);
                self.count(line.len())?;
                parsed.map(|_| Next::Trailer).map_err(|_| "a trailer is no header")
            }
            _ => {
                let digits = content.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
                self.count(content.len() - digits)?;
                // httparse would take no digits for none left.
                match httparse::parse_chunk_size(line) {
                    Ok(httparse::Status::Complete((_, size))) if digits > 0 && !content.contains(&b'\r') => {
                        Ok(if size == 0 { Next::Trailer } else { Next::Data(size) })
                    }
                    _ => Err("a chunk has no size"),
                }
            }
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), &'static str> {
        self.extra += bytes;
        if self.extra > MOST_EXTRA { Err(TOO_MUCH) } else { Ok(()) }
    }
}

const TOO_MUCH: &str = "what comes with the chunks is larger than 16384 bytes";
