use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::value::RawValue;

use super::at_fork::at_work;
use super::command::{Answer, Command, line};
use super::directory::{Directory, HeldFile};
use super::socket::ask;
use super::store::Store;
use crate::error::Error;

/// A file of results, and its answer to a command.
#[derive(Debug, Serialize)]
pub struct SpoolFile {
    /// The URL of its server.
    server: String,
    path: PathBuf,
    /// Its process runs, and has answered itself.
    running: bool,
    answer: Box<RawValue>,
}

/// Runs `command` on all files of results in `spool_directory`: through their processes, or on the files of
/// processes that have ended.
pub fn command_all(spool_directory: &Path, command: &Command) -> Result<Vec<SpoolFile>, Error> {
    let bad = |error: std::io::Error| {
        Error::configuration("spool_dir", format!("{} cannot be read: {error}", spool_directory.display()))
    };
    let mut found = Vec::new();
    for (directory, server) in Directory::all(spool_directory).map_err(bad)? {
        for path in directory.files().map_err(bad)? {
            let Some((running, answer)) = answer(&path, command) else { continue };
            found.push(SpoolFile { server: server.clone(), path, running, answer });
        }
    }
    Ok(found)
}

/// The same, from JSON to JSON.
pub fn command_json(spool_directory: &Path, command: &str) -> Result<String, Error> {
    let bad = |error: serde_json::Error| Error::configuration("command", error.to_string());
    let command = serde_json::from_str(command).map_err(bad)?;
    serde_json::to_string(&command_all(spool_directory, &command)?).map_err(bad)
}

/// `None`: the file is gone meanwhile.
fn answer(path: &Path, command: &Command) -> Option<(bool, Box<RawValue>)> {
    let (running, text) = match HeldFile::hold(path) {
        Ok(Some(_held)) => {
            let _at_work = at_work();
            (false, text(&on_file(path, command)))
        }
        Ok(None) if !path.exists() => return None,
        Ok(None) => (
            true,
            ask(path, command).unwrap_or_else(|error| {
                text(&Answer::problem(&format!("its process runs and cannot be asked: {error}")))
            }),
        ),
        Err(error) => (false, text(&Answer::problem(&error))),
    };
    let raw = RawValue::from_string(text.trim_end().to_owned());
    // Of a process that ended in the midst of its answer.
    Some((running, raw.ok().or_else(|| RawValue::from_string("{}".to_owned()).ok())?))
}

fn on_file(path: &Path, command: &Command) -> Answer {
    match Store::open(path) {
        Ok(mut store) => store.run(command),
        Err(error) => Answer::problem(&error),
    }
}

fn text(answer: &Answer) -> String {
    String::from_utf8(line(answer)).unwrap_or_default()
}
