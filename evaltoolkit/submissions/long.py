"""A CSV of long values from a declared source, checked row by row."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, Fact, Finding, Where, nearest
from evaltoolkit.framework.indicator import Framework, Indicator, Part
from evaltoolkit.framework.periods import Period
from evaltoolkit.framework.values import ANSWERED, COLUMNS, MISSING, STATUSES, UNIT_KINDS, value_table
from evaltoolkit.framework.wording import code_in
from evaltoolkit.submissions.numbers import NumberError, parse_number
from evaltoolkit.submissions.parts import TEXT_TYPES, Fault, check_number, check_text
from evaltoolkit.submissions.references import write_cell
from evaltoolkit.submissions.tabular import file_digest, read_table
from evaltoolkit.submissions.values_csv import number_text

REQUIRED = ("unit", "period", "indicator", "part")
KEY = ["unit_kind", "unit", "period", "indicator", "part"]


@dataclass(frozen=True)
class _File:
    """What is the same for all rows."""

    name: str
    digest: str
    columns: tuple[str, ...]
    framework: Framework
    units: Collection[str] | None
    decimal: str


@dataclass(frozen=True)
class _Row:
    """One row: its fields as text, and where to point when one is wrong."""

    file: _File
    number: int
    fields: dict[str, str]

    def finding(self, code: str, column: str, **facts: Fact) -> Finding:
        columns = self.file.columns
        cell = (
            write_cell(self.number, columns.index(column) + 1) if column in columns else f"{self.number}:{self.number}"
        )
        where = Where(self.file.name, cell=cell, indicator=self.fields.get("indicator", ""))
        return Finding(code, "error", where, facts)


def read_long(
    path: str | Path,
    *,
    source: str,
    framework: Framework,
    units: Collection[str] | None = None,
    decimal: str = ".",
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Read long values: one row per unit, period, indicator and part.

    Parameters
    ----------
    path : path
        CSV (or sheet) with the columns ``unit, period, indicator, part`` and ``value`` or ``text``; optional
        ``unit_kind`` (municipality by default), ``status`` (registered by default) and ``wording`` (the
        framework's by default). See :mod:`evaltoolkit.framework.values`.
    source : str
        Where the values come from, in words: publisher, title, date of download. Kept in ``attrs["sources"]``.
    framework : Framework
    units : collection of str, optional
        Known unit codes; with it, an unknown code is an error.
    decimal : {".", ","}
        Decimal mark of the file.

    Returns
    -------
    values : DataFrame
        Rows without a fault, ``source`` being ``csv:<sha256>/row <n>``.
    findings : tuple of Finding
        All faults at once; ``cell`` is where a spreadsheet program shows it.

    Raises
    ------
    EvaltoolkitError
        No source given, or the file cannot be read as a table.
    """
    if not source.strip():
        raise EvaltoolkitError('Say where the values come from: source="publisher, title, date of download".')
    table = read_table(path)
    columns = tuple(str(column) for column in table.columns)
    faults = _column_findings(columns, Path(path).name)
    if faults:
        return value_table(), tuple(faults)
    digest = file_digest(path)
    file = _File(Path(path).name, digest, columns, framework, units, decimal)
    rows = [_Row(file, int(str(number)), _fields(columns, cells)) for number, *cells in table.itertuples(name=None)]
    return _collect(rows, {digest: source.strip()})


def _collect(rows: list[_Row], sources: dict[str, str]) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    findings: list[Finding] = []
    good: list[dict[str, object]] = []
    first: dict[tuple[str, ...], int] = {}
    for row in rows:
        values, faults = _read_row(row)
        key = tuple(str(values.get(name, "")) for name in KEY)
        if not faults and key in first:
            faults = [row.finding("row.duplicate", "unit", row=row.number, first=first[key])]
        first.setdefault(key, row.number)
        findings += faults
        if not faults:
            good.append(values)
    table = value_table(good)
    table.attrs["sources"] = sources
    return table, tuple(findings)


def _fields(columns: tuple[str, ...], cells: list[object]) -> dict[str, str]:
    return {name: _as_text(cell) for name, cell in zip(columns, cells, strict=True)}


def _as_text(cell: object) -> str:
    if isinstance(cell, float) and math.isfinite(cell):
        return number_text(cell)
    return "" if cell is None else str(cell).strip()


def _column_findings(columns: tuple[str, ...], file: str) -> list[Finding]:
    # where a row came from before is told by its file: a column of it is allowed and not used
    known = list(COLUMNS)
    found = [
        Finding(
            "column.unknown",
            "error",
            Where(file, cell=write_cell(1, i + 1)),
            {"column": name, "nearest": _nearest_word(name, known)},
        )
        for i, name in enumerate(columns)
        if name not in known
    ]
    missing = [name for name in REQUIRED if name not in columns]
    if "value" not in columns and "text" not in columns:
        missing.append("value")
    return found + [Finding("column.missing", "error", Where(file), {"column": name}) for name in missing]


def _nearest_word(word: str, known: Collection[str]) -> str:
    """Return the nearest known word, or an en dash."""
    return nearest(word, known).partition('"')[2].rpartition('"')[0] or "–"


def _read_row(row: _Row) -> tuple[dict[str, object], list[Finding]]:
    fields = row.fields
    faults = _identity_findings(row)
    indicator = row.file.framework.by_id.get(fields["indicator"])
    status = fields.get("status") or "registered"
    values: dict[str, object] = {name: fields[name] for name in REQUIRED}
    values |= {
        "unit_kind": fields.get("unit_kind") or "municipality",
        "status": status,
        "source": f"csv:{row.file.digest}/row {row.number}",
        "value": float("nan"),
        "text": "",
        "wording": code_in(indicator, fields["period"]) if indicator else 1,
    }
    if fields.get("wording"):
        if fields["wording"].isdigit():
            values["wording"] = int(fields["wording"])
        else:
            faults.append(row.finding("value.not_whole", "wording", value=fields["wording"][:20]))
    if indicator and fields["part"] in indicator.part_ids and status in STATUSES:
        faults += _read_answer(row, indicator.part(fields["part"]), status, values)
    return values, faults


def _identity_findings(row: _Row) -> list[Finding]:
    fields, file = row.fields, row.file
    faults = []
    indicator = file.framework.by_id.get(fields["indicator"])
    if indicator is None:
        near = _nearest_word(fields["indicator"], file.framework.by_id)
        faults.append(row.finding("row.unknown_indicator", "indicator", word=fields["indicator"], nearest=near))
    else:
        faults += _part_findings(row, indicator)
    status = fields.get("status", "")
    if status and status not in STATUSES:
        faults.append(row.finding("row.unknown_status", "status", word=status, nearest=_nearest_word(status, STATUSES)))
    kind = fields.get("unit_kind") or "municipality"
    if kind not in UNIT_KINDS:
        faults.append(row.finding("row.unknown_kind", "unit_kind", word=kind, nearest=_nearest_word(kind, UNIT_KINDS)))
    known = file.units if kind == "municipality" else None
    if not fields["unit"] or (known is not None and fields["unit"] not in known):
        near = _nearest_word(fields["unit"], known or ())
        faults.append(row.finding("row.unknown_unit", "unit", word=fields["unit"], nearest=near))
    try:
        Period.parse(fields["period"])
    except EvaltoolkitError:
        faults.append(row.finding("row.unknown_period", "period", word=fields["period"]))
    return faults


def _part_findings(row: _Row, indicator: Indicator) -> list[Finding]:
    part = row.fields["part"]
    if part in indicator.part_ids:
        return []
    return [row.finding("row.unknown_part", "part", word=part, nearest=_nearest_word(part, indicator.part_ids))]


def _read_answer(row: _Row, part: Part, status: str, values: dict[str, object]) -> list[Finding]:
    column = "text" if part.type in TEXT_TYPES else "value"
    raw = row.fields.get(column, "")
    other = row.fields.get("value" if column == "text" else "text", "")
    if other or (raw and status in MISSING):
        return [row.finding("value.with_missing_status" if not other else "row.wrong_column", column, status=status)]
    if not raw:
        return [row.finding("row.no_value", column, status=status)] if status in ANSWERED else []
    faults: list[Fault]
    if column == "text":
        values["text"] = raw
        faults = check_text(part, raw)
    else:
        try:
            values["value"] = parse_number(raw, row.file.decimal, declared=True)
            faults = check_number(part, float(str(values["value"])))
        except NumberError as error:
            faults = [(error.code, {})]
    return [row.finding(code, column, **facts) for code, facts in faults]
