use std::fs::Permissions;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use super::command::{Answer, Command, line};
use super::directory::{beside, short_path};
use super::queue::Request;
use super::shared::Shared;

/// A command names task ids at most.
const MAX_COMMAND_BYTES: u64 = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers commands while the process holds its file; for its own user alone.
pub(super) struct Socket {
    path: PathBuf,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Socket {
    pub(super) fn open(file: &Path, shared: Arc<Shared>) -> io::Result<Self> {
        let path = beside(file, ".sock");
        let (_folder, short) = short_path(&path)?;
        let listener = UnixListener::bind(&short)?;
        // Nobody else could reach it before either: the folder is 0700.
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        let closing = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&closing);
        let thread = std::thread::Builder::new().name("conductor-spool-socket".into()).spawn(move || {
            for stream in listener.incoming() {
                if seen.load(Ordering::Acquire) {
                    return;
                }
                if let Ok(stream) = stream {
                    // Whoever went away needs no answer.
                    let _ = serve(stream, &shared);
                }
            }
        })?;
        Ok(Self { path, closing, thread: Some(thread) })
    }

    pub(super) fn close(mut self) {
        self.closing.store(true, Ordering::Release);
        // A last guest, so that the thread looks up.
        let woken = short_path(&self.path).and_then(|(_folder, short)| UnixStream::connect(short));
        if woken.is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

fn serve(mut stream: UnixStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut text = String::new();
    BufReader::new((&stream).take(MAX_COMMAND_BYTES)).read_line(&mut text)?;
    let answer = match serde_json::from_str::<Command>(&text) {
        Ok(command) => {
            let (give, answer) = sync_channel(1);
            shared.queue.request(Request::Command(command, give));
            answer.recv_timeout(PATIENCE).unwrap_or_else(|_| Answer::problem(&"the spool gives no answer"))
        }
        Err(error) => Answer::problem(&error),
    };
    stream.write_all(&line(&answer))
}

/// The answer of the process that holds `file`, as a line of JSON.
pub(super) fn ask(file: &Path, command: &Command) -> io::Result<String> {
    let (_folder, short) = short_path(&beside(file, ".sock"))?;
    let mut stream = UnixStream::connect(short)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = serde_json::to_vec(command)?;
    request.push(b'\n');
    stream.write_all(&request)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
