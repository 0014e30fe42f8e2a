"""`python -m benches.compare.publish RESULTS.json`: README.md's figures and its picture, from a kept run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from benches.compare.machine import ROOT
from benches.compare.picture import svg
from benches.compare.report import HEADINGS, Results, cell, short_cell
from benches.compare.scenarios import Scenario

README = ROOT / "README.md"
PICTURE = "docs/speed.svg"
DETAILS = ROOT / "benches" / "README.md"
_MARKS = ("<!-- figures -->", "<!-- /figures -->")
_README_SCENARIOS = ("capacity", "latency", "idle_held")


def main() -> None:
    results = Results.read(Path(sys.argv[1]))
    (ROOT / PICTURE).write_text(svg(results))
    _replace(README, _readme(results))
    _replace(DETAILS, _details(results))


def _readme(results: Results) -> str:
    """Few figures: medians of what users ask for first."""
    picture = f"![Tasks per second and CPU per task of conductor_fast and conductor-python]({PICTURE})"
    tables = [
        _table(results, scenario, short=True)
        for scenario, _ in results.shown()
        if scenario.name in _README_SCENARIOS
    ]
    return "\n\n".join([picture, *tables, _measured_on(results)])


def _details(results: Results) -> str:
    """Everything, with the spread."""
    tables = [_table(results, scenario, short=False) for scenario, _ in results.shown()]
    return "\n\n".join([_measured_on(results), *tables])


def _table(results: Results, scenario: Scenario, *, short: bool) -> str:
    clients = next(clients for shown, clients in results.shown() if shown == scenario)
    if short:
        clients = [client for client in clients if not client.name.endswith("again")]
    heads = [HEADINGS[column][0] for column in scenario.columns]
    lines = [f"| {scenario.title} | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    write = short_cell if short else cell
    for client in clients:
        cells = [write(results, scenario.name, client.name, column) for column in scenario.columns]
        lines.append(f"| {client.name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _measured_on(results: Results) -> str:
    facts = results.facts
    return (
        f"Medians of {results.rounds()} alternating rounds of `make bench` on {facts['date'][:10]} at "
        f"{facts['conductor-fast'].partition(', ')[2]}: {facts['CPU']}, {facts['kernel']}, "
        f"{facts['Python']}, conductor-python {facts['conductor-python']}; the client on one core, the "
        f"server on the other, a load of {facts['load'].partition(' ')[0]} beforehand. "
        f"{results.noise() or ''}"
    ).strip()


def _replace(path: Path, text: str) -> None:
    start, end = _MARKS
    content, count = re.subn(
        f"{start}.*{end}", lambda _: f"{start}\n{text}\n{end}", path.read_text(), flags=re.DOTALL
    )
    if not count:
        raise SystemExit(f"{path} has no {start} … {end}")
    path.write_text(content)


if __name__ == "__main__":
    main()
