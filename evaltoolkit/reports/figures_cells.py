"""Figures of cells: groups by period, a number in each cell, so that the shade is not its only carrier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from evaltoolkit.reports.figures import Array, Drawing, finish, mark_periods
from evaltoolkit.reports.svg import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# from pale to dark; the ground of a cell is its own, so the ink on it does not follow the page
SHADES = ("#f0f4f8", "#d3e3f0", "#a9cbe3", "#79afd3", "#1f6aa5")
_DARK_INK, _LIGHT_INK = "#0e1a24", "#fefefe"
_EDGE = "#5b6873"
_WIDTH = 18
# sizes of the numbers, by how many columns there are; with more columns than the last the table alone tells them
_SIZES = ((9, 11), (13, 9), (20, 7))


@dataclass(frozen=True)
class Cells:
    """Rows of cells.

    Attributes
    ----------
    labels : names of the rows, wrapped where they are long
    columns : names of the periods
    shade : (rows, columns) place in :data:`SHADES`; NaN: no cell
    text : what stands in each cell
    """

    labels: tuple[str, ...]
    columns: tuple[str, ...]
    shade: Array
    text: tuple[tuple[str, ...], ...]


def draw_cells(cells: Cells, *, x_label: str, key: Sequence[tuple[int, str]] = ()) -> Drawing:
    """Draw groups by period.

    Parameters
    ----------
    cells : Cells
    x_label : title below
    key : shades that are explained below, with their words
    """
    labels = [fill(label, _WIDTH) for label in cells.labels]
    # a row is as high as the lines of its name
    heights = np.array([0.5 + 0.19 * label.count("\n") for label in labels])
    tops = np.concatenate([[0.0], np.cumsum(heights)])
    middles = (tops[:-1] + tops[1:]) / 2
    size = next((size for most, size in _SIZES if len(cells.columns) <= most), 0)

    def paint(axes: Axes) -> None:
        for row, (middle, height) in enumerate(zip(middles, heights, strict=True)):
            _paint_row(axes, cells, row, float(middle), float(height), size)
        for shade, word in key:
            axes.bar(0, 0, width=0, color=SHADES[shade], edgecolor=_EDGE, linewidth=0.7, label=word)
        axes.set_xlim(-0.5, len(cells.columns) - 0.5)
        axes.set_ylim(float(tops[-1]), 0.0)
        axes.set_yticks(middles, labels=labels)
        axes.tick_params(axis="y", length=0)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        mark_periods(axes, cells.columns, wide=False)
        finish(axes, x_label, "", (None, None))

    return Drawing(paint, height=1.0 + float(tops[-1]) + 0.25 * len(key), legend=bool(key), lines=False)


def _paint_row(axes: Axes, cells: Cells, row: int, middle: float, height: float, size: int) -> None:
    for column, shade in enumerate(cells.shade[row]):
        if np.isfinite(shade):
            ground = SHADES[int(shade)]
            axes.barh(middle, 1, 0.9 * height, column - 0.5, color=ground, edgecolor=_EDGE, linewidth=0.7)
        ink = INK if np.isnan(shade) else _LIGHT_INK if shade == len(SHADES) - 1 else _DARK_INK
        if size:
            axes.text(column, middle, cells.text[row][column], ha="center", va="center", fontsize=size, color=ink)
