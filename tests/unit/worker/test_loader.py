"""Scanning packages and folders for decorated functions."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from conductor_fast import ConfigurationError, WorkerLoader, auto_discover_workers, scan_for_workers


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conductor_fast.worker.registry._decorated_functions", {})
    monkeypatch.setattr("sys.path", list(sys.path))
    monkeypatch.setattr("sys.dont_write_bytecode", True)


def worker(name: str) -> str:
    return f"from conductor_fast import worker_task\n@worker_task({name!r})\ndef {name}(): ...\n"


@pytest.fixture
def package(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A package with a worker at each of its places; its name is new to the process."""
    name = f"shop_{abs(hash(request.node.name))}"
    folder = tmp_path / name
    for place, text in {
        "__init__.py": worker("door"),
        "orders.py": worker("orders"),
        "__main__.py": "raise SystemExit('a program, not to be imported')",
        "_private.py": worker("private"),
        "deep/__init__.py": worker("deep_door"),
        "deep/payments.py": worker("payments"),
    }.items():
        (folder / place).parent.mkdir(exist_ok=True, parents=True)
        (folder / place).write_text(text)
    sys.path.insert(0, str(tmp_path))
    return name


def test_a_package_with_its_subpackages(package: str) -> None:
    loader = scan_for_workers(package)
    assert sorted(loader.get_worker_names()) == ["deep_door", "door", "orders", "payments", "private"]
    assert loader.get_worker_count() == len(loader.get_workers()) == 5


def test_a_package_without_its_subpackages(package: str) -> None:
    assert sorted(scan_for_workers(package, recursive=False).get_worker_names()) == [
        "door",
        "orders",
        "private",
    ]


def test_a_module(package: str) -> None:
    loader = WorkerLoader()
    loader.scan_module(f"{package}.deep.payments")
    loader.scan_packages([f"{package}.deep.payments"])
    assert sorted(loader.get_worker_names()) == ["deep_door", "door", "payments"]


def test_a_folder(package: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / package / "broken.py").write_text("1 / 0")
    loader = WorkerLoader()
    loader.scan_path(str(tmp_path / package))
    assert {"orders", "payments"} <= set(loader.get_worker_names())
    assert "private" not in loader.get_worker_names()
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert f"cannot import {package}.broken" in record.message


def test_what_cannot_be_scanned(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    loader = WorkerLoader()
    with pytest.raises(ModuleNotFoundError):
        loader.scan_packages(["no_such_package"])
    with pytest.raises(ValueError, match="does not exist"):
        loader.scan_path(str(tmp_path / "none"))
    with pytest.raises(ValueError, match="not a directory"):
        loader.scan_path(str(tmp_path / "file"))
    with pytest.raises(ConfigurationError, match=r"give a list, \['shop'\]"):
        loader.scan_packages("shop")


def test_the_summary(package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    auto_discover_workers([f"{package}.orders"], [str(tmp_path / package / "deep")])
    lines = capsys.readouterr().out.split("\n")
    assert lines[1] == "Discovered 4 workers from 2 modules:"
    assert "  • orders" in lines
    auto_discover_workers(print_summary=False)
    assert capsys.readouterr().out == ""
