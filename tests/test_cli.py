"""`conductor-fast` as a user runs it: real processes, their output and exit codes."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conductor_fast import ApiException, AuthenticationSettings, Configuration, TaskClient

PROGRAM = str(Path(sys.executable).with_name("conductor-fast"))


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)


@contextmanager
def _dev_server(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [PROGRAM, "dev", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            match = re.fullmatch(r"listening on (http://\S+)\n", process.stdout.readline())
            assert match
            yield process, match.group(1)
        finally:
            process.kill()


def _ask(url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(url, data, timeout=10) as response:
        return json.load(response)


def test_help_names_commands_and_exit_codes() -> None:
    done = _run(PROGRAM, "--help")
    assert done.returncode == 0
    for text in ("demo ", "dev ", "0  all went well", "1  it failed", "2  wrong usage", "3  the server"):
        assert text in done.stdout


def test_help_imports_neither_rich_nor_the_extension() -> None:
    script = (
        "import sys; from conductor_fast.cli.main import main; main(['--help'], standalone_mode=False);"
        "print([name for name in ('rich', 'conductor_fast._core') if name in sys.modules])"
    )
    assert _run(sys.executable, "-c", script).stdout.endswith("[]\n")


def test_version_is_of_package_core_and_interpreter() -> None:
    done = _run(PROGRAM, "--version")
    assert done.returncode == 0
    assert re.fullmatch(r"conductor-fast (\S+), core \1, CPython 3\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize("arguments", [["no-such-command"], ["demo", "--tasks", "0"], ["dev", "--port", "x"]])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    done = _run(PROGRAM, *arguments)
    assert done.returncode == 2
    assert "Usage: conductor-fast" in done.stderr


def test_demo_runs_every_sample_and_ends_by_itself() -> None:
    done = _run(PROGRAM, "demo", "--tasks", "2000")
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("greet", "invoice", "deliver", "export", "charge"):
        assert re.search(rf"^  ok  {name} ", done.stdout, re.MULTILINE)
    assert re.search(r"add +\S +2,000 +\S +0 +\S +[\d,]+ +\S +[\d.]+ µs", done.stdout)
    assert "Each of the 2,008 tasks ended as it must" in done.stdout


def test_demo_shows_its_workers_live_on_a_terminal() -> None:
    ours, its = pty.openpty()
    with subprocess.Popen([PROGRAM, "demo", "--tasks", "20000"], stdout=its, stderr=its) as process:
        os.close(its)
        shown = b""
        with contextlib.suppress(OSError):  # its end
            while chunk := os.read(ours, 65_536):
                shown += chunk
        os.close(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert process.returncode == 0, text
    assert "slots in use" in text
    assert re.search(r"add\W+running\W+\d+ of 10\W+[\d,]+\W+0\W+\d+\.\d s ago", text), text
    assert "Each of the" in text


def test_demo_names_the_first_wrong_answer_and_exits_with_1() -> None:
    script = (
        "from conductor_fast.cli import main, samples;"
        "samples.add = lambda a, b: {'sum': a + b + (a == 7)};"
        "main.main(['demo', '--tasks', '1000'])"
    )
    done = _run(sys.executable, "-c", script)
    assert done.returncode == 1
    assert re.search(r"add \{'a': 7, 'b': 49\}.*expected .*'sum': 56.*got .*'sum': 57", done.stderr)
    assert "ended as it must" not in done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_dev_serves_until_it_is_stopped(number: signal.Signals) -> None:
    with _dev_server("--port", "0") as (process, url):
        (task_id,) = _ask(
            f"{url.removesuffix('/api')}/dev/push", {"taskType": "greet", "inputData": {"name": "Ada"}}
        )
        assert _ask(f"{url}/tasks/{task_id}")["inputData"] == {"name": "Ada"}
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stdout is not None
        rest = process.stdout.read()
        assert url in rest
        assert "/dev/push" in rest


def test_dev_on_a_taken_port_says_so_and_exits_with_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _run(PROGRAM, "dev", "--port", str(port))
    assert done.returncode == 1
    assert re.fullmatch(
        rf"Error: cannot listen on 127\.0\.0\.1:{port}: .*; choose another with --port.*\n", done.stderr
    )
    assert done.stdout == ""


def test_dev_on_a_bad_host_says_so_and_exits_with_1() -> None:
    done = _run(PROGRAM, "dev", "--host", "nowhere")
    assert done.returncode == 1
    assert "is not an IP address" in done.stderr


def test_dev_lets_requests_fail_as_told() -> None:
    with _dev_server("--port", "0", "--fault", "503 of=polls type=greet") as (_process, url):
        with pytest.raises(urllib.error.HTTPError, match="503") as refused:
            _ask(f"{url}/tasks/poll/batch/greet")
        refused.value.close()
        assert _ask(f"{url}/tasks/poll/batch/other") == []
    done = _run(PROGRAM, "dev", "--port", "0", "--fault", "503 off=polls")
    assert done.returncode == 2
    assert 'there is no "off"; known are' in done.stderr
    done = _run(PROGRAM, "dev", "--list-faults")
    assert done.returncode == 0
    assert "drip-millis=NUMBER" in done.stdout


def test_dev_asks_for_tokens_when_it_has_a_key() -> None:
    with _dev_server("--port", "0", "--auth-key", "key", "--auth-secret", "secret") as (_process, url):
        with TaskClient(url) as client, pytest.raises(ApiException, match="CONDUCTOR_AUTH_KEY"):
            client.get_task("x")
        keys = AuthenticationSettings("key", "secret")
        configuration = Configuration(server_api_url=url, authentication_settings=keys)
        with TaskClient(configuration) as client, pytest.raises(ApiException, match=r"^404: Task not found"):
            client.get_task("x")
    done = _run(PROGRAM, "dev", "--auth-key", "key")
    assert done.returncode == 2
    assert "--auth-key and --auth-secret are needed together" in done.stderr
