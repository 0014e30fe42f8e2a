"""Tables and sentences of page and README."""

from __future__ import annotations

from collections.abc import Iterator

from benches.compare import cases
from benches.compare.report import HEADINGS, Results, cell, short_cell
from benches.compare.scenarios import Scenario
from benches.report import ratios
from benches.report.store import Report
from benches.zero_change import report as applications

# More is better; of all others less.
_MORE = ("tasks_per_second",)
_JUDGED = ("tasks_per_second", "cpu_micros_per_task", "latency_p50", "latency_p99", "pss_mib", "cpu_percent")


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


def table(results: Results, scenario: Scenario, *, short: bool) -> str:
    """Medians of each client at its best if `short`; else with the spread, and all clients."""
    clients = next(clients for shown, clients in results.shown() if shown == scenario)
    if short:
        clients = [
            client for client in clients if not cases.is_again(client) and not cases.is_untuned(client)
        ]
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


def ratio_table(report: Report) -> Iterator[str]:
    """Its lines."""
    yield "| part | figure | of | against | |"
    yield "|---|---|---|---|---|"
    for ratio in ratios.ratios(report):
        figure = HEADINGS[ratio.figure][0] if ratio.figure in HEADINGS else ratio.figure
        yield f"| {ratio.part} | {figure} | {ratio.other} | {ratio.ours} | {ratio.shown} |"


def application_tables(report: Report) -> Iterator[str]:
    """One for each server."""
    for server in dict.fromkeys(sample.server for sample in report.applications):
        columns = {
            engine: {row.name: row for row in applications.rows(report.applications, server, engine)}
            for engine in ("accelerated", "ours")
        }
        lines = [f"| {server} | conductor-python | accelerated | | ours | |", "|---|---|---|---|---|---|"]
        for name, row in columns["accelerated"].items():
            own = columns["ours"].get(name)
            gained = ratio_of(report, server, "accelerated", row)
            cells = [
                row.before,
                row.after,
                gained,
                own.after if own else "",
                ratio_of(report, server, "ours", own),
            ]
            lines.append(f"| {name} | {' | '.join(cells)} |")
        yield "\n".join(lines)


def ratio_of(report: Report, server: str, engine: str, row: applications.Row | None) -> str:
    """If it may be drawn."""
    drawn = {(ratio.part, ratio.ours, ratio.figure): ratio.shown for ratio in ratios.ratios(report)}
    return "" if row is None else drawn.get((server, engine, row.name), "")


def measured_on(report: Report, command: str, rounds: int = 0) -> str:
    """What a reader needs to know to believe a figure."""
    facts = report.facts
    kept = report.results()
    return (
        f"Medians of up to {rounds or kept.rounds()} alternating rounds of `{command}` on "
        f"{facts['date'][:10]} at {facts['conductor-fast'].partition(', ')[2]}: {facts['CPU']}, "
        f"{facts['kernel']}, {facts['Python']}, conductor-python {facts['conductor-python']}, a load of "
        f"{facts['load'].partition(' ')[0]} beforehand. {kept.noise() or ''}"
    ).strip()
