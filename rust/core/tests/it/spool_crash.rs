//! The store against a model, with a crash as an action: a process that is killed at any moment.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use conductor_core::settings::SpoolSettings;
use proptest::prelude::*;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use tempfile::TempDir;

use super::spool::{Opened, block_on, open, settings};

/// For the child: its spool directory.
const DIRECTORY: &str = "SPOOL_CRASH_DIRECTORY";
/// Of `make kill-loop`: so many rounds instead of a short form.
const ROUNDS: &str = "SPOOL_CRASH_ROUNDS";

fn rounds(short: u32) -> u32 {
    std::env::var(ROUNDS).ok().and_then(|text| text.parse().ok()).unwrap_or(short)
}

/// Not a test: the process that is killed. Reads what to do from its input, one thing a line:
/// `s TASK TERMINAL BODY` stores, and says so once that is on disk; `a TASK` acknowledges the latest of a task.
#[test]
#[ignore = "run as a child process"]
fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let mut opened = open(&SpoolSettings { reserve_bytes: 0, ..SpoolSettings::new(directory) });
    let mut latest = HashMap::new();
    for row in block_on(opened.found.recv()).unwrap() {
        // Two files may have a result that is not terminal, after a crash between two of them.
        let Some(row) = block_on(opened.spool.load(row.id)) else { continue };
        let body = String::from_utf8(row.body.to_vec()).unwrap();
        println!("#found {} {} {body}", row.identity.task_id, row.is_terminal);
        latest.insert(row.identity.task_id.to_string(), row.id);
    }
    println!("#ready");
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["s", task_id, is_terminal, body] => {
                let row = opened.row(task_id, is_terminal == "true", body);
                latest.insert(task_id.to_owned(), row.id);
                assert!(opened.store(vec![row]));
                // Short, so that the pipe is never full of what nobody reads yet.
                println!("#stored {task_id} {}", body.split('-').next().unwrap());
            }
            ["a", task_id] => {
                if let Some(id) = latest.remove(task_id) {
                    opened.spool.acknowledge(id);
                }
            }
            _ => unreachable!("{line}"),
        }
    }
}

struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(directory: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["spool_crash::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    /// The next line of the child itself; `None` once it has ended.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if let Some((_, said)) = line.trim_end().split_once('#') {
                return Some(said.to_owned());
            }
            line.clear();
        }
        None
    }

    fn tell(&mut self, line: &str) {
        // It may be dead already.
        let _ = writeln!(self.input, "{line}");
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }
}

#[derive(Debug, Clone)]
enum Action {
    Store {
        task: u8,
        is_terminal: bool,
        size: usize,
    },
    Acknowledge {
        task: u8,
    },
    /// After so many of the stores that were asked for were heard of.
    Crash {
        heard: usize,
    },
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        8 => (0..12_u8, any::<bool>(), prop_oneof![Just(10), Just(500), Just(20_000)])
            .prop_map(|(task, is_terminal, size)| Action::Store { task, is_terminal, size }),
        3 => (0..12_u8).prop_map(|task| Action::Acknowledge { task }),
        2 => (0..6_usize).prop_map(|heard| Action::Crash { heard }),
    ]
}

/// What may be on disk of one task. Empty: certainly nothing.
#[derive(Debug, Clone, Default)]
struct Possible {
    /// (is terminal, body), `None`: nothing.
    states: HashSet<Option<(bool, String)>>,
}

impl Possible {
    fn states(&self) -> HashSet<Option<(bool, String)>> {
        if self.states.is_empty() { HashSet::from([None]) } else { self.states.clone() }
    }

    /// A store that was asked for: it is done (`heard`), or perhaps done.
    fn store(&mut self, is_terminal: bool, body: &str, heard: bool) {
        let after = self.states().into_iter().map(|before| match before {
            Some((true, kept)) => Some((true, kept)),
            _ => Some((is_terminal, body.to_owned())),
        });
        let after: HashSet<_> = after.collect();
        self.states = if heard { after } else { after.into_iter().chain(self.states()).collect() };
    }

    /// Removed, or not yet. What the child takes for the latest may be a result that was not kept, and then
    /// nothing is removed.
    fn acknowledge(&mut self) {
        let mut states = self.states();
        states.insert(None);
        self.states = states;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: rounds(12), max_shrink_iters: 50, ..ProptestConfig::default() })]

    #[test]
    fn what_was_said_to_be_stored_is_there_after_a_crash(actions in prop::collection::vec(action(), 1..120)) {
        let directory = TempDir::new().unwrap();
        let mut process = Process::start(directory.path());
        let mut model: HashMap<String, Possible> = HashMap::new();
        let mut asked: Vec<(String, bool, String)> = Vec::new();
        let mut last = 0;
        check_start(&mut process, &mut model)?;
        for action in actions.into_iter().chain([Action::Crash { heard: 3 }]) {
            match action {
                Action::Store { task, is_terminal, size } => {
                    last += 1;
                    let (task, body) = (format!("t{task}"), format!("{last}-{}", "x".repeat(size)));
                    process.tell(&format!("s {task} {is_terminal} {body}"));
                    asked.push((task, is_terminal, body));
                }
                Action::Acknowledge { task } => {
                    // All before it is heard of, so that the model knows what is acknowledged.
                    hear(&mut process, &mut model, &mut asked, usize::MAX);
                    process.tell(&format!("a t{task}"));
                    model.entry(format!("t{task}")).or_default().acknowledge();
                }
                Action::Crash { heard } => {
                    hear(&mut process, &mut model, &mut asked, heard);
                    process.kill();
                    // Of what was still said, nobody has heard: it may be there, or not.
                    for (task, is_terminal, body) in asked.drain(..) {
                        model.entry(task).or_default().store(is_terminal, &body, false);
                    }
                    process = Process::start(directory.path());
                    check_start(&mut process, &mut model)?;
                }
            }
        }
        process.kill();
    }
}

fn hear(
    process: &mut Process,
    model: &mut HashMap<String, Possible>,
    asked: &mut Vec<(String, bool, String)>,
    most: usize,
) {
    for (task, is_terminal, body) in asked.drain(..most.min(asked.len())) {
        let number = body.split('-').next().unwrap();
        assert_eq!(process.line().unwrap(), format!("stored {task} {number}"));
        model.entry(task).or_default().store(is_terminal, &body, true);
    }
}

fn check_start(process: &mut Process, model: &mut HashMap<String, Possible>) -> Result<(), TestCaseError> {
    let mut found = HashMap::new();
    loop {
        let line = process.line().unwrap();
        if line == "ready" {
            break;
        }
        let words: Vec<&str> = line.split(' ').collect();
        let ["found", task, is_terminal, body] = words[..] else { return Err(TestCaseError::fail(line)) };
        let before = found.insert(task.to_owned(), (is_terminal == "true", body.to_owned()));
        prop_assert_eq!(before, None, "{} is found once", task);
    }
    for task in (0..12).map(|task| format!("t{task}")) {
        let possible = model.entry(task.clone()).or_default();
        let state = found.remove(&task);
        prop_assert!(possible.states().contains(&state), "{task}: {state:?} is none of {:?}", possible);
        possible.states = HashSet::from([state]);
    }
    Ok(())
}

#[test]
fn a_copy_of_the_files_at_any_moment_holds_what_was_stored_before() {
    let directory = TempDir::new().unwrap();
    let mut process = Process::start(directory.path());
    assert_eq!(process.line().unwrap(), "ready");
    let mut stored = HashSet::new();
    let mut next = 0_u32;
    for _ in 0..rounds(25) {
        // A burst in flight, of which a part is heard of; some of the old ones go meanwhile.
        for _ in 0..20 {
            process.tell(&format!("s t{next} true 0-{}", "x".repeat(fastrand::usize(10..3_000))));
            next += 1;
        }
        for _ in 0..fastrand::usize(10..20) {
            stored.insert(process.line().unwrap().split(' ').nth(1).unwrap().to_owned());
        }
        kill_process(process.pid(), Signal::STOP).unwrap();
        // Until all its threads stand still.
        waitpid(Some(process.pid()), WaitOptions::UNTRACED).unwrap().unwrap();
        let image = copy(directory.path());
        kill_process(process.pid(), Signal::CONT).unwrap();
        check_image(&image, &stored);
        while stored.len() < next as usize {
            stored.insert(process.line().unwrap().split(' ').nth(1).unwrap().to_owned());
        }
    }
    process.kill();
}

fn copy(directory: &Path) -> TempDir {
    let image = TempDir::new().unwrap();
    for folder in std::fs::read_dir(directory).unwrap() {
        let folder = folder.unwrap();
        let to = image.path().join(folder.file_name());
        std::fs::create_dir(&to).unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let file = file.unwrap();
            if file.file_type().unwrap().is_file() {
                std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
            }
        }
    }
    image
}

fn check_image(image: &TempDir, stored: &HashSet<String>) {
    let Opened { spool, mut found, lines } = open(&settings(image));
    let found = block_on(found.recv()).unwrap();
    let found: HashSet<_> = found.iter().map(|row| row.identity.task_id.to_string()).collect();
    assert!(stored.is_subset(&found), "missing: {:?}", stored.difference(&found));
    assert_eq!(spool.view().set_aside, 0, "{:?}", lines.all());
}
