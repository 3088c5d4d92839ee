"""Wide tables: one row per unit and the periods side by side, read through a mapping file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, FaultsError, nearest
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.framework.periods import Period
from evaltoolkit.framework.values import value_table
from evaltoolkit.framework.wording import code_in
from evaltoolkit.submissions.mapping import Column, Mapping, Table, load_mapping
from evaltoolkit.submissions.numbers import NumberError, fold, parse_number
from evaltoolkit.submissions.parts import TEXT_TYPES, check_number
from evaltoolkit.submissions.references import write_cell
from evaltoolkit.submissions.tabular import file_digest, read_grid
from evaltoolkit.territory.municipalities import code_of_name, municipality_codes

_PROBLEMS = {
    "value.not_a_number": "is not a number; list its word under [missing] if it stands for no value",
    "value.ambiguous_number": "is not clearly a number",
    "value.not_finite": "is not a finite number",
    "value.not_whole": "is not a whole number",
    "value.not_yes_no": "is not 0 or 1",
    "value.below_minimum": "is below the smallest possible value",
    "value.above_maximum": "is above the largest possible value (is the scale right?)",
}


@dataclass
class _Reading:
    """One table while it is read."""

    mapping: Mapping
    table: Table
    framework: Framework
    grid: pd.DataFrame
    digest: str
    faults: list[str] = field(default_factory=list)
    rows: list[dict[str, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cells = self.grid.to_numpy(dtype=object)

    def cell(self, row: int, column: int) -> object:
        return self.cells[row - 1, column - 1]

    def place(self, row: int, column: int) -> str:
        sheet = self.grid.attrs["sheet"]
        return f"{self.table.file} {sheet + '!' if sheet else ''}{write_cell(row, column)}"

    def source(self, row: int, column: int) -> str:
        sheet = self.grid.attrs["sheet"]
        return f"xlsx:{self.digest}/{sheet}!{write_cell(row, column)}" if sheet else f"csv:{self.digest}/row {row}"


def read_wide(path: str | Path, framework: Framework) -> pd.DataFrame:
    """Read the wide tables that a mapping file describes.

    Parameters
    ----------
    path : path
        The mapping; its format stands in :mod:`evaltoolkit.submissions.mapping`. Tables lie beside it.
    framework : Framework

    Returns
    -------
    DataFrame
        Table of values (:mod:`evaltoolkit.framework.values`); ``attrs["sources"]`` maps digest -> declared source.

    Raises
    ------
    EvaltoolkitError
        A file is missing, refused or has no such header.
    FaultsError
        All unknown units with the nearest name, all cells that are no number, repeated units: together.
    """
    mapping = load_mapping(path, framework)
    readings = []
    for table in mapping.tables:
        file = Path(path).parent / table.file
        grid = read_grid(file, table.sheet)
        readings.append(_Reading(mapping, table, framework, grid, file_digest(file)))
        _read_table(readings[-1])
    faults = [fault for reading in readings for fault in reading.faults]
    rows = [row for reading in readings for row in reading.rows]
    faults += _repeated(rows, {reading.digest: reading.table.file for reading in readings})
    if faults:
        raise FaultsError(faults, f'What "{Path(path).name}" describes')
    values = value_table(rows + _constant_rows(mapping, framework, rows))
    values.attrs["sources"] = {reading.digest: mapping.source for reading in readings}
    return values


def _read_table(reading: _Reading) -> None:
    header_row = _find_header(reading)
    headers = _headers(reading, header_row)
    unit_column = _unit_column(reading, headers)
    columns = _mapped_columns(reading, headers)
    skip = {fold(name) for name in reading.mapping.skip}
    for row in range(header_row + reading.table.header_rows, len(reading.grid) + 1):
        name = _text(reading.cell(row, unit_column))
        if fold(name) in skip:
            continue
        filled = any(reading.cell(row, column) is not None for column, _, _ in columns)
        if not filled:
            continue
        try:
            _read_row(reading, row, _find_unit(name, reading.mapping), columns)
        except EvaltoolkitError as error:
            reading.faults.append(
                f"{reading.place(row, unit_column)}: {error} If it is a total, list it under skip; "
                "if it has another spelling, give its code under names."
            )


def _find_unit(name: str, mapping: Mapping) -> str:
    """Return the code of what stands in the unit column."""
    named = mapping.names.get(name, name)
    if not named:
        raise EvaltoolkitError("The row has values but no unit.")
    if mapping.unit_kind == "livc_r":
        return named
    known = municipality_codes(mapping.vintage or 0)
    if mapping.unit == "name" and named == name:
        return code_of_name(name, mapping.vintage, language=mapping.language)
    if named not in known:
        raise EvaltoolkitError(
            f'The division of {mapping.vintage} has no municipality code "{named}".{nearest(named, known)}'
        )
    return named


def _find_header(reading: _Reading) -> int:
    table, grid = reading.table, reading.grid
    if table.header_row != "auto":
        if table.header_row > len(grid):
            raise EvaltoolkitError(
                f'"{table.file}" has {len(grid)} rows; header_row = {table.header_row} lies below them.'
            )
        return table.header_row
    wanted = fold(table.unit_column)
    rows = [int(str(row)) for row, *cells in grid.itertuples(name=None) if any(fold(_text(c)) == wanted for c in cells)]
    if not rows:
        raise EvaltoolkitError(f'No row of "{table.file}" holds the header "{table.unit_column}". Check unit_column.')
    # of a two-row header the unit column may be named in either row; the mapping then gives the number
    return rows[0]


def _headers(reading: _Reading, row: int) -> dict[int, str]:
    columns = [int(column) for column in reading.grid.columns]
    first = {column: _text(reading.cell(row, column)) for column in columns}
    if reading.table.header_rows == 1:
        return first
    headers, above = {}, ""
    for column in columns:
        above = first[column] or above
        below = _text(reading.cell(row + 1, column)) if row < len(reading.grid) else ""
        headers[column] = " | ".join(word for word in (above, below) if word)
    return headers


def _unit_column(reading: _Reading, headers: dict[int, str]) -> int:
    wanted = fold(reading.table.unit_column)
    for column, header in headers.items():
        if wanted in (fold(word) for word in (header, *header.split(" | "))):
            return column
    raise EvaltoolkitError(
        f'The header of "{reading.table.file}" has no column "{reading.table.unit_column}".'
        f"{nearest(reading.table.unit_column, headers.values())}"
    )


def _mapped_columns(reading: _Reading, headers: dict[int, str]) -> list[tuple[int, Column, str]]:
    """Return (column, mapping, period); a mapping without a column, or a column with two, is a fault."""
    found: dict[int, tuple[Column, str]] = {}
    above = reading.table.header_rows > 1 and reading.table.header_row == "auto"
    hint = " If the header begins a row higher, give the number of that row: header_row." if above else ""
    for column in reading.table.columns:
        hits = [(i, match) for i, header in headers.items() if (match := re.fullmatch(column.header, header))]
        if not hits:
            shown = ", ".join(f'"{header}"' for header in list(headers.values())[:12] if header)
            reading.faults.append(
                f'{reading.table.file}: no column matches header "{column.header}"; there are {shown}.{hint}'
            )
        for i, match in hits:
            if i in found:
                reading.faults.append(f'{reading.table.file}: column "{headers[i]}" is mapped twice.')
            found[i] = (column, _period(reading, column, match))
    return [(i, column, period) for i, (column, period) in found.items()]


def _period(reading: _Reading, column: Column, match: re.Match[str]) -> str:
    label = match[1] if match.re.groups and not column.period else column.period
    try:
        return Period.parse(label).label
    except EvaltoolkitError as error:
        reading.faults.append(f"{reading.table.file}: {error}")
        return label


def _text(cell: object) -> str:
    """Return a header or name as text; a year stored as a number is 2020, not 2020.0."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else " ".join(str(cell).split())


def _read_row(reading: _Reading, row: int, code: str, columns: list[tuple[int, Column, str]]) -> None:
    for number, column, period in columns:
        cell = reading.cell(row, number)
        if cell is None:
            continue
        indicator = reading.framework.by_id[column.indicator]
        entry: dict[str, object] = {
            "unit_kind": reading.mapping.unit_kind,
            "unit": code,
            "period": period,
            "indicator": column.indicator,
            "part": column.part,
            "value": float("nan"),
            "text": "",
            "status": reading.mapping.missing.get(_text(cell)) or column.status,
            "source": reading.source(row, number),
            "wording": code_in(indicator, period),
        }
        if _text(cell) not in reading.mapping.missing:
            entry["value"] = _read_number(reading, cell, column, reading.place(row, number))
        reading.rows.append(entry)


def _read_number(reading: _Reading, cell: object, column: Column, place: str) -> float:
    part = reading.framework.by_id[column.indicator].part(column.part)
    try:
        if part.type in TEXT_TYPES or isinstance(cell, bool) or not isinstance(cell, int | float | str):
            raise NumberError("value.not_a_number")
        number = parse_number(cell, reading.mapping.decimal, declared=True) if isinstance(cell, str) else float(cell)
    except NumberError as error:
        reading.faults.append(f"{place}: what stands here {_PROBLEMS[error.code]}.")
        return float("nan")
    # 62.4 * 0.01 is 0.6240000000000001: the written decimals are what was meant
    value = float(f"{number * column.scale:.15g}")
    for code, _ in check_number(part, value):
        reading.faults.append(f"{place}: {value:g} {_PROBLEMS[code]}.")
    return value


def _repeated(rows: list[dict[str, object]], files: dict[str, str]) -> list[str]:
    def place(source: object) -> str:
        digest, _, cell = str(source).partition(":")[2].partition("/")
        return f"{files[digest]} {cell}"

    first: dict[tuple[object, ...], object] = {}
    faults = []
    for row in rows:
        key = tuple(row[name] for name in ("unit", "period", "indicator", "part"))
        if key in first:
            faults.append(
                f"{' '.join(str(word) for word in key)} stands twice: {place(first[key])} and {place(row['source'])}."
            )
        first.setdefault(key, row["source"])
    return faults


def _constant_rows(mapping: Mapping, framework: Framework, rows: list[dict[str, object]]) -> list[dict[str, object]]:
    found = []
    for constant in mapping.constants:
        keys = {(row["unit"], row["period"]): row for row in rows if row["indicator"] == constant.indicator}
        for row in keys.values():
            found.append({**row, "part": constant.part, "value": constant.value, "status": "registered"})
    return found
