//! Calls from outside a worker: blocking, from any thread.

use bytes::Bytes;

use crate::error::Error;
use crate::io_thread::IoThread;
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

    /// Blocks until the server has answered; the body of a successful answer.
    pub fn call(&self, call: ManagementCall) -> Result<Bytes, Error> {
        self.io.run(self.management.clone().call(call))
    }

    pub fn close(&self) {
        self.io.close();
    }
}
