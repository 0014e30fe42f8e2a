//! The store by itself: what is written, adopted, set aside.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use conductor_core::observe::{EventSink, LogRecord};
use conductor_core::settings::{Durability, SpoolSettings};
use conductor_core::spool::{Command, RowState, Spool, StoredResult, command_all};
use conductor_core::wire::TaskIdentity;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::support::{Lines, eventually};

const SERVER: &str = "http://localhost:8080/api";

pub(crate) struct Opened {
    pub(crate) spool: Spool,
    pub(crate) found: mpsc::UnboundedReceiver<Vec<StoredResult>>,
    pub(crate) lines: Arc<Lines>,
}

pub(crate) fn settings(directory: &TempDir) -> SpoolSettings {
    let adopt_every = Duration::from_millis(50);
    SpoolSettings { reserve_bytes: 0, adopt_every, ..SpoolSettings::new(directory.path()) }
}

pub(crate) fn open(settings: &SpoolSettings) -> Opened {
    let lines = Arc::new(Lines::default());
    let sink: Arc<dyn EventSink> = lines.clone();
    let (give, found) = mpsc::unbounded_channel();
    let spool = Spool::open(settings, SERVER, &sink, give).unwrap();
    Opened { spool, found, lines }
}

impl Opened {
    pub(crate) fn row(&self, task_id: &str, is_terminal: bool, body: &str) -> StoredResult {
        StoredResult {
            id: self.spool.next_id(),
            identity: TaskIdentity { task_id: task_id.into(), workflow_instance_id: "w".into() },
            task_type: "greet".into(),
            is_terminal,
            body: Bytes::copy_from_slice(body.as_bytes()),
            created: StoredResult::now_millis(),
            deadline: None,
            attempts: 0,
            first_error: None,
            state: RowState::Waiting,
        }
    }

    pub(crate) fn store(&self, rows: Vec<StoredResult>) -> bool {
        let count = rows.len();
        block_on(self.spool.store(rows)) == count
    }

    /// What other processes have left, up to the first look that finds something.
    pub(crate) fn found(&mut self) -> Vec<StoredResult> {
        let mut all = Vec::new();
        eventually("something is adopted", || {
            while let Ok(found) = self.found.try_recv() {
                all.extend(found);
            }
            !all.is_empty()
        });
        all
    }
}

impl Opened {
    /// All that it finds until its file is the only one, or until it says why another is left. Not always at
    /// the first look: a child process that some other test starts has a copy of each lock for a moment.
    pub(crate) fn adopts(&mut self, directory: &TempDir) -> Vec<StoredResult> {
        let mut all = Vec::new();
        eventually("there is nothing to adopt", || {
            let is_over = databases(directory).len() == 1
                || self.lines.all().iter().any(|line| line.contains("left there"));
            while let Ok(found) = self.found.try_recv() {
                all.extend(found);
            }
            is_over
        });
        // What was found last is told after its file was removed.
        all.extend(block_on(self.found.recv()).unwrap());
        all
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn files(directory: &TempDir, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(directory.path()).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.to_string_lossy().contains(extension) {
                found.push(path);
            }
        }
    }
    found
}

pub(crate) fn databases(directory: &TempDir) -> Vec<PathBuf> {
    let mut found = files(directory, ".db");
    found.retain(|path| path.extension().unwrap() == "db");
    found
}

fn shown(directory: &TempDir, command: &Command) -> serde_json::Value {
    serde_json::to_value(command_all(directory.path(), command).unwrap()).unwrap()
}

fn exported(directory: &TempDir) -> Vec<(String, serde_json::Value)> {
    let files = shown(directory, &Command::Export);
    let results =
        files.as_array().unwrap().iter().flat_map(|file| file["answer"]["results"].as_array().unwrap());
    results.map(|row| (row["task_id"].as_str().unwrap().to_owned(), row["body"].clone())).collect()
}

#[test]
fn results_wait_for_the_next_process_and_acknowledged_ones_do_not() {
    let directory = TempDir::new().unwrap();
    let first = open(&settings(&directory));
    let rows: Vec<_> =
        (0..5).map(|n| first.row(&format!("t{n}"), true, &format!(r#"{{"n":{n}}}"#))).collect();
    let acknowledged = rows[1].id;
    assert!(first.store(rows));
    first.spool.acknowledge(acknowledged);
    first.spool.close();
    let mut second = open(&settings(&directory));
    let found = second.found();
    assert_eq!(found.iter().map(|row| &*row.identity.task_id).collect::<Vec<_>>(), ["t0", "t2", "t3", "t4"]);
    let loaded = block_on(second.spool.load(found[1].id)).unwrap();
    assert_eq!(&*loaded.body, br#"{"n":2}"#);
    for row in &found {
        second.spool.acknowledge(row.id);
    }
    second.spool.close();
    assert_eq!(files(&directory, "db"), Vec::<PathBuf>::new(), "an empty file goes with its process");
}

#[test]
fn the_files_are_for_their_user_alone() {
    let directory = TempDir::new().unwrap();
    let opened = open(&settings(&directory));
    assert!(opened.store(vec![opened.row("t", true, "{}")]));
    let found = files(&directory, "");
    assert!(found.len() >= 4, "{found:?}");
    for path in found {
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        let folder = path.parent().unwrap().metadata().unwrap();
        assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    }
    assert_eq!(files(&directory, "-shm"), Vec::<PathBuf>::new(), "no memory is shared");
}

#[test]
fn a_terminal_result_is_never_replaced_and_another_is_by_a_later_one() {
    let directory = TempDir::new().unwrap();
    let opened = open(&settings(&directory));
    let first = opened.row("t", false, "1");
    let acknowledged = first.id;
    assert!(opened.store(vec![first]));
    assert!(opened.store(vec![opened.row("t", false, "2")]));
    // Too late: the row is the later result's by now.
    opened.spool.acknowledge(acknowledged);
    assert!(opened.store(vec![opened.row("t", true, "3")]));
    assert!(opened.store(vec![opened.row("t", false, "4"), opened.row("t", true, "5")]));
    assert_eq!(exported(&directory), [("t".to_owned(), 3.into())]);
}

#[test]
fn an_orphan_is_adopted_by_one_of_two_while_they_run() {
    let directory = TempDir::new().unwrap();
    let (one, other, ended) =
        (open(&settings(&directory)), open(&settings(&directory)), open(&settings(&directory)));
    assert!(ended.store((0..100).map(|n| ended.row(&format!("t{n}"), true, "{}")).collect()));
    ended.spool.close();
    let mut found: Vec<String> = Vec::new();
    let mut both = [one, other];
    eventually("all are adopted", || {
        for opened in &mut both {
            while let Ok(rows) = opened.found.try_recv() {
                found.extend(rows.iter().map(|row| row.identity.task_id.to_string()));
            }
        }
        found.len() >= 100
    });
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 100, "none of them by both");
    assert_eq!(databases(&directory).len(), 2);
}

#[test]
fn results_of_another_server_are_left_alone() {
    let directory = TempDir::new().unwrap();
    let first = open(&settings(&directory));
    assert!(first.store(vec![first.row("t", true, "{}")]));
    first.spool.close();
    let lines: Arc<dyn EventSink> = Arc::new(Lines::default());
    let (give, mut found) = mpsc::unbounded_channel();
    let _other = Spool::open(&settings(&directory), "http://elsewhere/api", &lines, give).unwrap();
    let first_look = block_on(found.recv()).unwrap();
    assert_eq!(first_look, []);
    assert_eq!(exported(&directory).len(), 1);
}

#[test]
fn a_full_file_takes_no_more_but_lets_go_and_then_takes_again() {
    let directory = TempDir::new().unwrap();
    let opened = open(&SpoolSettings { max_bytes: 1 << 20, ..settings(&directory) });
    let room = opened.spool.has_room();
    let body = "x".repeat(60_000);
    let mut stored = Vec::new();
    loop {
        let row = opened.row(&format!("t{}", stored.len()), true, &body);
        let id = row.id;
        if !opened.store(vec![row]) {
            break;
        }
        stored.push(id);
    }
    assert!((10..20).contains(&stored.len()), "{}", stored.len());
    eventually("no task is taken", || !*room.borrow());
    for id in stored {
        opened.spool.acknowledge(id);
    }
    eventually("there is room again", || *room.borrow());
    assert!(opened.store(vec![opened.row("later", true, &body)]));
    let lines = opened.lines.all();
    assert!(lines.last().unwrap().contains("room again"), "{lines:?}");
    assert!(lines.len() <= 3, "{lines:?}");
}

#[test]
fn a_directory_that_cannot_be_used_is_refused_with_the_remedy() {
    let directory = TempDir::new().unwrap();
    let refused = |settings: &SpoolSettings| {
        let sink: Arc<dyn EventSink> = Arc::new(Lines::default());
        Spool::open(settings, SERVER, &sink, mpsc::unbounded_channel().0).err().expect("refused").to_string()
    };
    let missing = SpoolSettings {
        origin: "CONDUCTOR_FAST_SPOOL_DIR".into(),
        ..SpoolSettings::new(directory.path().join("no"))
    };
    let error = refused(&missing);
    assert!(error.starts_with("spool_dir: ") && error.contains("CONDUCTOR_FAST_SPOOL_DIR"), "{error}");
    assert!(error.contains("is no directory; make it"), "{error}");
    let full = SpoolSettings { reserve_bytes: u64::MAX, ..settings(&directory) };
    assert!(refused(&full).contains("make room"));
    // To root, every directory is writable, but not every file is a directory.
    std::fs::set_permissions(directory.path(), Permissions::from_mode(0o500)).unwrap();
    if std::fs::write(directory.path().join("probe"), "").is_err() {
        let error = refused(&settings(&directory));
        assert!(error.contains("cannot be written to") && error.contains("give this user"), "{error}");
    }
    std::fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn what_is_older_than_a_week_is_a_dead_letter_until_somebody_replays_it() {
    let directory = TempDir::new().unwrap();
    let first = open(&settings(&directory));
    let mut old = first.row("old", true, "1");
    old.created -= 8 * 86_400_000;
    assert!(first.store(vec![old, first.row("young", true, "2")]));
    first.spool.close();
    let mut second = open(&settings(&directory));
    let found = second.found();
    assert_eq!(found.len(), 1);
    assert_eq!(&*found[0].identity.task_id, "young");
    let listed = shown(&directory, &Command::List);
    assert_eq!(listed[0]["running"], true);
    assert_eq!(listed[0]["server"], SERVER);
    let old = &listed[0]["answer"]["results"][0];
    assert_eq!((&old["task_id"], &old["state"]), (&"old".into(), &"dead letter".into()));
    assert_eq!(old["first_error"], "not delivered within 7 days");
    assert_eq!(old["body"], serde_json::Value::Null);
    let replayed = shown(&directory, &Command::Replay { task_ids: Vec::new() });
    assert_eq!(replayed[0]["answer"]["changed"], 1);
    assert_eq!(&*second.found()[0].identity.task_id, "old");
}

#[test]
fn commands_work_while_the_process_runs_and_when_it_has_ended() {
    let directory = TempDir::new().unwrap();
    let opened = open(&settings(&directory));
    let rows: Vec<_> = ["a", "b", "c"].into_iter().map(|id| opened.row(id, true, r#"{"x":1}"#)).collect();
    let refused = rows[0].id;
    assert!(opened.store(rows));
    opened.spool.dead_letter(refused, 3, &conductor_core::error::classify(400, b"no"));
    for running in [true, false] {
        let shown_a = shown(&directory, &Command::Show { task_id: "a".into() });
        let result = &shown_a[0]["answer"]["results"][0];
        assert_eq!(shown_a[0]["running"], running);
        assert_eq!(result["body"], serde_json::json!({"x": 1}));
        assert_eq!((&result["attempts"], &result["first_error"]), (&3.into(), &"status 400: no".into()));
        let dropped = Command::Drop { task_ids: vec!["b".into(), "c".into()], only_dead_letters: true };
        assert_eq!(shown(&directory, &dropped)[0]["answer"]["changed"], 0);
        if running {
            opened.spool.close();
        }
    }
    let dropped = Command::Drop { task_ids: vec!["b".into()], only_dead_letters: false };
    assert_eq!(shown(&directory, &dropped)[0]["answer"]["changed"], 1);
    let left: Vec<_> = exported(&directory).into_iter().map(|(task_id, _)| task_id).collect();
    assert_eq!(left, ["a", "c"]);
}

/// Panics at the first record, as a loop of ours might.
struct Panicking(std::sync::atomic::AtomicBool, Lines);

impl EventSink for Panicking {
    fn log(&self, record: LogRecord) {
        assert!(self.0.swap(true, Ordering::Relaxed), "the first record");
        self.1.log(record);
    }
}

#[test]
fn a_panic_of_its_thread_loses_nothing() {
    let directory = TempDir::new().unwrap();
    let ended = open(&settings(&directory));
    assert!(ended.store(vec![ended.row("left", true, "1")]));
    ended.spool.close();
    let sink = Arc::new(Panicking(false.into(), Lines::default()));
    let told: Arc<dyn EventSink> = sink.clone();
    let (give, found) = mpsc::unbounded_channel();
    let spool = Spool::open(&settings(&directory), SERVER, &told, give).unwrap();
    let mut opened = Opened { spool, found, lines: Arc::default() };
    assert_eq!(&*opened.found()[0].identity.task_id, "left");
    assert!(opened.store(vec![opened.row("later", true, "2")]));
    assert_eq!(exported(&directory), [("left".to_owned(), 1.into()), ("later".to_owned(), 2.into())]);
    let lines = sink.1.all();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("panicked and goes on"), "{lines:?}");
}

#[test]
fn power_loss_is_a_setting() {
    let directory = TempDir::new().unwrap();
    let opened = open(&SpoolSettings { durability: Durability::Power, ..settings(&directory) });
    assert!(opened.store(vec![opened.row("t", true, "1")]));
    assert_eq!(exported(&directory).len(), 1);
}
