"""The pictures: which clients and figures they show."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benches.compare import cases
from benches.compare.report import HEADINGS, Results
from benches.compare.scenarios import Client
from benches.report.svg import Picture, Row, Series

COLOURS = {
    "floor": "#8a8f98", "bare": "#8a8f98", "ours": "#2f8f5b", "sdk": "#c8642f", "go": "#1f8fb3",
    "java": "#c2475a", "rust": "#8a5ad0", "javascript": "#a68a12",
}  # fmt: skip
_SLOTS = (1, 10, 50, 100)


_THROUGHPUT = ("tasks_per_second", "Tasks per second on one core, no-op (more is better)")
_CPU = ("cpu_micros_per_task", "CPU per no-op task in µs, all processes (less is better)")


def pictures(results: Results) -> dict[str, str]:
    """SVG by name, of what was measured."""
    drawn = {
        "throughput": _bars(results, _THROUGHPUT),
        "cpu": _bars(results, _CPU),
        "latency": _latency(results),
        "cost": _cost(results),
        "memory": _memory(results),
    }
    return {name: picture for name, picture in drawn.items() if picture is not None}


def bench(results: Results) -> str | None:
    """Both in one."""
    return _bars(results, _THROUGHPUT, _CPU)


def _bars(results: Results, *figures: tuple[str, str]) -> str | None:
    picture = Picture()
    for figure, title in figures:
        rows = _rows(results, "capacity", figure)
        if not rows:
            return None
        rows.sort(key=lambda row: row.values[0], reverse=figure == "tasks_per_second")
        picture.bars(title, rows)
    picture.note(_small_print(results))
    titles = "; ".join(title for _, title in figures)
    return picture.text(f"{titles}: {results.facts['CPU']}, {results.facts['date'][:10]}")


def _latency(results: Results) -> str | None:
    picture, drawn = Picture(), 0
    for scenario, title in (
        ("latency", "Latency at 50 tasks/s in ms, polls held (Redis): p50, p90, p99"),
        ("latency_gathered", "The same where batches are gathered (SQL stores)"),
    ):
        rows = []
        for client in _clients(results, scenario):
            spreads = [
                results.spread(scenario, client.name, f"latency_{name}") for name in ("p50", "p90", "p99")
            ]
            values = [spread.median / 1_000 for spread in spreads if spread]
            if len(values) == 3:
                text = " · ".join(f"{value:.1f}" if value >= 1 else f"{value:.2f}" for value in values)
                rows.append(Row(client.name, COLOURS[client.program], values, text))
        if rows:
            picture.dots(title, sorted(rows, key=lambda row: row.values[0]))
            drawn += 1
    if not drawn:
        return None
    picture.note(["From the moment at which a task was due to its result.", *_small_print(results)])
    return picture.text(f"Latency of no-op tasks: {results.facts['CPU']}, {results.facts['date'][:10]}")


def _cost(results: Results) -> str | None:
    """CPU per task against tasks at the same time, and against the payload."""
    picture, drawn = Picture(), 0
    families: list[tuple[str, str, Callable[[Client], bool]]] = [
        ("conductor_fast, threads", "ours", lambda client: client.function == "noop"),
        ("conductor_fast, coroutines", "ours", lambda client: client == cases.OURS_ASYNC),
        ("conductor-python, threads", "sdk", lambda client: client.function == "noop"),
        ("Go SDK", "go", lambda _: True),
        ("Rust SDK", "rust", lambda _: True),
        ("Java SDK", "java", lambda client: "v2" not in client.name),
        ("JavaScript SDK", "javascript", lambda _: True),
    ]
    series = []
    for name, program, chosen in families:
        points = []
        for client in _clients(results, "capacity"):
            spread = results.spread("capacity", client.name, "cpu_micros_per_task")
            if client.program == program and chosen(client) and client.slots in _SLOTS and spread:
                points.append((_SLOTS.index(client.slots), spread.median))
        if points:
            dashed = "coroutines" in name
            series.append(Series(name, COLOURS[program], sorted(points), dashed))
    if series:
        axis = [str(slots) for slots in _SLOTS]
        picture.lines("CPU per no-op task in µs, by concurrency", axis, "tasks at the same time", series)
        drawn += 1
    sizes = list(cases.PAYLOADS.items())
    series = []
    for name, program in (("conductor_fast", "ours"), ("conductor-python", "sdk"), ("floor", "floor")):
        points = []
        for index, (_, size) in enumerate(sizes):
            scenario = f"payload_{size}"
            for client in _clients(results, scenario):
                spread = results.spread(scenario, client.name, "cpu_micros_per_task")
                if client.program == program and spread:
                    points.append((index, spread.median))
        if points:
            series.append(Series(name, COLOURS[program], points))
    if series:
        axis = [name for name, _ in sizes]
        picture.lines("CPU per task in µs, by payload in and out", axis, "input and output", series)
        drawn += 1
    if not drawn:
        return None
    picture.note(_small_print(results))
    return picture.text("CPU per task against concurrency and payload")


def _memory(results: Results) -> str | None:
    picture, drawn = Picture(), 0
    for scenario, figure, title in (
        ("capacity", "pss_mib", "Memory at full work in MiB (PSS, all processes)"),
        ("idle_held", "pss_mib", "Idle, 10 task types: memory in MiB"),
        ("idle_held", "cpu_percent", "Idle, 10 task types: % of a core"),
    ):
        rows = _rows(results, scenario, figure)
        if rows:
            picture.bars(title, sorted(rows, key=lambda row: row.values[0]))
            drawn += 1
    if not drawn:
        return None
    picture.note(_small_print(results))
    return picture.text("Memory, and CPU while idle")


def _rows(results: Results, scenario: str, figure: str) -> list[Row]:
    rows = []
    for client in _clients(results, scenario):
        spread = results.spread(scenario, client.name, figure)
        if spread and spread.median > 0:
            text = HEADINGS[figure][1].format(spread.median)
            values = [spread.median]
            least = max(spread.least, spread.median / 1_000)
            rows.append(Row(client.name, COLOURS[client.program], values, text, least, spread.most))
    return rows


def _clients(results: Results, name: str) -> list[Client]:
    found = next((clients for scenario, clients in results.shown() if scenario.name == name), [])
    return [client for client in found if not cases.is_again(client)]


def _small_print(results: Results) -> Sequence[str]:
    facts = results.facts
    return (
        f"{facts['CPU']}, {facts['Python']}, {facts['date'][:10]}; client and server on a core each.",
        "Logarithmic; medians of alternating rounds, a line from the least to the most.",
    )
