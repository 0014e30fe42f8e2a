use rusqlite::ErrorCode;

/// Why a file cannot be used.
#[derive(Debug)]
pub(super) enum Unusable {
    /// What is in it is damaged.
    Corrupt(String),
    /// Written by a later version of this package, which alone knows what it means.
    Newer(i64),
    /// The disk, rights, another process: perhaps it can be used later.
    Failed(rusqlite::Error),
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Corrupt(problem) => f.write_str(problem),
            Self::Newer(version) => {
                write!(f, "written by a later version of this package (format {version})")
            }
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// Is it the file that is damaged?
pub(super) fn is_corrupt(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => {
            matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        }
        // A column of another type than any that we write.
        rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..) => true,
        _ => false,
    }
}

impl From<rusqlite::Error> for Unusable {
    fn from(error: rusqlite::Error) -> Self {
        if is_corrupt(&error) { Self::Corrupt(error.to_string()) } else { Self::Failed(error) }
    }
}
