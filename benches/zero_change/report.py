"""From samples to a table."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benches.zero_change.measure import Sample

_Figure = Callable[[Sample], float]
# What it is, how it is read, how it is written, whether less is better (None: no ratio).
_ROWS: list[tuple[str, _Figure, str, bool | None]] = [
    ("processes", lambda sample: sample.processes, "{:.0f}", None),
    ("PSS, idle", lambda sample: sample.idle_pss_mebibytes, "{:.0f} MiB", True),
    ("CPU, idle", lambda sample: sample.idle_cpu_share * 100, "{:.2f} % of a core", True),
    ("start to first task", lambda sample: sample.first_task_seconds, "{:.2f} s", True),
    ("start to a task of each type", lambda sample: sample.all_types_seconds, "{:.2f} s", True),
    ("latency, p50", lambda sample: sample.latency_p50_millis, "{:.0f} ms", True),
    ("latency, p90", lambda sample: sample.latency_p90_millis, "{:.0f} ms", True),
    ("tasks/s at full work", lambda sample: sample.tasks_per_second, "{:,.0f}", False),
    ("CPU per task at full work", lambda sample: sample.cpu_micros_per_task, "{:,.1f} µs", True),
    ("PSS at full work", lambda sample: sample.busy_pss_mebibytes, "{:.0f} MiB", True),
]


@dataclass(frozen=True)
class Row:
    """A figure of two engines, as written, and what is gained."""

    name: str
    before: str
    after: str
    ratio: float | None


def rows(samples: Sequence[Sample], server: str, engine: str = "accelerated") -> Iterator[Row]:
    """What `engine` does on `server` against conductor-python; nothing if one of both was not measured."""
    there, here = (
        [sample for sample in samples if (sample.server, sample.engine) == (server, each)]
        for each in ("sdk", engine)
    )
    if not there or not here:
        return
    for name, figure, form, less_is_better in _ROWS:
        before, after = (statistics.median(map(figure, own)) for own in (there, here))
        more, less = (before, after) if less_is_better else (after, before)
        # Times of the server's are whole milliseconds, and may be none at all.
        ratio = None if less_is_better is None or not less else more / less
        yield Row(name, form.format(before), form.format(after), ratio)
    if not server.startswith("dev"):
        before, after = (
            statistics.median(each.tasks_per_second for each in own) / 10 for own in (there, here)
        )
        yield Row("workflows of ten tasks a second", f"{before:.1f}", f"{after:.1f}", None)
    reported = [[sample.held_tasks_reported for sample in own] for own in (there, here)]
    if None not in reported[0] and None not in reported[1]:
        first, second = (" to ".join(map(str, sorted({min(own), max(own)}))) for own in reported)  # type: ignore[type-var]
        yield Row("50 running tasks at SIGTERM, reported", first, second, None)
        burnt = [[sample.cpu_bound_tasks_per_second or 0.0 for sample in own] for own in (there, here)]
        before, after = map(statistics.median, burnt)
        yield Row("tasks/s, CPU-bound Python", f"{before:.0f}", f"{after:.0f}", after / before)


def text(facts: dict[str, str], samples: Sequence[Sample]) -> str:
    """A markdown table for each server, under what it was measured on."""
    lines = [f"{name + ':':18}{value}" for name, value in facts.items()]
    for server in dict.fromkeys(sample.server for sample in samples):
        lines += ["", f"| {server} | `python app.py` | `conductor-fast accelerate app.py` | |"]
        lines += ["|---|---|---|---|"]
        for row in rows(samples, server):
            ratio = "" if row.ratio is None else f"{row.ratio:.1f} ×"
            lines.append(f"| {row.name} | {row.before} | {row.after} | {ratio} |")
    lines += ["", f"Medians of {max(sample.round for sample in samples)} alternating rounds; all processes."]
    return "\n".join(lines)


def write(path: Path, facts: dict[str, str], samples: Sequence[Sample]) -> None:
    """Every sample as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"facts": facts, "samples": [dataclasses.asdict(sample) for sample in samples]}
    path.write_text(json.dumps(content, indent=1) + "\n")
