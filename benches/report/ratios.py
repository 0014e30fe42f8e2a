"""Which ratios may be drawn, and what they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from benches.compare import cases
from benches.compare.report import Results
from benches.compare.scenarios import Client
from benches.report.store import Report
from benches.zero_change import report as applications

MOST_DRIFT = 0.1
"""Two medians of the same client may lie so far apart; beyond that the machine was not the same for all."""

_CPU, _RATE, _MEMORY, _P50 = "cpu_micros_per_task", "tasks_per_second", "pss_mib", "latency_p50"
# Which figure of the A/A pair says whether a part's ratios mean anything.
DRIFT_FIGURES = {"capacity": _CPU, "yield": _CPU, "latency": _P50, "latency_gathered": _P50}


@dataclass(frozen=True)
class Ratio:
    """How many times as much of `figure` the other client needs, or has than ours; or ours than the floor."""

    part: str
    figure: str
    other: str
    ours: str
    value: float
    shown: str


def drifts(report: Report) -> dict[str, float]:
    """By part: how far the two medians of its A/A pair lie apart."""
    results, found = report.results(), {}
    for scenario, clients in results.shown():
        pairs = [client for client in clients if cases.is_again(client)]
        for client in pairs if scenario.name in DRIFT_FIGURES else []:
            figure = DRIFT_FIGURES[scenario.name]
            one = results.spread(scenario.name, client.name.removesuffix(", again"), figure)
            other = results.spread(scenario.name, client.name, figure)
            if one and other:
                found[scenario.name] = abs(one.median / other.median - 1)
    return found


def ratios(report: Report) -> list[Ratio]:
    """All that README and report may show: of parts that did not drift."""
    results, drift = report.results(), drifts(report)
    return [
        ratio
        for part, found in (
            ("capacity", _capacity(results)),
            ("yield", _over_the_floor(results, "yield")),
            ("latency", _latency(results, "latency", cases.OURS_1)),
            ("latency_gathered", _latency(results, "latency_gathered", cases.OURS_10)),
            ("applications", _applications(report)),
        )
        # No application is started twice: what judges the machine is what does so for the first part.
        if drift.get(part if part in DRIFT_FIGURES else "capacity", 1.0) <= MOST_DRIFT
        for ratio in found
    ]


def as_json(report: Report) -> list[dict[str, object]]:
    return [asdict(ratio) for ratio in ratios(report)]


def shown(value: float) -> str:
    """With two digits where a third would be noise."""
    return f"{value:,.0f} ×" if value >= 10 else f"{value:.1f} ×"


def peers(results: Results, part: str) -> list[Client]:
    """Clients of others that were measured: neither ours, nor the floor, nor bare Python."""
    found = dict(results_shown(results)).get(part, [])
    return [client for client in found if client.program not in ("ours", "floor", "bare")]


def results_shown(results: Results) -> Iterator[tuple[str, list[Client]]]:
    for scenario, clients in results.shown():
        yield scenario.name, clients


def _capacity(results: Results) -> Iterator[Ratio]:
    same_slots = (
        (cases.OURS_1, cases.SDK_1),
        (cases.OURS_10, cases.SDK_10),
        (cases.OURS_50, cases.SDK_50),
        (cases.OURS_ASYNC, cases.SDK_ASYNC),
    )
    yield from _over_the_floor(results, "capacity")
    pairs = [
        *same_slots,
        *((cases.OURS_10, peer) for peer in peers(results, "capacity") if peer.program != "sdk"),
    ]
    for ours, other in pairs:
        for figure in (_CPU, _RATE):
            yield from _ratio(results, "capacity", figure, other, ours)
    for peer in peers(results, "capacity"):
        if peer.slots >= 50:
            yield from _ratio(results, "capacity", _MEMORY, peer, cases.OURS_50)


def _over_the_floor(results: Results, part: str) -> Iterator[Ratio]:
    for client in dict(results_shown(results)).get(part, []):
        if client.program == "ours" and not cases.is_again(client):
            yield from _ratio(results, part, _CPU, client, cases.FLOOR)


def _latency(results: Results, part: str, ours: Client) -> Iterator[Ratio]:
    for peer in peers(results, part):
        yield from _ratio(results, part, _P50, peer, ours)


def _ratio(results: Results, part: str, figure: str, other: Client, ours: Client) -> Iterator[Ratio]:
    theirs = results.spread(part, other.name, figure)
    own = results.spread(part, ours.name, figure)
    if theirs and own:
        value = own.median / theirs.median if figure == _RATE else theirs.median / own.median
        yield Ratio(part, figure, other.name, ours.name, float(f"{value:.4g}"), shown(value))


def _applications(report: Report) -> Iterator[Ratio]:
    for server in dict.fromkeys(sample.server for sample in report.applications):
        for engine in ("accelerated", "ours"):
            for row in applications.rows(report.applications, server, engine):
                if row.ratio is not None:
                    value = float(f"{row.ratio:.4g}")
                    yield Ratio(server, row.name, "conductor-python", engine, value, shown(row.ratio))
