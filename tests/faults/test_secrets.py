"""Row 28: secrets, inputs and outputs through every fault, at DEBUG."""

from __future__ import annotations

import re
import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path

from conductor_fast.testing import DevServer
from tests.faults.conftest import StartWorker
from tests.support.waiting import wait_until

FAULTS = (
    "expired-token",
    "html",
    "404 of=polls",
    "400 of=updates",
    "503 retry-after=1",
    "cut=700",
    "cut-reset=700",
    "garbage",
    "length-off=9",
    "reset",
    "close-after",
    "again of=polls",
    "deep=500 of=polls",
)


PAGES = ("metrics", "readyz", "livez", "workers.json", "")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _get(port: int, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as answer:
            body: bytes = answer.read()
    except urllib.error.HTTPError as refusal:
        body = refusal.read()
    return body.decode()


def test_no_secret_and_no_payload_is_shown_whatever_fails(start_worker: StartWorker) -> None:
    key, secret, value = "canary-key-1", "canary-secret-2", "canary-value-3"
    with DevServer(auth=(key, secret)) as server:
        port = _free_port()
        worker = start_worker(server, secret, key=key, threads=4, metrics_port=port)
        served = ""
        for number, fault in enumerate(FAULTS):
            server.add_fault(f"{fault} count=2 path=/api/tasks")
            given = {"value": value, "fails": number % 2 == 1}
            server.push("work", given, retry_count=0, response_timeout_seconds=1)
            assert server.wait_for(number + 1, "work", timeout=20), fault
            served += "".join(_get(port, path) for path in PAGES)
        server.clear_faults()
        wait_until(lambda: "Configuration" in worker.output(), "the configuration's repr", 10)
        process = Path(f"/proc/{worker.pid}")
        shown = worker.output() + (process / "cmdline").read_text() + (process / "environ").read_text()
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(20) == 0
        shown += worker.output() + served
        token_answers = [line for line in server.transcript() if line["path"] == "/api/token"]
    assert token_answers
    assert "task_poll_total" in served
    assert '"workers"' in served
    assert "Traceback" in shown, "so were the tracebacks of functions and calls"
    assert "polling for" in shown, "it told of trouble"
    assert re.findall(r"\b[0-9a-f]{32}\b", shown) == [], "the dev server's tokens look so"
    for canary in (secret, value, "Bearer"):
        assert canary not in shown
    # The key names who calls; it is an argument of this test's own program, and shown nowhere else.
    assert worker.output().count(key) == 0
