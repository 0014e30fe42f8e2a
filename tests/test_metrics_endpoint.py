"""The port at which a process tells of its workers."""

from __future__ import annotations

import http.client
import re
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from conductor_fast import ConfigurationError, MetricsEndpoint, MetricsSettings, WorkerHost, provide_metrics
from conductor_fast.testing import DevServer
from tests.support.scraping import get, scrape, shown_workers, value
from tests.support.waiting import wait_until


@pytest.fixture
def metrics() -> Iterator[MetricsEndpoint]:
    with provide_metrics(MetricsSettings(http_port=0)) as metrics:
        yield metrics


def nothing() -> None:
    pass


def base(metrics: MetricsEndpoint) -> str:
    return metrics.url.removesuffix("/metrics")


def test_a_taken_port_is_an_error_that_names_it(server: DevServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        problem = f"http_port: cannot listen on port {port} of 127.0.0.1 .* give another http_port"
        with pytest.raises(ConfigurationError, match=problem):
            provide_metrics(MetricsSettings(http_port=port))
        host = WorkerHost(server.url, metrics_settings=MetricsSettings(http_port=port))
        with pytest.raises(ConfigurationError, match=problem):
            host.start_worker("endpoint_taken", nothing)
    with host:
        host.start_worker("endpoint_taken", nothing)
        assert get(f"http://127.0.0.1:{port}/health") == (200, "OK")


def test_one_port_is_shared_within_a_process(server: DevServer, metrics: MetricsEndpoint) -> None:
    port = int(base(metrics).rpartition(":")[2])
    settings = MetricsSettings(http_port=port, catalogue="go")
    with WorkerHost(server.url, metrics_settings=settings) as host:
        host.start()
        with pytest.raises(ConfigurationError, match=f"http_port: {port} tells the go catalogue already"):
            provide_metrics(MetricsSettings(http_port=port, catalogue="legacy"))
        metrics.close()
        metrics.close()
        assert get(metrics.url)[0] == 200
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", port).connect()


def test_what_is_asked_for_wrongly(metrics: MetricsEndpoint) -> None:
    assert get(f"{metrics.url}?catalogue=golang")[0] == 400
    assert get(base(metrics) + "/nothing")[0] == 404
    assert get(metrics.url, Host="page.example:80")[0] == 403
    address = base(metrics).removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("POST", "/metrics")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    answer.read()
    connection.request("HEAD", "/metrics")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    connection.request("GET", "/metrics", headers={"X-Long": "x" * 10_000})
    assert connection.getresponse().status == 431


def test_other_machines_are_answered_only_on_request(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CONDUCTOR_FAST_METRICS_HOST", "0.0.0.0")
    with caplog.at_level("INFO"), provide_metrics(MetricsSettings(http_port=0)) as metrics:
        assert re.fullmatch(r"http://0\.0\.0\.0:\d+/metrics", metrics.url)
        assert get(metrics.url, Host="worker-7.cluster.example")[0] == 200
    assert f"metrics (go) at {metrics.url}" in caplog.text


def test_probes_follow_the_host(server: DevServer, metrics: MetricsEndpoint) -> None:
    server.add_fault({"path": "/api/tasks/poll", "answer": {"status": 503, "body": ""}})
    with WorkerHost(server.url) as host:
        host.start_worker("endpoint_probes", nothing)
        wait_until(
            lambda: get(base(metrics) + "/readyz") == (503, 'worker "endpoint_probes": its polls fail'),
            "failing",
            10,
        )
        assert get(base(metrics) + "/livez") == (200, "OK"), (
            "a server that is down is no reason for a restart"
        )
        server.clear_faults()
        wait_until(lambda: get(base(metrics) + "/readyz") == (200, "OK"), "a poll that is answered", 10)
        host.pause("endpoint_probes")
        assert get(base(metrics) + "/readyz") == (200, "OK")
        host.runtime.stop_polling()
        assert get(base(metrics) + "/readyz") == (503, "draining: no new task is taken")
        assert shown_workers(metrics.url)["state"] == "draining"
    assert get(base(metrics) + "/readyz")[0] == 503
    assert get(base(metrics) + "/livez") == (200, "OK")


def test_the_page_asks_nobody_else(metrics: MetricsEndpoint) -> None:
    status, page = get(base(metrics) + "/")
    assert status == 200
    assert "workers.json" in page
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", page)


HOLDS_THE_GIL = """
import ctypes, sys
from conductor_fast import MetricsSettings, WorkerHost
usleep = ctypes.PyDLL(None).usleep  # of PyDLL: it keeps the GIL
settings = MetricsSettings(http_port=int(sys.argv[2]), catalogue="canonical")
with WorkerHost(sys.argv[1], metrics_settings=settings) as host:
    host.start_worker("endpoint_gil", lambda: {"slept": usleep(3_000_000)})
    sys.stdin.read()
"""


def test_it_answers_while_a_function_holds_the_gil(server: DevServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/metrics"
    program = [sys.executable, "-c", HOLDS_THE_GIL, server.url, str(port)]
    with subprocess.Popen(program, stdin=subprocess.PIPE) as process:
        try:
            wait_until(lambda: connects(port), "the port", 20)
            task = server.push("endpoint_gil")
            name = {"taskType": "endpoint_gil"}
            wait_until(lambda: value(scrape(url), "active_workers", **name) == 1, "the function's start", 10)
            for _ in range(20):
                assert value(scrape(url), "active_workers", **name) == 1
                assert shown_workers(url)["workers"][0]["slots_in_use"] == 1
                assert get(url.replace("metrics", "livez")) == (200, "OK")
            assert server.task(task)["status"] == "IN_PROGRESS", "all were answered before the function's end"
        finally:
            process.communicate(timeout=20)
    assert server.task(task)["status"] == "COMPLETED"


def connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
