"""Tables that people have: CSV as they save it, JSON records, or a sheet of a workbook, as raw typed cells."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, Fact, FaultsError, nearest
from evaltoolkit.i18n import words
from evaltoolkit.submissions.guard import Scan, guard_workbook, read_content
from evaltoolkit.submissions.isolation import BrokenOffError, run_isolated
from evaltoolkit.submissions.personal import find_personal
from evaltoolkit.submissions.personal_cells import personal_cells
from evaltoolkit.submissions.references import Area, write_cell
from evaltoolkit.submissions.scan import TABLE_CELLS
from evaltoolkit.submissions.sheets import Raw, read_sheets, uncalculated

_SAID = {
    "national_number": "what looks like a national register number",
    "email": "an e-mail address",
    "phone": "what looks like a phone number",
    "birth_date": "a date of birth",
    "name": "the name of a person",
    "address": "an address",
    "comment": "personal data in a comment, text box, header or footer",
    "beside": "personal data outside its cells: in its properties, a link or a deleted text",
}
_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_FAULTS_SHOWN = 20


class PersonalDataError(FaultsError):
    """A table with personal data; ``places`` are (sheet, cell, kind), both empty where no cell holds them."""

    def __init__(self, places: Sequence[tuple[str, str, str]], file: str) -> None:
        self.places = tuple(places)
        faults = [f"{'!'.join(filter(None, place[:2]))} holds {_SAID[place[2]]}".strip() for place in self.places]
        what = f'"{file}" is not read, for it holds personal data. Take them out and save it again; it'
        super().__init__([*faults[:_FAULTS_SHOWN], *_rest(faults)], what)


def read_table(path: str | Path, sheet: str | None = None) -> pd.DataFrame:
    """Read a table with a header in its first row.

    Parameters
    ----------
    path : path
        ``.csv``, ``.tsv`` or ``.txt`` (delimiter ``;``, ``,`` or tab; UTF-8 or Windows-1252), ``.json`` (one object
        for each row), ``.xlsx`` or ``.ods``. All are read in a process of their own.
    sheet : str, optional
        Sheet of a workbook; default: its only visible sheet.

    Returns
    -------
    DataFrame
        Type object: text from CSV; text, number, bool or date from a workbook or JSON; empty cells are None. The index
        ``row`` is the row number in the file (the header is row 1); rows without any value are left out.

    Raises
    ------
    EvaltoolkitError
        The file cannot be opened, is refused by the guard, or has no header.
    PersonalDataError
        A cell holds personal data, or stands below a heading that asks for them; what it holds is not repeated.
    FaultsError
        Columns without a name or named twice (a row longer than the header shows as such a column), and merged cells
        below the header, of which only the first would be read: all of them.
    """
    grid = read_grid(path, sheet)
    name = Path(path).name
    if grid.empty:
        raise EvaltoolkitError(f'"{name}" is empty: a header row and at least one row are needed.')
    header = ["" if value is None else str(value).strip() for value in grid.iloc[0]]
    faults = [f"column {write_cell(1, i + 1)[:-1]} has no name" for i, word in enumerate(header) if not word]
    faults += [
        f'column "{word}" stands more than once' for word in sorted({w for w in header if w and header.count(w) > 1})
    ]
    if faults:
        raise FaultsError(faults, f'The header of "{name}"')
    merged = [area for area, (_, last) in grid.attrs["merges"].items() if last[0] > 1]
    if merged:
        shown = [f"{area} is merged: undo the merge and fill in every cell" for area in merged]
        raise FaultsError([*shown[:_FAULTS_SHOWN], *_rest(shown)], f'"{name}"')
    table = grid.iloc[1:].copy()
    table.columns = pd.Index(header)
    return table.loc[table.notna().any(axis=1)]


def read_grid(path: str | Path, sheet: str | None = None) -> pd.DataFrame:
    """Read all cells of a table without looking for a header; index ``row`` and columns counted from 1.

    Parameters, types and errors as for :func:`read_table`. Columns that are empty at the right are left out.
    ``attrs["sheet"]`` names the sheet that was read, empty for a text file; ``attrs["merges"]`` holds its merged areas
    (``Sheet!B3:B4`` -> first and last cell): only the first cell of each has a value.
    """
    path = Path(path)
    if not path.is_file():
        raise EvaltoolkitError(f'There is no file "{path.name}" in that folder. Check the name.')
    if path.suffix.lower() in _WORKBOOKS:
        sheet, rows, merges = _sheet_rows(path, sheet)
    else:
        merges = []
        sheet, rows = "", _text_rows(path, "document" if path.suffix.lower() == ".json" else "text")
        _check_personal({"": rows}, path.name)
    width = max((_used(row) for row in rows), default=0)
    square = [list(row[:width]) + [None] * (width - len(row)) for row in rows]
    grid = pd.DataFrame(square, columns=range(1, width + 1), index=range(1, len(rows) + 1), dtype=object)
    grid.index.name = "row"
    grid.attrs["sheet"] = sheet
    grid.attrs["merges"] = {f"{sheet}!{write_cell(*area[0])}:{write_cell(*area[1])}": area for area in merges}
    return grid


def file_digest(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _used(row: list[Raw]) -> int:
    return next((i for i in range(len(row), 0, -1) if row[i - 1] is not None), 0)


def _sheet_rows(path: Path, sheet: str | None) -> tuple[str, list[list[Raw]], list[Area]]:
    scan = guard_workbook(path)
    if scan.refused:
        finding = scan.findings[0]
        raise EvaltoolkitError(f"{finding.where}: {_say(finding.code, finding.facts)}")
    everything = read_sheets(scan, scan.sheets)
    beside = ["comment"] if find_personal(scan.comments) else []
    _check_personal(everything, path.name, [*beside, *(["beside"] if scan.beside else [])])
    name = _choose_sheet(scan, sheet)
    rows = everything[name]
    _check_cells(scan, name, rows)
    return name, rows, scan.sheets[name].merges


def _check_personal(sheets: Mapping[str, list[list[Raw]]], file: str, beside: Iterable[str] = ()) -> None:
    """Refuse a table with personal data on any of its sheets, hidden ones too."""
    places = [
        (name, write_cell(*cell), kind)
        for name, rows in sheets.items()
        for cell, kind in personal_cells(rows, table=True)
    ]
    places += [("", "", kind) for kind in beside]
    if places:
        raise PersonalDataError(places, file)


def _choose_sheet(scan: Scan, sheet: str | None) -> str:
    visible = [name for name, found in scan.sheets.items() if found.visibility == "visible"]
    if sheet is None and len(visible) == 1:
        return visible[0]
    listed = ", ".join(f'"{name}"' for name in visible)
    if sheet is None:
        raise EvaltoolkitError(f'"{scan.file}" has {len(visible)} sheets; name the one to read: {listed}.')
    if sheet not in scan.sheets:
        raise EvaltoolkitError(f'"{scan.file}" has no sheet "{sheet}"; it has {listed}.{nearest(sheet, visible)}')
    return sheet


def _check_cells(scan: Scan, sheet: str, rows: list[list[Raw]]) -> None:
    """A table with error cells or formulas without a value would be read with holes in it."""
    errors = sorted(scan.sheets[sheet].errors)
    faults = [f"{sheet}!{write_cell(*cell)} shows an error such as #N/A" for cell in errors]
    never = uncalculated(scan, sheet, rows)
    faults += [f"{sheet}!{write_cell(*cell)} is a formula that was never calculated" for cell in never]
    if faults:
        raise FaultsError([*faults[:_FAULTS_SHOWN], *_rest(faults)], f'"{scan.file}"')


def _rest(faults: list[str]) -> list[str]:
    return [f"and {len(faults) - _FAULTS_SHOWN} more"] if len(faults) > _FAULTS_SHOWN else []


def _text_rows(path: Path, task: str) -> list[list[Raw]]:
    try:
        told = run_isolated(task, read_content(path), name=path.name, cells=TABLE_CELLS)
    except BrokenOffError as fault:
        raise EvaltoolkitError(f"{path.name}: {_say(fault.code, fault.facts)}") from None
    if told["fault"]:
        raise EvaltoolkitError(told["fault"])
    rows: list[list[Raw]] = told["rows"]
    return rows


def _say(code: str, facts: Mapping[str, Fact]) -> str:
    return f"{words('en').say(code, **facts)} {words('en').say(f'{code}.remedy', **facts)}"
