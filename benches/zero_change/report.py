"""From samples to a table."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Callable, Sequence
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


def text(facts: dict[str, str], samples: Sequence[Sample]) -> str:
    """A markdown table for each server, under what it was measured on."""
    lines = [f"{name + ':':18}{value}" for name, value in facts.items()]
    for server in dict.fromkeys(sample.server for sample in samples):
        there, here = (
            [sample for sample in samples if (sample.server, sample.engine) == (server, engine)]
            for engine in ("sdk", "accelerated")
        )
        lines += ["", f"| {server} | `python app.py` | `conductor-fast accelerate app.py` | |"]
        lines += ["|---|---|---|---|"]
        for name, figure, form, less_is_better in _ROWS:
            before, after = (statistics.median(map(figure, own)) for own in (there, here))
            ratio = ""
            if less_is_better is not None:
                ratio = f"{before / after if less_is_better else after / before:.1f} ×"
            lines.append(f"| {name} | {form.format(before)} | {form.format(after)} | {ratio} |")
        burnt = [[sample.cpu_bound_tasks_per_second or 0.0 for sample in own] for own in (there, here)]
        reported = [[sample.held_tasks_reported for sample in own] for own in (there, here)]
        if None not in reported[0]:
            cells = (" to ".join(map(str, sorted({min(own), max(own)}))) for own in reported)  # type: ignore[type-var]
            lines.append(f"| 50 running tasks at SIGTERM, reported | {' | '.join(cells)} | |")
            before, after = map(statistics.median, burnt)
            lines.append(
                f"| tasks/s, CPU-bound Python | {before:.0f} | {after:.0f} | {after / before:.1f} × |"
            )
    lines += ["", f"Medians of {max(sample.round for sample in samples)} alternating rounds; all processes."]
    return "\n".join(lines)


def write(path: Path, facts: dict[str, str], samples: Sequence[Sample]) -> None:
    """Every sample as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"facts": facts, "samples": [dataclasses.asdict(sample) for sample in samples]}
    path.write_text(json.dumps(content, indent=1) + "\n")
