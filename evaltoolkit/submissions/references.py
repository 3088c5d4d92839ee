"""Cell references: ``$B$3`` <-> (3, 2), row and column counted from 1."""

from __future__ import annotations

import re
from functools import cache, lru_cache

Cell = tuple[int, int]
Area = tuple[Cell, Cell]

_REFERENCE = re.compile(r"^\$?([A-Za-z]{1,3})\$?([0-9]{1,7})$")
_LETTERS = 26


@lru_cache(maxsize=100_000)
def parse_cell(text: str) -> Cell | None:
    """Return (row, column) of a reference such as ``B3``, or None if it is none."""
    match = _REFERENCE.match(text)
    return (int(match[2]), _column(match[1].upper())) if match else None


@cache
def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    return number


@cache
def write_cell(row: int, column: int) -> str:
    """Return the reference of a row and column."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, _LETTERS)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row}"


def parse_area(text: str) -> Area | None:
    """Return first and last cell of ``B3:C5`` or ``B3``, or None if it is none."""
    first, _, last = text.partition(":")
    start, end = parse_cell(first), parse_cell(last or first)
    return (start, end) if start and end else None


def parse_target(text: str) -> tuple[str, Cell] | None:
    """Return sheet and cell of a defined name's target such as ``'My form'!$B$3``."""
    sheet, separator, cell = text.strip().rpartition("!")
    place = parse_cell(cell)
    if not separator or place is None:
        return None
    if sheet.startswith("'") and sheet.endswith("'"):
        sheet = sheet[1:-1].replace("''", "'")
    return sheet, place
