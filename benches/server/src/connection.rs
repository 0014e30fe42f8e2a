use std::io::{self, ErrorKind, Read as _, Write as _};

use mio::net::TcpStream;
use rustls::ServerConnection;

/// Less than this to read into: the buffer grows. The first size takes any request with a small result.
const SMALLEST_READ: usize = 4_096;

/// A client's connection, with what is half read and half written.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    tls: Option<ServerConnection>,
    /// Tells it from an earlier one with the same token.
    pub(crate) serial: u64,
    /// `..filled` is not handled yet.
    pub(crate) input: Vec<u8>,
    pub(crate) filled: usize,
    pub(crate) output: Vec<u8>,
    written: usize,
    /// Its request is not answered yet: the next one waits, as HTTP/1.1 wants it.
    pub(crate) busy: bool,
    pub(crate) requests: u32,
    /// After what is in `output`.
    pub(crate) close: bool,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, mut tls: Option<ServerConnection>, serial: u64) -> Self {
        if let Some(tls) = &mut tls {
            tls.set_buffer_limit(None);
        }
        Self {
            stream,
            tls,
            serial,
            input: vec![0; SMALLEST_READ],
            filled: 0,
            output: Vec::new(),
            written: 0,
            busy: false,
            requests: 0,
            close: false,
        }
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Reads what is there; false once the client has closed. A short read has emptied the socket: asking
    /// again would be a system call a request. `to_the_end`: the event said that the client has closed.
    pub(crate) fn read(&mut self, to_the_end: bool) -> bool {
        if self.tls.is_some() {
            return self.read_encrypted().unwrap_or_else(|error| error.kind() == ErrorKind::WouldBlock);
        }
        loop {
            self.make_room();
            let room = self.input.len() - self.filled;
            match self.stream.read(&mut self.input[self.filled..]) {
                Ok(0) => return false,
                Ok(length) => {
                    self.filled += length;
                    if length < room && !to_the_end {
                        return true;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    fn make_room(&mut self) {
        if self.input.len() - self.filled < SMALLEST_READ {
            self.input.resize(self.input.len() * 2, 0);
        }
    }

    /// As `read`; an error of kind WouldBlock says that all was read.
    fn read_encrypted(&mut self) -> io::Result<bool> {
        loop {
            let Some(tls) = &mut self.tls else { return Ok(false) };
            if tls.read_tls(&mut self.stream)? == 0 {
                return Ok(false);
            }
            let state = tls.process_new_packets().map_err(io::Error::other)?;
            let mut left = state.plaintext_bytes_to_read();
            while left > 0 {
                self.make_room();
                let Some(tls) = &mut self.tls else { return Ok(false) };
                let length = tls.reader().read(&mut self.input[self.filled..])?;
                self.filled += length;
                left -= length;
            }
            // The handshake's part.
            self.write_encrypted()?;
        }
    }

    fn write_encrypted(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        tls.writer().write_all(&self.output)?;
        self.output.clear();
        while tls.wants_write() {
            tls.write_tls(&mut self.stream)?;
        }
        Ok(())
    }

    /// Writes what is there; false if the client has closed, or is to be.
    pub(crate) fn write(&mut self) -> bool {
        if self.tls.is_some() {
            return match self.write_encrypted() {
                Ok(()) => !self.close,
                Err(error) => error.kind() == ErrorKind::WouldBlock,
            };
        }
        while self.written < self.output.len() {
            match self.stream.write(&self.output[self.written..]) {
                Ok(length) => self.written += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        self.output.clear();
        self.written = 0;
        !self.close
    }
}

pub(crate) fn accept(listener: &mio::net::TcpListener) -> io::Result<Option<TcpStream>> {
    match listener.accept() {
        Ok((stream, _)) => {
            stream.set_nodelay(true)?;
            Ok(Some(stream))
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
