"""One client against the server: let it warm up, and measure a stretch of its work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import trustme

from benches.compare import processes
from benches.compare.machine import ROOT
from benches.compare.peers import PEERS, command_of
from benches.compare.scenarios import Client, Scenario
from conductor_fast.cli import bench_tree

PROGRAMS = ROOT / "target" / "release"
SERVER_CORE, CLIENT_CORE = 0, 1
# Beyond warm-up and stretch; the server ends by itself after it.
_LONGEST_SECONDS = 60.0
_STOP_SECONDS = 30.0
_AUTHORITY = "authority.pem"
_VIOLATIONS = ("not_completed", "duplicate", "unknown", "wrong_output", "refused")


class FailedError(Exception):
    """A client did no work, or not the right one."""


@dataclass(frozen=True)
class Sample:
    """One client's stretch of one round. Figures: times are in the unit of their name."""

    scenario: str
    client: str
    round: int
    figures: dict[str, float]


def sample(scenario: Scenario, client: Client, round_number: int, warm_up: float, seconds: float) -> Sample:
    """One stretch of work of `client` in fresh processes. FailedError if a result was wrong or lost."""
    if client.program == "bare":
        return Sample(scenario.name, client.name, round_number, _bare(client, seconds))
    options = {"warm_up_seconds": warm_up, "seconds": seconds, **scenario.server}
    options["longest_seconds"] = options["warm_up_seconds"] + seconds + _LONGEST_SECONDS
    figures: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        (Path(folder) / "errors").open("w+") as errors,
        _server(options | ({"tls": _certificate(Path(folder))} if scenario.tls else {})) as events,
    ):
        url = _until(events, "listening")["url"]
        started_unix = time.time()
        with _client(client, url, errors, folder) as process:
            try:
                _until(events, "started")
                pss_before = _pss(process)
                before = processes.cost(process.pid)
                _until(events, "measured")
                after = processes.cost(process.pid)
                figures["pss_mib"] = _pss(process)
                if process.poll() is not None:
                    raise EOFError
            except EOFError:
                errors.seek(0)
                raise FailedError(f"{client.name} did no work:\n{errors.read()[-4_000:]}") from None
        events.close_stdin()
        ended = _until(events, "ended")
        errors.seek(0)
        _check(client, ended, errors.read())
    figures |= _figures(before, after, ended)
    if figures["tasks"]:
        figures["pss_growth"] = (figures["pss_mib"] - pss_before) / figures["tasks"] * 100_000
    elif scenario.server.get("arrivals") != {"kind": "never"}:
        raise FailedError(f"{client.name} did nothing in the measured stretch")
    figures["first_poll_seconds"] = ended["first_poll_unix"] - started_unix
    if ended["first_result_unix"]:
        figures["first_task_seconds"] = ended["first_result_unix"] - started_unix
    return Sample(scenario.name, client.name, round_number, figures)


def _certificate(folder: Path) -> dict[str, str]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / _AUTHORITY)
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    return {"certificate": str(folder / "server.pem"), "key": str(folder / "server.pem")}


def _figures(before: processes.Cost, after: processes.Cost, ended: dict[str, Any]) -> dict[str, float]:
    wall, cpu = after.clock - before.clock, after.cpu - before.cpu
    stretch = ended["stretch"]
    tasks = stretch["tasks"]
    figures = {
        "tasks": tasks,
        "seconds": ended["seconds"],
        "tasks_per_second": tasks / ended["seconds"],
        "cpu_percent": cpu / wall * 100,
        "polls_per_second": stretch["polls"] / ended["seconds"],
        "most_connections": ended["most_connections"],
    }
    if tasks:
        figures["cpu_micros_per_task"] = cpu / tasks * 1e6
        figures["switches_per_task"] = (after.switches - before.switches) / tasks
        figures["requests_per_task"] = stretch["requests"] / tasks
    latencies = ended["latencies"]
    for name in ("p50", "p90", "p99", "p999", "max"):
        if latencies["completed_micros"]:
            figures[f"latency_{name}"] = latencies["completed_micros"][name]
    for name in ("first", "last", "last_50"):
        if latencies.get("burst_micros") and latencies["burst_micros"][name] is not None:
            figures[f"burst_{name}"] = latencies["burst_micros"][name]
    return figures


def _check(client: Client, ended: dict[str, Any], errors: str) -> None:
    problems = {name: ended["whole_run"][name] for name in _VIOLATIONS if ended["whole_run"][name]}
    # The floor is killed in the middle of its work, and the SDK drops what an update-v2 brought at its stop.
    if client.program == "ours" and ended["outstanding"]:
        problems["without a result"] = ended["outstanding"]
    if problems:
        raise FailedError(f"{client.name}: {problems}\n{errors[-4_000:]}")


class _Events(Iterator[dict[str, Any]]):
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __next__(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise StopIteration
        event: dict[str, Any] = json.loads(line)
        return event

    def close_stdin(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()


@contextmanager
def _server(options: dict[str, Any]) -> Iterator[_Events]:
    command = [str(PROGRAMS / "conductor-bench-server"), json.dumps(options)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        processes.pin(process.pid, SERVER_CORE)
        yield _Events(process)


def _until(events: _Events, name: str) -> dict[str, Any]:
    for event in events:
        if event["event"] == name:
            return event
        if event["event"] == "ended":
            break
    raise EOFError(f"the server ended before it was {name}")


@contextmanager
def _client(client: Client, url: str, errors: IO[str], folder: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONDUCTOR_")}
    if url.startswith("https:"):
        environment["SSL_CERT_FILE"] = f"{folder}/{_AUTHORITY}"
    process = subprocess.Popen(
        _command(client, url),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        env=environment,
        start_new_session=True,
        # Before it starts: Go and the JVM look once how many cores they have.
        preexec_fn=lambda: processes.pin(0, CLIENT_CORE),
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        # The SDK's worker processes can outlive their handler.
        bench_tree.kill(process.pid)


def _pss(process: subprocess.Popen[bytes]) -> float:
    return bench_tree.pss_mebibytes(bench_tree.members(process.pid))


def _command(client: Client, url: str) -> list[str]:
    if client.program == "floor":
        return [str(PROGRAMS / "conductor-bench-floor"), url, str(client.slots)]
    if client.program in PEERS:
        return [*command_of(client.program), url, *client.arguments]
    program = [sys.executable, "-m", f"benches.compare.{client.program}", url]
    return [*program, client.function, str(client.slots), str(client.task_types), *client.arguments]


def _bare(client: Client, seconds: float) -> dict[str, float]:
    command = [sys.executable, "-m", "benches.compare.bare", client.function, str(client.slots), str(seconds)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        processes.pin(process.pid, CLIENT_CORE)
        output, _ = process.communicate()
    return {"tasks_per_second": int(output) / seconds}
