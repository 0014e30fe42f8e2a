"""Bars, dots and lines as SVG, readable on light and on dark ground, and on a phone.

The text has the reader's colour where the viewer knows it (`prefers-color-scheme`); bars and lines have tones
that stand out on both. A name stands above its bar, so that a narrow screen has room for both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH = 520
_LEFT, _RIGHT = 12, 16
_ROW, _BAR, _TITLE, _AXIS = 30, 9, 34, 26
_PLOT, _PLOT_LEFT = 220, 62
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:14px}"
    ".small{font-size:11px}.grid{stroke:#8a8f98;stroke-opacity:.35}"
    ".range{stroke:#24292f;stroke-width:1.5}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.range{stroke:#e6edf3}}"
)


@dataclass(frozen=True)
class Row:
    """A name and its values on the scale, from the least to the most; `text`: what stands at the right."""

    name: str
    colour: str
    values: Sequence[float]
    text: str
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Series:
    """Points of a line: x as an index of the axis, y as a value."""

    name: str
    colour: str
    points: Sequence[tuple[int, float]]
    dashed: bool = False


class Picture:
    """Panels below each other."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._height = 4

    def bars(self, title: str, rows: Sequence[Row]) -> None:
        """One bar a row, on a logarithmic scale, with the range of the rounds."""

        def draw(row: Row, y: float, scale: _Scale) -> str:
            end = scale.at(row.values[0])
            parts = [
                f'<rect x="{_LEFT}" y="{y}" width="{max(end - _LEFT, 1):.1f}" height="{_BAR}" rx="2" '
                f'fill="{row.colour}"/>'
            ]
            if row.least is not None and row.most is not None:
                middle = y + _BAR / 2
                parts.append(
                    f'<line class="range" x1="{scale.at(row.least):.1f}" y1="{middle}" '
                    f'x2="{scale.at(row.most):.1f}" y2="{middle}"/>'
                )
            return "".join(parts)

        self._rows(title, rows, draw)

    def dots(self, title: str, rows: Sequence[Row]) -> None:
        """Values of a row as dots that get lighter, on a line."""

        def draw(row: Row, y: float, scale: _Scale) -> str:
            places = [scale.at(value) for value in row.values]
            middle = y + _BAR / 2
            dots = "".join(
                f'<circle cx="{place:.1f}" cy="{middle}" r="5" fill="{row.colour}" fill-opacity="{opacity}"/>'
                for place, opacity in zip(places, (1, 0.65, 0.35), strict=False)
            )
            return (
                f'<line x1="{places[0]:.1f}" y1="{middle}" x2="{places[-1]:.1f}" y2="{middle}" '
                f'stroke="{row.colour}" stroke-width="2" stroke-opacity=".5"/>{dots}'
            )

        self._rows(title, rows, draw)

    def lines(self, title: str, axis: Sequence[str], axis_title: str, series: Sequence[Series]) -> None:
        """Lines over named places, on a logarithmic scale; the names below."""
        top = self._title(title)
        scale = _Scale([value for line in series for _, value in line.points], top + _PLOT, top + 10)
        step = (WIDTH - _PLOT_LEFT - 2 * _RIGHT) / max(len(axis) - 1, 1)
        for value in scale.decades():
            y = scale.at(value)
            self._parts.append(
                f'<line class="grid" x1="{_PLOT_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}"/>'
                f'<text class="small" x="{_PLOT_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
                f"{_short(value)}</text>"
            )
        for index, name in enumerate(axis):
            x = _PLOT_LEFT + 8 + index * step
            self._text(x, top + _PLOT + 18, name, "small", "middle")
        self._text(WIDTH - _RIGHT, top + _PLOT + 36, axis_title, "small", "end")
        for line in series:
            places = [(_PLOT_LEFT + 8 + index * step, scale.at(value)) for index, value in line.points]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            dash = ' stroke-dasharray="5 4"' if line.dashed else ""
            self._parts.append(
                f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="2"{dash}/>'
            )
            self._parts += [
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{line.colour}"/>' for x, y in places
            ]
        self._height = top + _PLOT + 44
        for line in series:
            self._height += 20
            dash = ' stroke-dasharray="5 4"' if line.dashed else ""
            self._parts.append(
                f'<line x1="{_LEFT}" y1="{self._height - 4}" x2="{_LEFT + 24}" y2="{self._height - 4}" '
                f'stroke="{line.colour}" stroke-width="3"{dash}/>'
            )
            self._text(_LEFT + 32, self._height, line.name)
        self._height += 12

    def note(self, lines: Sequence[str]) -> None:
        """Small print at the end."""
        for line in lines:
            self._height += 16
            self._text(_LEFT, self._height, line, "small")

    def text(self, description: str) -> str:
        """The whole as SVG."""
        height = self._height + 10
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" role="img">\n<title>{escape(description)}</title>\n'
            f"<style>{_STYLE}</style>\n" + "\n".join(self._parts) + "\n</svg>\n"
        )

    def _rows(self, title: str, rows: Sequence[Row], draw: Callable[[Row, float, _Scale], str]) -> None:
        top = self._title(title)
        values = [value for row in rows for value in (*row.values, row.least, row.most) if value]
        scale = _Scale(values, _LEFT, WIDTH - _RIGHT)
        bottom = top + len(rows) * _ROW + 4
        for value in scale.decades():
            x = scale.at(value)
            anchor = "start" if x < _LEFT + 10 else "end" if x > WIDTH - _RIGHT - 10 else "middle"
            self._parts.append(
                f'<line class="grid" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}"/>'
                f'<text class="small" x="{x:.1f}" y="{bottom + 14}" text-anchor="{anchor}">'
                f"{_short(value)}</text>"
            )
        for index, row in enumerate(rows):
            y = top + index * _ROW
            self._text(_LEFT, y + 13, row.name)
            self._text(WIDTH - _RIGHT, y + 13, row.text, anchor="end")
            self._parts.append(draw(row, y + 18, scale))
        self._height = bottom + _AXIS

    def _title(self, title: str) -> int:
        self._text(_LEFT, self._height + 20, title, "title")
        return self._height + _TITLE

    def _text(self, x: float, y: float, text: str, style: str = "", anchor: str = "start") -> None:
        style = f' class="{style}"' if style else ""
        self._parts.append(f'<text{style} x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>')


class _Scale:
    """From values to places, over whole decades."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        self._start, self._end = start, end
        # From below the least: a bar has a length.
        self._first = math.floor(math.log10(min(values) / 1.5))
        self._last = max(math.ceil(math.log10(max(values)) - 1e-9), self._first + 1)

    def at(self, value: float) -> float:
        part = (math.log10(value) - self._first) / (self._last - self._first)
        return self._start + part * (self._end - self._start)

    def decades(self) -> list[float]:
        return [10.0**power for power in range(self._first, self._last + 1)]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
