//! One process: owns Tokio; start, stop polling, drain, close; remembers its pid.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::live::Live;
use crate::delivery::{Admission, Finished, Held, Ledger, Replay, Updater};
use crate::error::Error;
use crate::io_thread::{IoThread, Pending};
use crate::observe::{EventSink, Guarded, LiveHost, abandoned, add_host};
use crate::settings::{Configuration, HighWater, SpoolSettings, WorkerConfig};
use crate::spool::Spool;
use crate::supervise::supervise;
use crate::transport::{HttpTaskClient, TaskClient};
use crate::worker::{Executor, LeaseManager, Shared, Slot, TaskRunner};

/// The engine of one process: any number of workers on one I/O thread.
pub struct Runtime {
    io: IoThread,
    client: Arc<dyn TaskClient>,
    ledger: Arc<Ledger>,
    sink: Arc<dyn EventSink>,
    report: mpsc::UnboundedSender<Finished<Option<Slot>>>,
    updater: Arc<Updater>,
    admission: Arc<Admission>,
    polling: watch::Sender<bool>,
    live: Arc<Live>,
    spool: Option<Arc<Spool>>,
}

impl Runtime {
    /// Starts the I/O thread. Nothing is sent before a worker is added.
    pub fn start(configuration: &Configuration, sink: Arc<dyn EventSink>) -> Result<Self, Error> {
        let sink: Arc<dyn EventSink> = Arc::new(Guarded::new(sink));
        let client = Arc::new(HttpTaskClient::new(configuration, Arc::clone(&sink))?);
        let (posts_in_flight, outbox) = (configuration.posts_in_flight, configuration.outbox);
        let spool = configuration.spool.as_ref();
        Self::start_at(configuration.shown_url(), client, posts_in_flight, outbox, spool, sink)
    }

    /// The same over another client: the port that tests of core use.
    pub fn start_with(
        client: Arc<dyn TaskClient>,
        posts_in_flight: usize,
        sink: Arc<dyn EventSink>,
    ) -> Result<Self, Error> {
        Self::start_at(
            String::new(),
            client,
            posts_in_flight,
            HighWater::default(),
            None,
            Arc::new(Guarded::new(sink)),
        )
    }

    fn start_at(
        server: String,
        client: Arc<dyn TaskClient>,
        posts_in_flight: usize,
        outbox: HighWater,
        spool: Option<&SpoolSettings>,
        sink: Arc<dyn EventSink>,
    ) -> Result<Self, Error> {
        let (give, found) = mpsc::unbounded_channel();
        let spool =
            spool.map(|settings| Spool::open(settings, &server, &sink, give)).transpose()?.map(Arc::new);
        let io = IoThread::start("conductor-io")?;
        let ledger = Arc::new(Ledger::new(outbox));
        let (updater, report) = Updater::start(
            io.handle(),
            Arc::clone(&client),
            Arc::clone(&ledger),
            &sink,
            posts_in_flight,
            spool.clone(),
        );
        let may_poll = spool.as_ref().map(|spool| {
            let replay = Replay::new(Arc::clone(spool), found, Arc::clone(&ledger), Arc::clone(&updater));
            let may_poll = replay.may_poll();
            let replay = Arc::new(replay);
            supervise(io.handle(), &sink, "delivery of what was left", move || Arc::clone(&replay).run());
            may_poll
        });
        let (beaten, told) = (Arc::clone(&ledger), Arc::clone(&sink));
        let leases = Arc::new(LeaseManager::new(Arc::clone(&client), beaten, told, updater.blocked()));
        supervise(io.handle(), &sink, "extension of leases", move || Arc::clone(&leases).extend());
        let polling = watch::Sender::new(true);
        let admission = Arc::new(updater.admission(may_poll));
        let live = Live::new(
            server,
            Arc::clone(&ledger),
            Arc::clone(&admission),
            spool.clone(),
            polling.subscribe(),
        );
        let live = Arc::new(live);
        let seen: Arc<dyn LiveHost> = live.clone();
        add_host(&seen);
        Ok(Self { io, client, ledger, sink, report, updater, admission, polling, live, spool })
    }

    /// Adds a worker, which polls at once unless it is paused or only polled on request (`TaskRunner::poll_once`).
    pub fn add_worker(
        &self,
        config: WorkerConfig,
        executor: Arc<dyn Executor>,
        on_request: bool,
    ) -> Result<Arc<TaskRunner>, Error> {
        self.io.check()?;
        config.validate()?;
        let shared = Shared {
            client: Arc::clone(&self.client),
            ledger: Arc::clone(&self.ledger),
            sink: Arc::clone(&self.sink),
            report: self.report.clone(),
            updater: Arc::clone(&self.updater),
            admission: Arc::clone(&self.admission),
            polling: self.polling.subscribe(),
        };
        let runner = Arc::new(TaskRunner::new(config, executor, shared));
        self.updater.register(&runner.config.task_type);
        let relieved = Arc::clone(&runner);
        supervise(self.io.handle(), &self.sink, "relief of waiting tasks", move || {
            Arc::clone(&relieved).relieve()
        });
        self.live.add(&runner);
        let looked_after = Arc::clone(&runner);
        supervise(self.io.handle(), &self.sink, "return of waiting tasks", move || {
            Arc::clone(&looked_after).look_back()
        });
        if !on_request {
            let polled = Arc::clone(&runner);
            supervise(self.io.handle(), &self.sink, "poll loop", move || Arc::clone(&polled).keep_polling());
        }
        Ok(runner)
    }

    /// Polls once for `runner`. Ready when the tasks are with its executor, and comes to that without a waiter too.
    pub fn poll_once(&self, runner: &Arc<TaskRunner>) -> Result<Pending<usize>, Error> {
        let runner = Arc::clone(runner);
        self.io.begin(async move { runner.poll_once().await })
    }

    /// An error after `close` and in a forked child.
    pub fn check(&self) -> Result<(), Error> {
        self.io.check()
    }

    /// No new poll is sent from now on; those in flight are awaited and what they bring is run.
    pub fn stop_polling(&self) -> Result<(), Error> {
        // On the I/O thread: a poller that has just looked has by then entered its poll into the ledger, so
        // that "idle" cannot be true with a poll about to leave.
        let polling = self.polling.clone();
        self.io.run(async move {
            polling.send_replace(false);
            Ok(())
        })
    }

    /// Blocks until no poll is in flight, no task runs and every result has the server's yes; false if
    /// that takes longer than `timeout`.
    pub fn wait_idle(&self, timeout: Duration) -> Result<bool, Error> {
        self.io.check()?;
        Ok(self.ledger.wait_empty(timeout))
    }

    /// Tasks that are not settled with the server and whose results are not on disk.
    pub fn held(&self) -> Vec<Held> {
        let mut held = self.ledger.held();
        held.retain(|held| !held.is_on_disk);
        held
    }

    /// Results on disk that the server refuses or that are too old; after `close`, those that stay there.
    pub fn dead_letters(&self) -> u64 {
        self.spool.as_ref().map_or(0, |spool| spool.view().dead_letters)
    }

    /// Ends the I/O thread and with it everything that is still in flight. Idempotent.
    pub fn close(&self) {
        if !self.live.closed() && self.io.check().is_ok() {
            abandoned(self.held().len());
        }
        self.io.close();
        if let Some(spool) = &self.spool {
            spool.close();
        }
    }
}
