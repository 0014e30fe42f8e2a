use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::at_fork::at_work;
use super::directory::{Directory, HeldFile};
use super::queue::{Batch, Request};
use super::room::{Room, Shortage};
use super::row::{DAMAGED, Damage, RowId, StoredResult};
use super::shared::Shared;
use super::store::Store;
use super::unusable::is_corrupt;
use crate::observe::{Area, EventSink, Level, LogRecord, panicked};
use crate::settings::SpoolSettings;

/// While something changes or has run short.
const TICK: Duration = Duration::from_secs(1);
/// A look at the disk is a system call.
const LOOK_AT_ROOM_EVERY: Duration = Duration::from_millis(100);

/// The thread that owns the file.
pub(super) struct Writer {
    pub settings: SpoolSettings,
    pub directory: Directory,
    pub file: HeldFile,
    pub store: Store,
    pub shared: Arc<Shared>,
    pub sink: Arc<dyn EventSink>,
    /// What ended processes have left; the first message, perhaps empty, follows the first look.
    pub found: mpsc::UnboundedSender<Vec<StoredResult>>,
    pub room: Room,
    /// Not yet deleted.
    pub acknowledged: Vec<RowId>,
    pub write_failed: bool,
    pub changed: bool,
    pub looked_at_room: Instant,
    /// Bytes of bodies that were written since.
    pub written: u64,
    pub next_adoption: Instant,
    /// Files of which it was said that they are left as they are.
    pub told: Vec<std::path::PathBuf>,
}

impl Writer {
    /// Until the spool is closed, whatever panics.
    pub(super) fn run(mut self) {
        loop {
            // Nothing of a broken-off turn is seen: its transaction was rolled back, and what it had not yet
            // acknowledged is said to be not stored.
            if catch_unwind(AssertUnwindSafe(|| while self.turn() {})).is_ok() {
                return self.finish();
            }
            panicked();
            self.log(Level::Error, "the spool's thread panicked and goes on".to_owned());
        }
    }

    /// False once closed.
    fn turn(&mut self) -> bool {
        let now = Instant::now();
        if now >= self.next_adoption {
            let _at_work = at_work();
            self.adopt();
            self.next_adoption = now + self.settings.adopt_every;
        }
        let tick =
            if self.changed || self.room.shortage.is_some() { TICK } else { self.settings.adopt_every };
        let work = self.shared.queue.take(self.next_adoption.min(now + tick));
        let _at_work = at_work();
        let is_idle = work.batches.is_empty() && work.requests.is_empty();
        self.acknowledged.extend(work.acknowledged);
        // Requests first: a result that becomes a dead letter makes room for the one that stands in for it.
        for request in work.requests {
            self.answer(request);
        }
        self.write(work.batches);
        self.look_after(is_idle);
        !work.closing
    }

    fn write(&mut self, batches: Vec<Batch>) {
        if batches.is_empty() && self.acknowledged.is_empty() {
            return;
        }
        self.changed = true;
        let mut written = self.apply(&batches);
        if written.as_ref().is_err_and(is_corrupt) && self.replace_file() {
            written = self.apply(&batches);
        }
        if let Err(error) = &written {
            self.write_has_failed(error);
            // A file at its greatest size still lets go of what is acknowledged.
            if self.store.delete(&self.acknowledged).is_ok() {
                self.acknowledged.clear();
            }
        }
        let mut fits = true;
        for batch in batches {
            let mut stored = batch.rows.len();
            if written.is_err() {
                // One by one: many do not fit where some do.
                let mut fit = |row| {
                    fits = fits && self.store.apply(std::iter::once(row), &[]).is_ok();
                    fits
                };
                stored = batch.rows.iter().take_while(|row| fit(*row)).count();
            }
            // The intake may be gone.
            let _ = batch.stored.send(stored);
        }
    }

    fn apply(&mut self, batches: &[Batch]) -> rusqlite::Result<()> {
        let rows = batches.iter().flat_map(|batch| &batch.rows);
        self.store.apply(rows, &self.acknowledged)?;
        self.acknowledged.clear();
        self.written +=
            batches.iter().flat_map(|batch| &batch.rows).map(|row| row.body.len() as u64).sum::<u64>();
        Ok(())
    }

    fn write_has_failed(&mut self, error: &rusqlite::Error) {
        self.shared.failed_writes.fetch_add(1, Ordering::Relaxed);
        if !self.write_failed {
            self.write_failed = true;
            let path = self.file.path.display();
            let message = format!(
                "results cannot be written to {path} and are only in memory until they are delivered; no task \
                 is taken meanwhile: {error}"
            );
            self.log(Level::Error, message);
            self.look_at_room();
        }
    }

    fn answer(&mut self, request: Request) {
        match request {
            Request::Load(id, answer) => {
                let row = self.load(id);
                let _ = answer.send(row);
            }
            Request::Failed(id, error) => self.note(|store| store.failed(id, &error)),
            Request::DeadLetter(id, attempts, error) => {
                self.note(|store| store.dead_letter(id, attempts, &error));
            }
            Request::Command(command, answer) => {
                let mut answered = self.store.run(&command);
                let revived = std::mem::take(&mut answered.revived);
                if !revived.is_empty() {
                    let _ = self.found.send(revived);
                }
                self.changed = true;
                let _ = answer.send(answered);
            }
        }
    }

    fn note(&mut self, write: impl FnOnce(&Store) -> rusqlite::Result<()>) {
        self.changed = true;
        if let Err(error) = write(&self.store) {
            self.write_has_failed(&error);
        }
    }

    fn load(&mut self, id: RowId) -> Option<StoredResult> {
        match self.store.load(id) {
            Ok(Some(Ok(row))) => Some(row),
            Ok(None) => None,
            Ok(Some(Err(Damage::Checksum(row)))) => {
                let task_id = &row.identity.task_id;
                self.log(Level::Error, format!("the result of task {task_id} was damaged on disk and cannot be sent; it is kept as a dead letter"));
                self.note(|store| store.dead_letter(id, 0, DAMAGED));
                None
            }
            Ok(Some(Err(Damage::Unreadable(error)))) | Err(error) => {
                self.log(Level::Error, format!("a stored result cannot be read: {error}"));
                None
            }
        }
    }

    /// Once a turn: what need not be done for each result.
    fn look_after(&mut self, is_idle: bool) {
        if self.write_failed && self.store.probe().is_ok() {
            self.write_failed = false;
        }
        if self.looked_at_room.elapsed() >= LOOK_AT_ROOM_EVERY || self.written > self.settings.max_bytes / 32
        {
            self.look_at_room();
            if self.changed && is_idle && self.acknowledged.is_empty() {
                self.changed = false;
                self.count();
                // What cannot be given back now can later.
                let _ = self.store.tidy();
            }
        }
    }

    fn count(&self) {
        if let Ok(filling) = self.store.filling() {
            self.shared.told(filling);
        }
    }

    fn look_at_room(&mut self) {
        self.looked_at_room = Instant::now();
        self.written = 0;
        let used = self.store.used().map_or(0, |(bytes, _)| bytes);
        let free = self.directory.free_bytes().unwrap_or(u64::MAX);
        self.shared.bytes.store(used, Ordering::Relaxed);
        if !self.room.look(used, free, self.write_failed) {
            return;
        }
        let (used, free) = (used >> 20, free >> 20);
        let path = self.file.path.display();
        match self.room.shortage {
            Some(Shortage::File) => {
                let most = self.settings.max_bytes >> 20;
                let message = format!(
                    "{used} of at most {most} MiB of results wait in {path}; no task is taken until some are delivered"
                );
                self.log(Level::Warning, message);
            }
            Some(Shortage::Disk) => {
                let message =
                    format!("only {free} MiB are free for {path}; no task is taken until there is more room");
                self.log(Level::Warning, message);
            }
            Some(Shortage::Writes) => {}
            None => self.log(Level::Info, format!("there is room again for {path}; tasks are taken again")),
        }
        self.shared.room.send_replace(self.room.shortage.is_none());
    }

    /// The file goes with its last result.
    fn finish(mut self) {
        let _at_work = at_work();
        if !self.acknowledged.is_empty() {
            let ids = std::mem::take(&mut self.acknowledged);
            if let Err(error) = self.store.delete(&ids) {
                self.log(
                    Level::Warning,
                    format!("delivered results stay on disk and are sent again: {error}"),
                );
            }
        }
        let filling = self.store.filling();
        if let Ok(filling) = filling {
            self.shared.told(filling);
            let (waiting, dead, path) =
                (filling.rows - filling.dead_letters, filling.dead_letters, self.file.path.display());
            if waiting > 0 {
                self.log(Level::Info, format!("{waiting} results stay in {path} for the next process"));
            }
            if dead > 0 {
                let message = format!(
                    "{dead} results that the server refuses or that are too old stay in {path}: see \
                     `conductor-fast spool ls`"
                );
                self.log(Level::Error, message);
            }
        }
        drop(self.store);
        if filling.is_ok_and(|filling| filling.rows == 0) {
            self.file.remove();
        }
    }

    pub(super) fn log(&self, level: Level, message: String) {
        self.sink.log(LogRecord::new(Area::Update, level, message));
    }
}
