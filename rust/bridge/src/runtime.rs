use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use conductor_core::delivery::Stage;
use conductor_core::host::Runtime;
use conductor_core::observe::{Area, worker_metrics};
use conductor_core::settings::{PollInterval, Prefetch, WorkerConfig};
use conductor_core::worker::{BurstQueue, Executor, ReadyQueue, TaskRunner};
use pyo3::prelude::*;

use crate::client::wait;
use crate::convert::{Members, NamedMembers, Nan, PyServerSettings, from_millis, to_python};
use crate::execute::{
    Bell, Coroutines, EventQueue, Forward, Line, NamedFields, PyAsyncExecutor, PySyncExecutor, Reporting,
};

/// The engine of one process.
#[pyclass(frozen, name = "Runtime", module = "conductor_fast._core")]
pub(crate) struct PyRuntime {
    runtime: Runtime,
    forward: Arc<Forward>,
}

/// `conductor_fast.settings.worker_config.WorkerConfig`, read by its attributes.
#[derive(FromPyObject)]
struct PyWorkerConfig {
    task_type: String,
    domain: Option<String>,
    worker_id: String,
    thread_count: usize,
    poll_interval_millis: Option<f64>,
    poll_timeout_millis: Option<u64>,
    /// `None`: the engine's choice.
    prefetch: Option<usize>,
    nan: String,
    lease_extend_enabled: bool,
    paused: bool,
}

/// The SDK's default; an interval that nobody chose grows up to it.
const DEFAULT_INTERVAL: Duration = Duration::from_millis(100);

impl PyWorkerConfig {
    fn reporting(
        &self,
        whole_task: bool,
        members: Option<NamedMembers>,
        to_plain: Py<PyAny>,
        forward: &Arc<Forward>,
    ) -> PyResult<Arc<Reporting>> {
        let nan = Nan::from_name(&self.nan)?;
        let worker_id = self.worker_id.as_str().into();
        let forward = Arc::clone(forward);
        let metrics = worker_metrics(&self.task_type.as_str().into(), self.domain.as_deref());
        let told_of_fault = AtomicBool::new(false);
        let members = members.and_then(Members::new);
        let reporting =
            Reporting { worker_id, whole_task, members, to_plain, nan, metrics, forward, told_of_fault };
        Ok(Arc::new(reporting))
    }

    fn into_core(self) -> WorkerConfig {
        WorkerConfig {
            task_type: self.task_type.into(),
            domain: self.domain,
            worker_id: self.worker_id,
            thread_count: self.thread_count,
            poll_interval: self.poll_interval_millis.map_or(PollInterval::UpTo(DEFAULT_INTERVAL), |millis| {
                PollInterval::Exactly(from_millis(millis))
            }),
            poll_timeout: self.poll_timeout_millis.map(Duration::from_millis),
            prefetch: self.prefetch.map_or(Prefetch::Auto, Prefetch::Fixed),
            lease_extend_enabled: self.lease_extend_enabled,
            paused: self.paused,
        }
    }
}

#[derive(FromPyObject)]
enum AnyExecutor<'py> {
    Sync(Bound<'py, PySyncExecutor>),
    Async(Bound<'py, PyAsyncExecutor>),
}

impl AnyExecutor<'_> {
    fn runner(self) -> Arc<TaskRunner> {
        match self {
            Self::Sync(executor) => Arc::clone(&executor.get().runner),
            Self::Async(executor) => Arc::clone(&executor.get().runner),
        }
    }
}

impl PyRuntime {
    /// A worker is not changed in vain: not after a close and not in a forked child.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        self.runtime.check().map_err(|error| to_python(py, &error))
    }

    fn add(
        &self,
        py: Python<'_>,
        config: PyWorkerConfig,
        executor: Arc<dyn Executor>,
        on_request: bool,
    ) -> PyResult<Arc<TaskRunner>> {
        self.runtime
            .add_worker(config.into_core(), executor, on_request)
            .map_err(|error| to_python(py, &error))
    }
}

#[pymethods]
impl PyRuntime {
    /// Events are kept for `events` if it is said that somebody listens.
    #[new]
    #[pyo3(signature = (settings, *, wants_events=false))]
    fn new(py: Python<'_>, settings: PyServerSettings, wants_events: bool) -> PyResult<Self> {
        let events = wants_events.then(Arc::<EventQueue>::default);
        let forward = Arc::new(Forward::new(events));
        let sink = Arc::clone(&forward);
        let runtime = settings
            .into_configuration()
            .and_then(|configuration| py.detach(|| Runtime::start(&configuration, sink)))
            .map_err(|error| to_python(py, &error))?;
        Ok(Self { runtime, forward })
    }

    /// A worker whose functions run on threads. Starts to poll, unless paused or `on_request`:
    /// then only `poll_once` does.
    #[pyo3(signature = (config, *, whole_task, members, to_plain, on_request))]
    fn add_worker(
        &self,
        py: Python<'_>,
        config: PyWorkerConfig,
        whole_task: bool,
        members: Option<NamedMembers>,
        to_plain: Py<PyAny>,
        on_request: bool,
    ) -> PyResult<PySyncExecutor> {
        let reporting = config.reporting(whole_task, members, to_plain, &self.forward)?;
        let queue = Arc::new(ReadyQueue::default());
        let runner = self.add(py, config, Arc::clone(&queue) as _, on_request)?;
        Ok(PySyncExecutor { queue, runner, reporting })
    }

    /// A worker whose functions are coroutines.
    #[pyo3(signature = (config, *, whole_task, members, to_plain, on_request))]
    fn add_async_worker(
        &self,
        py: Python<'_>,
        config: PyWorkerConfig,
        whole_task: bool,
        members: Option<NamedMembers>,
        to_plain: Py<PyAny>,
        on_request: bool,
    ) -> PyResult<PyAsyncExecutor> {
        let reporting = config.reporting(whole_task, members, to_plain, &self.forward)?;
        let bell = Arc::new(Bell::new()?);
        let ringing = Arc::clone(&bell);
        let queue = Arc::new(BurstQueue::new(move || ringing.ring()));
        let runner = self.add(py, config, Arc::clone(&queue) as _, on_request)?;
        Ok(PyAsyncExecutor { coroutines: Arc::new(Coroutines::new(queue, reporting)), runner, bell })
    }

    fn poll_once(&self, py: Python<'_>, executor: AnyExecutor<'_>) -> PyResult<usize> {
        let runner = executor.runner();
        wait(py, || self.runtime.poll_once(&runner))
    }

    fn pause(&self, py: Python<'_>, executor: AnyExecutor<'_>) -> PyResult<()> {
        self.check(py)?;
        executor.runner().pause();
        Ok(())
    }

    fn resume(&self, py: Python<'_>, executor: AnyExecutor<'_>) -> PyResult<()> {
        self.check(py)?;
        executor.runner().resume();
        Ok(())
    }

    /// Lanes for them are the caller's to add.
    fn set_thread_count(
        &self,
        py: Python<'_>,
        executor: AnyExecutor<'_>,
        thread_count: usize,
    ) -> PyResult<()> {
        self.check(py)?;
        executor.runner().set_thread_count(thread_count).map_err(|error| to_python(py, &error))
    }

    fn set_poll_interval(
        &self,
        py: Python<'_>,
        executor: AnyExecutor<'_>,
        poll_interval_millis: f64,
    ) -> PyResult<()> {
        self.check(py)?;
        executor.runner().set_poll_interval(from_millis(poll_interval_millis));
        Ok(())
    }

    /// How long the next step of its poll loop is overdue, in seconds.
    // A method of the runtime as all that is done with a worker; it needs nothing of it, so that health may
    // be asked for at any time.
    #[expect(clippy::unused_self)]
    fn seconds_overdue(&self, executor: AnyExecutor<'_>) -> f64 {
        executor.runner().overdue().as_secs_f64()
    }

    fn stop_polling(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.runtime.stop_polling()).map_err(|error| to_python(py, &error))
    }

    fn wait_idle(&self, py: Python<'_>, timeout: f64) -> PyResult<bool> {
        let timeout = Duration::try_from_secs_f64(timeout).unwrap_or_default();
        py.detach(|| self.runtime.wait_idle(timeout)).map_err(|error| to_python(py, &error))
    }

    /// Tasks that are not settled with the server: (task id, task type, its function has returned).
    fn held(&self, py: Python<'_>) -> Vec<(String, String, bool)> {
        py.detach(|| self.runtime.held())
            .into_iter()
            .map(|held| (held.task_id.to_string(), held.task_type.to_string(), held.stage != Stage::Running))
            .collect()
    }

    fn dead_letters(&self) -> u64 {
        self.runtime.dead_letters()
    }

    /// What log records are about, in the order of `set_log_levels`.
    #[staticmethod]
    fn log_areas() -> [&'static str; Area::ALL.len()] {
        Area::ALL.map(Area::name)
    }

    /// The lowest level that is read of each area; before, all are.
    fn set_log_levels(&self, levels: [u8; Area::ALL.len()]) {
        self.forward.set_log_levels(levels);
    }

    /// Waits for log records, for a second at most; `None` once closed.
    fn log_records(&self, py: Python<'_>) -> Option<Vec<Line>> {
        self.forward.log_records(py)
    }

    /// Waits for events: names and fields, and how many were dropped; `None` once closed, or if nobody was
    /// said to listen.
    fn events<'py>(&self, py: Python<'py>) -> PyResult<Option<(Vec<NamedFields<'py>>, usize)>> {
        self.forward.events.as_ref().map_or(Ok(None), |events| events.take(py))
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
