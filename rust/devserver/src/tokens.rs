//! Who may call: tokens that `/token` has issued, as Orkes' servers do.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

/// What stands against a request's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Invalid,
    Expired,
}

/// The tokens issued so far and until when each is good.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    good_until: HashMap<String, Instant>,
}

impl Tokens {
    pub(crate) fn issue(&mut self, now: Instant, ttl: Duration) -> String {
        // Nobody may guess it by accident; a test server needs no more than the hash keys' randomness.
        let token = format!("{:016x}{:016x}", RandomState::new().hash_one(1), RandomState::new().hash_one(2));
        self.good_until.insert(token.clone(), now + ttl);
        token
    }

    pub(crate) fn check(&self, token: Option<&str>, now: Instant) -> Result<(), Refusal> {
        match token.and_then(|token| self.good_until.get(token)) {
            None => Err(Refusal::Invalid),
            Some(until) if *until <= now => Err(Refusal::Expired),
            Some(_) => Ok(()),
        }
    }

    /// As if all had been issued long ago.
    pub(crate) fn expire(&mut self, now: Instant) {
        self.good_until.values_mut().for_each(|until| *until = now);
    }
}
