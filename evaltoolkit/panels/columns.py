"""What each column of an evaluator's own file is: a measure, a fixed trait of the unit, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from evaltoolkit.findings import Finding

_MISSING = ("", "NA", "N/A", "NaN", "nan", "<NA>", "None")
_COMPANIONS = ("n", "se", "numerator")
_MOST_LISTED = 10


@dataclass(frozen=True)
class Columns:
    """Columns sorted by use.

    Attributes
    ----------
    numbers : DataFrame of float, the measures
    fixed : DataFrame, what is constant within every unit
    faults : tuple of str, cells that should be numbers and are not
    findings : tuple of Finding, what was renamed or left out
    """

    numbers: pd.DataFrame
    fixed: pd.DataFrame
    faults: tuple[str, ...]
    findings: tuple[Finding, ...]


def sort_columns(frame: pd.DataFrame, units: pd.Series[str], measures: Sequence[str] | None) -> Columns:
    """Sort the columns of a file.

    Parameters
    ----------
    frame : DataFrame, without unit and period
    units : (n,) Series of unit codes
    measures : names that must be numbers; None = every column that can be

    Notes
    -----
    A column in which some cells are numbers and others are not is a fault, unless it is constant within units: a
    code such as ``A1`` or ``71`` is a trait.
    """
    numbers, fixed, faults, findings = {}, {}, list[str](), []
    names, renamed, clashes = _names([str(c) for c in frame.columns])
    faults += clashes
    findings += [Finding("panel.column_renamed", "note", facts={"old": old, "new": new}) for old, new in renamed]
    for old, new in names.items():
        text = _plain(frame[old])
        number = pd.to_numeric(text, errors="coerce").astype("float64")
        bad = text.notna() & number.isna()
        wanted = measures is not None and old in measures
        constant = _is_constant(text, units)
        if constant:
            fixed[new] = number if not bad.any() else text.astype("str")
        if not bad.any():
            if measures is None or wanted or _base(new) in measures:
                numbers[new] = number
        elif wanted or (not constant and number.notna().any()):
            faults += _bad_cells(old, text[bad])
        elif not constant:
            findings.append(Finding("panel.text_column_left_out", "note", facts={"column": old}))
    index = frame.index
    return Columns(pd.DataFrame(numbers, index=index), pd.DataFrame(fixed, index=index), tuple(faults), tuple(findings))


def _plain(column: pd.Series) -> pd.Series:
    """Return the column with every spelling of "missing" as missing."""
    if pd.api.types.is_numeric_dtype(column):
        return column
    text = column.astype("str").str.strip()
    return text.where(~text.isin(_MISSING))


def _is_constant(column: pd.Series, units: pd.Series[str]) -> bool:
    """Tell whether every unit has at most one value in the column."""
    pairs = pd.DataFrame({"unit": units, "value": column}).dropna().drop_duplicates()
    return not pairs["unit"].duplicated().any()


def _base(name: str) -> str:
    return name.rpartition(".")[0]


def _names(columns: list[str]) -> tuple[dict[str, str], list[tuple[str, str]], list[str]]:
    """Give every column its name in the panel, where a dot means "belongs to"."""
    names: dict[str, str] = {}
    for column in columns:
        base, _, suffix = column.rpartition(".")
        companion = suffix in _COMPANIONS and base in columns
        names[column] = f"{base.replace('.', '_')}.{suffix}" if companion else column.replace(".", "_")
    clashes = [
        f'columns {", ".join(old for old in columns if names[old] == new)} would all be called "{new}": rename one'
        for new in sorted({n for n in names.values() if list(names.values()).count(n) > 1})
    ]
    return names, [(old, new) for old, new in names.items() if old != new], clashes


def _bad_cells(column: str, cells: pd.Series[str]) -> list[str]:
    # the cell's text is not repeated: it may say anything
    rows = [f"row {int(str(index)) + 2}" for index in cells.index]
    more = f" and {len(rows) - _MOST_LISTED} more" if len(rows) > _MOST_LISTED else ""
    return [f'column "{column}" is not a number in {", ".join(rows[:_MOST_LISTED])}{more}']
