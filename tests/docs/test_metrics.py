"""The tables of metrics: docs/metrics.md names what is told, and README.md what a demo shows."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conductor_fast import MetricsSettings, WorkerHost, provide_metrics
from conductor_fast.testing import DevServer
from tests.docs.blocks import ROOT
from tests.support.scraping import families, get

PROGRAM = str(Path(sys.executable).with_name("conductor-fast"))
SUFFIXES = ("", "_bucket", "_sum", "_count")


def rows(page: Path, table: str) -> list[list[str]]:
    """The cells of the table between the marks of that name, without its heading."""
    text = page.read_text().split(f"<!-- {table} -->", 1)[1].split(f"<!-- /{table} -->", 1)[0]
    lines = re.findall(r"^\| (`.*) \|$", text, re.MULTILINE)
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)] for line in lines]


@pytest.mark.parametrize("catalogue", ["canonical", "legacy", "go"])
def test_each_series_has_the_labels_of_its_row(catalogue: str, server: DevServer, host: WorkerHost) -> None:
    """That the page lists every name is tested in rust/core/src/observe/catalogue.rs."""
    labels: dict[str, set[str]] = {}
    for name, kind, names, of, _meaning in rows(ROOT / "docs" / "metrics.md", "series"):
        if of == "all" or catalogue in of.split(", "):
            for suffix in SUFFIXES if kind == "histogram" else [""]:
                labels[name.strip("`") + suffix] = {each for each in names.split(", ") if each}

    def reciprocal(number: int) -> float:
        return 1 / number

    host.start_worker("docs_metrics", reciprocal)
    for number in (0, 1):
        server.push("docs_metrics", {"number": number})
    assert server.wait_for(2, "docs_metrics")
    with provide_metrics(MetricsSettings(http_port=0, catalogue=catalogue)) as metrics:  # type: ignore[arg-type]
        told = families(get(metrics.url)[1])
    assert len(told) > 10
    for family in told:
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == labels[sample.name], sample.name


def test_the_shown_commands_show_each_series_of_a_running_demo() -> None:
    demo = [PROGRAM, "demo", "--tasks", "500", "--metrics-port", "0"]
    with subprocess.Popen(demo, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            said = next(line for line in process.stdout if line.startswith("Metrics are at "))
            status, text = get(said.split()[3])
            assert status == 200
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    table = rows(ROOT / "README.md", "metrics")
    assert len(table) == 7, "those of the guide"
    for name, labels, _meaning, command in table:
        pattern = command.strip("`").removeprefix(r"curl -s localhost:2112/metrics \| grep ^")
        shown = re.findall(rf"^{pattern}{{(.*)}} \S+$", text, re.MULTILINE)
        assert pattern == name.strip("`")
        assert shown, name
        assert {re.sub(r'=".*?"', "", each) for each in shown} == {labels.replace(", ", ",")}
