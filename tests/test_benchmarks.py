"""What `make bench` says of its samples. That it measures at all is shown by running it: CI does."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("psutil", reason="only the development environment has what benchmarks need")

from benches.compare import publish
from benches.compare.measure import Sample
from benches.compare.picture import svg
from benches.compare.report import Results, Spread, short_cell, text
from benches.instructions import __main__ as instructions

FACTS = {
    "date": "2026-11-25 19:24 UTC", "CPU": "<CPU>, 2 cores", "kernel": "Linux", "Python": "CPython 3.13.0",
    "load": "0.1 before the first round", "conductor-python": "2.0.0", "conductor-fast": "0.1.0, commit abc",
}  # fmt: skip


def _samples(client: str, *cpu_micros: float) -> list[Sample]:
    return [
        Sample("capacity", client, number, {"cpu_micros_per_task": cpu, "tasks_per_second": 1e6 / cpu})
        for number, cpu in enumerate(cpu_micros, 1)
    ]


@pytest.fixture
def results(tmp_path: Path) -> Results:
    samples = [
        *_samples("floor", 5.0, 10.0, 8.0),
        *_samples("conductor_fast, 10 threads", 10.0, 16.0, 12.0),
        *_samples("conductor_fast, 10 threads, again", 10.0, 20.0, 15.0),
        *_samples("conductor-python, 10 threads", 700.0),
    ]
    Results(FACTS, samples).write(tmp_path / "kept.json")
    return Results.read(tmp_path / "kept.json")


def test_figures_are_medians_and_the_floor_is_that_of_the_same_round(results: Results) -> None:
    assert results.spread("capacity", "conductor_fast, 10 threads", "cpu_micros_per_task") == Spread(
        12.0, 10.0, 16.0
    )
    assert results.values("capacity", "conductor_fast, 10 threads", "cpu_per_floor") == [2.0, 1.6, 1.5]
    assert short_cell(results, "capacity", "conductor-python, 10 threads", "latency_p50") == ""
    printed = text(results)
    assert "12.0 (10.0 to 16.0)" in printed
    assert "With 10 threads: 58 × less CPU" in printed
    assert "differs by 20.0% (one round: 20.0%)" in printed


def test_the_picture_is_svg_and_names_every_client_once_a_panel(results: Results) -> None:
    words = [element.text for element in ElementTree.fromstring(svg(results)).iter() if element.text]
    assert words.count("floor") == words.count("conductor_fast, 10 threads") == 2
    assert "conductor_fast, 10 threads, again" not in words
    assert {"12.0", "83,333", "700.0"} <= set(words)
    with pytest.raises(ValueError, match="capacity"):
        svg(Results(FACTS, []))


def test_published_figures_replace_the_older_ones(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- figures -->\nolder\n<!-- /figures -->\nafter\n")
    monkeypatch.setattr(publish, "ROOT", tmp_path)
    monkeypatch.setattr(publish, "README", readme)
    monkeypatch.setattr(publish, "DETAILS", readme)
    monkeypatch.setattr("sys.argv", ["publish", str(tmp_path / "kept.json")])
    (tmp_path / "docs").mkdir()
    publish.main()
    written = readme.read_text()
    assert "older" not in written
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "| conductor_fast, 10 threads | 83,333" in written
    assert (tmp_path / publish.PICTURE).exists()


@pytest.mark.parametrize(
    ("counted", "failure"),
    [({"split": 103, "write": 10}, None), ({"split": 104, "write": 10}, "split"), ({"new": 1}, "1")],
)
def test_the_gate_refuses_what_is_dearer_and_what_has_no_baseline(
    counted: dict[str, int], failure: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    baselines = tmp_path / "baselines.json"
    baselines.write_text(json.dumps({"this build": {"split": 100, "write": 10}}))
    monkeypatch.setattr(instructions, "BASELINES", baselines)
    monkeypatch.setattr(instructions, "_build", lambda: "this build")
    monkeypatch.setattr(instructions, "_count", lambda: counted)
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/valgrind")
    monkeypatch.setenv(instructions.REQUIRED, "1")
    monkeypatch.setattr("sys.argv", ["instructions"])
    if failure is None:
        instructions.main()
    else:
        with pytest.raises(SystemExit, match=failure):
            instructions.main()
    monkeypatch.setattr("sys.argv", ["instructions", "--bless"])
    instructions.main()
    assert json.loads(baselines.read_text()) == {"this build": counted}
