use std::time::Duration;

use bytes::Bytes;
use conductor_core::client::{Client, Pending};
use conductor_core::error::Error;
use conductor_core::transport::{ManagementCall, Method};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert::{PyServerSettings, to_python};

/// How long a signal may wait for its handler.
const LOOK_FOR_SIGNALS: Duration = Duration::from_millis(100);

/// The server's management calls; every one blocks, detached.
#[pyclass(frozen, name = "Client", module = "conductor_fast._core")]
pub(crate) struct PyClient(Client);

#[pymethods]
impl PyClient {
    #[new]
    fn new(py: Python<'_>, settings: PyServerSettings) -> PyResult<Self> {
        settings
            .into_configuration()
            .and_then(|configuration| py.detach(|| Client::start(&configuration)))
            .map(Self)
            .map_err(|error| to_python(py, &error))
    }

    #[pyo3(signature = (method, path, query, body, *, hold, repeatable))]
    #[expect(clippy::too_many_arguments, reason = "the parts of a request, by name")]
    fn call<'py>(
        &self,
        py: Python<'py>,
        method: &str,
        path: Vec<String>,
        query: Vec<(String, String)>,
        body: Option<&[u8]>,
        hold: f64,
        repeatable: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| PyValueError::new_err(format!("{method:?} is no HTTP method")))?;
        let call = ManagementCall {
            method,
            path,
            query,
            body: body.map(Bytes::copy_from_slice),
            hold: Duration::try_from_secs_f64(hold).unwrap_or_default(),
            repeatable,
        };
        Ok(PyBytes::new(py, &wait(py, || self.0.begin(call))?))
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }
}

/// Waits for what runs on the I/O thread. Ctrl-C ends the wait, not the call: what was sent was sent.
pub(crate) fn wait<T: Send>(
    py: Python<'_>,
    begin: impl FnOnce() -> Result<Pending<T>, Error> + Send,
) -> PyResult<T> {
    let mut pending = py.detach(begin).map_err(|error| to_python(py, &error))?;
    loop {
        if let Some(answer) = py.detach(|| pending.wait(LOOK_FOR_SIGNALS)) {
            return answer.map_err(|error| to_python(py, &error));
        }
        py.check_signals()?;
    }
}
