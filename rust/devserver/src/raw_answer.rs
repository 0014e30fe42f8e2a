//! Answers that are written on the socket behind the back of HTTP.

use std::fmt::Write;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::answer::Answer;
use crate::fault::WireFault;
use crate::fault_answer::Outcome;

/// Begins no HTTP answer.
const GARBAGE: &[u8] = b"\x16\x03\x01\x00 this is no HTTP\r\n\r\n";
/// A piece of a huge body, as one chunk.
static BLANKS: [u8; 65_536] = [b' '; 65_536];

/// Bytes, how they are sent, and how the connection ends.
#[derive(Debug, Default)]
pub(crate) struct RawAnswer {
    bytes: Vec<u8>,
    /// Before each byte; `None`: all at once.
    drip: Option<Duration>,
    /// Blanks that follow, in chunks.
    blanks: u64,
    end: End,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum End {
    #[default]
    Close,
    Reset,
    /// Open until the client goes.
    Hang,
}

impl RawAnswer {
    /// `Err`: HTTP can do it.
    pub(crate) fn of(outcome: Outcome) -> Result<Self, Outcome> {
        Ok(match outcome {
            Outcome::Close => Self::default(),
            Outcome::Reset => Self { end: End::Reset, ..Self::default() },
            Outcome::Hang => Self { end: End::Hang, ..Self::default() },
            Outcome::Huge(blanks) => {
                let head = "HTTP/1.1 200 \r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n";
                Self { bytes: head.into(), blanks, ..Self::default() }
            }
            Outcome::Spoilt(answer, fault) => Self::spoilt(answer, fault),
            Outcome::Answer(_) | Outcome::LastAnswer(_) => return Err(outcome),
        })
    }

    fn spoilt(answer: Answer, fault: WireFault) -> Self {
        let (parts, body) = answer.into_response(true).into_parts();
        let data = body.data.unwrap_or_default();
        let mut head = format!("HTTP/1.1 {} \r\n", parts.status.as_u16());
        for (name, value) in &parts.headers {
            // Writing to a String does not fail.
            let _ = write!(head, "{name}: {}\r\n", value.to_str().unwrap_or_default());
        }
        let length =
            |off: i64| format!("Content-Length: {}\r\n\r\n", i64::try_from(data.len()).unwrap_or(0) + off);
        let (sent, end, drip) = match fault {
            WireFault::Cut { bytes, reset } => {
                if body.chunked {
                    let _ = write!(head, "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", data.len().max(1));
                } else {
                    head += &length(0);
                }
                (bytes.min(data.len()), if reset { End::Reset } else { End::Close }, None)
            }
            WireFault::Drip(each) => {
                head += &length(0);
                (data.len(), End::Close, Some(each))
            }
            WireFault::Garbage => return Self { bytes: GARBAGE.into(), ..Self::default() },
            WireFault::LengthOff(off) => {
                head += &length(off);
                (data.len(), End::Close, None)
            }
            WireFault::Continue => {
                head = format!("HTTP/1.1 100 Continue\r\n\r\n{head}{}", length(0));
                (data.len(), End::Close, None)
            }
        };
        let bytes = [head.as_bytes(), &data[..sent]].concat();
        Self { bytes, drip, blanks: 0, end }
    }

    /// Writes all of it, unless the client goes. An error is the client's going: there is nobody to tell.
    pub(crate) async fn write(self, mut stream: TcpStream) -> std::io::Result<()> {
        match self.drip {
            None => stream.write_all(&self.bytes).await?,
            Some(each) => {
                for byte in self.bytes {
                    sleep(each).await;
                    stream.write_all(&[byte]).await?;
                }
            }
        }
        let mut left = self.blanks;
        while left > 0 {
            let size = usize::try_from(left).unwrap_or(usize::MAX).min(BLANKS.len());
            stream.write_all(format!("{size:x}\r\n").as_bytes()).await?;
            stream.write_all(&BLANKS[..size]).await?;
            stream.write_all(b"\r\n").await?;
            left -= size as u64;
        }
        if self.blanks > 0 {
            stream.write_all(b"1\r\n]\r\n0\r\n\r\n").await?;
        }
        match self.end {
            End::Close => {}
            End::Reset => SockRef::from(&stream).set_linger(Some(Duration::ZERO))?,
            End::Hang => while stream.read(&mut [0; 64]).await? > 0 {},
        }
        Ok(())
    }
}
