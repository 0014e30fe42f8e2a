"""From samples to medians, and to the tables that are printed."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benches.compare.cases import FLOOR, OURS_10, SCENARIOS, again
from benches.compare.measure import Sample
from benches.compare.scenarios import Client, Scenario


@dataclass(frozen=True)
class Spread:
    """Of the rounds."""

    median: float
    least: float
    most: float


HEADINGS = {
    "tasks_per_second": ("tasks/s", "{:,.0f}"),
    "cpu_micros_per_task": ("CPU µs per task", "{:,.1f}"),
    "cpu_per_floor": ("× floor", "{:,.2f}"),
    "switches_per_task": ("switches per task", "{:,.2f}"),
    "pss_mib": ("PSS MiB", "{:,.1f}"),
    "pss_growth": ("MiB more per 100,000 tasks", "{:,.3f}"),
    "tasks": ("tasks", "{:,.0f}"),
    "latency_p50": ("p50 µs", "{:,.0f}"),
    "latency_p90": ("p90 µs", "{:,.0f}"),
    "latency_p99": ("p99 µs", "{:,.0f}"),
    "burst_first": ("first µs", "{:,.0f}"),
    "burst_last": ("last µs", "{:,.0f}"),
    "burst_last_50": ("last 50 take µs", "{:,.0f}"),
    "cpu_percent": ("% of a core", "{:,.3f}"),
    "polls_per_second": ("polls/s", "{:,.1f}"),
    "first_poll_seconds": ("s to first poll", "{:,.2f}"),
    "most_connections": ("connections", "{:,.0f}"),
}


class Results:
    """What a run found out."""

    def __init__(self, facts: dict[str, str], samples: Sequence[Sample]) -> None:
        self.facts = facts
        self.samples = list(samples)

    def values(self, scenario: str, client: str, figure: str) -> list[float]:
        """By round; empty if this client has no such figure."""
        if figure == "cpu_per_floor":
            floor = self.values(scenario, FLOOR.name, "cpu_micros_per_task")
            own = self.values(scenario, client, "cpu_micros_per_task")
            return [one / other for one, other in zip(own, floor, strict=False)]
        return [
            sample.figures[figure]
            for sample in self.samples
            if (sample.scenario, sample.client) == (scenario, client) and figure in sample.figures
        ]

    def spread(self, scenario: str, client: str, figure: str) -> Spread | None:
        values = self.values(scenario, client, figure)
        return Spread(statistics.median(values), min(values), max(values)) if values else None

    def rounds(self) -> int:
        return max((sample.round for sample in self.samples), default=0)

    def shown(self) -> Iterable[tuple[Scenario, list[Client]]]:
        """The scenarios that have samples, and the clients that have some in them."""
        for scenario in SCENARIOS:
            names = {sample.client for sample in self.samples if sample.scenario == scenario.name}
            if names:
                yield scenario, [client for client in scenario.clients if client.name in names]

    def noise(self) -> str | None:
        """What the A/A pair says."""
        figure = "cpu_micros_per_task"
        one, other = (self.values("capacity", client.name, figure) for client in (OURS_10, again(OURS_10)))
        if not one or not other:
            return None
        medians = abs(statistics.median(one) / statistics.median(other) - 1)
        rounds = max(abs(a / b - 1) for a, b in zip(one, other, strict=False))
        return f"Noise: CPU of one client measured twice differs by {medians:.1%} (one round: {rounds:.1%})."


def text(results: Results) -> str:
    """Every table, under what it was measured on."""
    lines = [f"{name + ':':18}{value}" for name, value in results.facts.items()]
    for scenario, clients in results.shown():
        lines += ["", scenario.title]
        heads = [HEADINGS[column][0] for column in scenario.columns]
        lines.append(f"  {'':34}" + "".join(f"{head:>34}" for head in heads))
        for client in clients:
            cells = [cell(results, scenario.name, client.name, column) for column in scenario.columns]
            lines.append(f"  {client.name:34}" + "".join(f"{text:>34}" for text in cells))
    lines += ["", f"Median (least to most) of {results.rounds()} rounds; the client's whole process tree."]
    lines += filter(None, [results.noise()])
    return "\n".join(lines)


def cell(results: Results, scenario: str, client: str, column: str) -> str:
    """Median and spread; empty if there is no such figure."""
    spread = results.spread(scenario, client, column)
    form = HEADINGS[column][1]
    return f"{form} ({form} to {form})".format(*dataclasses.astuple(spread)) if spread else ""


def short_cell(results: Results, scenario: str, client: str, column: str) -> str:
    """The median alone."""
    spread = results.spread(scenario, client, column)
    return HEADINGS[column][1].format(spread.median) if spread else ""
