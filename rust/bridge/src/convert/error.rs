use conductor_core::error::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

static CONFIGURATION_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
static CONDUCTOR_FAST_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// The one place that turns an error of the core into an exception.
#[cold]
pub(crate) fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    let (cell, name) = match error.kind() {
        ErrorKind::Configuration { .. } => (&CONFIGURATION_ERROR, "ConfigurationError"),
        _ => (&CONDUCTOR_FAST_ERROR, "ConductorFastError"),
    };
    match cell.import(py, "conductor_fast.model.exceptions", name) {
        Ok(class) => PyErr::from_type(class.clone(), error.to_string()),
        Err(import_error) => import_error,
    }
}
