use std::path::PathBuf;

use conductor_core::error::Error;
use conductor_core::spool::{Command, command_all};
use pyo3::prelude::*;

use crate::convert::to_python;

/// Runs a command, given as JSON, on all files of results in a spool directory. The answers as JSON.
#[pyfunction]
pub(crate) fn spool_command(py: Python<'_>, directory: PathBuf, command: &str) -> PyResult<String> {
    let bad = |error: serde_json::Error| Error::configuration("command", error.to_string());
    py.detach(|| {
        let command: Command = serde_json::from_str(command).map_err(bad)?;
        serde_json::to_string(&command_all(&directory, &command)?).map_err(bad)
    })
    .map_err(|error| to_python(py, &error))
}
