//! A thread of its own for Tokio, which remembers its process.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind};

/// Ended by `close` or on drop. In a forked child there is no such thread: every use says so, and
/// nothing is waited for.
pub(crate) struct IoThread {
    started_in: u32,
    handle: Handle,
    /// Present until closed: what ends the thread, and its handle.
    thread: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl IoThread {
    pub(crate) fn start(name: &str) -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::network(format!("cannot start the I/O thread: {error}"));
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (close, closed) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(move || {
                // Both endings, the message and the drop of its sender, mean the same.
                let _ = runtime.block_on(closed);
                // A plain drop waits for the resolver's threads, which the system may hold for half a minute.
                runtime.shutdown_background();
            })
            .map_err(failed)?;
        Ok(Self { started_in: std::process::id(), handle, thread: Mutex::new(Some((close, thread))) })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Runs `future` on the thread and blocks for its value. The future is not cancelled if the caller
    /// gives up.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        self.begin(future)?.0.recv().unwrap_or_else(|_| Err(ErrorKind::Closed.into()))
    }

    /// As `run`, for a caller who waits in slices.
    pub(crate) fn begin<T: Send + 'static>(
        &self,
        future: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<Pending<T>, Error> {
        self.check()?;
        let (done, answer) = sync_channel(1);
        self.handle.spawn(async move {
            // The caller may be gone.
            let _ = done.send(future.await);
        });
        Ok(Pending(answer))
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.started_in != std::process::id() {
            return Err(ErrorKind::Forked { started_in: self.started_in }.into());
        }
        let open = self.thread.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if open { Ok(()) } else { Err(ErrorKind::Closed.into()) }
    }

    /// Ends the thread and with it everything that is still in flight. Idempotent.
    pub(crate) fn close(&self) {
        if self.started_in != std::process::id() {
            return;
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((close, thread)) = thread {
            let _ = close.send(());
            // A panic of the thread has been printed; there is nothing left to add.
            let _ = thread.join();
        }
    }
}

/// The value of a future that runs on the thread, whether or not somebody waits for it.
pub struct Pending<T>(Receiver<Result<T, Error>>);

impl<T> Pending<T> {
    /// `None`: not within `timeout`.
    pub fn wait(&mut self, timeout: Duration) -> Option<Result<T, Error>> {
        match self.0.recv_timeout(timeout) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(ErrorKind::Closed.into())),
        }
    }
}

impl Drop for IoThread {
    fn drop(&mut self) {
        self.close();
    }
}
