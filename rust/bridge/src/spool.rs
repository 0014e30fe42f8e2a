use std::path::PathBuf;

use conductor_core::spool::command_json;
use pyo3::prelude::*;

use crate::convert::to_python;

/// Runs a command, given as JSON, on all files of results in a spool directory. The answers as JSON.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "how pyo3 gives a path")]
pub(crate) fn spool_command(py: Python<'_>, directory: PathBuf, command: &str) -> PyResult<String> {
    py.detach(|| command_json(&directory, command)).map_err(|error| to_python(py, &error))
}
