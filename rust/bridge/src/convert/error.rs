use conductor_core::error::{Error, ErrorKind};
use pyo3::PyErrArguments;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

static API_EXCEPTION: PyOnceLock<Py<PyType>> = PyOnceLock::new();
static CONFIGURATION_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
static CONDUCTOR_FAST_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// The one place that turns an error of the core into an exception.
#[cold]
pub(crate) fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    match error.kind() {
        ErrorKind::Configuration { .. } => {
            raise(py, &CONFIGURATION_ERROR, "ConfigurationError", error.to_string())
        }
        ErrorKind::Closed | ErrorKind::Forked { .. } => {
            raise(py, &CONDUCTOR_FAST_ERROR, "ConductorFastError", error.to_string())
        }
        ErrorKind::Answer { status, message, .. } | ErrorKind::TokenRefused { status, message, .. } => {
            raise(py, &API_EXCEPTION, "ApiException", (*status, message.clone()))
        }
        ErrorKind::Unauthorized { status, problem } => {
            raise(py, &API_EXCEPTION, "ApiException", (*status, problem.clone()))
        }
        ErrorKind::Network { .. } | ErrorKind::Cut { .. } | ErrorKind::UnexpectedBody { .. } => {
            raise(py, &API_EXCEPTION, "ApiException", (0_u16, error.to_string()))
        }
    }
}

fn raise<A>(py: Python<'_>, class: &PyOnceLock<Py<PyType>>, name: &str, arguments: A) -> PyErr
where
    A: PyErrArguments + Send + Sync + 'static,
{
    match class.import(py, "conductor_fast.model.exceptions", name) {
        Ok(class) => PyErr::from_type(class.clone(), arguments),
        Err(import_error) => import_error,
    }
}
