use std::path::PathBuf;
use std::time::Duration;

use crate::error::Error;

/// Below this a few results of usual size would make it full.
const LEAST_BYTES: u64 = 1 << 20;

/// What a committed result survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, however it comes about.
    Process,
    /// Also the end of the kernel and of power, as far as the disk keeps what it has said to be written.
    Power,
}

impl Durability {
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "process" => Some(Self::Process),
            "power" => Some(Self::Power),
            _ => None,
        }
    }
}

/// Where results wait on disk.
#[derive(Debug, Clone)]
pub struct SpoolSettings {
    /// It has to exist: a volume that is not mounted is an error, not a new folder.
    pub directory: PathBuf,
    /// Who named the directory, for errors.
    pub origin: String,
    pub durability: Durability,
    /// Of the file of this process. Polling stops before it is full.
    pub max_bytes: u64,
    /// Polling stops while the disk has less than this: a full disk could not even delete.
    pub reserve_bytes: u64,
    /// How often files of ended processes are looked for.
    pub adopt_every: Duration,
}

impl SpoolSettings {
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            origin: "spool_dir".into(),
            durability: Durability::Process,
            max_bytes: 256 << 20,
            reserve_bytes: 32 << 20,
            adopt_every: Duration::from_secs(60),
        }
    }

    /// `origin`: who gave the size, for errors.
    pub fn set_max_bytes(&mut self, bytes: u64, origin: &str) -> Result<(), Error> {
        if bytes < LEAST_BYTES {
            let problem = format!("{bytes} (from {origin}) is too little; give at least {LEAST_BYTES}");
            return Err(Error::configuration("spool_max_bytes", problem));
        }
        self.max_bytes = bytes;
        Ok(())
    }
}
