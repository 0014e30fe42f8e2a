//! Calls from outside a worker: blocking, from any thread.

use bytes::Bytes;

use crate::error::Error;
use crate::io_thread::IoThread;
pub use crate::io_thread::Pending;
use crate::settings::Configuration;
use crate::transport::{Management, ManagementCall};

/// A connection to the server's management calls, with an I/O thread of its own.
pub struct Client {
    io: IoThread,
    management: Management,
}

impl Client {
    /// Starts the I/O thread. Nothing is sent before the first call.
    pub fn start(configuration: &Configuration) -> Result<Self, Error> {
        Ok(Self { management: Management::new(configuration)?, io: IoThread::start("conductor-io")? })
    }

    /// Sends it; the body of a successful answer can be waited for.
    pub fn begin(&self, call: ManagementCall) -> Result<Pending<Bytes>, Error> {
        self.io.begin(self.management.clone().call(call))
    }

    pub fn close(&self) {
        self.io.close();
    }
}
