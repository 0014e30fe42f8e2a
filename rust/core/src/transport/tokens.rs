use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::token_state::TokenState;
use crate::settings::{Configuration, Credentials};

/// The token of one server and key, for all that call it from this process.
pub(super) struct Tokens {
    process: u32,
    server: String,
    pub(super) credentials: Credentials,
    ttl: Duration,
    state: Mutex<TokenState>,
    /// Held by whoever fetches: all others wait for what it brings.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
}

/// So that a worker host and its clients mint once. Weak: it keeps nobody's secret.
static SHARED: Mutex<Vec<Weak<Tokens>>> = Mutex::new(Vec::new());

/// Of the process that forks.
pub(crate) struct HeldTokens {
    _shared: MutexGuard<'static, Vec<Weak<Tokens>>>,
}

impl HeldTokens {
    pub(crate) fn hold() -> Self {
        Self { _shared: SHARED.lock().unwrap_or_else(PoisonError::into_inner) }
    }
}

impl Tokens {
    pub(super) fn of(configuration: &Configuration, credentials: &Credentials) -> Arc<Self> {
        let (process, server, ttl) = (std::process::id(), configuration.shown_url(), configuration.token_ttl);
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.retain(|tokens| tokens.strong_count() > 0);
        // A forked child begins anew: a thread that held its parent's turn does not exist in it.
        let is_ours = |tokens: &Arc<Self>| {
            (tokens.process, &tokens.server, tokens.ttl) == (process, &server, ttl)
                && tokens.credentials.is_same(credentials)
        };
        if let Some(tokens) = shared.iter().filter_map(Weak::upgrade).find(is_ours) {
            return tokens;
        }
        let state = Mutex::new(TokenState::new(ttl));
        let credentials = credentials.clone();
        let tokens = Arc::new(Self { process, server, credentials, ttl, state, turn: Arc::default() });
        shared.push(Arc::downgrade(&tokens));
        tokens
    }

    pub(super) fn state(&self) -> MutexGuard<'_, TokenState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
