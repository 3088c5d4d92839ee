"""One sheet while it is drawn: what is written where, how tall the rows are, what the input cells accept.

Rows and columns are counted from 1, as in the layout. A pen remembers what it wrote, so that the same drawing in
another language can be laid beside it (:mod:`~evaltoolkit.submissions.switch`).
"""

from __future__ import annotations

from typing import Any

from evaltoolkit.submissions.styles import Styles


class Pen:
    """Writes text and input cells of one sheet and gathers their validations, which many cells share."""

    def __init__(self, sheet: Any, styles: Styles) -> None:
        self.sheet = sheet
        self.styles = styles
        # text and style by row and column
        self.written: dict[tuple[int, int], tuple[str, str]] = {}
        # style of input cells, by row and column
        self.inputs: dict[tuple[int, int], str] = {}
        self.heights: dict[int, float] = {}
        self._rules: dict[str, tuple[dict[str, object], list[list[int]]]] = {}

    def text(self, row: int, column: int, text: str, style: str) -> None:
        """Write text; it is never taken for a formula, a number or a link."""
        if text:
            self.sheet.write_string(row - 1, column - 1, text, self.styles[style])
            self.written[row, column] = text, style
        else:
            self.sheet.write_blank(row - 1, column - 1, None, self.styles[style])

    def formula(self, row: int, column: int, formula: str, shown: str) -> None:
        """Put a formula in the place of a text; ``shown`` is what stands there until somebody calculates."""
        style = self.written[row, column][1]
        self.sheet.write_formula(row - 1, column - 1, formula, self.styles[style], shown)

    def merge(self, first: tuple[int, int], last: tuple[int, int], text: str, style: str) -> None:
        """Write text over a range of cells, each given by row and column."""
        if first != last:
            self.sheet.merge_range(first[0] - 1, first[1] - 1, last[0] - 1, last[1] - 1, "", self.styles[style])
        self.text(*first, text, style)

    def set_height(self, row: int, height: float) -> None:
        """Set the height of a row, in points."""
        self.heights[row] = height
        self.sheet.set_row(row - 1, height)

    def set_widths(self, widths: tuple[float, ...]) -> None:
        """Set the widths of the first columns, in characters."""
        for column, width in enumerate(widths):
            self.sheet.set_column(column, column, width)

    def entry(self, row: int, column: int, style: str, key: str, rule: dict[str, object]) -> None:
        """Draw an input cell; cells with the same key share a validation."""
        self.text(row, column, "", style)
        self.inputs[row, column] = style
        self._rules.setdefault(key, (rule, []))[1].append([row - 1, column - 1, row - 1, column - 1])

    def validate(self) -> None:
        """Write the validations of all input cells drawn so far."""
        for rule, cells in self._rules.values():
            self.sheet.data_validation(*cells[0], {**rule, "other_cells": cells[1:]})

    def colour(self, areas: str, condition: str, style: str) -> None:
        """Colour areas, parted by spaces, where a formula for the first cell of the first area holds."""
        rule = {"type": "formula", "criteria": condition, "format": self.styles[style], "multi_range": areas}
        self.sheet.conditional_format(areas.split(":")[0].split(" ")[0], rule)
