"""Tables that people have: CSV as they save it, or a sheet of a workbook, as raw typed cells."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, FaultsError, nearest
from evaltoolkit.i18n import words
from evaltoolkit.submissions.archive import MAX_FILE, MEGABYTE, UnsafeError
from evaltoolkit.submissions.guard import Scan, guard_workbook
from evaltoolkit.submissions.references import write_cell
from evaltoolkit.submissions.sheets import Raw, read_sheets, uncalculated

DELIMITERS = (";", ",", "\t")
_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_FAULTS_SHOWN = 20


def read_table(path: str | Path, sheet: str | None = None) -> pd.DataFrame:
    """Read a table with a header in its first row.

    Parameters
    ----------
    path : path
        ``.csv``, ``.tsv`` or ``.txt`` (delimiter ``;``, ``,`` or tab; UTF-8 or Windows-1252) or ``.xlsx``.
    sheet : str, optional
        Sheet of a workbook; default: its only visible sheet.

    Returns
    -------
    DataFrame
        Type object: text from CSV, text, number, bool or date from a workbook; empty cells are None. The index
        ``row`` is the row number in the file (the header is row 1); rows without any value are left out.

    Raises
    ------
    EvaltoolkitError
        The file cannot be opened, is refused by the guard, or has no header.
    FaultsError
        Columns without a name or named twice (a row longer than the header shows as such a column): all of them.
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
    table = grid.iloc[1:].copy()
    table.columns = pd.Index(header)
    return table.loc[table.notna().any(axis=1)]


def read_grid(path: str | Path, sheet: str | None = None) -> pd.DataFrame:
    """Read all cells of a table without looking for a header; index ``row`` and columns counted from 1.

    Parameters, types and errors as for :func:`read_table`. Columns that are empty at the right are left out.
    ``attrs["sheet"]`` names the sheet that was read; empty for a text file.
    """
    path = Path(path)
    if not path.is_file():
        raise EvaltoolkitError(f'There is no file "{path.name}" in that folder. Check the name.')
    if path.suffix.lower() in _WORKBOOKS:
        sheet, rows = _sheet_rows(path, sheet)
    else:
        sheet, rows = "", _csv_rows(path)
    width = max((_used(row) for row in rows), default=0)
    square = [list(row[:width]) + [None] * (width - len(row)) for row in rows]
    grid = pd.DataFrame(square, columns=range(1, width + 1), index=range(1, len(rows) + 1), dtype=object)
    grid.index.name = "row"
    grid.attrs["sheet"] = sheet
    return grid


def file_digest(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _used(row: list[Raw]) -> int:
    return next((i for i in range(len(row), 0, -1) if row[i - 1] is not None), 0)


def _sheet_rows(path: Path, sheet: str | None) -> tuple[str, list[list[Raw]]]:
    scan = guard_workbook(path)
    if scan.refused:
        finding = scan.findings[0]
        said = words("en").say(finding.code, **finding.facts)
        remedy = words("en").say(f"{finding.code}.remedy", **finding.facts)
        raise EvaltoolkitError(f"{finding.where}: {said} {remedy}")
    name = _choose_sheet(scan, sheet)
    try:
        rows = read_sheets(scan, [name])[name]
    except UnsafeError:
        raise EvaltoolkitError(f'"{path.name}" is damaged: open it, save it again as .xlsx and retry.') from None
    _check_cells(scan, name, rows)
    return name, rows


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


def _csv_rows(path: Path) -> list[list[Raw]]:
    content = path.read_bytes()
    if len(content) > MAX_FILE:
        raise EvaltoolkitError(
            f'"{path.name}" is larger than {MAX_FILE // MEGABYTE} MB: split it or leave columns out.'
        )
    if content.startswith(b"PK\x03\x04") or b"\x00" in content[:4096]:
        raise EvaltoolkitError(
            f'"{path.name}" is not a text file: save it as CSV (UTF-8), or name it .xlsx if it is a workbook.'
        )
    text = _decode(content)
    delimiter = _delimiter(text, path.name)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise EvaltoolkitError(f'"{path.name}" is not valid CSV ({error}): check the quotation marks.') from None
    while rows and not any(field.strip() for field in rows[-1]):
        rows.pop()
    return [[field.strip() or None for field in row] for row in rows]


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Excel's plain "CSV" in western Europe; bytes without a meaning there become a visible mark
        return content.decode("cp1252", errors="replace")


def _delimiter(text: str, name: str) -> str:
    """Return the delimiter under which most rows have the same number of fields, at least two."""
    best: list[tuple[int, int, str]] = []
    for delimiter in DELIMITERS:
        try:
            sizes = [len(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)]
        except csv.Error:
            continue
        usual = max(set(sizes), key=sizes.count, default=0) if sizes else 0
        if usual > 1:
            best.append((sizes.count(usual), usual, delimiter))
    if not best:
        return DELIMITERS[0]
    best.sort(reverse=True)
    if len(best) > 1 and best[0][:2] == best[1][:2]:
        raise EvaltoolkitError(
            f'"{name}" can be read with {best[0][2]!r} or {best[1][2]!r} between columns: save it with one of them.'
        )
    return best[0][2]
