"""docs/report.md and README.md's section, from what is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from benches.compare.cases import FLOOR
from benches.compare.machine import ROOT
from benches.report import plots, ratios, tables
from benches.report.store import Report
from benches.zero_change import report as applications
from benches.zero_change.servers import REDIS, SQLITE

DOCS = ROOT / "docs"
README = ROOT / "README.md"
KEPT, PAGE = "report.json", "report.md"
KEPT_BENCH, BENCH_PICTURE = "bench.json", "bench.svg"
FINDINGS = Path(__file__).with_name("findings.md")
_README_SCENARIOS = ("capacity", "latency", "latency_gathered")


def publish(report: Report, folder: Path) -> None:
    """Writes JSON, page and pictures; in docs/ README's section, too."""
    report.write(folder / KEPT, ratios.as_json(report))
    drawn = plots.pictures(report.results())
    for name, picture in drawn.items():
        (folder / _picture(name)).write_text(picture)
    (folder / PAGE).write_text("\n\n".join(_page(report, list(drawn))) + "\n")
    if folder != DOCS:
        return
    content = README.read_text()
    content = _replace(content, "figures", "\n\n".join(_readme(report, list(drawn))))
    if report.applications:
        content = _replace(content, "applications", "\n\n".join(_readme_applications(report)))
    README.write_text(content)


def publish_bench(report: Report, folder: Path) -> None:
    """Writes JSON and picture of `make bench`; in docs/ README's section, too."""
    report.write(folder / KEPT_BENCH, ratios.as_json(report))
    picture = plots.bench(report.results())
    if picture:
        (folder / BENCH_PICTURE).write_text(picture)
    if folder == DOCS:
        content = _replace(README.read_text(), "bench", "\n\n".join(_readme_bench(report, bool(picture))))
        README.write_text(content)


def _page(report: Report, drawn: list[str]) -> Iterator[str]:
    results = report.results()
    yield "# The report"
    yield "Written by `make report`; the samples are in [report.json](report.json)."
    troubles = tables.first_lines(report)
    if troubles:
        yield "\n".join(f"* {line}" for line in troubles)
    yield tables.measured_on(report, "make report")
    yield (
        "A client has one core, the server the other. CPU is that of all processes of a client, PSS their "
        "memory. Each SDK runs the same no-op function at the settings that suit it best and at its defaults "
        "([benches/README.md](../benches/README.md) has them). The **floor** is a bare Rust client without "
        "JSON, retry or function."
    )
    for name in drawn:
        yield f"![{name}]({_picture(name)})"
    yield "## Ratios"
    yield "\n".join(tables.ratio_table(report))
    for scenario, _ in results.shown():
        yield f"## {scenario.title}"
        yield tables.table(results, scenario, short=False)
    if report.applications:
        yield "## Whole applications"
        yield (
            "Ten no-op workers of 10 threads: an unmodified program of conductor-python, the same under "
            "`conductor-fast accelerate`, and one written for this package. On the real server it is the "
            "server that limits tasks/s, whoever works; a workflow of ten tasks counts ten."
        )
        yield from tables.application_tables(report)
    yield "## Where it does not win"
    lost = tables.losses(results)
    yield "\n".join(f"* {line}" for line in lost) if lost else "Nowhere in this run."
    yield FINDINGS.read_text().strip()


def _readme(report: Report, drawn: list[str]) -> Iterator[str]:
    results = report.results()
    troubles = tables.first_lines(report)
    if troubles:
        yield "\n".join(f"* {line}" for line in troubles)
    sentence = _sentence(report)
    if sentence:
        yield sentence
    if "cpu" in drawn:
        yield f"![CPU per task of each client](docs/{_picture('cpu')})"
    for scenario, _ in results.shown():
        if scenario.name in _README_SCENARIOS:
            yield tables.table(results, scenario, short=True)
    yield tables.measured_on(report, "make report")


def _readme_bench(report: Report, has_picture: bool) -> Iterator[str]:
    results = report.results()
    troubles = tables.first_lines(report)
    if troubles:
        yield "\n".join(f"* {line}" for line in troubles)
    yield from bench_sentences(report)
    if has_picture:
        yield f"![Throughput and CPU per task, and the floor](docs/{BENCH_PICTURE})"
    for scenario, _ in results.shown():
        if scenario.bench:
            yield tables.table(results, scenario, short=True)
    yield tables.measured_on(report, "make bench")


def bench_sentences(report: Report) -> Iterator[str]:
    """What a no-op task costs, by threads and coroutines, against the floor and against conductor-python."""

    def told(part: str, against_floor: bool) -> str:
        return ", ".join(
            f"{ratio.shown} with {(ratio.other if against_floor else ratio.ours).partition(', ')[2]}"
            for ratio in ratios.ratios(report)
            if (ratio.part, ratio.figure) == (part, "cpu_micros_per_task")
            and (ratio.ours == FLOOR.name) == against_floor
        )

    floor, yielding, theirs = told("capacity", True), told("yield", True), told("capacity", False)
    if floor:
        yield f"CPU per no-op task, against the floor: {floor}."
    if yielding:
        yield f"With one `await asyncio.sleep(0)`: {yielding}."
    if theirs:
        yield f"conductor-python takes, for the same: {theirs}."


def _sentence(report: Report) -> str:
    """The ratios that users ask for."""
    found = ratios.ratios(report)

    def of(part: str, figure: str, program: str) -> str | None:
        # The least: against that SDK at its best.
        values = [
            ratio
            for ratio in found
            if (ratio.part, ratio.figure) == (part, figure) and ratio.other.startswith(program)
        ]
        return min(values, key=lambda ratio: ratio.value).shown if values else None

    programs = ("conductor-python", "JavaScript SDK", "Go SDK", "Java SDK", "Rust SDK")
    told = [
        f"{shown} less than the {program}".replace("the conductor-python", "conductor-python")
        for program in programs
        if (shown := of("capacity", "cpu_micros_per_task", program))
    ]
    return f"CPU per no-op task, each client at its best: {', '.join(told)}." if told else ""


def _readme_applications(report: Report) -> Iterator[str]:
    """An application as it is, before and after, on each server."""
    servers = [
        server
        for server in ("dev server", SQLITE, REDIS)
        if any(sample.server == server for sample in report.applications)
    ]
    rows = {
        server: {row.name: row for row in applications.rows(report.applications, server)}
        for server in servers
    }
    heads = " | ".join(f"{server}: `python` | `accelerate` | " for server in servers)
    lines = [f"| ten no-op workers of 10 threads | {heads} |", "|---|" + "---|---|---|" * len(servers)]
    for name in dict.fromkeys(name for found in rows.values() for name in found):
        cells = []
        for server in servers:
            row = rows[server].get(name)
            if row is None:
                cells += ["", "", ""]
            else:
                limited = name == "tasks/s at full work" and server != "dev server"
                cells += [
                    row.before,
                    row.after,
                    "the server's limit" if limited else tables.ratio_of(report, server, "accelerated", row),
                ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    yield "\n".join(lines)
    yield tables.measured_on(report, "make report", max(sample.round for sample in report.applications))


def _picture(name: str) -> str:
    return f"report-{name}.svg"


def _replace(content: str, mark: str, text: str) -> str:
    start, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    replaced, count = re.subn(
        f"{start}.*{end}", lambda _: f"{start}\n{text}\n{end}", content, flags=re.DOTALL
    )
    if not count:
        raise SystemExit(f"README.md has no {start} … {end}")
    return replaced
