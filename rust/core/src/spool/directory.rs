use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::Error;
use crate::settings::SpoolSettings;

/// In each server's folder: which server that is, for people.
const SERVER_FILE: &str = "server";

/// The folder of one server within the spool directory: one file for each process, and a lock beside it.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    path: PathBuf,
}

/// A file that this process holds: no other opens it before the lock is let go.
#[derive(Debug)]
pub(super) struct HeldFile {
    pub path: PathBuf,
    _lock: HeldLock,
}

/// The locks of this process, all in one place: a forked child has a copy of each, and while that is open the
/// lock holds, though its process has ended.
static LOCKS: Mutex<BTreeMap<u64, File>> = Mutex::new(BTreeMap::new());

#[derive(Debug)]
struct HeldLock(u64);

impl HeldLock {
    fn new(file: File) -> Self {
        // Never the same twice, so that what a child drops of its parent's is not its own.
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        locks().insert(number, file);
        Self(number)
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        locks().remove(&self.0);
    }
}

/// Held by a process that forks: to empty it in the child leaves the parent's own as they are.
pub(super) fn locks() -> MutexGuard<'static, BTreeMap<u64, File>> {
    LOCKS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Directory {
    /// The folder of `server`, a URL without user information; made if it is not there, while the spool
    /// directory itself has to be there.
    pub(super) fn prepare(settings: &SpoolSettings, server: &str) -> Result<Self, Error> {
        let bad = |problem: String| {
            let from = if settings.origin == "spool_dir" {
                String::new()
            } else {
                format!(" (from {})", settings.origin)
            };
            Error::configuration("spool_dir", format!("{}{from} {problem}", settings.directory.display()))
        };
        if !settings.directory.is_dir() {
            let problem = "is no directory; make it, or mount its volume, or leave spool_dir out";
            return Err(bad(problem.to_owned()));
        }
        let path = settings.directory.join(format!("{:016x}", hash(server)));
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.and_then(|()| write_server(&path, server)).map_err(|error| {
            bad(format!("cannot be written to: {error}; give this user the right to, or another directory"))
        })?;
        let directory = Self { path };
        match directory.free_bytes() {
            Ok(free) if free < settings.reserve_bytes => {
                let (free, needed) = (free >> 20, settings.reserve_bytes >> 20);
                Err(bad(format!(
                    "has {free} MiB free and needs {needed}; make room, or give another directory"
                )))
            }
            Ok(_) => Ok(directory),
            Err(error) => Err(bad(format!("cannot be asked for its free space: {error}"))),
        }
    }

    /// All servers' folders in `spool_directory`, with their servers.
    pub(super) fn all(spool_directory: &Path) -> io::Result<Vec<(Self, String)>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(spool_directory)? {
            let path = entry?.path();
            if let Ok(server) = std::fs::read_to_string(path.join(SERVER_FILE)) {
                found.push((Self { path }, server));
            }
        }
        found.sort_by(|one, other| one.1.cmp(&other.1));
        Ok(found)
    }

    /// A new file's path, locked.
    pub(super) fn new_file(&self) -> io::Result<HeldFile> {
        let name = format!("{}-{:016x}.db", std::process::id(), fastrand::u64(..));
        // The lock before the file: nobody ever sees the file without it.
        match lock(self.path.join(name))? {
            Some(held) => Ok(held),
            None => Err(io::Error::other("a new name that somebody else has locked")),
        }
    }

    /// The files of all processes, running or not.
    pub(super) fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "db") {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }

    pub(super) fn free_bytes(&self) -> io::Result<u64> {
        let found = rustix::fs::statvfs(&self.path)?;
        Ok(found.f_bavail.saturating_mul(found.f_frsize))
    }

    /// Files on a network: their locks and their order of writes are not what SQLite needs.
    pub(super) fn is_on_network(&self) -> bool {
        // NFS, SMB, CIFS, SMB2 (linux/magic.h).
        const NETWORK: [i64; 4] = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42];
        rustix::fs::statfs(&self.path).is_ok_and(|found| NETWORK.contains(&found.f_type))
    }
}

impl HeldFile {
    /// Holds a file that some process has left; `None` if one holds it, or if it is gone meanwhile.
    pub(super) fn hold(path: &Path) -> io::Result<Option<Self>> {
        Ok(lock(path.to_owned())?.filter(|held| held.path.exists()))
    }

    /// Removes the file and all that is beside it. Its connection is closed.
    pub(super) fn remove(self) {
        // In this order: whoever finds what is left after a crash between two of them finds nothing to lose.
        for path in [self.path.clone(), beside(&self.path, "-wal"), beside(&self.path, ".sock")] {
            let _ = std::fs::remove_file(path);
        }
        let _ = std::fs::remove_file(beside(&self.path, ".lock"));
    }

    /// Renames a damaged file, so that nothing opens it again. Returns its new path.
    pub(super) fn set_aside(self) -> io::Result<PathBuf> {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let aside = beside(&self.path, &format!(".corrupt-{seconds}"));
        std::fs::rename(&self.path, &aside)?;
        // Only if it was damaged beyond opening: SQLite removes it when it closes the file.
        let _ = std::fs::rename(beside(&self.path, "-wal"), beside(&aside, "-wal"));
        let _ = std::fs::remove_file(beside(&self.path, ".sock"));
        let _ = std::fs::remove_file(beside(&self.path, ".lock"));
        Ok(aside)
    }
}

pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A path to `socket` that is short enough for a socket's address, which takes 108 bytes; for as long as the
/// file that is returned with it is open.
pub(super) fn short_path(socket: &Path) -> io::Result<(File, PathBuf)> {
    let folder = File::open(socket.parent().unwrap_or_else(|| Path::new(".")))?;
    let name = socket.file_name().unwrap_or_default();
    let short = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
    Ok((folder, short))
}

fn lock(path: PathBuf) -> io::Result<Option<HeldFile>> {
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(beside(&path, ".lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(HeldFile { path, _lock: HeldLock::new(lock) })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn write_server(folder: &Path, server: &str) -> io::Result<()> {
    use std::io::Write;
    let path = folder.join(SERVER_FILE);
    if std::fs::read_to_string(&path).is_ok_and(|known| known == server) {
        return Ok(());
    }
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(server.as_bytes())
}

/// FNV-1a: the same for all versions, which is all that is asked of it.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
