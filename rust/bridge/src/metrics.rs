use std::path::PathBuf;
use std::time::Duration;

use conductor_core::host::{Listener, MetricsFile};
use conductor_core::observe::{Catalogue, MetricsSnapshot, workers_json};
use pyo3::prelude::*;

use crate::convert::to_python;

/// `/metrics`, the probes and the page of this process.
#[pyclass(frozen, name = "MetricsListener", module = "conductor_fast._core")]
pub(crate) struct PyMetricsListener(Listener);

#[pymethods]
impl PyMetricsListener {
    #[new]
    fn new(py: Python<'_>, host: &str, port: u16, catalogue: &str) -> PyResult<Self> {
        let started = Catalogue::from_name(catalogue)
            .and_then(|catalogue| py.detach(|| Listener::start(host, port, catalogue)));
        started.map(Self).map_err(|error| to_python(py, &error))
    }

    /// The address without a path.
    #[getter]
    fn url(&self) -> String {
        format!("http://{}", self.0.address())
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }
}

/// The metrics of this process as a file.
#[pyclass(frozen, name = "MetricsFile", module = "conductor_fast._core")]
pub(crate) struct PyMetricsFile(MetricsFile);

#[pymethods]
impl PyMetricsFile {
    #[new]
    fn new(py: Python<'_>, path: PathBuf, interval: f64, catalogue: &str) -> PyResult<Self> {
        let interval = Duration::try_from_secs_f64(interval).unwrap_or_default();
        let started = Catalogue::from_name(catalogue)
            .and_then(|catalogue| py.detach(|| MetricsFile::start(path, interval, catalogue)));
        started.map(Self).map_err(|error| to_python(py, &error))
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }
}

/// What `/metrics` tells under the names of `catalogue`.
#[pyfunction]
pub(crate) fn render_metrics(py: Python<'_>, catalogue: &str) -> PyResult<String> {
    let catalogue = Catalogue::from_name(catalogue).map_err(|error| to_python(py, &error))?;
    Ok(py.detach(|| catalogue.render(&MetricsSnapshot::take())))
}

/// What `/workers.json` tells.
#[pyfunction]
pub(crate) fn render_workers(py: Python<'_>) -> String {
    py.detach(|| workers_json(&MetricsSnapshot::take()))
}
