//! Rows that no version of ours has written: whatever is in a file, the next process starts, and what is whole
//! is delivered.

use conductor_core::spool::{Command, command_all};
use proptest::prelude::*;
use rusqlite::types::Value;
use rusqlite::{Connection, params};
use tempfile::TempDir;

use super::spool::{block_on, databases, open, settings};

const COLUMNS: [&str; 11] = [
    "task_id",
    "workflow_instance_id",
    "task_type",
    "is_terminal",
    "body",
    "crc32c",
    "created",
    "deadline",
    "attempts",
    "first_error",
    "state",
];

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_map(Value::Real),
        ".{0,40}".prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::Blob),
        Just(Value::Integer(i64::MIN)),
        Just(Value::Integer(2)),
        Just(Value::Text("\u{0}".to_owned())),
    ]
}

/// The one file in `directory`, whose process has ended.
fn orphan(directory: &TempDir) -> std::path::PathBuf {
    let first = open(&settings(directory));
    let rows = (0..6).map(|n| first.row(&format!("t{n}"), true, &format!("{{\"n\":{n}}}"))).collect();
    assert!(first.store(rows));
    first.spool.close();
    databases(directory).remove(0)
}

/// Of the rows of `orphan` the last three are as they were.
fn whole_rows_are_adopted(directory: &TempDir) {
    // People may look before anybody adopts it.
    let shown = serde_json::to_value(command_all(directory.path(), &Command::Export).unwrap()).unwrap();
    assert_eq!(&shown[0]["running"], false);
    let mut second = open(&settings(directory));
    let found = second.adopts(directory);
    for id in ["t3", "t4", "t5"] {
        let row = found.iter().find(|row| &*row.identity.task_id == id);
        assert!(row.is_some(), "{id} is whole: {:?}", second.lines.all());
        let row = row.unwrap();
        let body = block_on(second.spool.load(row.id)).unwrap().body;
        assert_eq!(String::from_utf8(body.to_vec()).unwrap(), format!("{{\"n\":{}}}", &id[1..]));
    }
}

/// Each value by four bytes and what follows: a row, a column, a kind, a length.
pub(crate) fn with_bytes_in_rows(mut bytes: &[u8]) {
    let directory = TempDir::new().unwrap();
    let connection = Connection::open(orphan(&directory)).unwrap();
    while let [row, column, kind, length, rest @ ..] = bytes {
        let (value, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        bytes = rest;
        let number = value.iter().fold(0_i64, |number, byte| number.wrapping_mul(256) | i64::from(*byte));
        let value = match kind % 5 {
            0 => Value::Null,
            1 => Value::Text(String::from_utf8_lossy(value).into_owned()),
            2 => Value::Blob(value.to_vec()),
            3 => Value::Integer(number),
            _ => Value::Real(f64::from_bits(number.cast_unsigned())),
        };
        let column = COLUMNS[usize::from(*column) % COLUMNS.len()];
        let sql = format!("UPDATE OR IGNORE results SET {column} = ? WHERE id = ?");
        let _ = connection.execute(&sql, params![value, row % 3 + 1]);
    }
    drop(connection);
    whole_rows_are_adopted(&directory);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_value_in_any_column(changes in prop::collection::vec((0..3_i64, 0..COLUMNS.len(), value()), 1..6)) {
        let directory = TempDir::new().unwrap();
        let path = orphan(&directory);
        let connection = Connection::open(&path).unwrap();
        for (row, column, value) in changes {
            // Refused where the table itself forbids it.
            let sql = format!("UPDATE OR IGNORE results SET {} = ? WHERE id = ?", COLUMNS[column]);
            let _ = connection.execute(&sql, params![value, row + 1]);
        }
        drop(connection);
        whole_rows_are_adopted(&directory);
    }
}

/// SQL that a file brings along is not run: triggers, views in the place of a table.
#[test]
fn a_file_with_more_than_our_tables_does_no_harm() {
    for sql in [
        "CREATE TRIGGER t BEFORE DELETE ON results BEGIN SELECT raise(ABORT, 'no'); END",
        "DROP TABLE results; CREATE VIEW results AS SELECT 1 AS id",
        "DROP TABLE results; CREATE TABLE results (id INTEGER PRIMARY KEY)",
        "DROP TABLE results",
        "PRAGMA user_version = -1",
    ] {
        let directory = TempDir::new().unwrap();
        Connection::open(orphan(&directory)).unwrap().execute_batch(sql).unwrap();
        let mut second = open(&settings(&directory));
        second.adopts(&directory);
        assert!(second.store(vec![second.row("new", true, "{}")]), "{sql}");
    }
}
