use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use rusqlite::Row;
use rusqlite::types::{FromSql, Type};

use crate::wire::TaskIdentity;

/// Of one result in the file of this process; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId(pub(crate) i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowState {
    /// Not yet acknowledged by the server.
    Waiting,
    /// The server refuses it, or it was damaged; kept for people to look at.
    DeadLetter,
}

impl RowState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::DeadLetter => "dead letter",
        }
    }

    pub(super) fn number(self) -> i64 {
        match self {
            Self::Waiting => 0,
            Self::DeadLetter => 1,
        }
    }
}

/// A result as it lies on disk: the request body and what is needed to send it. No input is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResult {
    pub id: RowId,
    pub identity: TaskIdentity,
    pub task_type: Arc<str>,
    /// Not IN_PROGRESS: nothing replaces it.
    pub is_terminal: bool,
    pub body: Bytes,
    /// Milliseconds since 1970.
    pub created: i64,
    /// When the server gives the task to somebody else, in milliseconds since 1970; `None`: never.
    pub deadline: Option<i64>,
    /// Posts that failed, as far as they were written down.
    pub attempts: u32,
    pub first_error: Option<String>,
    pub state: RowState,
}

/// The columns in the order in which `read` takes them.
pub(super) const COLUMNS: &str = "id, task_id, workflow_instance_id, task_type, is_terminal, body, crc32c, \
                                  created, deadline, attempts, first_error, state";

/// `first_error` of a result whose checksum is wrong.
pub(super) const DAMAGED: &str = "damaged on disk: its checksum is another";

/// Of a row that cannot be what was written.
#[derive(Debug)]
pub(super) enum Damage {
    /// All columns can be read, but the checksum is another.
    Checksum(Box<StoredResult>),
    Unreadable(rusqlite::Error),
}

impl StoredResult {
    pub fn now_millis() -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    /// Of all that is sent or that decides what is sent.
    pub(super) fn checksum(&self) -> u32 {
        let parts = [
            self.identity.task_id.as_bytes(),
            self.identity.workflow_instance_id.as_bytes(),
            self.task_type.as_bytes(),
            &[u8::from(self.is_terminal)],
            &self.body,
        ];
        // The length keeps the end of one part from being taken for the start of the next.
        parts.iter().fold(0, |crc, part| {
            crc32c::crc32c_append(crc32c::crc32c_append(crc, &part.len().to_le_bytes()), part)
        })
    }

    pub(super) fn read(row: &Row<'_>) -> Result<Self, Damage> {
        Self::columns(row).map_err(Damage::Unreadable).and_then(|(stored, crc)| {
            if stored.checksum() == crc { Ok(stored) } else { Err(Damage::Checksum(Box::new(stored))) }
        })
    }

    fn columns(row: &Row<'_>) -> rusqlite::Result<(Self, u32)> {
        let text = |column| -> rusqlite::Result<Arc<str>> { Ok(row.get_ref(column)?.as_str()?.into()) };
        let state = match get::<i64>(row, 11)? {
            0 => RowState::Waiting,
            1 => RowState::DeadLetter,
            other => return Err(rusqlite::Error::IntegralValueOutOfRange(11, other)),
        };
        let stored = Self {
            id: RowId(row.get(0)?),
            identity: TaskIdentity { task_id: text(1)?, workflow_instance_id: text(2)? },
            task_type: text(3)?,
            is_terminal: get::<i64>(row, 4)? != 0,
            body: Bytes::copy_from_slice(
                row.get_ref(5)?
                    .as_blob()
                    .map_err(|_| rusqlite::Error::InvalidColumnType(5, "body".to_owned(), Type::Blob))?,
            ),
            created: get(row, 7)?,
            deadline: get(row, 8)?,
            attempts: get(row, 9)?,
            first_error: get(row, 10)?,
            state,
        };
        Ok((stored, get(row, 6)?))
    }
}

fn get<T: FromSql>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    row.get(column)
}
