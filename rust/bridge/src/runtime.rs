use std::sync::Arc;
use std::time::Duration;

use conductor_core::delivery::Stage;
use conductor_core::runtime::Runtime;
use conductor_core::settings::{PollInterval, WorkerConfig};
use conductor_core::worker::ReadyQueue;
use pyo3::prelude::*;

use crate::convert::{PyServerSettings, to_python};
use crate::execute::{Forward, Line, PySyncExecutor};

/// The engine of one process.
#[pyclass(frozen, name = "Runtime", module = "conductor_fast._core")]
pub(crate) struct PyRuntime {
    runtime: Runtime,
    forward: Arc<Forward>,
}

#[pymethods]
impl PyRuntime {
    #[new]
    fn new(py: Python<'_>, settings: PyServerSettings) -> PyResult<Self> {
        let forward = Arc::new(Forward::default());
        let sink = Arc::clone(&forward);
        let runtime = settings
            .into_configuration()
            .and_then(|configuration| py.detach(|| Runtime::start(&configuration, sink)))
            .map_err(|error| to_python(py, &error))?;
        Ok(Self { runtime, forward })
    }

    /// Starts to poll, unless `on_request`: then only `poll_once` does.
    #[pyo3(signature = (*, task_type, domain, worker_id, thread_count, poll_interval_millis, exact_interval, poll_timeout_millis, whole_task, to_plain, on_request))]
    #[expect(clippy::too_many_arguments, reason = "the worker's settings, by name, once per worker")]
    fn add_worker(
        &self,
        py: Python<'_>,
        task_type: &str,
        domain: Option<String>,
        worker_id: String,
        thread_count: usize,
        poll_interval_millis: f64,
        exact_interval: bool,
        poll_timeout_millis: Option<u64>,
        whole_task: bool,
        to_plain: Py<PyAny>,
        on_request: bool,
    ) -> PyResult<PySyncExecutor> {
        let interval = Duration::try_from_secs_f64(poll_interval_millis / 1_000.0).unwrap_or(Duration::MAX);
        let config = WorkerConfig {
            task_type: task_type.into(),
            domain,
            worker_id,
            thread_count,
            poll_interval: if exact_interval {
                PollInterval::Exactly(interval)
            } else {
                PollInterval::UpTo(interval)
            },
            poll_timeout: poll_timeout_millis.map(Duration::from_millis),
        };
        let worker_id = config.worker_id.as_str().into();
        let queue = Arc::new(ReadyQueue::default());
        let runner = self
            .runtime
            .add_worker(config, Arc::clone(&queue) as _, on_request)
            .map_err(|error| to_python(py, &error))?;
        Ok(PySyncExecutor { queue, runner, worker_id, whole_task, to_plain })
    }

    fn poll_once(&self, py: Python<'_>, executor: &PySyncExecutor) -> PyResult<usize> {
        py.detach(|| self.runtime.poll_once(&executor.runner)).map_err(|error| to_python(py, &error))
    }

    fn stop_polling(&self, py: Python<'_>) -> PyResult<()> {
        self.runtime.stop_polling().map_err(|error| to_python(py, &error))
    }

    fn wait_idle(&self, py: Python<'_>, timeout: f64) -> PyResult<bool> {
        let timeout = Duration::try_from_secs_f64(timeout).unwrap_or_default();
        py.detach(|| self.runtime.wait_idle(timeout)).map_err(|error| to_python(py, &error))
    }

    /// Tasks that are not settled with the server: (task id, task type, its function has returned).
    fn held(&self, py: Python<'_>) -> Vec<(String, String, bool)> {
        py.detach(|| self.runtime.held())
            .into_iter()
            .map(|held| {
                (held.task_id.to_string(), held.task_type.to_string(), held.stage == Stage::Undelivered)
            })
            .collect()
    }

    /// Waits for log records: (level, message, task type, task id); `None` once closed.
    fn log_records(&self, py: Python<'_>) -> Option<Vec<Line>> {
        py.detach(|| self.forward.take())
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| {
            self.runtime.close();
            self.forward.close();
        });
    }
}

impl Drop for PyRuntime {
    fn drop(&mut self) {
        // Dropped attached: joining the I/O thread is short, for it never attaches.
        self.runtime.close();
        self.forward.close();
    }
}
