"""docs/report.md and README.md's section, from what is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from benches.compare import cases
from benches.compare.machine import ROOT
from benches.compare.report import HEADINGS, Results, cell, short_cell
from benches.compare.scenarios import Scenario
from benches.report import plots, ratios
from benches.report.store import Report
from benches.zero_change import report as applications
from benches.zero_change.servers import REDIS, SQLITE

DOCS = ROOT / "docs"
README = ROOT / "README.md"
KEPT, PAGE = "report.json", "report.md"
FINDINGS = Path(__file__).with_name("findings.md")
_README_SCENARIOS = ("capacity", "latency", "latency_gathered")
# More is better; of all others less.
_MORE = ("tasks_per_second",)
_JUDGED = ("tasks_per_second", "cpu_micros_per_task", "latency_p50", "latency_p99", "pss_mib", "cpu_percent")


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


def first_lines(report: Report) -> list[str]:
    """What a reader has to know before any figure."""
    lines = [
        f"**{problem.client}: {problem.what}** ({problem.part}): {problem.why}" for problem in report.problems
    ]
    for part, drift in ratios.drifts(report).items():
        if drift > ratios.MOST_DRIFT:
            lines.append(
                f"**The machine drifted by {drift:.0%} during `{part}`**: one client, measured twice. No "
                f"ratio is drawn from that part."
            )
    commits = sorted({part["conductor-fast"] for part in report.parts.values()})
    if len(commits) > 1:
        lines.append(f"**Parts were measured at different commits**: {'; '.join(commits)}.")
    return lines


def losses(results: Results) -> list[str]:
    """Where a client of others has a better figure than the best of ours."""
    found = []
    for scenario, clients in results.shown():
        for figure in (column for column in scenario.columns if column in _JUDGED):
            sign = -1 if figure in _MORE else 1
            medians = {
                client: spread.median
                for client in clients
                if (spread := results.spread(scenario.name, client.name, figure))
            }
            ours = [sign * value for client, value in medians.items() if client.program == "ours"]
            others = [
                (sign * value, client)
                for client, value in medians.items()
                if client.program not in ("ours", "floor", "bare")
            ]
            if not ours or not others:
                continue
            value, client = min(others, key=lambda pair: pair[0])
            if value < min(ours):
                form = HEADINGS[figure][1]
                found.append(
                    f"`{scenario.name}`, {HEADINGS[figure][0]}: {client.name} {form.format(sign * value)}, "
                    f"ours {form.format(sign * min(ours))}"
                )
    return found


def _page(report: Report, drawn: list[str]) -> Iterator[str]:
    results = report.results()
    yield "# The report"
    yield "Written by `make report`; the samples are in [report.json](report.json)."
    troubles = first_lines(report)
    if troubles:
        yield "\n".join(f"* {line}" for line in troubles)
    yield _measured_on(report)
    yield (
        "A client has one core, the server the other. CPU is that of all processes of a client, PSS their "
        "memory. Each SDK runs the same no-op function at the settings that suit it best and at its defaults "
        "([benches/README.md](../benches/README.md) has them). The **floor** is a bare Rust client without "
        "JSON, retry or function."
    )
    for name in drawn:
        yield f"![{name}]({_picture(name)})"
    yield "## Ratios"
    yield "\n".join(_ratio_table(report))
    for scenario, _ in results.shown():
        yield f"## {scenario.title}"
        yield _table(results, scenario, short=False)
    if report.applications:
        yield "## Whole applications"
        yield (
            "Ten no-op workers of 10 threads: an unmodified program of conductor-python, the same under "
            "`conductor-fast accelerate`, and one written for this package. On the real server it is the "
            "server that limits tasks/s, whoever works; a workflow of ten tasks counts ten."
        )
        yield from _applications(report)
    yield "## Where it does not win"
    lost = losses(results)
    yield "\n".join(f"* {line}" for line in lost) if lost else "Nowhere in this run."
    yield FINDINGS.read_text().strip()


def _readme(report: Report, drawn: list[str]) -> Iterator[str]:
    results = report.results()
    troubles = first_lines(report)
    if troubles:
        yield "\n".join(f"* {line}" for line in troubles)
    sentence = _sentence(report)
    if sentence:
        yield sentence
    for name, words in (("cpu", "CPU per task of each client"), ("latency", "Latency of each client")):
        if name in drawn:
            yield f"![{words}](docs/{_picture(name)})"
    for scenario, _ in results.shown():
        if scenario.name in _README_SCENARIOS:
            yield _table(results, scenario, short=True)
    yield _measured_on(report)


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


def _table(results: Results, scenario: Scenario, *, short: bool) -> str:
    clients = next(clients for shown, clients in results.shown() if shown == scenario)
    if short:
        clients = [client for client in clients if not cases.is_again(client)]
    # That one is a ratio, in whatever round: they stand in their own table.
    columns = [column for column in scenario.columns if column != "cpu_per_floor"]
    heads = [HEADINGS[column][0] for column in columns]
    title = scenario.title if short else scenario.name
    lines = [f"| {title} | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    write = short_cell if short else cell
    for client in clients:
        cells = [write(results, scenario.name, client.name, column) for column in columns]
        lines.append(f"| {client.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _ratio_table(report: Report) -> Iterator[str]:
    yield "| part | figure | of | against | |"
    yield "|---|---|---|---|---|"
    for ratio in ratios.ratios(report):
        figure = HEADINGS[ratio.figure][0] if ratio.figure in HEADINGS else ratio.figure
        yield f"| {ratio.part} | {figure} | {ratio.other} | {ratio.ours} | {ratio.shown} |"


def _applications(report: Report) -> Iterator[str]:
    for server in dict.fromkeys(sample.server for sample in report.applications):
        columns = {
            engine: {row.name: row for row in applications.rows(report.applications, server, engine)}
            for engine in ("accelerated", "ours")
        }
        lines = [f"| {server} | conductor-python | accelerated | | ours | |", "|---|---|---|---|---|---|"]
        for name, row in columns["accelerated"].items():
            own = columns["ours"].get(name)
            gained = _ratio(report, server, "accelerated", row)
            cells = [
                row.before,
                row.after,
                gained,
                own.after if own else "",
                _ratio(report, server, "ours", own),
            ]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        yield "\n".join(lines)


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
                    "the server's limit" if limited else _ratio(report, server, "accelerated", row),
                ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    yield "\n".join(lines)
    yield _measured_on(report, max(sample.round for sample in report.applications))


def _ratio(report: Report, server: str, engine: str, row: applications.Row | None) -> str:
    """If it may be drawn."""
    drawn = {(ratio.part, ratio.ours, ratio.figure): ratio.shown for ratio in ratios.ratios(report)}
    return "" if row is None else drawn.get((server, engine, row.name), "")


def _measured_on(report: Report, rounds: int = 0) -> str:
    facts = report.facts
    kept = report.results()
    return (
        f"Medians of up to {rounds or kept.rounds()} alternating rounds of `make report` on "
        f"{facts['date'][:10]} at {facts['conductor-fast'].partition(', ')[2]}: {facts['CPU']}, {facts['kernel']}, "
        f"{facts['Python']}, conductor-python {facts['conductor-python']}, a load of "
        f"{facts['load'].partition(' ')[0]} beforehand. {kept.noise() or ''}"
    ).strip()


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
