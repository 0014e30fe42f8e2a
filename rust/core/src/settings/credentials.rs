use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;

/// Where the token of the calls comes from.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// `POST /token` gives it for a key.
    Keys { key_id: SecretString, key_secret: SecretString },
    /// Somebody else has it, and is asked.
    Source(Arc<TokenSource>),
}

impl Credentials {
    /// The setting that errors name.
    pub(crate) fn field(&self) -> &'static str {
        match self {
            Self::Keys { .. } => "authentication_settings",
            Self::Source(_) => "token_provider",
        }
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Keys { key_id, key_secret }, Self::Keys { key_id: id, key_secret: secret }) => {
                key_id.expose_secret() == id.expose_secret()
                    && key_secret.expose_secret() == secret.expose_secret()
            }
            (Self::Source(source), Self::Source(other)) => Arc::ptr_eq(source, other),
            _ => false,
        }
    }
}

/// A token, or why there is none.
pub type GivenToken = Result<SecretString, String>;

/// A desk between the I/O thread, which asks for a token and goes on, and a thread of somebody else's that
/// answers as slowly as it likes.
#[derive(Debug, Default)]
pub struct TokenSource {
    /// The question that waits for its answer. A newer one takes the place of one that was given up.
    asked: Mutex<Option<oneshot::Sender<GivenToken>>>,
    arrived: Condvar,
}

impl TokenSource {
    pub(crate) fn ask(&self) -> oneshot::Receiver<GivenToken> {
        let (answer, answered) = oneshot::channel();
        *self.lock() = Some(answer);
        self.arrived.notify_one();
        answered
    }

    /// Blocks until a token is wanted. Each return wants one call of `answer`.
    pub fn wait(&self) {
        let mut asked = self.lock();
        while asked.is_none() {
            asked = self.arrived.wait(asked).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub fn answer(&self, token: GivenToken) {
        if let Some(asked) = self.lock().take() {
            // Who asked may have given up.
            let _ = asked.send(token);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<oneshot::Sender<GivenToken>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_shown() {
        let keys = Credentials::Keys { key_id: "canary-key".into(), key_secret: "canary".into() };
        assert!(!format!("{keys:?}").contains("canary"), "{keys:?}");
    }

    #[test]
    fn a_question_that_was_given_up_leaves_its_place_to_the_next() {
        let source = TokenSource::default();
        drop(source.ask());
        let mut answered = source.ask();
        source.wait();
        source.answer(Ok("token".into()));
        assert_eq!(answered.try_recv().unwrap().unwrap().expose_secret(), "token");
        source.answer(Err("nobody asked".into()));
    }
}
