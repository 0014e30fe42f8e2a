"""The source tree keeps its own rules (ARCHITECTURE.md), and each rule notices who breaks it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.layout import crates, python_order, rust_order, sizes

ROOT = Path(__file__).parents[1]
Rule = Callable[[Path], list[str]]

RULES: list[Rule] = [
    python_order.import_order,
    python_order.doors,
    python_order.public_imports_only,
    rust_order.import_order,
    rust_order.doors,
    crates.dependencies,
    crates.unsafe_code,
    sizes.too_long,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.__module__.split('.')[-1]}.{rule.__name__}")
def test_the_tree_keeps(rule: Rule) -> None:
    assert rule(ROOT) == []


def test_files_over_the_aim_are_named() -> None:
    logging.getLogger(__name__).info("over %s lines: %s", sizes.AIM_LINES, sizes.over_the_aim(ROOT))


SOUND = {
    "Cargo.lock": '[[package]]\nname = "conductor-core"\n[[package]]\nname = "conductor-devserver"\n',
    "rust/core/Cargo.toml": '[dev-dependencies]\nconductor-devserver = { path = "../devserver" }\n',
    "rust/core/src/lib.rs": "//! Core.\n#![forbid(unsafe_code)]\nmod wire;\nmod worker;\n",
    "rust/core/src/wire.rs": "pub struct Bytes;\n",
    "rust/core/src/worker/mod.rs": "//! Worker.\nmod slots;\nmod poller;\n"
    "pub use slots::Slot;\npub use poller::Poller;\n",
    "rust/core/src/worker/slots.rs": "use crate::wire::Bytes;\n",
    "rust/core/src/worker/poller.rs": "use super::slots::{Slot, Slots};\n",
    "rust/devserver/Cargo.toml": "",
    "rust/devserver/src/lib.rs": "//! Server.\n#![forbid(unsafe_code)]\n",
    "rust/bridge/src/lib.rs": "//! Bridge. Nothing unsafe.\n",
    "rust/bridge/src/convert/decode.rs": "unsafe {}\n",
    "python/conductor_fast/__init__.py": '"""Root."""\nimport conductor_fast.host.worker_host\n',
    "python/conductor_fast/model/__init__.py": '"""Values: exceptions.py, task.py."""\n',
    "python/conductor_fast/model/exceptions.py": "",
    "python/conductor_fast/model/task.py": "from conductor_fast.model.exceptions import Error\n",
    "python/conductor_fast/host/__init__.py": '"""Process: worker_host.py."""\n',
    "python/conductor_fast/host/worker_host.py": "from conductor_fast import _core\n"
    "from conductor_fast.model.task import Task\n",
    "tests/test_it.py": "from conductor_fast import Task\nfrom conductor_fast.testing import DevServer\n",
    "tests/unit/test_core.py": "from conductor_fast import _core\nimport conductor_fast.model.task\n",
}


def _write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


@pytest.mark.parametrize("rule", RULES)
def test_a_sound_tree_keeps(rule: Rule, tmp_path: Path) -> None:
    _write(tmp_path, SOUND)
    assert rule(tmp_path) == []


@pytest.mark.parametrize(
    ("rule", "file", "text", "message"),
    [
        (
            python_order.import_order,
            "model/task.py",
            "import conductor_fast.host.worker_host",
            "host.worker_host",
        ),
        (python_order.import_order, "model/task.py", "from conductor_fast import WorkerHost", "WorkerHost"),
        (
            python_order.import_order,
            "model/task.py",
            "def f():\n  from ..host import worker_host",
            "task.py:2",
        ),
        (python_order.import_order, "model/exceptions.py", "from .task import Task", "model.task"),
        (
            python_order.import_order,
            "model/exceptions.py",
            "from conductor_fast.model import task",
            "model.task",
        ),
        (python_order.import_order, "model/exceptions.py", "from conductor_fast.model import Task", "model"),
        (python_order.import_order, "elsewhere/a.py", "import conductor_fast.model.task", "elsewhere"),
        (python_order.doors, "model/__init__.py", '"""exceptions.py, task.py"""\nx = 1', "more than"),
        (python_order.doors, "model/__init__.py", '"""exceptions.py"""', "lists"),
        (python_order.doors, "model/__init__.py", '"""exceptions.py, task.py, gone.py"""', "gone"),
        (python_order.doors, "model/__init__.py", "", "what the folder is for"),
        (python_order.doors, "client/task_client.py", "", "client/__init__.py is missing"),
        (
            python_order.public_imports_only,
            "../../tests/test_it.py",
            "from conductor_fast import _core",
            "_core",
        ),
        (python_order.public_imports_only, "../../benches/a.py", "import conductor_fast._core", "_core"),
        (python_order.public_imports_only, "../../tests/test_it.py", "import conductor_fast.host.x", "host"),
        (python_order.public_imports_only, "../../tests/a.py", "from conductor_fast import host", "host"),
    ],
)
def test_python_that_breaks_a_rule_is_reported(
    rule: Rule, file: str, text: str, message: str, tmp_path: Path
) -> None:
    _write(tmp_path, {**SOUND, f"python/conductor_fast/{file}": text})
    assert [problem for problem in rule(tmp_path) if message in problem], rule(tmp_path)


@pytest.mark.parametrize(
    ("rule", "file", "text", "message"),
    [
        (
            rust_order.import_order,
            "core/src/wire.rs",
            "use crate::worker::Slot;",
            "wire.rs:1 uses crate::worker::Slot",
        ),
        (rust_order.import_order, "core/src/wire.rs", "\nfn f() { super::worker::run() }", "wire.rs:2"),
        (
            rust_order.import_order,
            "core/src/wire.rs",
            "use crate::{self as all, worker::{a, b}};",
            "crate::worker::b",
        ),
        (rust_order.import_order, "core/src/worker/slots.rs", "use super::poller::{a, b as c};", "poller::b"),
        (rust_order.import_order, "core/src/worker/slots.rs", "use super::Poller;", "worker::Poller"),
        (rust_order.import_order, "core/src/worker/slots.rs", "use crate::worker::Poller;", "worker::Poller"),
        (rust_order.import_order, "core/src/worker/slots.rs", "use super::super::worker::poller;", "poller"),
        (rust_order.import_order, "core/src/worker/slots.rs", "use super::*;", "worker::*"),
        (rust_order.doors, "core/src/worker/mod.rs", "mod slots;", "worker/mod.rs"),
        (crates.dependencies, "core/Cargo.toml", '[dependencies]\npyo3 = "1"', "core depends on pyo3"),
        (crates.dependencies, "core/Cargo.toml", '[dependencies]\np = { package = "pyo3" }', "on pyo3"),
        (crates.dependencies, "core/Cargo.toml", "[target.x.dependencies]\npyo3 = {}", "on pyo3"),
        (
            crates.dependencies,
            "core/Cargo.toml",
            "[dependencies]\nconductor-devserver = {}",
            "on conductor-devserver",
        ),
        (
            crates.dependencies,
            "devserver/Cargo.toml",
            "[dependencies]\nconductor-core = {}",
            "on conductor-core",
        ),
        (crates.dependencies, "devserver/Cargo.toml", "[dev-dependencies]\nconductor-core = {}", "tests"),
        (crates.unsafe_code, "core/src/lib.rs", "//! Core.", "core/src/lib.rs does not"),
        (crates.unsafe_code, "devserver/src/main.rs", "fn main() {}", "main.rs does not"),
        (crates.unsafe_code, "bridge/src/runtime.rs", "unsafe fn f() {}", "runtime.rs holds"),
        (sizes.too_long, "core/src/wire.rs", "\n" * 401, "wire.rs has 401 lines"),
    ],
)
def test_rust_that_breaks_a_rule_is_reported(
    rule: Rule, file: str, text: str, message: str, tmp_path: Path
) -> None:
    _write(tmp_path, {**SOUND, f"rust/{file}": text})
    assert [problem for problem in rule(tmp_path) if message in problem], rule(tmp_path)


def test_pyo3_behind_another_crate_is_reported(tmp_path: Path) -> None:
    lock = """
        [[package]]
        name = "conductor-core"
        dependencies = ["a 1.0"]
        [[package]]
        name = "a"
        dependencies = ["pyo3"]
    """
    _write(tmp_path, {**SOUND, "Cargo.lock": lock})
    assert crates.dependencies(tmp_path) == ["rust/core depends on pyo3 through another crate"]


def test_rust_tests_comments_and_strings_are_not_uses(tmp_path: Path) -> None:
    text = """// use crate::worker;
        const A: &str = "crate::worker";
        const B: &str = r#"a " crate::worker"#;
        const C: char = '"';
        /* crate::worker */
        #[cfg(test)]
        pub(super) mod tests { use crate::worker; }
    """
    _write(tmp_path, {**SOUND, "rust/core/src/wire.rs": text})
    assert rust_order.import_order(tmp_path) == []
