//! The two codecs by themselves, for tests and benchmarks.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use super::decode::decode;
use super::encode::Encoder;
use super::encode_scalar::Nan;
use super::members::{Members, NamedMembers};

/// A JSON object as the input of a task is read.
#[pyfunction]
pub(crate) fn decode_json<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    decode(py, text, "inputData").map_err(PyValueError::new_err)
}

/// The values of its `members`, each with what stands for it where it is missing; `None` if the input of a task
/// would come as a dict.
#[pyfunction]
pub(crate) fn decode_members<'py>(
    py: Python<'py>,
    text: &[u8],
    members: NamedMembers,
) -> Option<Bound<'py, PyTuple>> {
    Members::new(members)?.decode(py, text)
}

/// A value as the output of a task is written.
#[pyfunction]
#[pyo3(signature = (value, to_plain, nan="fail"))]
pub(crate) fn encode_json<'py>(
    value: &Bound<'py, PyAny>,
    to_plain: &Bound<'py, PyAny>,
    nan: &str,
) -> PyResult<Bound<'py, PyBytes>> {
    let nan = Nan::from_name(nan)?;
    let mut out = Vec::new();
    match (Encoder { out: &mut out, to_plain, nan }).encode(value) {
        Ok(()) => Ok(PyBytes::new(value.py(), &out)),
        Err(error) => Err(PyValueError::new_err(error.reason())),
    }
}
