"""What the benchmarks say of their samples. That they measure at all is shown by running them: CI does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("psutil", reason="only the development environment has what benchmarks need")

from benches.compare import cases, machine, measure, peers
from benches.compare.measure import Sample
from benches.compare.report import Results, Spread, short_cell, text
from benches.compare.scenarios import Client, Scenario
from benches.instructions import __main__ as instructions
from benches.report import __main__ as report_program
from benches.report import page, plots, ratios, tables
from benches.report.store import Problem, Report
from benches.zero_change import servers
from tests.server.installation import NotInstalledError

ROOT = Path(__file__).parents[1]
FACTS = {
    "date": "2026-11-25 19:24 UTC", "CPU": "<CPU>, 2 cores", "kernel": "Linux", "Python": "CPython 3.13.0",
    "load": "0.1 before the first round", "conductor-python": "2.0.0", "conductor-fast": "0.1.0, commit abc",
}  # fmt: skip
OURS, AGAIN, GO = "conductor_fast, 10 threads", "conductor_fast, 10 threads, again", "Go SDK, batch 100"


def _samples(client: str, *cpu_micros: float) -> list[Sample]:
    return [
        Sample(
            "capacity",
            client,
            number,
            {"cpu_micros_per_task": cpu, "tasks_per_second": 1e6 / cpu, "pss_mib": 30.0},
        )
        for number, cpu in enumerate(cpu_micros, 1)
    ]


@pytest.fixture
def report() -> Report:
    samples = [
        *_samples("floor", 5.0, 10.0, 8.0),
        *_samples(OURS, 10.0, 16.0, 12.0),
        *_samples(AGAIN, 10.0, 20.0, 12.5),
        *_samples("conductor-python, 10 threads", 700.0),
        *_samples(GO, 60.0, 84.0, 90.0),
    ]
    report = Report(FACTS, {"capacity": FACTS})
    for sample in samples:
        report.add(sample)
    return report


@pytest.fixture
def published(report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which `publish` writes."""
    (tmp_path / "README.md").write_text(
        "before\n<!-- bench -->\nolder\n<!-- /bench -->\n<!-- figures -->\nolder\n<!-- /figures -->\n"
        "after\n<!-- applications -->\nkept\n<!-- /applications -->\n"
    )
    monkeypatch.setattr(page, "README", tmp_path / "README.md")
    monkeypatch.setattr(page, "DOCS", tmp_path / "docs")
    page.publish(report, tmp_path / "docs")
    return tmp_path


def test_figures_are_medians_and_the_floor_is_that_of_the_same_round(report: Report) -> None:
    results = Results(report.facts, report.samples)
    assert results.spread("capacity", OURS, "cpu_micros_per_task") == Spread(12.0, 10.0, 16.0)
    assert results.values("capacity", OURS, "cpu_per_floor") == [2.0, 1.6, 1.5]
    assert short_cell(results, "capacity", "conductor-python, 10 threads", "latency_p50") == ""
    printed = text(results)
    assert "12.0 (10.0 to 16.0)" in printed
    assert "differs by 4.0% (one round: 20.0%)" in printed


def test_pictures_are_svg_and_name_every_client_once(report: Report) -> None:
    drawn = plots.pictures(report.results())
    assert sorted(drawn) == ["cost", "cpu", "memory", "throughput"]
    words = [element.text for element in ElementTree.fromstring(drawn["cpu"]).iter() if element.text]
    assert [words.count(name) for name in ("floor", OURS, AGAIN, GO)] == [1, 1, 0, 1]
    assert {"12.0", "84.0", "700.0"} <= set(words)
    assert plots.pictures(Results(FACTS, [])) == {}


def test_what_is_published_is_what_is_kept(report: Report, published: Path) -> None:
    readme = (published / "README.md").read_text()
    assert readme.count("older") == 1, "of bench"
    assert (readme.startswith("before\n"), "kept" in readme) == (True, True)
    assert "![CPU per task of each client](docs/report-cpu.svg)" in readme
    assert (
        "CPU per no-op task, each client at its best: 58 × less than conductor-python, 7.0 × less" in readme
    )
    kept = Report.read(published / "docs" / "report.json")
    assert kept == report
    assert (published / "docs" / "report-cpu.svg").exists()
    page.publish(report, published)
    assert (published / "README.md").read_text() == readme, "only what goes into docs/ is README's"
    told = (published / "docs" / "report.md").read_text()
    assert "| capacity | CPU µs per task | Go SDK, batch 100 | conductor_fast, 10 threads | 7.0 × |" in told
    assert "Nowhere in this run." in told


def test_a_machine_that_drifts_gives_no_ratio_and_is_told_first(report: Report, published: Path) -> None:
    assert ratios.ratios(report)
    report.samples = [sample for sample in report.samples if sample.client != AGAIN]
    report.samples += _samples(AGAIN, 13.4)
    assert ratios.ratios(report) == []
    page.publish(report, published / "docs")
    for name in ("README.md", "docs/report.md"):
        written = (published / name).read_text()
        assert written.index("**The machine drifted by 10% during `capacity`**") < written.index("![")
        assert not re.search(r"\d ×", written)
    report.samples = [sample for sample in report.samples if sample.client != AGAIN]
    assert ratios.ratios(report) == [], "without an A/A pair nobody knows"


def test_where_another_client_is_better_is_told(report: Report) -> None:
    report.samples += _samples("Rust SDK, 10 tasks", 11.0)
    assert tables.losses(report.results()) == [
        "`capacity`, tasks/s: Rust SDK, 10 tasks 90,909, ours 83,330",
        "`capacity`, CPU µs per task: Rust SDK, 10 tasks 11.0, ours 12.0",
    ]


def test_a_peer_that_fails_or_cannot_be_built_is_named_and_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third round of one fails; another has no tools here."""
    reports: list[Report] = []

    def sample(scenario: object, client: Client, number: int, *_seconds: float) -> Sample:
        if client.name == GO and number == 3:
            raise measure.FailedError("Go SDK, batch 100: {'wrong_output': 3}\nits last words")
        return Sample("capacity", client.name, number, {"cpu_micros_per_task": 10.0})

    def command_of(program: str) -> list[str]:
        if program == "java":
            raise peers.NotBuiltError("there is no mvn on this machine")
        return []

    monkeypatch.setattr(measure, "sample", sample)
    monkeypatch.setattr(report_program, "command_of", command_of)
    monkeypatch.setattr(machine, "facts", lambda: FACTS)
    monkeypatch.setattr(page, "DOCS", tmp_path)
    monkeypatch.setattr(page, "publish", lambda measured, _folder: reports.append(measured))
    monkeypatch.setattr("sys.argv", ["report", "--only", "capacity", "--rounds", "3"])
    report_program.main()
    report = reports[-1]
    measured = {sample.client for sample in report.samples}
    assert OURS in measured
    assert not any(name == GO or name.startswith("Java SDK") for name in measured)
    assert set(report.problems) == {
        Problem("capacity", GO, "failed", f"{GO}: {{'wrong_output': 3}} / its last words"),
        *(
            Problem("capacity", client.name, "not run", "there is no mvn on this machine")
            for client in (cases.JAVA, cases.JAVA_V2, cases.JAVA_README)
        ),
    }
    first = tables.first_lines(report)
    assert any(f"**{GO}: failed**" in line for line in first)
    assert not any(ratio.other in (GO, cases.JAVA.name) for ratio in ratios.ratios(report))


def test_bench_keeps_its_samples_and_the_readme_is_drawn_from_them(
    published: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sick, asked = {cases.SDK_1.name}, []
    costs = {"floor": 8.0, "ours": 12.0, "sdk": 720.0}

    def sample(scenario: Scenario, client: Client, number: int, *_seconds: float) -> Sample:
        if client.name in sick and number == 2:
            raise measure.FailedError(f"{client.name}: {{'unknown': 2}}")
        asked.append(client.program)
        return Sample(scenario.name, client.name, number, {"cpu_micros_per_task": costs[client.program]})

    def bench(*arguments: str) -> None:
        monkeypatch.setattr("sys.argv", ["report", "--bench", *arguments])
        report_program.main()

    monkeypatch.setattr(measure, "sample", sample)
    monkeypatch.setattr(machine, "facts", lambda: FACTS)
    bench("--only", "capacity")
    readme = (published / "README.md").read_text()
    assert "older" not in readme
    assert "against the floor: 1.5 × with 1 thread, 1.5 × with 10 threads" in readme
    assert "conductor-python takes, for the same: 60 × with 10 threads, 60 × with 50 threads" in readme
    assert set(asked) == {"floor", "ours", "sdk"}
    told = capsys.readouterr()
    assert told.err.count(f"{cases.SDK_1.name}: {{'unknown': 2}}") == 1
    assert "| conductor-python, 1 thread |" not in readme
    assert f"{cases.SDK_1.name}: failed" in told.out
    assert "against the floor: 1.5 × with 1 thread" in told.out

    bench("--only", "yield", "--rounds", "1")
    kept = Report.read(published / "docs" / page.KEPT_BENCH)
    assert {(each.scenario, each.round) for each in kept.samples} == {
        *(("capacity", number) for number in range(1, 6)), ("yield", 1)
    }  # fmt: skip
    told_of_yield = (
        "`await asyncio.sleep(0)`: 1.5 × with 100 coroutines, 1.5 × with 100 coroutines, plain asyncio."
    )
    assert told_of_yield in (published / "README.md").read_text()

    sick.add(cases.OURS_1.name)
    with pytest.raises(SystemExit):
        bench("--only", "capacity")


def test_a_trial_touches_nothing_that_is_kept(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def sample(scenario: Scenario, client: Client, number: int, *_seconds: float) -> Sample:
        return Sample(scenario.name, client.name, number, {"cpu_micros_per_task": 10.0})

    before = (published / "README.md").read_text()
    monkeypatch.setattr(measure, "sample", sample)
    monkeypatch.setattr(machine, "facts", lambda: FACTS)
    monkeypatch.setattr(report_program, "TRIALS", published / "trials")
    for arguments in (["--quick"], ["--client", "floor", "--only", "capacity"]):
        monkeypatch.setattr("sys.argv", ["report", "--bench", *arguments])
        report_program.main()
    assert (published / "README.md").read_text() == before
    assert not (published / "docs" / page.KEPT_BENCH).exists()
    kept = Report.read(published / "trials" / page.KEPT_BENCH)
    assert {each.client for each in kept.samples} == {"floor"}


def test_a_missing_server_is_named(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    def real_server(_store: str) -> None:
        raise NotInstalledError("there is no redis-server on this machine")

    monkeypatch.setattr(servers, "real_server", real_server)
    monkeypatch.setattr(machine, "facts", lambda: FACTS)
    report_program._server(report, servers.REDIS, 1)
    assert report.problems == [
        Problem(servers.REDIS, "whole applications", "not run", "there is no redis-server on this machine")
    ]


def test_a_missing_toolchain_is_no_crash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    for program, peer in peers.PEERS.items():
        monkeypatch.setattr(peers, "BUILT", tmp_path / "built")
        with pytest.raises(peers.NotBuiltError, match=r"no |needs Java"):
            peer.build()
        assert program in ("go", "java", "rust", "javascript")


def test_a_part_that_is_measured_anew_replaces_the_older_one(report: Report) -> None:
    report.fail("capacity", GO, "failed", "why")
    report.samples.append(Sample("latency", OURS, 1, {"latency_p50": 400.0}))
    report.start_part("capacity", FACTS | {"conductor-fast": "0.1.0, commit def"})
    assert [sample.scenario for sample in report.samples] == ["latency"]
    assert (report.problems, report.parts["capacity"]["conductor-fast"]) == ([], "0.1.0, commit def")


def test_every_ratio_of_the_readme_is_in_what_is_kept() -> None:
    kept = [json.loads((page.DOCS / name).read_text()) for name in (page.KEPT, page.KEPT_BENCH)]
    shown = {ratio["shown"] for each in kept for ratio in each["ratios"]}
    in_readme = set(re.findall(r"\d[\d.,]* ×", (ROOT / "README.md").read_text()))
    assert in_readme <= shown


@pytest.mark.parametrize("name", [page.KEPT, page.KEPT_BENCH])
def test_the_kept_ratios_follow_from_the_kept_samples(name: str) -> None:
    kept = page.DOCS / name
    assert json.loads(kept.read_text())["ratios"] == ratios.as_json(Report.read(kept))


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
