use std::fs::File;
use std::io::{Read, Result, Write};
use std::os::fd::AsRawFd;

/// Wakes an event loop from any thread, once a burst: a write, a turn of `epoll_wait` and a read.
pub(crate) struct Bell {
    ring: File,
    heard: File,
}

impl Bell {
    pub(crate) fn new() -> Result<Self> {
        let (ring, heard) = ends()?;
        Ok(Self { ring, heard })
    }

    pub(super) fn fileno(&self) -> i32 {
        self.heard.as_raw_fd()
    }

    pub(crate) fn ring(&self) {
        // Refused only if very many bursts went unheard: then it rings already.
        let _ = (&self.ring).write(&1_u64.to_ne_bytes());
    }

    pub(super) fn hear(&self) {
        // An eventfd gives its 8 bytes, however often it was rung.
        let mut heard = [0; 512];
        while matches!((&self.heard).read(&mut heard), Ok(512)) {}
    }
}

/// An eventfd: writing, waiting and reading cost 1.6 µs, with a socket pair 3.3 (Linux 6.18, AMD EPYC, 2026-11-26).
#[cfg(target_os = "linux")]
fn ends() -> Result<(File, File)> {
    use rustix::event::{EventfdFlags, eventfd};

    let heard = File::from(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
    Ok((heard.try_clone()?, heard))
}

#[cfg(not(target_os = "linux"))]
fn ends() -> Result<(File, File)> {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    let (ring, heard) = UnixStream::pair()?;
    ring.set_nonblocking(true)?;
    heard.set_nonblocking(true)?;
    Ok((OwnedFd::from(ring).into(), OwnedFd::from(heard).into()))
}
