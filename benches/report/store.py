"""What a report is made of, as it is kept: every sample, what it was measured on, and what did not run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benches.compare.measure import Sample
from benches.compare.report import Results
from benches.zero_change.measure import Sample as Application

KEPT_DIGITS = 4
"""Significant ones of a sample's figures: noise begins earlier."""


@dataclass(frozen=True)
class Problem:
    """A client that has no figures: `what` is "not run" or "failed"."""

    part: str
    client: str
    what: str
    why: str


@dataclass
class Report:
    """Parts are scenarios, by name, or servers of the applications; each knows when it was measured.

    `facts` are of the moment before the last run's first part.
    """

    facts: dict[str, str]
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    applications: list[Application] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Report:
        content = json.loads(path.read_text())
        return cls(
            content["facts"],
            content["parts"],
            [Problem(**problem) for problem in content["problems"]],
            [Sample(**sample) for sample in content["samples"]],
            [Application(**sample) for sample in content["applications"]],
        )

    def write(self, path: Path, ratios: list[dict[str, object]]) -> None:
        """As JSON, one sample a line."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fields = {
            "facts": json.dumps(self.facts, indent=1),
            "parts": _lines(self.parts),
            "problems": _list(map(dataclasses.asdict, self.problems)),
            "ratios": _list(ratios),
            "samples": _list(map(dataclasses.asdict, self.samples)),
            "applications": _list(map(dataclasses.asdict, self.applications)),
        }
        path.write_text("{\n" + ",\n".join(f'"{name}": {text}' for name, text in fields.items()) + "\n}\n")

    def add(self, sample: Sample) -> None:
        figures = {name: _rounded(figure) for name, figure in sample.figures.items()}
        self.samples.append(dataclasses.replace(sample, figures=figures))

    def add_application(self, sample: Application) -> None:
        fields = dataclasses.asdict(sample)
        rounded = {name: _rounded(value) for name, value in fields.items() if isinstance(value, float)}
        self.applications.append(Application(**{**fields, **rounded}))

    def start_part(self, name: str, facts: dict[str, str]) -> None:
        """Forgets what an earlier run said of it."""
        self.samples = [sample for sample in self.samples if sample.scenario != name]
        self.applications = [sample for sample in self.applications if sample.server != name]
        self.problems = [problem for problem in self.problems if problem.part != name]
        self.parts[name] = {key: facts[key] for key in ("date", "conductor-fast", "load")}

    def fail(self, part: str, client: str, what: str, why: str) -> None:
        """This client has no figures in this part: those of earlier rounds go, too."""
        self.samples = [
            sample for sample in self.samples if (sample.scenario, sample.client) != (part, client)
        ]
        self.problems.append(Problem(part, client, what, why))

    def results(self) -> Results:
        return Results(self.facts, self.samples)


def _lines(mapping: dict[str, dict[str, str]]) -> str:
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in mapping.items())
    return f"{{\n{lines}\n}}"


def _list(items: Iterable[object]) -> str:
    return "[\n" + ",\n".join(json.dumps(item) for item in items) + "\n]"


def _rounded(value: float) -> float:
    return float(f"{value:.{KEPT_DIGITS}g}") if abs(value) < 1e6 else round(value)
