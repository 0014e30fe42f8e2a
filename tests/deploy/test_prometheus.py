"""The alert rules and the dashboard, as Prometheus reads them."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conductor_fast import AuthenticationSettings, Configuration, MetricsSettings, WorkerHost, provide_metrics
from conductor_fast.testing import DevServer
from tests.support.debian import needed
from tests.support.scraping import get
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
CONFIGURATION = RULES.with_name("prometheus.yaml")
DASHBOARD = ROOT / "deploy" / "grafana" / "conductor-fast.json"
TASKS = 24


def alerts() -> set[str]:
    return set(re.findall(r"- alert: (\w+)", RULES.read_text()))


def asked() -> list[str]:
    """What the dashboard asks for, with a value for each of its variables."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    return [
        re.sub(r"\$(instance|taskType)", ".*", expression.replace("$__rate_interval", "5s"))
        for expression in expressions
    ]


def names(text: str) -> set[str]:
    """Of the metrics in it, without what a histogram's series add."""
    named = re.findall(r"\b(?:conductor_fast|task|http_api_client|active)_\w+", text)
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in named}


def promtool(*arguments: str, folder: Path) -> None:
    command = [needed("promtool", "prometheus"), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_rules_and_configuration() -> None:
    promtool("check", "rules", RULES.name, folder=RULES.parent)
    promtool("check", "config", CONFIGURATION.name, folder=RULES.parent)


def test_the_rules_fire_when_they_should(tmp_path: Path) -> None:
    """In full length, on series that are written down."""
    for file in (RULES, Path(__file__).with_name("alerts_test.yaml")):
        shutil.copy(file, tmp_path)
    promtool("test", "rules", "alerts_test.yaml", folder=tmp_path)
    tested = set(re.findall(r"alertname: (\w+)", (tmp_path / "alerts_test.yaml").read_text()))
    assert tested == alerts()


def outage(number: int, seconds: float) -> dict[str, int]:
    time.sleep(seconds)
    if not number:
        raise ValueError(number)
    return {"number": number}


class Prometheus:
    """Prometheus itself with a rule file, and a worker's port as its only target."""

    def __init__(self, folder: Path, program: str, target: str, rules: str) -> None:
        (folder / "alerts.yaml").write_text(rules)
        text = CONFIGURATION.read_text().replace("127.0.0.1:2112", target)
        text = text.replace("scrape_interval: 15s", "scrape_interval: 500ms\n    scrape_timeout: 500ms")
        (folder / "prometheus.yaml").write_text(f"global: {{ evaluation_interval: 500ms }}\n{text}")
        options = ["--config.file=prometheus.yaml", "--storage.tsdb.path=data"]
        self._log = folder / "log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [program, *options, "--web.listen-address=127.0.0.1:0"], cwd=folder, stderr=log
            )
        try:
            self._url = wait_until(self._listens, "Prometheus", 30)
        except BaseException:
            self.stop()
            raise

    def _listens(self) -> str | None:
        assert self._process.poll() is None, self._log.read_text()
        found = re.search(r"Listening on\" address=(127\.0\.0\.1:[1-9]\d*)", self._log.read_text())
        return found and f"http://{found[1]}/api/v1"

    def _get(self, path: str) -> Any:
        status, text = get(f"{self._url}/{path}")
        return json.loads(text)["data"] if status == 200 else {}

    def query(self, expression: str) -> list[Any]:
        result: list[Any] = self._get(f"query?query={urllib.parse.quote(expression)}").get("result", [])
        return result

    def firing(self) -> set[str]:
        return {
            alert["labels"]["alertname"]
            for alert in self._get("alerts").get("alerts", [])
            if alert["state"] == "firing"
        }

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture
def server() -> Iterator[DevServer]:
    with DevServer(auth=("key", "secret")) as server:
        yield server


def test_an_outage_fires_every_alert_and_feeds_every_panel(server: DevServer, tmp_path: Path) -> None:
    """A minute of the rules is a second here. The server gives no tokens any more while functions run."""
    program = needed("prometheus", "prometheus")
    rules = re.sub(r"\b(\d+)m\b", r"\1s", RULES.read_text())
    rules = re.sub(
        r"((?:age_seconds|5s\]\)\)\)) (?:<=|>)) (\d+)", lambda of: f"{of[1]} {int(of[2]) / 60}", rules
    )
    assert len(re.findall(r"(?:<=|>) \d\.\d", rules)) == 3, "thresholds that are times"
    settings = AuthenticationSettings(key_id="key", key_secret="secret")
    spool = tmp_path / "spool"
    spool.mkdir()
    configuration = Configuration(
        server_api_url=server.url, authentication_settings=settings, spool_dir=str(spool)
    )
    refusal = {"method": "POST", "path": "/api/tasks", "count": 1, "answer": {"status": 400, "body": "{}"}}
    with (
        provide_metrics(MetricsSettings(http_port=0)) as metrics,
        WorkerHost(configuration) as host,
    ):
        # A poll that is held would look like an outage at this speed.
        host.start_worker("deploy_outage", outage, TASKS + 1, poll_interval=0.1, poll_timeout=50)
        prometheus = Prometheus(tmp_path, program, metrics.url.split("/")[2], rules)
        try:
            wait_until(lambda: prometheus.query("rate(task_poll_total[5s]) > 0"), "scraped polls", 20)
            assert prometheus.firing() == set()
            server.add_fault(refusal)
            for number in range(TASKS):
                server.push("deploy_outage", {"number": number, "seconds": 1 + number / 3})
            wait_until(lambda: server.count("deploy_outage", "SCHEDULED") == 0, "the functions", 10)
            server.add_fault({"path": "/api/token", "answer": {"status": 500, "body": "{}"}})
            server.expire_tokens()
            fired: set[str] = set()
            # What is on disk is counted each 5 s, which are minutes here.
            expected = alerts() - {"ConductorSpoolGrowing"}

            def all_fired() -> bool:
                fired.update(prometheus.firing())
                return fired >= expected

            # Its own message could not tell what is missing; the assertion does.
            with contextlib.suppress(AssertionError):
                wait_until(all_fired, "every alert", 30)
            assert expected - fired == set()
            assert [expression for expression in asked() if not prometheus.query(expression)] == []
            server.clear_faults()
            wait_until(lambda: "ConductorWorkerNoPolls" not in prometheus.firing(), "polls again", 20)
            told = names(get(f"{metrics.url}?catalogue=canonical")[1])
            assert names(RULES.read_text() + DASHBOARD.read_text()) - told == set()
            assert server.wait_for(TASKS, "deploy_outage", timeout=20)
        finally:
            prometheus.stop()
