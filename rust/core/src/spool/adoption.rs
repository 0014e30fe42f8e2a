use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use super::directory::{Directory, HeldFile};
use super::row::{DAMAGED, Damage, RowId, RowState, StoredResult};
use super::store::Store;
use super::unusable::Unusable;

/// So many rows are moved in one transaction, and so much of their bodies is in memory.
const AT_ONCE: u16 = 64;
/// After so long nobody waits for a result any more.
pub(super) const MAX_AGE_MILLIS: i64 = 7 * 86_400_000;

/// What came of looking after the files of ended processes.
#[derive(Debug, Default)]
pub(super) struct Adopted {
    /// Without their bodies.
    pub waiting: Vec<StoredResult>,
    pub dead_letters: usize,
    /// Damaged files, under their new names, with what is wrong and the number of rows saved from each.
    pub set_aside: Vec<(PathBuf, String, usize)>,
    /// Files that are left as they are, and why.
    pub left: Vec<(PathBuf, String)>,
}

/// Moves all results of ended processes into `own`.
pub(super) struct Adoption<'a> {
    pub directory: &'a Directory,
    pub own: &'a mut Store,
    pub own_path: &'a Path,
    pub last_id: &'a AtomicI64,
    /// The damaged file was this process's own, whose rows are known by their ids.
    pub keep_ids: bool,
    pub adopted: Adopted,
}

impl Adoption<'_> {
    pub(super) fn run(mut self) -> Adopted {
        match self.directory.files() {
            Ok(mut files) => {
                files.retain(|path| path != self.own_path);
                for path in &files {
                    self.adopt(path);
                }
            }
            Err(error) => self.adopted.left.push((self.own_path.to_owned(), error.to_string())),
        }
        self.adopted
    }

    fn adopt(&mut self, path: &Path) {
        let held = match HeldFile::hold(path) {
            Ok(Some(held)) => held,
            Ok(None) => return,
            Err(error) => return self.adopted.left.push((path.to_owned(), error.to_string())),
        };
        let opened = Store::open(path).and_then(|store| store.check().map(|()| store));
        let moved = opened.and_then(|mut store| self.move_all(&mut store));
        match moved {
            Ok(()) => held.remove(),
            Err(Unusable::Corrupt(problem)) => self.quarantine(held, problem),
            Err(unusable) => self.adopted.left.push((path.to_owned(), unusable.to_string())),
        }
    }

    fn move_all(&mut self, orphan: &mut Store) -> Result<(), Unusable> {
        loop {
            let rows = orphan.after(i64::MIN, AT_ONCE.into())?;
            if rows.is_empty() {
                return Ok(());
            }
            let mut moved = Vec::with_capacity(rows.len());
            let mut taken = Vec::with_capacity(rows.len());
            for row in rows {
                let row = match row {
                    Ok(row) => row,
                    Err(Damage::Checksum(row)) => damaged(*row),
                    Err(Damage::Unreadable(error)) => return Err(Unusable::Corrupt(error.to_string())),
                };
                moved.push(row.id);
                taken.push(row);
            }
            self.take(taken).map_err(Unusable::Failed)?;
            // Only now: after a crash in between both files have them, and the server tells them apart.
            orphan.delete(&moved)?;
        }
    }

    fn take(&mut self, mut rows: Vec<StoredResult>) -> rusqlite::Result<()> {
        let too_old = StoredResult::now_millis() - MAX_AGE_MILLIS;
        for row in &mut rows {
            if !self.keep_ids {
                row.id = RowId(self.last_id.fetch_add(1, Ordering::Relaxed) + 1);
            }
            if row.state == RowState::Waiting && row.created < too_old {
                row.state = RowState::DeadLetter;
                row.first_error.get_or_insert_with(|| "not delivered within 7 days".to_owned());
            }
        }
        let replaced = self.own.apply(rows.iter(), &[])?;
        rows.retain(|row| !replaced.contains(&row.id));
        for mut row in rows {
            if row.state == RowState::DeadLetter {
                self.adopted.dead_letters += 1;
                continue;
            }
            row.body.clear();
            self.adopted.waiting.push(row);
        }
        Ok(())
    }

    /// Saves what can be read, then renames the file. In this order: after a crash in between all of it is
    /// done once more.
    pub(super) fn quarantine(&mut self, held: HeldFile, problem: String) {
        let path = held.path.clone();
        let saved = match Store::open_damaged(&path) {
            Ok(store) => self.salvage(&store),
            Err(_) => Ok(0),
        };
        let done = saved
            .map_err(|error| error.to_string())
            .and_then(|saved| Ok((saved, held.set_aside().map_err(|error| error.to_string())?)));
        match done {
            Ok((saved, aside)) => self.adopted.set_aside.push((aside, problem, saved)),
            Err(why) => self.adopted.left.push((path, why)),
        }
    }

    /// From both ends, as far as SQLite can read, then each id between them.
    fn salvage(&mut self, damaged: &Store) -> rusqlite::Result<usize> {
        let mut ids = damaged.readable_ids(false);
        let from_the_end = damaged.readable_ids(true);
        if let (Some(&low), Some(&high)) = (ids.last(), from_the_end.last()) {
            // Not for ever: the ids themselves may be damaged.
            ids.extend((low..high).skip(1).take(100_000));
        }
        ids.extend(from_the_end);
        ids.sort_unstable();
        ids.dedup();
        let mut saved = 0;
        for ids in ids.chunks(AT_ONCE.into()) {
            let rows = ids.iter().filter_map(|id| damaged.load(RowId(*id)).ok().flatten());
            let intact: Vec<_> = rows.filter_map(Result::ok).collect();
            saved += intact.len();
            self.take(intact)?;
        }
        Ok(saved)
    }
}

fn damaged(mut row: StoredResult) -> StoredResult {
    row.state = RowState::DeadLetter;
    row.first_error.get_or_insert_with(|| DAMAGED.to_owned());
    row
}
