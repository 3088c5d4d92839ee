"""Personal data in the cells of a sheet or table: by what a cell holds, or by the heading above or beside it.

A form asks for no name, so whatever stands below a heading such as "name" is refused there. Tables of own data do hold
names of places and organisations: below "name" alone only what has a common given name is taken for a person.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache, lru_cache

from evaltoolkit.submissions.personal import find_in_number, find_personal, has_national_number, holds_day
from evaltoolkit.submissions.personal_words import BARE, flatten, has_given_name, heading_kind, is_organisation
from evaltoolkit.submissions.plain import Raw
from evaltoolkit.submissions.references import Cell
from evaltoolkit.territory.municipalities import load_municipalities, municipality_name

Rows = Sequence[Sequence[Raw]]
# how far right of a label its value may stand, and how many empty cells end a column
_FAR, _GAP = 3, 2
_SHORTEST = 6
_LONG_NUMBER, _TOO_LONG = 10**8, 10**11
_LONG = re.compile(r"[0-9]{9,11}")
# a number with decimals may have eleven digits too
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)[.,][0-9]+(?:[eE][+-]?[0-9]+)?")
_ENTERPRISE = re.compile(r"0[0-9]{3}[. ]?[0-9]{3}[. ]?[0-9]{3}")
_BASE = 97

# the texts of a form are the same in hundreds of workbooks
_text_kind = lru_cache(maxsize=50_000)(find_personal)


def personal_cells(
    rows: Rows, *, table: bool = False, own: Collection[str] = frozenset()
) -> Iterator[tuple[Cell, str]]:
    """Return (cell, kind) wherever personal data seem to stand, row by row; each cell once.

    Parameters
    ----------
    rows : sequence of rows
        The first row and column being A1.
    table : bool
        A table of own data: numbers of programs and registers, amounts and names of places are usual there.
    own : collection of str
        Words of the form itself, such as those of its drop-downs: below a heading they say nothing about a person.
    """
    found: dict[Cell, str] = {}
    # columns of numbers as long as a national number, some with the right check digits by chance
    long_numbers: dict[int, list[Cell]] = {}
    for i, line in enumerate(rows, 1):
        for j, raw in enumerate(line, 1):
            if raw is None:
                # one stray cell far away makes a million of them
                continue
            kind = _kind_of(raw, table)
            if table and _is_long_number(raw):
                long_numbers.setdefault(j, []).append((i, j))
            if kind:
                found.setdefault((i, j), kind)
            elif isinstance(raw, str) and (asked := heading_kind(raw)):
                for told in _below(rows, (i, j), asked, table):
                    found.setdefault(*told)
    yield from _sure(rows, found, long_numbers, own)


def _sure(
    rows: Rows, found: Mapping[Cell, str], long_numbers: Mapping[int, Sequence[Cell]], own: Collection[str]
) -> Iterator[tuple[Cell, str]]:
    """Return in order what is neither chance nor a word of the form."""
    chance = {cell for cells in long_numbers.values() if _by_chance(cells, found) for cell in cells}
    for cell, kind in sorted(found.items()):
        raw = _at(rows, cell)
        if cell not in chance and not (isinstance(raw, str) and raw in own):
            yield cell, kind


def _below(rows: Rows, heading: Cell, asked: str, table: bool) -> Iterator[tuple[Cell, str]]:
    for cell in _answers(rows, heading):
        if kind := _told(_at(rows, cell), asked, table):
            yield cell, kind


def _by_chance(cells: Sequence[Cell], found: Collection[Cell]) -> bool:
    """Tell whether so few of a column's long numbers look like personal data that chance explains them."""
    return 2 * sum(cell in found for cell in cells) < len(cells)


def _is_long_number(raw: Raw) -> bool:
    if isinstance(raw, str):
        return _LONG.fullmatch(raw) is not None
    return isinstance(raw, float | int) and not isinstance(raw, bool) and _LONG_NUMBER <= raw < _TOO_LONG


def _kind_of(raw: Raw, table: bool) -> str | None:
    if isinstance(raw, str):
        if len(raw) < _SHORTEST or (table and _DECIMAL.fullmatch(raw)):
            return None
        kind = _text_kind(raw)
        return kind if not table or kind is None or _is_surely(raw, kind) else None
    if isinstance(raw, float | int) and not isinstance(raw, bool):
        return find_in_number(float(raw), dated=table)
    return None


def _is_surely(text: str, kind: str) -> bool:
    """Tell whether a text is what it looks like, and no number of a register or an enterprise."""
    if kind == "national_number":
        return not text.isascii() or has_national_number(text, dated=True)
    if kind == "phone" and _ENTERPRISE.fullmatch(text):
        digits = "".join(char for char in text if char.isdigit())
        return _BASE - int(digits[:8]) % _BASE != int(digits[8:])
    return True


def _answers(rows: Rows, heading: Cell) -> Iterator[Cell]:
    """Return the cells that a heading is about: those below it, or beside it where it is the label of a line."""
    row, column = heading
    below = _at(rows, (row + 1, column))
    if below is None or (isinstance(below, str) and heading_kind(below)):
        for right in range(column + 1, column + _FAR + 1):
            raw = _at(rows, (row, right))
            if raw is not None:
                if not (isinstance(raw, str) and heading_kind(raw)):
                    yield row, right
                break
    empty = 0
    for down in range(row + 1, len(rows) + 1):
        raw = _at(rows, (down, column))
        empty = empty + 1 if raw is None else 0
        if empty > _GAP or (isinstance(raw, str) and heading_kind(raw)):
            return
        if raw is not None:
            yield down, column


def _at(rows: Rows, cell: Cell) -> Raw:
    row, column = cell
    line = rows[row - 1] if row <= len(rows) else ()
    raw = line[column - 1] if column <= len(line) else None
    return None if isinstance(raw, str) and not raw.strip() else raw


def _told(raw: Raw, asked: str, table: bool) -> str:
    """Return the kind of data that stand below a heading; empty where they say nothing about a person."""
    if raw is None or isinstance(raw, bool):
        return ""
    if not isinstance(raw, str):
        return asked if _is_asked(raw, asked, table) else ""
    if not any(char.isalnum() for char in raw) or _is_place(raw) or is_organisation(raw):
        return ""
    if asked == BARE:
        return _by_its_kind(raw, "name", table) if has_given_name(raw) or not table else ""
    return _by_its_kind(raw, asked, table)


def _is_asked(raw: Raw, asked: str, table: bool) -> bool:
    """Tell whether a number or a date can be what a heading asks for: a number is no name, and in a table no day."""
    if asked == "birth_date":
        return isinstance(raw, dt.date) or not table
    if not isinstance(raw, float | int) or asked not in ("national_number", "phone"):
        return False
    return not table or raw >= _LONG_NUMBER


def _by_its_kind(text: str, asked: str, table: bool) -> str:
    """Return the kind where a text can be what its heading asks for: a code or "yes" is no address."""
    digits, letters = sum(char.isdigit() for char in text), any(char.isalpha() for char in text)
    fits = {
        "name": letters and not digits,
        "birth_date": holds_day(text) if table else digits > 0,
        "national_number": digits > _SHORTEST,
        "phone": digits > _SHORTEST,
        "address": letters and digits > 0,
        "email": False,
    }
    return asked if fits[asked] else ""


def _is_place(text: str) -> bool:
    return _key(text) in _places()


@cache
def _places() -> frozenset[str]:
    codes = load_municipalities().index
    return frozenset(_key(municipality_name(str(code), language)) for code in codes for language in ("nl", "fr", "de"))


def _key(name: str) -> str:
    return "".join(char for char in flatten(name) if char.isalnum())
