"""`conductor-fast bench`: what is measured, and what it says when a client is not there or fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from conductor_fast.cli import bench, bench_run, bench_tree
from conductor_fast.cli.bench_run import FailedError, Sample

FACTS = {"date": "2026-11-25", "machine": "CPU", "conductor-fast": "0.1.0", "conductor-python": "2.0.0"}


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The clients in the order in which they are asked for; samples come from no process."""
    asked: list[str] = []
    costs = {"the floor": 7.5, "conductor_fast": 15.0, "conductor-python": 600.0}

    def sample(name: str, _words: list[str], number: int, seconds: float, _threads: int) -> Sample:
        asked.append(name)
        return Sample(name, number, seconds, 1_000, 1e6 / costs[name], costs[name], 20.0)

    monkeypatch.setattr(bench, "sample", sample)
    monkeypatch.setattr(bench, "facts", lambda: dict(FACTS))
    return asked


def test_a_dev_server_that_ends_is_a_failed_stretch_and_nothing_else() -> None:
    with bench_run.dev_server([0]) as server:
        server.kill()
        server.wait()
        with pytest.raises(FailedError, match="the dev server ended"):
            bench_run.ask(server, "count")


def test_rounds_alternate_and_the_answer_is_a_table_and_two_plots(
    measured: list[str], tmp_path: Path
) -> None:
    kept = tmp_path / "kept.json"
    ended = CliRunner().invoke(bench.command, ["--rounds", "2", "--json", str(kept)])
    assert ended.exit_code == 0, ended.output
    clients = ["the floor", "conductor_fast", "conductor-python"]
    assert measured == [*clients, *clients[::-1]]
    assert "conductor-python takes 40.0 × the CPU per task of conductor_fast." in ended.output
    assert "conductor_fast takes 2.0 × the CPU per task of the floor." in ended.output
    bars = {line.split("  ")[1]: line.count("█") for line in ended.output.splitlines() if "█" in line}
    assert sorted(bars, key=lambda name: bars[name]) == ["conductor-python", "conductor_fast", "the floor"]
    assert "The ground is the dev server" in ended.output
    content = json.loads(kept.read_text())
    assert (content["facts"], content["failures"], len(content["samples"])) == (FACTS, {}, 6)


def test_without_conductor_python_the_rest_is_measured(
    measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "facts", lambda: {**FACTS, "conductor-python": None})
    ended = CliRunner().invoke(bench.command, ["--rounds", "1"])
    assert (ended.exit_code, measured) == (0, ["the floor", "conductor_fast"])
    assert "conductor-python is not installed here, and so not compared." in ended.output
    assert ended.output.count("×") == 1


@pytest.mark.parametrize(("failing", "code"), [("conductor-python", 0), ("conductor_fast", 1)])
def test_a_client_that_fails_is_named_and_not_compared(
    failing: str, code: int, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    works: Any = vars(bench)["sample"]

    def sample(name: str, words: list[str], number: int, seconds: float, threads: int) -> Any:
        if name == failing and number == 2:
            raise FailedError("3 wrong results")
        return works(name, words, number, seconds, threads)

    monkeypatch.setattr(bench, "sample", sample)
    ended = CliRunner().invoke(bench.command, ["--rounds", "3"])
    assert ended.exit_code == code
    assert f"{failing} failed, and is not compared: 3 wrong results" in ended.output
    assert ended.output.count("×") == (failing == "conductor-python")
    assert measured.count(failing) == 1


@pytest.mark.parametrize("name", ["the floor", "conductor_fast", "conductor-python"])
def test_every_client_does_real_work(name: str) -> None:
    """Against the dev server, in processes of its own; the outputs were checked."""
    pytest.importorskip("conductor") if name == "conductor-python" else None
    words = {
        "the floor": ["conductor_fast.cli.bench_clients", "floor"],
        "conductor_fast": ["conductor_fast.cli.bench_clients", "ours"],
        "conductor-python": ["conductor_fast.cli.bench_sdk"],
    }[name]
    sample = bench_run.sample(name, words, 1, 0.5, 2)
    assert (sample.client, sample.round) == (name, 1)
    assert min(sample.tasks, sample.cpu_micros_per_task, sample.pss_mebibytes) > 0


def test_a_client_that_ends_at_once_fails_with_its_last_words() -> None:
    with pytest.raises(FailedError, match=r"(?s)did no work: .*no_such_client"):
        bench_run.sample("none", ["conductor_fast.cli.bench_clients", "no_such_client"], 1, 0.5, 1)


def test_a_whole_session_is_counted_and_ended() -> None:
    child = "while True: pass"
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", script], start_new_session=True) as process:
        try:
            deadline = time.monotonic() + 30
            while bench_tree.cpu_seconds(bench_tree.members(process.pid)) < 0.3:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert bench_tree.pss_mebibytes(bench_tree.members(process.pid)) > 1
        finally:
            bench_tree.kill(process.pid)
    members: Any = [pid for pid in os.listdir("/proc") if pid.isdigit() and _session(int(pid)) == process.pid]
    while any(map(_runs, members)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def _runs(pid: str) -> bool:
    """A zombie without a parent that waits is no process that runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
