"""The own values of one respondent over time, with the band of similar ones behind them.

Written out directly, as the pictures of the board; colours come from the style sheet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

_WIDTH, _HEIGHT = 320, 110
_LEFT, _RIGHT, _TOP, _BOTTOM = 16, 64, 20, 24
# half the width of a band of one period, or of one with no neighbour
_HALF = 12


@dataclass(frozen=True)
class Point:
    """One period in shown units: position in years, label, own value, band; NaN where there is none."""

    time: float
    label: str
    value: float
    band: tuple[float, float]


@dataclass(frozen=True)
class _Axes:
    """From years and shown units to the picture."""

    first: float
    years: float
    low: float
    height: float

    def x(self, time: float) -> float:
        room = _WIDTH - _LEFT - _RIGHT
        return _LEFT + (room / 2 if self.years == 0 else room * (time - self.first) / self.years)

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * (value - self.low) / self.height


def draw_trend(
    points: Sequence[Point],
    *,
    name: str,
    title: str,
    description: str,
    number: Callable[[float], str],
    coloured: bool,
) -> Markup:
    """Draw the own values as a line over a band.

    Parameters
    ----------
    points : by period, the earliest first; at least one with a value
    name : prefix of all ids
    title, description : for a screen reader
    number : writes a number of the axis
    coloured : False for a measure without a better direction: its line stays grey
    """
    axes = _axes(points)
    tone = "own" if coloured else "own neutral"
    own = [point for point in points if math.isfinite(point.value)]
    line = " ".join(f"{axes.x(point.time):.1f},{axes.y(point.value):.1f}" for point in own)
    dots = [
        Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="4"/>').format(tone, axes.x(p.time), axes.y(p.value))
        for p in own
    ]
    last = own[-1]
    shapes = [
        *_bands(points, axes),
        Markup('<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
            _LEFT - 8, _WIDTH - _RIGHT + 8, _HEIGHT - _BOTTOM + 4, _HEIGHT - _BOTTOM + 4
        ),
        Markup('<polyline class="{}" points="{}"/>').format(tone, line),
        *dots,
        _text(axes.x(last.time) + 9, axes.y(last.value) + 4, number(last.value), "start", "value"),
        *_labels(points, axes),
    ]
    return Markup(
        '<svg class="trend" viewBox="0 0 {w} {h}" role="img" aria-labelledby="{name}-title {name}-description">'
        '<title id="{name}-title">{title}</title><desc id="{name}-description">{description}</desc>\n{shapes}\n</svg>'
    ).format(w=_WIDTH, h=_HEIGHT, name=name, title=title, description=description, shapes=Markup("\n").join(shapes))


def _axes(points: Sequence[Point]) -> _Axes:
    values = [value for point in points for value in (point.value, *point.band) if math.isfinite(value)]
    low, high = min(values), max(values)
    # a flat line lies in the middle
    low, high = (low - 1, high + 1) if low == high else (low, high)
    times = [point.time for point in points]
    return _Axes(min(times), max(times) - min(times), low, high - low)


def _bands(points: Sequence[Point], axes: _Axes) -> list[Markup]:
    """Return one shape for every run of neighbouring periods with a band."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if math.isfinite(point.band[0]):
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [_band(run, axes) for run in runs if run]


def _band(run: Sequence[Point], axes: _Axes) -> Markup:
    if len(run) == 1:
        x, (low, high) = axes.x(run[0].time), run[0].band
        corners = [(x - _HALF, high), (x + _HALF, high), (x + _HALF, low), (x - _HALF, low)]
    else:
        corners = [(axes.x(point.time), point.band[1]) for point in run]
        corners += [(axes.x(point.time), point.band[0]) for point in reversed(run)]
    # a band whose ends are equal is still seen
    drawn = " ".join(f"{x:.1f},{axes.y(value):.1f}" for x, value in corners)
    return Markup('<polygon class="similar" points="{}"/>').format(drawn)


def _labels(points: Sequence[Point], axes: _Axes) -> list[Markup]:
    first, last = points[0], points[-1]
    base = _HEIGHT - 5
    if axes.years == 0:
        return [_text(axes.x(first.time), base, first.label, "middle", "period")]
    return [
        _text(_LEFT - 8, base, first.label, "start", "period"),
        _text(_WIDTH - _RIGHT + 8, base, last.label, "end", "period"),
    ]


def _text(x: float, y: float, text: str, anchor: str, kind: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(kind, x, y, anchor, text)
