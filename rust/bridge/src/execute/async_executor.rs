use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use conductor_core::worker::{BurstQueue, TaskRunner};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::job::PyJob;
use super::reporting::Reporting;

/// The coroutines of one worker, run by an event loop that watches `fileno()`.
#[pyclass(frozen, name = "AsyncExecutor", module = "conductor_fast._core")]
pub(crate) struct PyAsyncExecutor {
    pub(crate) queue: Arc<BurstQueue>,
    pub(crate) runner: Arc<TaskRunner>,
    pub(crate) reporting: Arc<Reporting>,
    pub(crate) bell: UnixStream,
}

/// A queue that rings, and where to hear it. A socket pair and not an eventfd, since std has it without
/// unsafe code; it is written once per burst, so its price does not show.
pub(crate) fn queue() -> std::io::Result<(Arc<BurstQueue>, UnixStream)> {
    let (ring, bell) = UnixStream::pair()?;
    ring.set_nonblocking(true)?;
    bell.set_nonblocking(true)?;
    let wake = move || {
        // Full only if thousands of bursts went unheard: then it rings already.
        let _ = (&ring).write(&[0]);
    };
    Ok((Arc::new(BurstQueue::new(wake)), bell))
}

#[pymethods]
impl PyAsyncExecutor {
    /// Readable when tasks wait or were cancelled.
    fn fileno(&self) -> i32 {
        self.bell.as_raw_fd()
    }

    /// All tasks that wait, each with its input (or the whole task).
    fn drain<'py>(&self, py: Python<'py>) -> Vec<(PyJob, Bound<'py, PyDict>)> {
        // Heard first: what arrives from here on rings again.
        let mut heard = [0; 64];
        while matches!((&self.bell).read(&mut heard), Ok(64)) {}
        let started = self.queue.take_all();
        let start = |started| PyJob::start(py, &self.queue, &self.reporting, started);
        started.into_iter().filter_map(start).collect()
    }

    /// Has the server ended tasks since the last call? Their jobs say so.
    fn take_cancelled(&self) -> bool {
        self.queue.take_cancelled()
    }
}
