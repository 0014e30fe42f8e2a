use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{MutexGuard, RwLockWriteGuard};

use super::directory::locks;
use super::store::at_rest;

/// What a process that forks holds meanwhile.
pub(crate) struct SpoolsAtRest {
    // First: who is at work takes the other one too.
    _stores: RwLockWriteGuard<'static, ()>,
    files: MutexGuard<'static, BTreeMap<u64, File>>,
}

impl SpoolsAtRest {
    pub(crate) fn hold() -> Self {
        Self { _stores: at_rest(), files: locks() }
    }

    /// In the child, which would otherwise keep its parent's files locked for as long as it lives.
    pub(crate) fn let_go(&mut self) {
        self.files.clear();
    }
}
