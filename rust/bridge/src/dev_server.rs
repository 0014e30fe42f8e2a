use pyo3::prelude::*;

#[pyclass(frozen, name = "DevServer", module = "conductor_fast._core")]
pub(crate) struct PyDevServer {}
