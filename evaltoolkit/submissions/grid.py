"""A sheet with input cells while it is drawn: rows and columns counted from 1, as in the layout."""

from __future__ import annotations

from typing import Any

from evaltoolkit.i18n import words
from evaltoolkit.submissions.entries import list_name, style_of, validate_answer, validate_status
from evaltoolkit.submissions.layout import Block, Layout, Line, cell_address
from evaltoolkit.submissions.styles import Styles


class Grid:
    """Draws cells of one sheet and gathers their validations, which many cells share."""

    def __init__(self, sheet: Any, styles: Styles, layout: Layout, sheet_id: str) -> None:
        self.sheet = sheet
        self.styles = styles
        self.layout = layout
        self.blocks = layout.blocks[sheet_id]
        self.words = words(layout.meta.language)
        self._rules: dict[str, tuple[dict[str, object], list[list[int]]]] = {}

    def text(self, row: int, column: int, text: str, style: str) -> None:
        """Write text; it is never taken for a formula, a number or a link."""
        if text:
            self.sheet.write_string(row - 1, column - 1, text, self.styles[style])
        else:
            self.sheet.write_blank(row - 1, column - 1, None, self.styles[style])

    def set_height(self, row: int, height: float) -> None:
        """Set the height of a row, in points."""
        self.sheet.set_row(row - 1, height)

    def merge(self, first: tuple[int, int], last: tuple[int, int], text: str, style: str) -> None:
        """Write text over a range of cells, each given by row and column."""
        if first == last:
            self.text(*first, text, style)
            return
        self.sheet.merge_range(first[0] - 1, first[1] - 1, last[0] - 1, last[1] - 1, "", self.styles[style])
        self.text(*first, text, style)

    def band(self, block: Block, columns: int) -> None:
        """Draw the coloured row with number, name and id of an indicator."""
        row, language = block.band_row, self.layout.meta.language
        self.text(row, 1, str(block.number), "band")
        self.text(row, 2, block.indicator.text.in_(language).name, "band")
        for column in range(3, columns):
            self.text(row, column, "", "band")
        self.text(row, columns, block.indicator.id, "band_code")

    def question(self, line: Line) -> None:
        """Draw the question or, indented, the option of a line."""
        language = self.layout.meta.language
        self.text(line.row, 1, "", "question")
        if line.option:
            self.text(line.row, 2, line.option.label.in_(language), "option")
        else:
            self.text(line.row, 2, line.part.label.in_(language), "question" if line.field else "parent")

    def entries(self, block: Block, line: Line, column: int, status_column: int) -> None:
        """Draw the input cells of a line; an option has no status of its own, its question no answer."""
        if line.field:
            listed = line.part.type in ("yes_no", "choice", "multi")
            key = list_name(block.indicator, line.part) if listed else f"{block.indicator.id}.{line.part.id}"
            self._entry(
                line.row, column, style_of(line.part), key, validate_answer(block.indicator, line.part, self.words)
            )
        else:
            self.text(line.row, column, "", "note")
        if line.option:
            self.text(line.row, status_column, "", "note")
        else:
            self._entry(line.row, status_column, "status", "status", validate_status(self.words))

    def _entry(self, row: int, column: int, style: str, key: str, rule: dict[str, object]) -> None:
        self.text(row, column, "", style)
        self._rules.setdefault(key, (rule, []))[1].append([row - 1, column - 1, row - 1, column - 1])

    def validate(self) -> None:
        """Write the validations of all input cells drawn so far."""
        for rule, cells in self._rules.values():
            self.sheet.data_validation(*cells[0], {**rule, "other_cells": cells[1:]})

    def alarm(self, column: int, status_column: int) -> None:
        """Colour answer and status where both are filled, unless the answer is a reconstructed one."""
        first, last = self.blocks[0].lines[0].row, self.blocks[-1].lines[-1].row
        answer, status = cell_address(first, column), cell_address(first, status_column)
        areas = f"{answer}:{cell_address(last, column)} {status}:{cell_address(last, status_column)}"
        self._colour(areas, f"LEN(${answer})>0", f"${status}")
        for block in self.blocks:
            for parent in (line for line in block.lines if not line.field):
                rows = [line.row for line in block.lines if line.option and line.part.id == parent.part.id]
                options = f"{cell_address(rows[0], column)}:{cell_address(rows[-1], column)}"
                status = cell_address(parent.row, status_column)
                self._colour(f"{options} {status}", f"COUNTA({_fix(options)})>0", _fix(status))

    def _colour(self, areas: str, filled: str, status: str) -> None:
        formula = f'=AND({filled},LEN({status})>0,LEFT({status},13)<>"reconstructed")'
        rule = {"type": "formula", "criteria": formula, "format": self.styles["alarm"], "multi_range": areas}
        self.sheet.conditional_format(areas.split(":")[0], rule)


def _fix(area: str) -> str:
    return ":".join(f"${cell[0]}${cell[1:]}" for cell in area.split(":"))
