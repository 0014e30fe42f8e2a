use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, Transaction, params};

use super::row::{COLUMNS, Damage, RowId, RowState, StoredResult};
use super::unusable::Unusable;
use crate::settings::Durability;

/// Counted up when the tables change; a file with a greater number was written by a later version.
const USER_VERSION: i64 = 1;
/// Of SQLite, unless somebody asks for another.
const PAGE_BYTES: u64 = 4_096;
/// Kept of a server's message.
const MAX_ERROR_CHARS: usize = 500;
/// What a try to write writes, to see whether the disk takes it.
const PROBE_BYTES: i64 = 65_536;
/// What a file of many results is given back to the file system once they are delivered.
const SPARE_PAGES: u64 = 256;

const TABLES: &str = "
    CREATE TABLE results (
        id INTEGER PRIMARY KEY,
        task_id TEXT NOT NULL,
        workflow_instance_id TEXT NOT NULL,
        task_type TEXT NOT NULL,
        is_terminal INTEGER NOT NULL,
        body BLOB NOT NULL,
        crc32c INTEGER NOT NULL,
        created INTEGER NOT NULL,
        deadline INTEGER,
        attempts INTEGER NOT NULL,
        first_error TEXT,
        state INTEGER NOT NULL,
        UNIQUE (task_id, state)
    );
    CREATE TABLE probe (bytes BLOB);
    PRAGMA user_version = 1;";

/// The latest result that is not terminal is replaced by a later one, a terminal one never is.
const INSERT: &str = "
    INSERT INTO results (id, task_id, workflow_instance_id, task_type, is_terminal, body, crc32c, created, deadline,
                         attempts, first_error, state)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (task_id, state) DO UPDATE SET
        id = excluded.id, workflow_instance_id = excluded.workflow_instance_id, task_type = excluded.task_type,
        is_terminal = excluded.is_terminal, body = excluded.body, crc32c = excluded.crc32c,
        created = excluded.created, deadline = excluded.deadline, attempts = excluded.attempts,
        first_error = excluded.first_error
    WHERE results.is_terminal = 0 AND excluded.created >= results.created";

/// What lies in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Filling {
    pub rows: u64,
    pub dead_letters: u64,
    /// Of the file, free pages not counted.
    pub bytes: u64,
    pub free_pages: u64,
}

/// One file, held by this process alone. Used by one thread.
pub(super) struct Store(Connection);

impl Store {
    /// Makes a file that is not there yet.
    pub(super) fn create(path: &Path, durability: Durability, max_bytes: u64) -> Result<Self, Unusable> {
        // SQLite gives its other files the rights of the first.
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        made.map_err(|error| Unusable::Failed(rusqlite::Error::ToSqlConversionFailure(Box::new(error))))?;
        Self::connect(path, durability, Some(max_bytes))
    }

    /// Opens a file that some other process has left.
    pub(super) fn open(path: &Path) -> Result<Self, Unusable> {
        Self::connect(path, Durability::Process, None)
    }

    fn connect(path: &Path, durability: Durability, max_bytes: Option<u64>) -> Result<Self, Unusable> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::ZERO)?;
        // Exclusive before WAL: SQLite then never makes the shared memory that others would have to trust.
        let synchronous = if durability == Durability::Power { "FULL" } else { "NORMAL" };
        connection.execute_batch(&format!(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
             PRAGMA synchronous = {synchronous}; PRAGMA mmap_size = 0; PRAGMA journal_size_limit = 1048576;
             PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;"
        ))?;
        if let Some(bytes) = max_bytes {
            connection.execute_batch(&format!("PRAGMA max_page_count = {}", (bytes / PAGE_BYTES).max(16)))?;
        }
        let mut store = Self(connection);
        match store.number("PRAGMA user_version")? {
            0 => store.make_tables()?,
            USER_VERSION => {}
            newer => return Err(Unusable::Newer(newer)),
        }
        Ok(store)
    }

    /// Opens a file that is damaged, to read what can be read.
    pub(super) fn open_damaged(path: &Path) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        // Fails with the file's first page, without which nothing can be read.
        let _ = connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF");
        Ok(Self(connection))
    }

    fn make_tables(&mut self) -> Result<(), Unusable> {
        let transaction = self.0.transaction()?;
        transaction.execute_batch(TABLES).map_err(|error| match error {
            rusqlite::Error::SqlInputError { .. } => {
                Unusable::Corrupt("it has tables, but says that it is new".to_owned())
            }
            other => other.into(),
        })?;
        Ok(transaction.commit()?)
    }

    /// Does SQLite find nothing wrong with it? Reads the whole file.
    pub(super) fn check(&self) -> Result<(), Unusable> {
        let found: String = self.0.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if found == "ok" { Ok(()) } else { Err(Unusable::Corrupt(found)) }
    }

    /// Removes and adds in one transaction. Gives what could not be added because a result that counts more is
    /// there.
    pub(super) fn apply<'a>(
        &mut self,
        added: impl Iterator<Item = &'a StoredResult>,
        acknowledged: &[RowId],
    ) -> rusqlite::Result<Vec<RowId>> {
        let transaction = self.0.transaction()?;
        // First: a result that is acknowledged does not stand in the way of the next one of its task.
        delete(&transaction, acknowledged)?;
        let mut replaced = Vec::new();
        {
            let mut insert = transaction.prepare_cached(INSERT)?;
            for row in added {
                let changed = insert.execute(params![
                    row.id.0,
                    &*row.identity.task_id,
                    &*row.identity.workflow_instance_id,
                    &*row.task_type,
                    row.is_terminal,
                    &*row.body,
                    row.checksum(),
                    row.created,
                    row.deadline,
                    row.attempts,
                    row.first_error,
                    row.state.number(),
                ])?;
                if changed == 0 {
                    replaced.push(row.id);
                }
            }
        }
        transaction.commit()?;
        Ok(replaced)
    }

    pub(super) fn delete(&mut self, ids: &[RowId]) -> rusqlite::Result<()> {
        let transaction = self.0.transaction()?;
        delete(&transaction, ids)?;
        transaction.commit()
    }

    /// A post failed, for the first time.
    pub(super) fn failed(&self, id: RowId, error: &str) -> rusqlite::Result<()> {
        let sql =
            "UPDATE results SET attempts = attempts + 1, first_error = coalesce(first_error, ?) WHERE id = ?";
        self.0.prepare_cached(sql)?.execute(params![shortened(error), id.0]).map(|_| ())
    }

    pub(super) fn dead_letter(&self, id: RowId, attempts: u32, error: &str) -> rusqlite::Result<()> {
        // OR REPLACE: a second dead letter of the same task is the later word about it.
        let sql = "UPDATE OR REPLACE results SET state = ?, attempts = ?, first_error = ? WHERE id = ?";
        let dead = RowState::DeadLetter.number();
        self.0.prepare_cached(sql)?.execute(params![dead, attempts, shortened(error), id.0]).map(|_| ())
    }

    /// Waits again for its delivery; false if it is not a dead letter, or if another result of its task waits.
    pub(super) fn revive(&self, id: RowId) -> rusqlite::Result<bool> {
        let sql =
            "UPDATE OR IGNORE results SET state = ?, attempts = 0, created = ? WHERE id = ? AND state = ?";
        let states = (RowState::Waiting.number(), RowState::DeadLetter.number());
        let parameters = params![states.0, StoredResult::now_millis(), id.0, states.1];
        Ok(self.0.execute(sql, parameters)? > 0)
    }

    pub(super) fn load(&self, id: RowId) -> rusqlite::Result<Option<Result<StoredResult, Damage>>> {
        let sql = format!("SELECT {COLUMNS} FROM results WHERE id = ?");
        self.0.prepare_cached(&sql)?.query_row([id.0], |row| Ok(StoredResult::read(row))).optional()
    }

    /// Up to `most` rows with greater ids than `after`, in their order.
    pub(super) fn after(&self, after: i64, most: u32) -> rusqlite::Result<Vec<Result<StoredResult, Damage>>> {
        let sql = format!("SELECT {COLUMNS} FROM results WHERE id > ? ORDER BY id LIMIT ?");
        let mut statement = self.0.prepare_cached(&sql)?;
        statement.query_map(params![after, most], |row| Ok(StoredResult::read(row)))?.collect()
    }

    pub(super) fn of_task(&self, task_id: &str) -> rusqlite::Result<Vec<StoredResult>> {
        let sql = format!("SELECT {COLUMNS} FROM results WHERE task_id = ? ORDER BY id");
        let mut statement = self.0.prepare(&sql)?;
        let rows = statement.query_map([task_id], |row| Ok(StoredResult::read(row)))?;
        rows.filter_map(|row| row.map(Result::ok).transpose()).collect()
    }

    /// The ids that can be read in that order, up to the first that cannot.
    pub(super) fn readable_ids(&self, descending: bool) -> Vec<i64> {
        let order = if descending { "DESC" } else { "ASC" };
        // NOT INDEXED: the index may be what is damaged.
        let sql = format!("SELECT id FROM results NOT INDEXED ORDER BY id {order}");
        let mut found = Vec::new();
        if let Ok(mut statement) = self.0.prepare(&sql)
            && let Ok(rows) = statement.query_map([], |row: &Row<'_>| row.get::<_, i64>(0))
        {
            found.extend(rows.map_while(Result::ok));
        }
        found
    }

    pub(super) fn filling(&self) -> rusqlite::Result<Filling> {
        let count = "SELECT count(*), coalesce(sum(state), 0) FROM results";
        let (rows, dead_letters) = self
            .0
            .prepare_cached(count)?
            .query_row([], |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))))?;
        let (bytes, free_pages) = self.used()?;
        Ok(Filling { rows, dead_letters, bytes, free_pages })
    }

    /// Bytes in use and free pages: cheap, whatever the number of rows.
    pub(super) fn used(&self) -> rusqlite::Result<(u64, u64)> {
        let pages = unsigned(self.number("PRAGMA page_count")?);
        let free = unsigned(self.number("PRAGMA freelist_count")?);
        Ok((pages.saturating_sub(free) * PAGE_BYTES, free))
    }

    /// Does the disk take what is written? Leaves nothing behind.
    pub(super) fn probe(&self) -> rusqlite::Result<()> {
        self.0.execute("INSERT INTO probe VALUES (zeroblob(?))", [PROBE_BYTES])?;
        self.0.execute("DELETE FROM probe", []).map(|_| ())
    }

    /// Gives back some of what a long outage has taken, and empties the log.
    pub(super) fn tidy(&self) -> rusqlite::Result<()> {
        if self.used()?.1 > SPARE_PAGES {
            self.0.execute_batch("PRAGMA incremental_vacuum(4096); PRAGMA wal_checkpoint(TRUNCATE)")?;
        }
        Ok(())
    }

    fn number(&self, sql: &str) -> rusqlite::Result<i64> {
        self.0.prepare_cached(sql)?.query_row([], |row| row.get(0))
    }
}

fn delete(transaction: &Transaction<'_>, ids: &[RowId]) -> rusqlite::Result<()> {
    let mut delete = transaction.prepare_cached("DELETE FROM results WHERE id = ?")?;
    ids.iter().try_for_each(|id| delete.execute([id.0]).map(|_| ()))
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn shortened(error: &str) -> String {
    error.chars().take(MAX_ERROR_CHARS).collect()
}
