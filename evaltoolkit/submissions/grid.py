"""A sheet of questions while it is drawn: bands, questions, input cells and the colours that warn."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from evaltoolkit.i18n import words
from evaltoolkit.submissions.entries import list_name, style_of, validate_answer, validate_status
from evaltoolkit.submissions.layout import Block, Layout, Line, cell_address
from evaltoolkit.submissions.pen import Pen
from evaltoolkit.submissions.styles import Styles


class Grid(Pen):
    """Draws the blocks of one sheet."""

    def __init__(self, sheet: Any, styles: Styles, layout: Layout, sheet_id: str) -> None:
        super().__init__(sheet, styles)
        self.layout = layout
        self.blocks = layout.blocks[sheet_id]
        self.words = words(layout.meta.language)

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
            self.entry(
                line.row, column, style_of(line.part), key, validate_answer(block.indicator, line.part, self.words)
            )
        else:
            self.text(line.row, column, "", "note")
        if line.option:
            self.text(line.row, status_column, "", "note")
        else:
            self.entry(line.row, status_column, "status", "status", validate_status(self.words))

    def warn(self, column: int, status_column: int) -> None:
        """Colour answer and status where both are filled, unless the answer is a reconstructed one.

        The numerator of a share of nothing is not asked: it turns grey, and with the status NAP it is no contradiction.
        """
        shares = {line.row: base for block in self.blocks for line, base in shares_of(block)}
        runs = list(_runs([line.row for block in self.blocks for line in block.lines], set(shares)))
        answer, status = cell_address(runs[0][0], column), cell_address(runs[0][0], status_column)
        both = [f"{cell_address(a, one)}:{cell_address(b, one)}" for a, b in runs for one in (column, status_column)]
        self.colour(" ".join(both), f"=AND({_contradiction(f'LEN(${answer})>0', f'${status}')})", "alarm")
        for row, base in shares.items():
            self._warn_share(cell_address(row, column), cell_address(row, status_column), cell_address(base, column))
        self._warn_options(column, status_column)

    def _warn_share(self, answer: str, status: str, base: str) -> None:
        nothing = f"LEN({_fix(base)})>0,{_fix(base)}=0"
        excused = f'NOT(AND({nothing},LEFT({_fix(status)},3)="NAP"))'
        filled = f"LEN({_fix(answer)})>0"
        self.colour(f"{answer} {status}", f"=AND({_contradiction(filled, _fix(status))},{excused})", "alarm")
        self.colour(f"{answer} {status}", f"=AND({nothing})", "closed")

    def _warn_options(self, column: int, status_column: int) -> None:
        for block in self.blocks:
            for parent in (line for line in block.lines if not line.field):
                rows = [line.row for line in block.lines if line.option and line.part.id == parent.part.id]
                options = f"{cell_address(rows[0], column)}:{cell_address(rows[-1], column)}"
                status = cell_address(parent.row, status_column)
                filled = f"COUNTA({_fix(options)})>0"
                self.colour(f"{options} {status}", f"=AND({_contradiction(filled, _fix(status))})", "alarm")


def shares_of(block: Block) -> Iterator[tuple[Line, int]]:
    """Return the line of a ratio's numerator with the row of its denominator."""
    if block.indicator.value != "ratio":
        return
    rows = {line.part.id: line for line in block.lines if line.field and not line.option}
    if {"numerator", "denominator"} <= set(rows):
        yield rows["numerator"], rows["denominator"].row


def _contradiction(filled: str, status: str) -> str:
    return f'{filled},LEN({status})>0,LEFT({status},13)<>"reconstructed"'


def _runs(rows: list[int], apart: Collection[int]) -> Iterator[tuple[int, int]]:
    """Join rows that lie together, bands between them included, for a band is never filled."""
    rows = [row for row in rows if row not in apart]
    first = last = rows[0]
    for row in rows[1:]:
        if row > last + 2 or last + 1 in apart:
            yield first, last
            first = row
        last = row
    yield first, last


def _fix(area: str) -> str:
    return ":".join(f"${cell[0]}${cell[1:]}" for cell in area.split(":"))
