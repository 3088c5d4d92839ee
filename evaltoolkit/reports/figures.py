"""Figures: functions over numbers and labels, free of clocks and random ids.

The one door to matplotlib. Each function returns a :class:`Drawing`: as the source of an SVG, which
:func:`evaltoolkit.reports.svg.inline_svg` makes fit for a page, or drawn into axes that somebody else made. Marks
differ in shape as well as in colour. More drawings stand in ``figures_cells``, ``figures_rows`` and
``figures_shapes``; they are handed axes and import nothing of matplotlib.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evaltoolkit.reports.svg import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[np.float64]

# Okabe and Ito's colours without the ones that are weak on white; the first is for effects
COLOURS = ("#0072b2", "#b34700", "#007a5a", "#8a4a7d", "#6b5900", "#505a64")
BAND = "#9cc5e0"
GREY_BAND = "#c3c9cf"
GREY = "#505a64"
GRID = "#9aa3ad"
DASHED: Any = (0, (4, 3))
# characters that have room below a figure, and times that do
_ROOM, _ROOM_BESIDE = 56, 42
_MOST_TIMES = 15
# whole numbers are marked one by one up to here
_MOST_TICKS = 8
MARKERS = ("o", "s", "^", "D", "v", "P")
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
class Drawing:
    """How a figure is drawn, and how high it is (inches; it is six wide).

    Attributes
    ----------
    paint : draws into axes
    height : inches
    legend : whether marks are explained below
    lines : whether faint lines help the eye across
    """

    paint: Callable[[Axes], None]
    height: float = 4.0
    legend: bool = False
    lines: bool = True

    def on(self, axes: Axes) -> Axes:
        """Draw into axes and return them; their style stays as it is."""
        self.paint(axes)
        if self.legend:
            axes.legend(frameon=False, handlelength=3.5)
        return axes

    def svg(self) -> str:
        """Return the source of an SVG, the same bytes for the same numbers."""
        from matplotlib import rc_context
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        with rc_context(_STYLE):
            figure = Figure(figsize=(6.0, self.height), layout="constrained")
            FigureCanvasSVG(figure)
            figure.patch.set_alpha(0)
            axes = figure.add_subplot()
            axes.patch.set_alpha(0)
            if self.lines:
                axes.grid(axis="y", color=GRID, linewidth=0.5, alpha=0.5)
            axes.set_axisbelow(True)
            axes.tick_params(length=3)
            self.paint(axes)
            if self.legend:
                figure.legend(loc="outside lower left", frameon=False, handlelength=3.5)
            buffer = io.StringIO()
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        return buffer.getvalue()


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
) -> Drawing:
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

    def paint(axes: Axes) -> None:
        axes.axhline(0, color=INK, linewidth=1, linestyle=DASHED, zorder=1)
        axes.axvline(-0.5 * _step(points.time), color=GRID, linewidth=1, zorder=1)
        _draw_band(axes, points, band)
        axes.vlines(points.time, points.low, points.high, color=colour, linewidth=3, zorder=3)
        before = points.time < 0
        axes.plot(points.time[before], points.estimate[before], "o", color=colour, mfc="white", ms=8, mew=2, zorder=4)
        axes.plot(points.time[~before], points.estimate[~before], "o", color=colour, ms=8, mew=2, zorder=4)
        for place, word, align in ((0.01, sides[0], "left"), (0.99, sides[1], "right")):
            axes.text(place, 1.02, word, transform=axes.transAxes, ha=align, va="bottom", color=INK)
        axes.set_xticks(_thinned(points.time, number))
        finish(axes, x_label, y_label, (number, number))

    return Drawing(paint)


def draw_paths(
    lines: Sequence[Line], periods: Sequence[str], *, x_label: str, y_label: str, number: Callable[[float], str]
) -> Drawing:
    """Draw the averages of each group over the periods, with a ring at each group's first treated period."""

    def paint(axes: Axes) -> None:
        places = np.arange(len(periods), dtype=float)
        for place, line in enumerate(lines):
            colour = COLOURS[place % len(COLOURS)]
            marker = MARKERS[place % len(MARKERS)]
            dashes = _DASHES[place % len(_DASHES)]
            axes.plot(places, line.values, color=colour, linestyle=dashes, marker=marker, ms=6, lw=2, label=line.label)
            if line.start is not None:
                axes.plot(places[line.start], line.values[line.start], "o", ms=14, mfc="none", mec=colour, mew=1.5)
        mark_periods(axes, periods)
        axes.set_xlim(-0.3, len(periods) - 0.7)
        finish(axes, x_label, y_label, (None, number))

    return Drawing(paint, height=4.55 + 0.2 * len(lines), legend=True)


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
) -> Drawing:
    """Draw one quantity over another, dots joined by a line; ``level`` lies across, ``own`` marks a place on the line.

    Parameters
    ----------
    x, y : (k,) y is NaN where undefined: no dot there
    x_label, y_label : axis titles
    numbers : write the tick labels of both axes in the language of the page
    level, own : Mark, optional
    """

    def paint(axes: Axes) -> None:
        axes.plot(x, y, "o-", color=COLOURS[0], ms=7, lw=2, zorder=3)
        if own is not None:
            here = np.isclose(x, own.value)
            axes.plot(x[here], y[here], "o", ms=15, mfc="none", mec=COLOURS[1], mew=2, ls="", label=own.label, zorder=4)
        if level is not None:
            axes.axhline(level.value, color=INK, linewidth=1, linestyle=DASHED, zorder=1)
            axes.text(
                0.99, level.value, level.label, transform=axes.get_yaxis_transform(), ha="right", va="bottom", color=INK
            )
        axes.set_ylim(0, 1.1 * float(np.nanmax(y)))
        if np.all(x == np.round(x)) and len(x) <= _MOST_TICKS:
            axes.set_xticks(x)
        finish(axes, x_label, y_label, numbers)

    return Drawing(paint, height=4.0 + 0.25 * (own is not None), legend=own is not None)


def mark_periods(axes: Axes, periods: Sequence[str], *, wide: bool = True) -> None:
    """Write the periods below, as many as have room (less where names stand at the side); the last is always there."""
    space = _ROOM if wide else _ROOM_BESIDE
    # a wave is written over two lines before any is left out
    for labels in (list(periods), [label.replace("/", "/\n") for label in periods]):
        longest = max((len(line) + 2 for label in labels for line in label.split("\n")), default=1)
        room = max(1, space // longest)
        if len(labels) <= room:
            break
    shown = _thin(len(labels), room)
    axes.set_xticks([float(place) for place in shown], labels=[labels[place] for place in shown])


def _thinned(time: Array, number: Callable[[float], str]) -> Array:
    """Times that are marked: all, or every so many where there are too many; the start among them."""
    unique = np.unique(time)
    # quarters of years are long to write
    room = min(_MOST_TIMES, _ROOM // (max(len(number(float(one))) for one in unique) + 1))
    step = -(-len(unique) // room)
    start = int(np.searchsorted(unique, 0.0)) % len(unique)
    return unique[start % step :: step]


def _thin(count: int, room: int) -> list[int]:
    step = -(-count // room)
    return list(range((count - 1) % step, count, step)) if count else []


def _step(time: Array) -> float:
    gaps = np.diff(np.unique(time))
    return float(gaps.min()) if gaps.size else 1.0


def _draw_band(axes: Axes, points: Points, colour: str) -> None:
    """A light bar behind each dot: the band is defined at the dots, not between them."""
    half = 0.16 * _step(points.time)
    for time, low, high in zip(points.time, points.band_low, points.band_high, strict=True):
        if np.isfinite(low) and np.isfinite(high):
            axes.fill_between([time - half, time + half], low, high, color=colour, linewidth=0, zorder=2)


def finish(
    axes: Axes,
    x_label: str,
    y_label: str,
    numbers: tuple[Callable[[float], str] | None, Callable[[float], str] | None],
) -> None:
    """Name the axes and write their ticks in the language of the page."""
    for axis, number in zip((axes.xaxis, axes.yaxis), numbers, strict=True):
        if number is not None:
            axis.set_major_formatter(_formatter(number))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)


def _formatter(number: Callable[[float], str]) -> Callable[[float, float], str]:
    return lambda value, _: number(value)
