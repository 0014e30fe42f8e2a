use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot, watch};

use super::at_fork::at_work;
use super::directory::Directory;
use super::queue::{Batch, Request};
use super::room::Room;
use super::row::{RowId, StoredResult};
use super::shared::Shared;
use super::socket::Socket;
use super::store::Store;
use super::unusable::Unusable;
use super::writer::Writer;
use crate::error::Error;
use crate::observe::{Area, EventSink, Level, LogRecord, SpoolView};
use crate::settings::SpoolSettings;

/// Results on disk. All calls return at once or await the spool's thread; none blocks but `open` and `close`.
pub struct Spool {
    shared: Arc<Shared>,
    process: u32,
    /// Present until closed.
    threads: Mutex<Option<(JoinHandle<()>, Option<Socket>)>>,
}

impl Spool {
    /// Makes the file of this process for `server`, a URL without user information, and starts its thread.
    /// Without their bodies, what ended processes have left goes to `found`: at once, where an empty list says
    /// that there is nothing, then every `adopt_every`.
    pub fn open(
        settings: &SpoolSettings,
        server: &str,
        sink: &Arc<dyn EventSink>,
        found: mpsc::UnboundedSender<Vec<StoredResult>>,
    ) -> Result<Self, Error> {
        let bad = |problem: &dyn std::fmt::Display| {
            let directory = settings.directory.display();
            let problem = format!("{directory} cannot be used: {problem}; give another directory");
            Error::configuration("spool_dir", problem)
        };
        let directory = Directory::prepare(settings, server)?;
        if directory.is_on_network() {
            let message = format!(
                "{} is on a network: results there may not survive what they survive on a disk of this machine",
                settings.directory.display()
            );
            sink.log(LogRecord::new(Area::Update, Level::Warning, message));
        }
        let file = directory.new_file().map_err(|error| bad(&error))?;
        let at_work = at_work();
        let store = match Store::create(&file.path, settings.durability, settings.max_bytes) {
            Ok(store) => store,
            Err(error) => {
                file.remove();
                return Err(match error {
                    Unusable::Failed(rusqlite::Error::ToSqlConversionFailure(error)) => bad(&error),
                    error => bad(&error),
                });
            }
        };
        drop(at_work);
        let shared = Arc::new(Shared::new());
        let socket = Socket::open(&file.path, Arc::clone(&shared));
        if let Err(error) = &socket {
            let message = format!("`conductor-fast spool` cannot reach this process: {error}");
            sink.log(LogRecord::new(Area::Update, Level::Warning, message));
        }
        let now = Instant::now();
        let writer = Writer {
            settings: settings.clone(),
            directory,
            file,
            store,
            shared: Arc::clone(&shared),
            sink: Arc::clone(sink),
            found,
            room: Room::new(settings.max_bytes, settings.reserve_bytes),
            acknowledged: Vec::new(),
            write_failed: false,
            changed: false,
            looked_at_room: now,
            written: 0,
            next_adoption: now,
            told: Vec::new(),
        };
        let thread = std::thread::Builder::new()
            .name("conductor-spool".into())
            .spawn(move || writer.run())
            .map_err(|error| bad(&error))?;
        Ok(Self { shared, process: std::process::id(), threads: Mutex::new(Some((thread, socket.ok()))) })
    }

    pub fn next_id(&self) -> RowId {
        RowId(self.shared.last_id.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// How many of them, from the first on, are on disk: all, in one transaction, unless that failed.
    pub async fn store(&self, rows: Vec<StoredResult>) -> usize {
        let (stored, answer) = oneshot::channel();
        self.shared.queue.store(Batch { rows, stored });
        answer.await.unwrap_or(0)
    }

    /// The server has this result, or does not want it: it is removed soon.
    pub fn acknowledge(&self, id: RowId) {
        self.shared.queue.acknowledge(id);
    }

    /// The first post of this result failed.
    pub fn failed(&self, id: RowId, error: &Error) {
        self.shared.queue.request(Request::Failed(id, error.to_string()));
    }

    /// The server refuses this result: it is kept for people.
    pub fn dead_letter(&self, id: RowId, attempts: u32, error: &Error) {
        self.shared.queue.request(Request::DeadLetter(id, attempts, error.to_string()));
    }

    /// A result with its body; `None` if it is not there any more or is damaged.
    pub async fn load(&self, id: RowId) -> Option<StoredResult> {
        let (give, answer) = oneshot::channel();
        self.shared.queue.request(Request::Load(id, give));
        answer.await.ok().flatten()
    }

    /// False while no more results may be made.
    pub fn has_room(&self) -> watch::Receiver<bool> {
        self.shared.room.subscribe()
    }

    pub fn view(&self) -> SpoolView {
        let shared = &self.shared;
        SpoolView {
            waiting: shared.rows.load(Ordering::Relaxed),
            dead_letters: shared.dead_letters.load(Ordering::Relaxed),
            bytes: shared.bytes.load(Ordering::Relaxed),
            failed_writes: shared.failed_writes.load(Ordering::Relaxed),
            set_aside: shared.set_aside.load(Ordering::Relaxed),
            has_room: *shared.room.borrow(),
        }
    }

    /// Writes what is queued, closes the file, and removes it if nothing is in it. Idempotent; nothing in a
    /// forked child, whose parent has the file.
    pub fn close(&self) {
        if self.process != std::process::id() {
            return;
        }
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((writer, socket)) = threads {
            if let Some(socket) = socket {
                socket.close();
            }
            self.shared.queue.close();
            // It catches its panics.
            let _ = writer.join();
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.close();
    }
}
