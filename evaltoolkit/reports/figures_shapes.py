"""Figures of other shapes: robust intervals, a curve with its band, places on a map, a chain of steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from evaltoolkit.reports.figures import BAND, COLOURS, DASHED, GREY, GREY_BAND, GRID, Array, Drawing, Mark, finish
from evaltoolkit.reports.svg import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# east-west shrinks with the cosine of the latitude; Belgium's middle
_SHRINK = math.cos(math.radians(50.6))
_STEP_WIDTH = 58


@dataclass(frozen=True)
class Bars:
    """Intervals over places on an axis: (k,) arrays; NaN where undefined, an end may be infinite."""

    x: Array
    low: Array
    high: Array


def draw_robust(
    bars: Bars,
    *,
    other: Bars,
    words: tuple[str, str],
    breakdown: Mark | None,
    x_label: str,
    y_label: str,
    first: str,
    coloured: bool,
    number: Callable[[float], str],
) -> Drawing:
    """Draw intervals over how far an assumption fails; beyond the breakdown value they hold zero.

    Parameters
    ----------
    bars : by amount; the one at 0 is the usual interval
    other : intervals of another restriction, drawn left of the axis
    words : names of both
    breakdown : where it lies, with its word; None where it is not finite
    x_label, y_label : axis titles
    first : what stands at 0
    coloured : whether the outcome has a direction
    number : writes the ticks
    """
    colours = (COLOURS[0], COLOURS[1]) if coloured else (GREY, GREY)
    ends = np.concatenate([part for one in (bars, other) for part in (one.low, one.high)])
    known = np.append(ends[np.isfinite(ends)], 0.0)
    pad = 0.08 * float(np.ptp(known)) or 1.0
    bottom, top = float(known.min()) - pad, float(known.max()) + pad

    def paint(axes: Axes) -> None:
        axes.axhline(0, color=INK, linewidth=1, linestyle=DASHED, zorder=1)
        for one, word, colour, marker in zip((bars, other), words, colours, ("o", "s"), strict=True):
            _paint_bars(axes, one, word, colour, marker, bottom, top)
        if breakdown is not None:
            axes.axvline(breakdown.value, color=COLOURS[3], linewidth=2, linestyle=(0, (2, 1)), label=breakdown.label)
        axes.set_ylim(bottom, top)
        axes.set_xticks(bars.x, labels=[first if value == 0 else number(float(value)) for value in bars.x])
        finish(axes, x_label, y_label, (None, number))

    rows = 1 + bool(len(other.x)) + (breakdown is not None)
    return Drawing(paint, height=4.1 + 0.22 * rows, legend=True)


def _paint_bars(axes: Axes, bars: Bars, word: str, colour: str, marker: str, bottom: float, top: float) -> None:
    kept = ~(np.isnan(bars.low) | np.isnan(bars.high))
    if not kept.any():
        return
    x, low, high = bars.x[kept], bars.low[kept], bars.high[kept]
    axes.vlines(x, np.maximum(low, bottom), np.minimum(high, top), color=colour, linewidth=3, zorder=3)
    ends = np.concatenate([low, high])
    inside = np.isfinite(ends)
    axes.plot(np.tile(x, 2)[inside], ends[inside], marker, color=colour, ms=7, label=word, zorder=4)
    for edge, open_end, arrow in ((bottom, np.isneginf(low), "v"), (top, np.isposinf(high), "^")):
        axes.plot(x[open_end], np.full(int(open_end.sum()), edge), arrow, color=colour, ms=10, mfc="white", zorder=5)


def draw_band(
    x: Array,
    estimate: Array,
    low: Array,
    high: Array,
    *,
    x_label: str,
    y_label: str,
    coloured: bool,
    number: Callable[[float], str],
) -> Drawing:
    """Draw a curve with its band over an amount; (k,) arrays, bounds NaN where undefined."""
    colour, band = (COLOURS[0], BAND) if coloured else (GREY, GREY_BAND)

    def paint(axes: Axes) -> None:
        axes.axhline(0, color=INK, linewidth=1, linestyle=DASHED, zorder=2.5)
        axes.fill_between(x, low, high, color=band, linewidth=0, zorder=2)
        # a band that is known at one dose only has no width there
        axes.vlines(x, low, high, color=band, linewidth=6, zorder=2)
        axes.plot(x, estimate, "o-", color=colour, ms=6, lw=2, zorder=3)
        finish(axes, x_label, y_label, (number, number))

    return Drawing(paint)


@dataclass(frozen=True)
class Spots:
    """Places that share a mark: (k,) degrees east and north, and the word that explains it."""

    word: str
    east: Array
    north: Array
    colour: str
    marker: str
    filled: bool = True


def draw_places(groups: Sequence[Spots], ground: tuple[Array, Array]) -> Drawing:
    """Draw one mark per place; ``ground`` are the other places of the country, for orientation."""
    count = sum(len(one.east) for one in groups)
    size = 9.0 if count <= 60 else 7.0 if count <= 200 else 5.0
    lon = np.concatenate([one.east for one in groups]) * _SHRINK
    lat = np.concatenate([one.north for one in groups])
    # a single place still needs some land around it
    half = max(0.12, 0.55 * float(np.ptp(lon)))
    tall = max(0.08, 0.55 * float(np.ptp(lat)))
    middle = (float(lon.min() + lon.max()) / 2, float(lat.min() + lat.max()) / 2)

    def paint(axes: Axes) -> None:
        east, north = ground[0] * _SHRINK, ground[1]
        near = (np.abs(east - middle[0]) <= half) & (np.abs(north - middle[1]) <= tall)
        axes.plot(east[near], north[near], "o", color=GRID, ms=2, zorder=1)
        for one in groups:
            face = one.colour if one.filled else "white"
            axes.plot(
                one.east * _SHRINK,
                one.north,
                one.marker,
                color=one.colour,
                mfc=face,
                ms=size,
                mew=1.6,
                label=one.word,
                zorder=2,
            )
        axes.set_xlim(middle[0] - half, middle[0] + half)
        axes.set_ylim(middle[1] - tall, middle[1] + tall)
        axes.set_aspect("equal", adjustable="box")
        axes.set_axis_off()

    height = float(np.clip(6.0 * tall / half, 2.0, 6.0))
    return Drawing(paint, height=height + 0.25 * len(groups), legend=True, lines=False)


def draw_chain(steps: Sequence[str]) -> Drawing:
    """Draw steps as boxes from top to bottom, with an arrow to the next."""
    texts = [fill(step, _STEP_WIDTH) for step in steps]
    heights = [0.3 + 0.2 * (1 + text.count("\n")) for text in texts]
    gap = 0.35
    total = sum(heights) + gap * (len(steps) - 1)

    def paint(axes: Axes) -> None:
        top = 0.0
        for place, (text, height) in enumerate(zip(texts, heights, strict=True)):
            axes.barh(top + height / 2, 0.98, height, 0.01, color="none", edgecolor=COLOURS[0], linewidth=1.5)
            axes.text(0.5, top + height / 2, text, ha="center", va="center", fontsize=11, color=INK)
            if place:
                axes.plot([0.5, 0.5], [top - gap, top - 0.1], color=INK, lw=1.5)
                axes.plot([0.5], [top - 0.1], "v", color=INK, ms=7)
            top += height + gap
        axes.set_xlim(0, 1)
        axes.set_ylim(total + 0.05, -0.05)
        axes.set_axis_off()

    return Drawing(paint, height=total + 0.2, lines=False)
