use std::fmt::Write as _;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// A path longer than this tells a reader nothing more.
const SHOWN_SEGMENTS: usize = 12;
/// Nor does a longer key.
const SHOWN_CHARS: usize = 40;

/// Why a value cannot be sent, and where it stands. It never holds the value. Boxed: the good way is the
/// one that is taken a million times.
#[derive(Debug)]
pub(crate) struct EncodeError(Box<Fault>);

#[derive(Debug)]
struct Fault {
    problem: String,
    /// From the value up to the output.
    path: Vec<String>,
    /// The container at which the depth ran out, as its address: met again on the way up, it is a cycle.
    deepest: Option<usize>,
}

impl EncodeError {
    /// `outputData.items[3].price is NaN, which JSON has no word for`
    pub(crate) fn reason(&self) -> String {
        let mut text = String::from("outputData");
        for (index, segment) in self.0.path.iter().rev().enumerate() {
            if index == SHOWN_SEGMENTS {
                text.push_str(" …");
                break;
            }
            text.push_str(segment);
        }
        let _ = write!(text, " {}", self.0.problem);
        text
    }

    #[cold]
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self(Box::new(Fault { problem: problem.into(), path: Vec::new(), deepest: None }))
    }

    #[cold]
    pub(super) fn too_deep(limit: usize, container: usize) -> Self {
        let mut error = Self::new(format!("is nested in more than the {limit} levels that the server reads"));
        error.0.deepest = Some(container);
        error
    }

    /// The error on its way up through `container`, which holds the culprit at `segment`.
    #[cold]
    pub(super) fn climb(mut self, container: usize, segment: Option<String>) -> Self {
        if self.0.deepest == Some(container) {
            "contains itself".clone_into(&mut self.0.problem);
            self.0.path.clear();
        } else if let Some(segment) = segment {
            self.0.path.push(segment);
        }
        self
    }

    /// The culprit is in a key, which has no path of its own.
    #[cold]
    pub(super) fn in_key(self) -> Self {
        Self::new(format!("has a key that {}", self.0.problem))
    }

    /// What `to_plain` raised. Its own `TypeError` tells what to do; what other code raised may quote the
    /// value, so of that only the kind is told.
    #[cold]
    pub(super) fn of_conversion(object: &Bound<'_, PyAny>, error: &PyErr) -> Self {
        let py = object.py();
        if error.get_type(py).is(py.get_type::<PyTypeError>()) {
            return Self::new(error.value(py).to_string());
        }
        let (class, raised) = (object.get_type().name(), error.get_type(py).name());
        let name = |name: &PyResult<_>| name.as_ref().map_or_else(|_| "?".to_owned(), ToString::to_string);
        Self::new(format!("is of type {}, whose conversion raised {}", name(&class), name(&raised)))
    }
}

#[cold]
pub(super) fn key_segment(key: &Bound<'_, PyAny>) -> String {
    let Ok(name) = key.extract::<String>() else { return "[?]".to_owned() };
    if name.chars().count() > SHOWN_CHARS {
        let start: String = name.chars().take(SHOWN_CHARS).collect();
        return format!("[{start:?}…]");
    }
    if !name.is_empty() && name.chars().all(|character| character.is_alphanumeric() || character == '_') {
        format!(".{name}")
    } else {
        format!("[{name:?}]")
    }
}
