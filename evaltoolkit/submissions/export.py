"""Write a plain sheet of rows, as a portal would export it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

# A fixed date keeps the file the same, byte for byte, at every run.
_CREATED = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - xlsxwriter wants a naive date


def write_sheet(path: Path, sheet: str, rows: Sequence[Sequence[object]]) -> None:
    """Write rows as text and numbers; text is never read as a formula or a link."""
    import xlsxwriter

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties({"created": _CREATED})
        page = book.add_worksheet(sheet)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, int | float):
                    page.write_number(number, column, value)
                elif value is not None:
                    page.write_string(number, column, str(value))
