use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, ErrorKind};

/// So many kinds are told apart, all further ones are "other": a label that grows with what a program or a
/// server makes up costs the one who stores it.
const MAX_KINDS: usize = 20;

/// What kind of error: never its words, which hold ids, addresses and values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ErrorLabel {
    /// The class that Python knows it by.
    pub exception: String,
    /// The HTTP status of the answer; 0 without one.
    pub status: u16,
}

impl From<&Error> for ErrorLabel {
    fn from(error: &Error) -> Self {
        let (status, refused) = match error.kind() {
            ErrorKind::Answer { status, .. } => (*status, matches!(status, 401 | 403)),
            ErrorKind::TokenRefused { status, .. } | ErrorKind::Unauthorized { status, .. } => {
                (*status, true)
            }
            _ => (0, false),
        };
        let exception = if refused { "AuthorizationException" } else { "ApiException" };
        Self { exception: exception.to_owned(), status }
    }
}

/// Failures by kind. Behind a lock, for they are rare.
#[derive(Debug, Default)]
pub(super) struct ErrorCounts(Mutex<BTreeMap<ErrorLabel, u64>>);

impl ErrorCounts {
    #[cold]
    pub(super) fn add(&self, label: ErrorLabel) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = counts.len() < MAX_KINDS || counts.contains_key(&label);
        let label = if is_known { label } else { ErrorLabel { exception: "other".to_owned(), status: 0 } };
        *counts.entry(label).or_default() += 1;
    }

    pub(super) fn read(&self) -> BTreeMap<ErrorLabel, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::classify;

    #[test]
    fn kinds_are_those_of_the_exceptions_that_python_gets() {
        for (error, exception, status) in [
            (classify(500, b"oops"), "ApiException", 500),
            (
                classify(401, b"{\"error\":\"EXPIRED_TOKEN\",\"message\":\"m\"}"),
                "AuthorizationException",
                401,
            ),
            (classify(403, b""), "AuthorizationException", 403),
            (Error::network("connection refused"), "ApiException", 0),
        ] {
            assert_eq!(ErrorLabel::from(&error), ErrorLabel { exception: exception.into(), status });
        }
    }

    #[test]
    fn the_number_of_kinds_is_bounded_and_nothing_is_lost() {
        let counts = ErrorCounts::default();
        for round in 0..2 {
            for kind in 0..100 {
                counts.add(ErrorLabel { exception: format!("Error{kind:02}"), status: round });
            }
        }
        let read = counts.read();
        assert_eq!(read.len(), MAX_KINDS + 1);
        assert_eq!(read.values().sum::<u64>(), 200);
        assert_eq!(read[&ErrorLabel { exception: "other".into(), status: 0 }], 180);
    }
}
