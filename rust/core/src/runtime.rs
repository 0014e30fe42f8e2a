//! One process: owns Tokio; start, stop polling, drain, close; remembers its pid.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot, watch};

use crate::delivery::{Finished, Held, Ledger, Updater};
use crate::error::{Error, ErrorKind};
use crate::event::EventSink;
use crate::settings::{Configuration, WorkerConfig};
use crate::supervise::supervise;
use crate::transport::{HttpTaskClient, TaskClient};
use crate::worker::{Executor, Slot, TaskRunner};

/// The engine of one process: any number of workers on one I/O thread.
pub struct Runtime {
    started_in: u32,
    handle: Handle,
    client: Arc<dyn TaskClient>,
    ledger: Arc<Ledger>,
    sink: Arc<dyn EventSink>,
    report: mpsc::UnboundedSender<Finished<Slot>>,
    polling: watch::Sender<bool>,
    /// Present until closed: what ends the I/O thread, and its handle.
    thread: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl Runtime {
    /// Starts the I/O thread. Nothing is sent before a worker is added.
    pub fn start(configuration: &Configuration, sink: Arc<dyn EventSink>) -> Result<Self, Error> {
        let client = Arc::new(HttpTaskClient::new(configuration)?);
        Self::start_with(client, configuration.posts_in_flight, sink)
    }

    /// The same over another client: the port that tests of core use.
    pub fn start_with(
        client: Arc<dyn TaskClient>,
        posts_in_flight: usize,
        sink: Arc<dyn EventSink>,
    ) -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::network(format!("cannot start the I/O thread: {error}"));
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (close, closed) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("conductor-io".into())
            .spawn(move || {
                // Both endings, the message and the drop of its sender, mean the same.
                let _ = runtime.block_on(closed);
            })
            .map_err(failed)?;
        let ledger = Arc::new(Ledger::default());
        let report =
            Updater::start(&handle, Arc::clone(&client), Arc::clone(&ledger), &sink, posts_in_flight);
        Ok(Self {
            started_in: std::process::id(),
            handle,
            client,
            ledger,
            sink,
            report,
            polling: watch::Sender::new(true),
            thread: Mutex::new(Some((close, thread))),
        })
    }

    /// Adds a worker, which polls at once unless it is only polled on request (`TaskRunner::poll_once`).
    pub fn add_worker(
        &self,
        config: WorkerConfig,
        executor: Arc<dyn Executor>,
        on_request: bool,
    ) -> Result<Arc<TaskRunner>, Error> {
        self.check()?;
        config.validate()?;
        let runner = Arc::new(TaskRunner::new(
            config,
            executor,
            Arc::clone(&self.client),
            Arc::clone(&self.ledger),
            Arc::clone(&self.sink),
            self.report.clone(),
            self.polling.subscribe(),
        ));
        let relieved = Arc::clone(&runner);
        supervise(&self.handle, &self.sink, "relief of waiting tasks", move || {
            Arc::clone(&relieved).relieve()
        });
        if !on_request {
            let polled = Arc::clone(&runner);
            supervise(&self.handle, &self.sink, "poll loop", move || Arc::clone(&polled).poll());
        }
        Ok(runner)
    }

    /// Polls once for `runner` and blocks until the tasks are with its executor.
    pub fn poll_once(&self, runner: &Arc<TaskRunner>) -> Result<usize, Error> {
        self.check()?;
        let (done, answer) = std::sync::mpsc::sync_channel(1);
        let runner = Arc::clone(runner);
        // On the I/O thread, so that a caller that gives up does not cancel the poll.
        self.handle.spawn(async move {
            let _ = done.send(runner.poll_once().await);
        });
        answer.recv().unwrap_or_else(|_| Err(ErrorKind::Closed.into()))
    }

    /// No new poll is sent from now on; those in flight are awaited and what they bring is run.
    pub fn stop_polling(&self) -> Result<(), Error> {
        self.check()?;
        self.polling.send_replace(false);
        Ok(())
    }

    /// Blocks until no poll is in flight, no task runs and every result has the server's yes; false if
    /// that takes longer than `timeout`.
    pub fn wait_idle(&self, timeout: Duration) -> Result<bool, Error> {
        self.check()?;
        Ok(self.ledger.wait_empty(timeout))
    }

    /// Tasks that are not settled with the server.
    pub fn held(&self) -> Vec<Held> {
        self.ledger.held()
    }

    /// Ends the I/O thread and with it everything that is still in flight. Idempotent.
    pub fn close(&self) {
        if self.started_in != std::process::id() {
            // The thread stayed in the parent: there is nothing here to end or to wait for.
            return;
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((close, thread)) = thread {
            let _ = close.send(());
            // A panic of the I/O thread has been printed; there is nothing left to add.
            let _ = thread.join();
        }
    }

    fn check(&self) -> Result<(), Error> {
        if self.started_in != std::process::id() {
            return Err(ErrorKind::Forked { started_in: self.started_in }.into());
        }
        let open = self.thread.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if open { Ok(()) } else { Err(ErrorKind::Closed.into()) }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.close();
    }
}
