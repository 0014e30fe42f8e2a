use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use conductor_devserver::{AuthOptions, DevServer, FaultRule, Options, PushOptions};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;

/// The dev server, with JSON texts for what is JSON.
#[pyclass(frozen, name = "DevServer", module = "conductor_fast._core")]
pub(crate) struct PyDevServer(DevServer);

#[pymethods]
impl PyDevServer {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "the server's options, by name, once per server")]
    #[pyo3(signature = (*, host, port, gathering, requests_per_connection, transcript_capacity, auth, token_ttl))]
    fn new(
        py: Python<'_>,
        host: &str,
        port: u16,
        gathering: bool,
        requests_per_connection: Option<u32>,
        transcript_capacity: usize,
        auth: Option<(String, String)>,
        token_ttl: f64,
    ) -> PyResult<Self> {
        let token_ttl = Duration::try_from_secs_f64(token_ttl).unwrap_or_default();
        let address: IpAddr =
            host.parse().map_err(|_| PyValueError::new_err(format!("host {host:?} is not an IP address")))?;
        let options = Options {
            address: SocketAddr::new(address, port),
            gathering,
            requests_per_connection,
            transcript_capacity,
            auth: auth.map(|(key, secret)| AuthOptions { token_ttl, ..AuthOptions::new(key, secret) }),
            ..Options::default()
        };
        let failed =
            |error: std::io::Error| PyOSError::new_err(format!("cannot listen on {host}:{port}: {error}"));
        py.detach(|| DevServer::start(options)).map(Self).map_err(failed)
    }

    #[getter]
    fn url(&self) -> String {
        self.0.url()
    }

    /// Counted since the start.
    #[getter]
    fn requests(&self) -> u64 {
        self.0.requests()
    }

    #[getter]
    fn connections_opened(&self) -> u64 {
        self.0.connections_opened()
    }

    #[pyo3(signature = (task_type, input, count, *, domain, workflow_instance_id, response_timeout_seconds, retry_count, retry_delay_seconds))]
    #[expect(clippy::too_many_arguments, reason = "a task's own values, by name")]
    fn push(
        &self,
        py: Python<'_>,
        task_type: &str,
        input: &str,
        count: usize,
        domain: Option<String>,
        workflow_instance_id: Option<String>,
        response_timeout_seconds: Option<u64>,
        retry_count: Option<u32>,
        retry_delay_seconds: Option<u64>,
    ) -> PyResult<Vec<String>> {
        let options = PushOptions {
            domain,
            workflow_instance_id,
            response_timeout_seconds,
            retry_count_limit: retry_count,
            retry_delay_seconds,
            ..PushOptions::default()
        };
        py.detach(|| self.0.push_many(task_type, input, count, &options))
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }

    fn push_raw_input(&self, task_type: &str, input: &[u8]) -> String {
        self.0.push_raw_input(task_type, input, &PushOptions::default())
    }

    fn define(&self, definition: &str) -> PyResult<()> {
        self.0.define(definition).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    fn task(&self, task_id: &str) -> Option<String> {
        self.0.task_json(task_id)
    }

    #[pyo3(signature = (task_type, status))]
    fn tasks(&self, py: Python<'_>, task_type: Option<&str>, status: Option<&str>) -> String {
        py.detach(|| self.0.tasks_json(task_type, status))
    }

    #[pyo3(signature = (task_type, status))]
    fn count(&self, task_type: Option<&str>, status: Option<&str>) -> usize {
        self.0.count(task_type, status)
    }

    #[pyo3(signature = (count, task_type, status, timeout))]
    fn wait_for(
        &self,
        py: Python<'_>,
        count: usize,
        task_type: Option<&str>,
        status: Option<&str>,
        timeout: f64,
    ) -> bool {
        let timeout = Duration::try_from_secs_f64(timeout).unwrap_or_default();
        py.detach(|| self.0.wait_for(count, task_type, status, timeout))
    }

    fn forget_terminal(&self, py: Python<'_>) -> usize {
        py.detach(|| self.0.forget_terminal())
    }

    fn transcript(&self, py: Python<'_>) -> String {
        py.detach(|| self.0.transcript_json())
    }

    fn clear_transcript(&self) {
        self.0.clear_transcript();
    }

    fn add_fault(&self, rule: &str) -> PyResult<u64> {
        FaultRule::parse(rule).map(|rule| self.0.add_fault(rule)).map_err(PyValueError::new_err)
    }

    #[staticmethod]
    fn fault_table() -> String {
        FaultRule::table()
    }

    fn clear_faults(&self) {
        self.0.clear_faults();
    }

    fn expire_tokens(&self) {
        self.0.expire_tokens();
    }

    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.0.stop());
    }
}

/// Does what a client must do at least, until the server ends.
#[pyfunction]
pub(crate) fn run_floor(py: Python<'_>, url: &str, task_type: &str, output: &str) -> PyResult<()> {
    Ok(py.detach(|| conductor_devserver::run_floor(url, task_type, output))?)
}
