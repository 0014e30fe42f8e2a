//! The extension module `conductor_fast._core`: converts between Python and the core, and calls. It
//! decides nothing about tasks; an `if` about retries, delays or statuses belongs into the core.

mod memory;
mod convert;
mod execute;
mod client;
mod dev_server;
mod fork;
mod metrics;
mod runtime;
mod spool;

/// The engine of `conductor_fast`.
#[pyo3::pymodule(name = "_core", gil_used = true)]
mod core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::client::PyClient;
    #[pymodule_export]
    use crate::convert::{PyTokenSource, decode_json, decode_members, encode_json};
    #[pymodule_export]
    use crate::dev_server::{PyDevServer, run_floor};
    #[pymodule_export]
    use crate::execute::{PyAsyncExecutor, PyJob, PyLane, PySyncExecutor};
    #[pymodule_export]
    use crate::metrics::{PyMetricsFile, PyMetricsListener, render_metrics, render_workers};
    #[pymodule_export]
    use crate::runtime::PyRuntime;
    #[pymodule_export]
    use crate::spool::spool_command;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::fork::register(module.py())
    }

    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
