use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::directory::locks;

/// SQLite has locks of its own for all files of a process, which a forked child must not find taken.
static AT_WORK: RwLock<()> = RwLock::new(());

/// Held while SQLite is called; not twice by one thread.
pub(super) fn at_work() -> RwLockReadGuard<'static, ()> {
    AT_WORK.read().unwrap_or_else(PoisonError::into_inner)
}

/// What a process that forks holds meanwhile.
pub(crate) struct SpoolsAtRest {
    // First: who is at work takes the other one too.
    _stores: RwLockWriteGuard<'static, ()>,
    files: MutexGuard<'static, BTreeMap<u64, File>>,
}

impl SpoolsAtRest {
    pub(crate) fn hold() -> Self {
        Self { _stores: AT_WORK.write().unwrap_or_else(PoisonError::into_inner), files: locks() }
    }

    /// In the child, which would otherwise keep its parent's files locked for as long as it lives.
    pub(crate) fn let_go(&mut self) {
        self.files.clear();
    }
}
