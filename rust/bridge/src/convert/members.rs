use std::sync::atomic::{AtomicBool, Ordering};

use jiter::{Jiter, NumberAny, NumberInt, Peek};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyString, PyTuple};

/// More are read as a dict.
const MOST: usize = 16;

/// As Python gives them: each with what stands for it where it is missing; without that it has to be there.
pub(crate) type NamedMembers = Vec<(String, Option<(Py<PyAny>,)>)>;

/// The members of an input that a function takes, in its order.
pub(crate) struct Members {
    members: Vec<(String, Option<Py<PyAny>>)>,
    /// An input had an object or an array in it, which is `decode`'s work; it is not tried again, for the inputs
    /// of a worker are alike.
    is_nested: AtomicBool,
}

impl Members {
    pub(crate) fn new(named: NamedMembers) -> Option<Self> {
        let members: Vec<_> =
            named.into_iter().map(|(name, default)| (name, default.map(|(it,)| it))).collect();
        (members.len() <= MOST).then_some(Self { members, is_nested: AtomicBool::new(false) })
    }

    /// Their values, without a dict and its keys in between: 1,500 of 13,100 instructions of a thread at a task of
    /// four. `None`: it takes `decode`, be it to say what is wrong.
    pub(crate) fn decode<'py>(&self, py: Python<'py>, text: &[u8]) -> Option<Bound<'py, PyTuple>> {
        if self.is_nested.load(Ordering::Relaxed) {
            return None;
        }
        let mut values = [const { None }; MOST];
        let mut json = Jiter::new(text).with_allow_inf_nan();
        let mut key = json.next_object().ok()?;
        let mut likely = 0;
        while let Some(name) = key {
            let place = self.place(name, likely);
            let value = self.value(py, &mut json)?;
            if let Some(place) = place.and_then(|place| values.get_mut(place)) {
                *place = Some(value);
            }
            likely += 1;
            key = json.next_key().ok()?;
        }
        json.finish().ok()?;
        for (value, (_, default)) in values.iter_mut().zip(&self.members) {
            if value.is_none() {
                *value = Some(default.as_ref()?.bind(py).clone());
            }
        }
        PyTuple::new(py, values.into_iter().take(self.members.len())).ok()
    }

    /// They mostly come in the function's order.
    fn place(&self, name: &str, likely: usize) -> Option<usize> {
        match self.members.get(likely) {
            Some((expected, _)) if expected == name => Some(likely),
            _ => self.members.iter().position(|(expected, _)| expected == name),
        }
    }

    /// The next one, as `decode` reads it.
    fn value<'py>(&self, py: Python<'py>, json: &mut Jiter<'_>) -> Option<Bound<'py, PyAny>> {
        let peek = json.peek().ok()?;
        Some(match peek {
            Peek::String => PyString::new(py, json.known_str().ok()?).into_any(),
            Peek::Null => json.known_null().ok().map(|()| py.None().into_bound(py))?,
            Peek::True | Peek::False => PyBool::new(py, json.known_bool(peek).ok()?).to_owned().into_any(),
            Peek::Array | Peek::Object => {
                self.is_nested.store(true, Ordering::Relaxed);
                return None;
            }
            _ => match json.known_number(peek).ok()? {
                NumberAny::Int(NumberInt::Int(value)) => value.into_pyobject(py).ok()?.into_any(),
                NumberAny::Float(value) => PyFloat::new(py, value).into_any(),
                NumberAny::Int(NumberInt::BigInt(_)) => return None,
            },
        })
    }
}
