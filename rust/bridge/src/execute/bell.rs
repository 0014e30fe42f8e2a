use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

/// Wakes an event loop from any thread. A socket pair and not an eventfd, since std has it without unsafe code;
/// it is written once per burst, so its price does not show.
pub(crate) struct Bell {
    ring: UnixStream,
    heard: UnixStream,
}

impl Bell {
    pub(crate) fn new() -> std::io::Result<Self> {
        let (ring, heard) = UnixStream::pair()?;
        ring.set_nonblocking(true)?;
        heard.set_nonblocking(true)?;
        Ok(Self { ring, heard })
    }

    pub(super) fn fileno(&self) -> i32 {
        self.heard.as_raw_fd()
    }

    pub(crate) fn ring(&self) {
        // Full only if thousands of bursts went unheard: then it rings already.
        let _ = (&self.ring).write(&[0]);
    }

    pub(super) fn hear(&self) {
        let mut heard = [0; 64];
        while matches!((&self.heard).read(&mut heard), Ok(64)) {}
    }
}
