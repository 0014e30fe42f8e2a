"""Throughput and CPU per task of each client as one SVG, on logarithmic scales.

Readable on light and on dark ground: the text has the reader's colour where the viewer knows it
(`prefers-color-scheme`), and the bars a tone that stands out on both.
"""

from __future__ import annotations

import math
from xml.sax.saxutils import escape

from benches.compare.report import HEADINGS, Results, Spread

_SCENARIO = "capacity"
_PANELS = (
    ("tasks_per_second", "Tasks per second on one core (more is better)"),
    ("cpu_micros_per_task", "CPU per task in µs, whole process tree (less is better)"),
)
_COLOURS = {"floor": "#8a8f98", "ours": "#2f8f5b", "sdk": "#c8642f"}
_WIDTH, _LABEL, _RIGHT = 760, 210, 90
_ROW, _BAR, _TOP = 22, 14, 44
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:13px}"
    ".grid{stroke:#8a8f98;stroke-opacity:.35}.range{stroke:#24292f;stroke-width:1.5}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.range{stroke:#e6edf3}}"
)


def svg(results: Results) -> str:
    """The picture of the capacity scenario. ValueError if it was not measured."""
    rows = next((rows for scenario, rows in results.shown() if scenario.name == _SCENARIO), [])
    rows = [client for client in rows if not client.name.endswith("again")]
    if not rows:
        raise ValueError(f"there are no samples of the scenario {_SCENARIO}")
    panel_height = _TOP + len(rows) * _ROW + 30
    height = panel_height * len(_PANELS) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>Conductor workers: {escape(results.facts['CPU'])}, {results.facts['date']}</title>",
        f"<style>{_STYLE}</style>",
    ]
    for number, (figure, title) in enumerate(_PANELS):
        spreads = {client: results.spread(_SCENARIO, client.name, figure) for client in rows}
        scale = _Scale([spread for spread in spreads.values() if spread])
        top = number * panel_height
        parts.append(f'<text class="title" x="10" y="{top + 20}">{escape(title)}</text>')
        bottom = top + _TOP + len(rows) * _ROW
        for value in scale.decades():
            x = scale.x(value)
            parts.append(
                f'<line class="grid" x1="{x:.1f}" y1="{top + _TOP - 8}" x2="{x:.1f}" y2="{bottom}"/>'
            )
            parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{value:,.0f}</text>')
        for row, client in enumerate(rows):
            spread = spreads[client]
            if spread is None:
                continue
            y = top + _TOP + row * _ROW
            middle, end = y + _BAR / 2, scale.x(spread.median)
            parts.append(
                f'<text x="{_LABEL - 8}" y="{middle + 4}" text-anchor="end">{escape(client.name)}</text>'
                f'<rect x="{_LABEL}" y="{y}" width="{end - _LABEL:.1f}" height="{_BAR}" rx="2" '
                f'fill="{_COLOURS[client.program]}"/>'
                f'<line class="range" x1="{scale.x(spread.least):.1f}" y1="{middle}" '
                f'x2="{scale.x(spread.most):.1f}" y2="{middle}"/>'
                f'<text x="{max(end, scale.x(spread.most)) + 6:.1f}" y="{middle + 4}">'
                f"{HEADINGS[figure][1].format(spread.median)}</text>"
            )
    legend = (
        f"Median and range of {results.rounds()} alternating rounds, {results.facts['date']}, "
        f"{results.facts['Python']}, logarithmic scales"
    )
    parts.append(f'<text x="10" y="{height - 6}">{escape(legend)}</text></svg>')
    return "\n".join(parts) + "\n"


class _Scale:
    """From figures to x, over whole decades."""

    def __init__(self, spreads: list[Spread]) -> None:
        self._first = math.floor(math.log10(min(spread.least for spread in spreads)))
        self._last = math.ceil(math.log10(max(spread.most for spread in spreads)))

    def x(self, value: float) -> float:
        part = (math.log10(value) - self._first) / (self._last - self._first)
        return _LABEL + part * (_WIDTH - _LABEL - _RIGHT)

    def decades(self) -> list[float]:
        return [10.0**power for power in range(self._first, self._last + 1)]
