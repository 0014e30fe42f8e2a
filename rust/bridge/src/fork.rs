use std::cell::RefCell;

use conductor_core::fork::Fork;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyCFunction};

thread_local! {
    /// Of the thread that forks.
    static FORK: RefCell<Option<Fork>> = const { RefCell::new(None) };
}

/// Lets Python tell of the forks that it makes.
pub(crate) fn register(py: Python<'_>) -> PyResult<()> {
    let call = |what: fn()| PyCFunction::new_closure(py, None, None, move |_, _| what());
    let hooks = [
        ("before", call(|| FORK.set(Some(Fork::before())))?),
        ("after_in_parent", call(|| drop(FORK.take()))?),
        (
            "after_in_child",
            call(|| {
                if let Some(fork) = FORK.take() {
                    fork.in_child();
                }
            })?,
        ),
    ];
    py.import("os")?.call_method("register_at_fork", (), Some(&hooks.into_py_dict(py)?))?;
    Ok(())
}
