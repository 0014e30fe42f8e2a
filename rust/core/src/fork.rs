//! What a fork of the process has to find at rest, and what the child has to let go.

use crate::observe::HeldMetrics;
use crate::spool::SpoolsAtRest;
use crate::transport::HeldTokens;

/// Held from before a fork until after it, by the thread that forks: the child has none of the other threads,
/// one of which may be about to let go of a lock that the child would then wait for.
pub struct Fork {
    spools: SpoolsAtRest,
    _metrics: HeldMetrics,
    _tokens: HeldTokens,
}

impl Fork {
    /// Waits for those who hold the locks, none of whom waits for anything meanwhile.
    pub fn before() -> Self {
        Self { spools: SpoolsAtRest::hold(), _metrics: HeldMetrics::hold(), _tokens: HeldTokens::hold() }
    }

    /// In the child: the files of results are its parent's, which others take over once that has ended.
    pub fn in_child(mut self) {
        self.spools.let_go();
    }
}
