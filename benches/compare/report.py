"""From samples to what is printed and written."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path

from benches.compare.measure import Sample

NAMES = {"sdk": "conductor-python", "ours": "conductor-fast"}


def text(facts: dict[str, str], samples: Sequence[Sample]) -> str:
    """Medians, spread and ratio, under what they were measured on."""
    lines = [f"{name + ':':18}{value}" for name, value in facts.items()]
    lines += ["", f"{'':18}{'tasks/s':>26}{'CPU µs per task':>28}{'requests/task':>16}{'server CPU':>12}"]
    for client, name in NAMES.items():
        own = [sample for sample in samples if sample.client == client]
        rate = _spread(own, lambda sample: sample.tasks_per_second, "{:,.0f}")
        cpu = _spread(own, lambda sample: sample.cpu_micros_per_task, "{:,.1f}")
        requests = statistics.median(sample.requests / sample.tasks for sample in own)
        server = statistics.median(sample.server_cpu_seconds / sample.seconds for sample in own)
        lines.append(f"{name:18}{rate:>26}{cpu:>28}{requests:>16.2f}{server:>12.0%}")
    faster = _ratio(samples, lambda sample: sample.tasks_per_second)
    cheaper = 1 / _ratio(samples, lambda sample: sample.cpu_micros_per_task)
    lines.append(f"{'ratio':18}{f'{faster:.1f} x':>26}{f'{cheaper:.1f} x less':>28}")
    lines += ["", "Median (least to most) of the rounds; CPU of the client's whole process tree."]
    return "\n".join(lines)


def write(path: Path, facts: dict[str, str], samples: Sequence[Sample]) -> None:
    """Every sample as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"facts": facts, "samples": [dataclasses.asdict(sample) for sample in samples]}
    path.write_text(json.dumps(content, indent=1) + "\n")


def _spread(samples: Sequence[Sample], figure: Callable[[Sample], float], form: str) -> str:
    values = [figure(sample) for sample in samples]
    return f"{form} ({form} to {form})".format(statistics.median(values), min(values), max(values))


def _ratio(samples: Sequence[Sample], figure: Callable[[Sample], float]) -> float:
    ours, sdk = (
        statistics.median(figure(sample) for sample in samples if sample.client == client)
        for client in ("ours", "sdk")
    )
    return ours / sdk
