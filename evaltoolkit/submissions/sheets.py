"""The one door to the spreadsheet reader: values of sheets that have passed the guard."""

from __future__ import annotations

import io
from collections.abc import Iterable

from evaltoolkit.submissions.archive import UnsafeError
from evaltoolkit.submissions.guard import Scan
from evaltoolkit.submissions.plain import Raw
from evaltoolkit.submissions.references import Cell

__all__ = ["Raw", "load_sheets", "read_sheets", "uncalculated", "value_at"]


def read_sheets(scan: Scan, names: Iterable[str]) -> dict[str, list[list[Raw]]]:
    """Return rows of raw values for each named sheet, the first row and column being A1; empty is None.

    They were read in the process that judged the workbook; see :func:`load_sheets`.
    """
    return {name: scan.rows[name] for name in names}


def load_sheets(content: bytes, expected: Iterable[str]) -> dict[str, list[list[Raw]]]:
    """Read all sheets of a judged workbook. Only the reading process may do this.

    Raises
    ------
    UnsafeError
        The reader and the guard disagree about the sheets, or the reader cannot read the file.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    names = list(expected)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        if list(book.sheet_names) != names:
            raise UnsafeError("file.damaged")
        return {name: _rows(book.get_sheet_by_name(name).to_python(skip_empty_area=False)) for name in names}
    except (CalamineError, ValueError, OSError, OverflowError):
        raise UnsafeError("file.damaged") from None


def _rows(rows: list[list[Raw]]) -> list[list[Raw]]:
    return [[None if value == "" else value for value in row] for row in rows]


def value_at(rows: list[list[Raw]], cell: Cell) -> Raw:
    """Return the value of a cell; outside the used area it is None."""
    row, column = cell
    if row > len(rows) or column > len(rows[row - 1]):
        return None
    return rows[row - 1][column - 1]


def uncalculated(scan: Scan, sheet: str, rows: list[list[Raw]]) -> list[Cell]:
    """Return the cells with a formula that no program has ever calculated; the reader gives them as empty."""
    found = scan.sheets[sheet]
    return sorted(
        cell
        for cell, kind in found.formulas.items()
        if kind != "str" and cell not in found.errors and value_at(rows, cell) is None
    )
