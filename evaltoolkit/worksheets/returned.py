"""A workbook that came back: through the guard, then its rows as the tables of a worksheet, each with its cell."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaltoolkit.findings import Finding, Where
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions.archive import UnsafeError
from evaltoolkit.submissions.guard import Scan, guard_workbook
from evaltoolkit.submissions.layout import META_SHEET
from evaltoolkit.submissions.numbers import fold
from evaltoolkit.submissions.personal import find_in_number, find_personal
from evaltoolkit.submissions.references import write_cell
from evaltoolkit.submissions.sheets import Raw, read_sheets, uncalculated
from evaltoolkit.validation import Loc
from evaltoolkit.worksheets.layout import (
    ABOUT,
    CLAIM_COLUMNS,
    FORMAT,
    LISTED,
    RIVALS,
    SHEETS,
    TEST_COLUMNS,
    VERSION,
    heading,
    labels,
    sheet_title,
)
from evaltoolkit.worksheets.template import Content

_COLUMNS = {"claims": CLAIM_COLUMNS, "tests": TEST_COLUMNS}
_NUMBERS = re.compile(r"[0-9]+(?:\s*[,;+]\s*[0-9]+|\s+[0-9]+)*")
Rows = Sequence[Sequence[Raw]]


@dataclass
class Returned:
    """What a workbook holds: tables for :func:`evaltoolkit.worksheets.faults.inspect_tables`, cells, own faults."""

    file: str
    language: str = "en"
    content: Content | None = None
    cells: dict[tuple[int | str, ...], Where] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def locate(self, loc: Loc) -> Where:
        """Return the cell of an entry; where it has none, that of what it stands in."""
        for end in range(len(loc), 0, -1):
            if tuple(loc[:end]) in self.cells:
                return self.cells[tuple(loc[:end])]
        return Where(self.file)

    def label(self, name: str, code: str) -> str:
        """Return how a word of a list is written in the workbook."""
        return labels(name, self.language).get(code, code) if name in LISTED else code

    def refuse(self, code: str, where: Where | None = None, **facts: str) -> None:
        """Note an error."""
        self.findings.append(Finding(code, "error", where or Where(self.file), facts))


def read_workbook(path: str | Path) -> Returned:
    """Read a workbook of :func:`evaltoolkit.worksheets.draw.draw_worksheet`; faults are findings, never an exception.

    Raises
    ------
    EvaltoolkitError
        The file is not there or may not be opened.
    """
    scan = guard_workbook(path)
    found = Returned(scan.file)
    if scan.refused:
        found.findings += scan.findings
        return found
    if META_SHEET not in scan.sheets:
        found.refuse("worksheet.not_a_worksheet")
        return found
    try:
        rows = read_sheets(scan, scan.sheets)
    except UnsafeError as fault:
        found.refuse(fault.code)
        return found
    invented = _identify(found, rows[META_SHEET])
    if invented is None:
        return found
    sheets = {name: sheet_title(name, found.language) for name in SHEETS}
    personal = _personal(found, scan, {title: rows[title] for title in rows if title != META_SHEET})
    lost = [title for title in sheets.values() if title not in rows]
    for title in lost:
        found.refuse("worksheet.sheet_lost", name=title)
    if personal or lost:
        return found
    _unreadable(found, scan, rows, sheets)
    found.content = _content(found, {name: rows[title] for name, title in sheets.items()}, invented)
    return found


def _identify(found: Returned, rows: Rows) -> bool | None:
    """Set the language; return whether the worksheet is an invented example, None where it is no worksheet."""
    texts = {str(row[0]): str(row[1]) for row in rows if len(row) > 1}
    if texts.get("format") != FORMAT:
        found.refuse("worksheet.not_a_worksheet")
        return None
    layout = texts.get("layout", "").removesuffix(".0")
    if layout != VERSION or texts.get("language") not in LANGUAGES or texts.get("invented") not in ("yes", "no"):
        found.refuse("worksheet.changed_metadata")
        return None
    found.language = texts["language"]
    return texts["invented"] == "yes"


def _personal(found: Returned, scan: Scan, rows: Mapping[str, Rows]) -> bool:
    for sheet, lines in rows.items():
        for i, line in enumerate(lines, 1):
            for j, raw in enumerate(line, 1):
                if _is_personal(raw):
                    found.refuse("worksheet.personal", Where(found.file, sheet, write_cell(i, j)))
    if find_personal(scan.comments):
        found.refuse("personal.comment")
    if scan.beside:
        found.refuse("personal.beside")
    return bool(found.findings)


def _is_personal(raw: Raw) -> bool:
    if isinstance(raw, float):
        return find_in_number(raw) is not None
    return isinstance(raw, str) and find_personal(raw) is not None


def _unreadable(found: Returned, scan: Scan, rows: Mapping[str, list[list[Raw]]], sheets: Mapping[str, str]) -> None:
    """Report what the value reader gives as empty: cells with an error, formulas that were never calculated."""
    for title in sheets.values():
        cells = {*scan.sheets[title].errors, *uncalculated(scan, title, rows[title])}
        for cell in sorted(cells):
            found.refuse("worksheet.error_cell", Where(found.file, title, write_cell(*cell)))


def _content(found: Returned, rows: Mapping[str, Rows], invented: bool) -> Content:
    content: Content = {"language": found.language, "invented": invented}
    content |= dict(_about(found, rows["start"]))
    claims, numbers = _claims(found, rows["claims"])
    for row, where in _table(found, "tests", rows["tests"]):
        _add_test(found, row, where, claims, numbers)
    return content | {"claims": claims}


def _about(found: Returned, rows: Rows) -> Iterator[tuple[str, Any]]:
    title = sheet_title("start", found.language)
    wanted = {fold(words(found.language).say(f"worksheet.label.{name}")): name for name in ABOUT}
    for i, row in enumerate(rows, 1):
        name = wanted.pop(fold(str(row[1])), None) if len(row) > 1 and row[1] is not None else None
        if name is not None:
            found.cells[name,] = Where(found.file, title, write_cell(i, 3))
            yield name, _text(row[2] if len(row) > 2 else None)


def _table(found: Returned, name: str, rows: Rows) -> Iterator[tuple[dict[str, Raw], dict[str, Where]]]:
    """Return each filled row below the headings by column key, with the cell of each key."""
    title = sheet_title(name, found.language)
    keys = {fold(heading(name, column, found.language)): column for column in _COLUMNS[name]}
    head, columns = _head(rows, keys)
    for lost in [column for column in _COLUMNS[name] if column not in columns]:
        found.refuse("worksheet.heading_lost", Where(found.file, title), name=heading(name, lost, found.language))
    for i, row in enumerate(rows[head:] if columns else (), head + 1):
        values = {key: row[j - 1] if j <= len(row) else None for key, j in columns.items()}
        if any(_text(value) for value in values.values()):
            yield values, {key: Where(found.file, title, write_cell(i, j)) for key, j in columns.items()}


def _head(rows: Rows, keys: Mapping[str, str]) -> tuple[int, dict[str, int]]:
    """Return the number of the row that holds most of the headings, and the column of each."""
    best: tuple[int, dict[str, int]] = (0, {})
    for i, row in enumerate(rows, 1):
        columns = {keys[fold(text)]: j for j, text in enumerate(row, 1) if isinstance(text, str) and fold(text) in keys}
        if len(columns) > len(best[1]):
            best = (i, columns)
    return best


def _claims(found: Returned, rows: Rows) -> tuple[list[Content], dict[str, int]]:
    claims: list[Content] = []
    numbers: dict[str, int] = {}
    for row, where in _table(found, "claims", rows):
        number = len(claims)
        claim: Content = {key: _text(row[key]) for key in row if key not in RIVALS}
        filled = [key for key in RIVALS if _text(row.get(key))]
        claim |= {"rivals": [_text(row[key]) for key in filled], "tests": []}
        found.cells |= {("claims", number, key): place for key, place in where.items() if key not in RIVALS}
        found.cells |= {("claims", number, "rivals", i): where[key] for i, key in enumerate(filled)}
        if "id" in where:
            found.cells["claims", number] = where["id"]
        # tests name an explanation by the number in the heading, so a gap would shift them
        for key in RIVALS[: len(filled)]:
            if key not in filled and key in where:
                found.refuse("worksheet.rival_gap", where[key])
        numbers.setdefault(fold(claim.get("id", "")), number)
        claims.append(claim)
    return claims, numbers


def _add_test(
    found: Returned, row: dict[str, Raw], where: dict[str, Where], claims: list[Content], numbers: Mapping[str, int]
) -> None:
    claim = numbers.get(fold(_text(row.get("claim"))))
    if claim is None:
        found.refuse("worksheet.test_without_claim", where.get("claim"))
        return
    tests = claims[claim]["tests"]
    at = ("claims", claim, "tests", len(tests))
    found.cells |= {(*at, key): place for key, place in where.items()}
    found.cells[at] = where["claim"]
    tests.append({key: _entry(found, key, value) for key, value in row.items() if key != "claim"})


def _entry(found: Returned, key: str, value: Raw) -> Any:
    if key in LISTED:
        return _code(key, _text(value), found.language)
    if key == "rivals":
        text = _text(value)
        return [int(part) for part in re.findall(r"[0-9]+", text)] if _NUMBERS.fullmatch(text) else text
    return value.date() if isinstance(value, dt.datetime) else value if isinstance(value, dt.date) else _text(value)


def _code(key: str, text: str, language: str) -> str:
    """Return the code of a word, with or without its range; what is no word of the list stays as it is."""
    for code, label in labels(key, language).items():
        if fold(text) in (fold(label), fold(label.partition(" (")[0])):
            return code
    return text


def _text(value: Raw) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
