"""Figures as SVG: functions over numbers and labels, free of clocks and random ids.

The one door to matplotlib. Each function returns the SVG source; :func:`evaltoolkit.reports.svg.inline_svg` makes it
fit for a page. Marks differ in shape as well as in colour.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evaltoolkit.reports.svg import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = npt.NDArray[np.float64]

# Okabe and Ito's colours without the ones that are weak on white; the first is for effects
COLOURS = ("#0072b2", "#b34700", "#007a5a", "#8a4a7d", "#6b5900", "#505a64")
BAND = "#9cc5e0"
GREY_BAND = "#c3c9cf"
GREY = "#505a64"
_GRID = "#9aa3ad"
# whole numbers are marked one by one up to here
_MOST_TICKS = 8
_MARKERS = ("o", "s", "^", "D", "v", "P")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (2, 1)), (0, (6, 1, 1, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)))
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "evaltoolkit",
    "font.family": "DejaVu Sans",
    "font.size": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.unicode_minus": True,
    "path.simplify": False,
}


@dataclass(frozen=True)
class Points:
    """Estimates by time since the start, in shown units; bounds are NaN where undefined.

    Attributes
    ----------
    time, estimate : (k,) arrays
    low, high : (k,) pointwise interval
    band_low, band_high : (k,) simultaneous band
    """

    time: Array
    estimate: Array
    low: Array
    high: Array
    band_low: Array
    band_high: Array


@dataclass(frozen=True)
class Line:
    """One group's averages by period, NaN where not shown; ``start`` is the place of its first treated period."""

    label: str
    values: Array
    start: int | None = None


def draw_event_study(
    points: Points,
    *,
    x_label: str,
    y_label: str,
    sides: tuple[str, str],
    coloured: bool,
    number: Callable[[float], str],
) -> str:
    """Draw effects by time since the start, with pointwise intervals and the simultaneous band.

    Parameters
    ----------
    points : Points
    x_label, y_label : axis titles
    sides : words for before and after the start
    coloured : whether the outcome has a direction; without one the figure stays grey
    number : writes a tick label in the language of the report
    """
    colour, band = (COLOURS[0], BAND) if coloured else (GREY, GREY_BAND)
    with _context():
        figure, axes = _canvas()
        axes.axhline(0, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        axes.axvline(-0.5 * _step(points.time), color=_GRID, linewidth=1, zorder=1)
        _draw_band(axes, points, band)
        axes.vlines(points.time, points.low, points.high, color=colour, linewidth=3, zorder=3)
        before = points.time < 0
        axes.plot(points.time[before], points.estimate[before], "o", color=colour, mfc="white", ms=8, mew=2, zorder=4)
        axes.plot(points.time[~before], points.estimate[~before], "o", color=colour, ms=8, mew=2, zorder=4)
        for place, word, align in ((0.01, sides[0], "left"), (0.99, sides[1], "right")):
            axes.text(place, 1.02, word, transform=axes.transAxes, ha=align, va="bottom", color=INK)
        axes.set_xticks(points.time)
        return _finish(figure, axes, x_label, y_label, (number, number))


def draw_paths(
    lines: Sequence[Line], periods: Sequence[str], *, x_label: str, y_label: str, number: Callable[[float], str]
) -> str:
    """Draw the averages of each group over the periods, with a ring at each group's first treated period."""
    with _context():
        figure, axes = _canvas(0.55 + 0.2 * len(lines))
        places = np.arange(len(periods), dtype=float)
        for place, line in enumerate(lines):
            colour = COLOURS[place % len(COLOURS)]
            marker = _MARKERS[place % len(_MARKERS)]
            dashes = _DASHES[place % len(_DASHES)]
            axes.plot(places, line.values, color=colour, linestyle=dashes, marker=marker, ms=6, lw=2, label=line.label)
            if line.start is not None:
                axes.plot(places[line.start], line.values[line.start], "o", ms=14, mfc="none", mec=colour, mew=1.5)
        axes.set_xticks(places, labels=list(periods))
        axes.set_xlim(-0.3, len(periods) - 0.7)
        figure.legend(loc="outside lower left", frameon=False, handlelength=3.5)
        return _finish(figure, axes, x_label, y_label, (None, number))


@dataclass(frozen=True)
class Mark:
    """A level drawn across a figure, with its word."""

    value: float
    label: str


def draw_curve(
    x: Array,
    y: Array,
    *,
    x_label: str,
    y_label: str,
    numbers: tuple[Callable[[float], str], Callable[[float], str]],
    level: Mark | None = None,
    own: Mark | None = None,
) -> str:
    """Draw one quantity over another, dots joined by a line; ``level`` lies across, ``own`` marks a place on the line.

    Parameters
    ----------
    x, y : (k,) y is NaN where undefined: no dot there
    x_label, y_label : axis titles
    numbers : write the tick labels of both axes in the language of the page
    level, own : Mark, optional
    """
    with _context():
        figure, axes = _canvas(0.25 * (own is not None))
        axes.plot(x, y, "o-", color=COLOURS[0], ms=7, lw=2, zorder=3)
        if own is not None:
            here = np.isclose(x, own.value)
            axes.plot(x[here], y[here], "o", ms=15, mfc="none", mec=COLOURS[1], mew=2, ls="", label=own.label, zorder=4)
            figure.legend(loc="outside lower left", frameon=False)
        if level is not None:
            axes.axhline(level.value, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
            axes.text(
                0.99, level.value, level.label, transform=axes.get_yaxis_transform(), ha="right", va="bottom", color=INK
            )
        axes.set_ylim(0, 1.1 * float(np.nanmax(y)))
        if np.all(x == np.round(x)) and len(x) <= _MOST_TICKS:
            axes.set_xticks(x)
        return _finish(figure, axes, x_label, y_label, numbers)


def _context() -> AbstractContextManager[None]:
    from matplotlib import rc_context

    return rc_context(_STYLE)


def _canvas(extra: float = 0.0) -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 4.0 + extra), layout="constrained")
    FigureCanvasSVG(figure)
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    axes.grid(axis="y", color=_GRID, linewidth=0.5, alpha=0.5)
    axes.set_axisbelow(True)
    return figure, axes


def _step(time: Array) -> float:
    gaps = np.diff(np.unique(time))
    return float(gaps.min()) if gaps.size else 1.0


def _draw_band(axes: Axes, points: Points, colour: str) -> None:
    """A light bar behind each dot: the band is defined at the dots, not between them."""
    half = 0.16 * _step(points.time)
    for time, low, high in zip(points.time, points.band_low, points.band_high, strict=True):
        if np.isfinite(low) and np.isfinite(high):
            axes.fill_between([time - half, time + half], low, high, color=colour, linewidth=0, zorder=2)


def _finish(
    figure: Figure,
    axes: Axes,
    x_label: str,
    y_label: str,
    numbers: tuple[Callable[[float], str] | None, Callable[[float], str]],
) -> str:
    for axis, number in zip((axes.xaxis, axes.yaxis), numbers, strict=True):
        if number is not None:
            axis.set_major_formatter(_formatter(number))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.tick_params(length=3)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _formatter(number: Callable[[float], str]) -> Callable[[float, float], str]:
    return lambda value, _: number(value)
