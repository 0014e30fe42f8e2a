use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::Error;
use crate::io_thread::IoThread;
use crate::observe::{Catalogue, MetricsSnapshot};
use crate::supervise::spawn_untold;

/// The metrics of this process as a text file, written anew in intervals, for collectors that read files.
pub struct MetricsFile {
    path: PathBuf,
    catalogue: Catalogue,
    io: IoThread,
}

impl MetricsFile {
    /// Makes the folder if it is missing, and writes the file for the first time.
    pub fn start(path: PathBuf, interval: Duration, catalogue: Catalogue) -> Result<Self, Error> {
        let refused = |error: std::io::Error| {
            let problem =
                format!("cannot write {} ({error}); give one that this process may write to", path.display());
            Error::configuration("directory", problem)
        };
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(refused)?;
        write(&path, catalogue).map_err(refused)?;
        let io = IoThread::start("conductor-metrics")?;
        let written = path.clone();
        io.run(async move {
            spawn_untold(async move {
                loop {
                    tokio::time::sleep(interval).await;
                    // A disk that is full now may not be so the next time; who reads the file sees its age.
                    let _ = write(&written, catalogue);
                }
            });
            Ok(())
        })?;
        Ok(Self { path, catalogue, io })
    }

    /// Ends the writing, with what is known by now. Idempotent.
    pub fn close(&self) {
        if self.io.check().is_ok() {
            self.io.close();
            let _ = write(&self.path, self.catalogue);
        }
    }
}

/// As one step for whoever reads it.
fn write(path: &Path, catalogue: Catalogue) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    fs::write(&new, catalogue.render(&MetricsSnapshot::take()))?;
    fs::rename(&new, path)
}
