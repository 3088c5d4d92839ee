"""Figures of rows: an estimate with its interval per row, its name above it, so that long names have room."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from evaltoolkit.reports.figures import DASHED, GRID, Drawing, finish
from evaltoolkit.reports.svg import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH = 62
_LINE, _BELOW = 0.2, 0.34


@dataclass(frozen=True)
class Row:
    """One row, in shown units.

    Attributes
    ----------
    label : its name
    estimate, low, high : NaN where undefined; an end may be infinite
    colour, marker : of the dot and its bar
    filled : whether the dot is
    heading : written above the row, where a new part begins
    """

    label: str
    estimate: float
    low: float
    high: float
    colour: str
    marker: str = "o"
    filled: bool = True
    heading: str = ""


def draw_rows(
    rows: Sequence[Row],
    *,
    x_label: str,
    number: Callable[[float], str],
    levels: Sequence[float] = (),
    farthest: float = math.inf,
) -> Drawing:
    """Draw rows of estimates over a line at zero.

    Parameters
    ----------
    rows : from top to bottom
    x_label : title below
    number : writes the ticks
    levels : further values that are marked by a thin line
    farthest : what lies further from zero is shown by an arrow at the edge
    """
    left, right = _limits(rows, levels, farthest)
    places, names, height = _places(rows)

    def paint(axes: Axes) -> None:
        # beside the dots only: a line through a name is hard to read
        tops, bottoms = np.array(places) - _BELOW / 2, np.array(places) + _BELOW / 2
        axes.vlines(np.zeros(len(places)), tops, bottoms, color=INK, linewidth=1, linestyle=DASHED, zorder=1)
        for level in levels:
            axes.vlines(np.full(len(places), level), tops, bottoms, color=GRID, linewidth=1, zorder=1)
        for place, text, bold in names:
            axes.text(
                0,
                place,
                text,
                transform=axes.get_yaxis_transform(),
                va="top",
                fontsize=11,
                fontweight="bold" if bold else "normal",
                zorder=5,
            )
        for place, row in zip(places, rows, strict=True):
            _paint_row(axes, row, place, left, right)
        pad = 0.04 * (right - left)
        axes.set_xlim(left - pad, right + pad)
        axes.set_ylim(height, 0)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        finish(axes, x_label, "", (number, None))

    return Drawing(paint, height=0.8 + height, lines=False)


def _paint_row(axes: Axes, row: Row, place: float, left: float, right: float) -> None:
    if math.isnan(row.estimate):
        return
    if not (math.isnan(row.low) or math.isnan(row.high)):
        axes.hlines(place, max(row.low, left), min(row.high, right), color=row.colour, linewidth=3, zorder=3)
        beyond = ((row.low < left, left, "<"), (row.high > right, right, ">"))
        for _, edge, arrow in (one for one in beyond if one[0]):
            axes.plot([edge], [place], arrow, color=row.colour, ms=9, zorder=4)
    inside = left <= row.estimate <= right
    marker = row.marker if inside else "<" if row.estimate < left else ">"
    face = row.colour if row.filled else "white"
    axes.plot([min(max(row.estimate, left), right)], [place], marker, color=row.colour, mfc=face, ms=8, mew=2, zorder=5)


def _places(rows: Sequence[Row]) -> tuple[list[float], list[tuple[float, str, bool]], float]:
    """Where dots and names stand, from the top in inches, and how high all of it is."""
    places, names, top = list[float](), list[tuple[float, str, bool]](), 0.05
    for row in rows:
        for text, bold in ((row.heading, True), (row.label, False)):
            lines = wrap(text, _WIDTH)
            if lines:
                top += 0.1 * bold
                names.append((top, "\n".join(lines), bold))
                top += _LINE * len(lines) + 0.05 * bold
        places.append(top + _BELOW / 2)
        top += _BELOW + 0.06
    return places, names, top


def _limits(rows: Sequence[Row], levels: Sequence[float], farthest: float) -> tuple[float, float]:
    ends = [end for row in rows for end in (row.estimate, row.low, row.high) if math.isfinite(end)]
    known = np.clip(np.array([0.0, *levels, *ends]), -farthest, farthest)
    low, high = float(known.min()), float(known.max())
    pad = 0.05 * (high - low) or 1.0
    # an interval without end needs room for its arrow
    return low - pad, high + pad
