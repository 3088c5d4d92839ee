"""An evaluator's own panel: one row per unit and period, one column per measure."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, FaultsError, Finding, nearest
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.columns import Columns, sort_columns
from evaltoolkit.panels.labels import label_text, period_labels
from evaltoolkit.panels.panel import Panel
from evaltoolkit.territory.municipalities import detect_vintages, municipality_name

_MOST_LISTED = 20
_MOST_PERIODS = 6


def read_panel(  # the face of the package for evaluators: options by keyword
    source: str | Path | pd.DataFrame,
    *,
    unit: str,
    period: str,
    measures: Sequence[str] | None = None,
    unit_kind: str = "unit",
    name: str | None = None,
) -> Panel:
    """Read a panel from a CSV file or a DataFrame.

    Parameters
    ----------
    source : path or DataFrame
        CSV with a header row, separated by commas or semicolons (then with decimal commas), UTF-8. Empty, ``NA``
        and ``NaN`` mean missing.
    unit, period : str
        Columns. Periods are years, quarters (2018-Q2, 2018Q2), months, two dates, pandas periods, or plain numbers
        1, 2, 3 … for numbered periods. Days that are all the first, or all the last, of years, quarters or months
        stand for these.
    measures : sequence of str, optional
        Columns that must hold numbers. By default every numeric column is a measure.
    unit_kind : str
        What a unit is. ``municipality``: codes are checked against the register and must be of one vintage.
    name : str, optional
        Column with the units' names.

    Returns
    -------
    Panel
        Columns that are constant within every unit stand in ``panel.units`` too, text included. ``X.n``, ``X.se``
        and ``X.numerator`` beside a column ``X`` are taken as what a panel means by them; any other dot in a
        column name becomes ``_``, and a finding says so.

    Raises
    ------
    FaultsError
        With all faults: unknown columns (and the nearest), unreadable numbers and periods, empty units or periods,
        duplicate unit-period rows.
    """
    frame, origin = _load(source)
    _check_columns(frame, [unit, period, *(measures or ()), *([name] if name else [])])
    units = frame[unit].map(lambda code: "" if pd.isna(code) else label_text(code)).astype("str")
    labels = period_labels(frame[period])
    periods, faults = _periods(labels)
    faults += _empty(units, unit) + _empty(labels, period) + _duplicates(units, labels)
    columns = sort_columns(frame.drop(columns=[unit, period, *([name] if name else [])]), units, measures)
    if faults or columns.faults:
        raise FaultsError([*faults, *columns.faults], "The panel")
    vintage = _vintage(units) if unit_kind == "municipality" else None
    codes = sorted(set(units))
    grid = pd.MultiIndex.from_product([codes, [p.label for p in periods]], names=["unit", "period"])
    data = columns.numbers.set_index(pd.MultiIndex.from_arrays([units, labels], names=["unit", "period"])).reindex(grid)
    return Panel(
        data=data,
        periods=periods,
        unit_kind=unit_kind,
        units=_unit_table(frame[name] if name else None, units, columns, vintage),
        vintage=vintage,
        sources=_sources(units, labels, origin),
        findings=(*columns.findings, *_unbalanced(len(frame), len(codes) * len(periods))),
        info={"source": origin},
    )


def _load(source: str | Path | pd.DataFrame) -> tuple[pd.DataFrame, str]:
    if isinstance(source, pd.DataFrame):
        frame = source.reset_index(drop=True)
        return frame.set_axis([str(c) for c in frame.columns], axis=1), "table"
    path = Path(source)
    if not path.is_file():
        raise EvaltoolkitError(f'Panel file "{path.name}" is not there: check the path.')
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise EvaltoolkitError(
            f'"{path.name}" is not a text file in UTF-8: save it as "CSV UTF-8" and try again.'
        ) from None
    header = text.partition("\n")[0]
    semicolon = header.count(";") > header.count(",")
    try:
        frame = pd.read_csv(io.StringIO(text), sep=";" if semicolon else ",", dtype=str, keep_default_na=False)
    except ValueError as error:
        raise EvaltoolkitError(f'"{path.name}" is not a table: {str(error).strip()}. Check its first lines.') from None
    if semicolon:
        # the Belgian form of CSV: decimal commas
        frame = frame.replace(r"^\s*(-?\d+),(\d+)\s*$", r"\1.\2", regex=True)
    return frame, f"csv:{hashlib.sha256(content).hexdigest()}"


def _check_columns(frame: pd.DataFrame, wanted: Sequence[str]) -> None:
    known = [str(column) for column in frame.columns]
    faults = [f'there is no column "{name}".{nearest(name, known)}' for name in wanted if name not in known]
    faults += [f'column "{name}" occurs twice' for name in sorted({c for c in known if known.count(c) > 1})]
    if faults:
        raise FaultsError([*faults, f"columns found: {', '.join(known)}"], "The panel")


def _periods(labels: pd.Series[str]) -> tuple[tuple[Period, ...], list[str]]:
    faults: list[str] = []
    unread: list[str] = []
    periods: list[Period] = []
    distinct = sorted(set(labels) - {""})
    numbered = all(label.isdigit() and 0 < int(label) < 1000 for label in distinct)
    for label in distinct:
        try:
            periods.append(_numbered_period(label) if numbered else Period.parse(label))
        except EvaltoolkitError as fault:
            faults = faults or [str(fault)]
            unread.append(label)
    if len(unread) > 1:
        faults[0] += f" Nor are {', '.join(unread[1:_MOST_PERIODS])}{', …' if len(unread) > _MOST_PERIODS else ''}."
    periods.sort()
    faults += [
        f"periods {one.label} and {other.label} begin in the same month: one panel cannot hold both"
        for one, other in pairwise(periods)
        if one.time == other.time
    ]
    return tuple(periods), faults


def _numbered_period(label: str) -> Period:
    # period 3 stands at 3 on the time axis
    return Period(dt.date(int(label), 1, 1), dt.date(int(label), 12, 31), label)


def _row(position: int) -> str:
    return f"row {position + 2}"


def _shorten(faults: list[str]) -> list[str]:
    more = len(faults) - _MOST_LISTED
    return faults if more <= 0 else [*faults[:_MOST_LISTED], f"… and {more} more of this kind"]


def _empty(column: pd.Series[str], name: str) -> list[str]:
    return _shorten([f'{_row(p)}: "{name}" is empty' for p in np.flatnonzero(column == "").tolist()])


def _duplicates(units: pd.Series[str], labels: pd.Series[str]) -> list[str]:
    rows = pd.DataFrame({"unit": units, "period": labels})
    rows = rows[rows.duplicated(keep=False) & (units != "") & (labels != "")]
    places: dict[tuple[str, str], list[str]] = {}
    for position, unit, label in rows.itertuples():
        places.setdefault((str(unit), str(label)), []).append(_row(position))
    return _shorten(
        [f"unit {u}, period {p} stands in {', '.join(found)}: keep one row" for (u, p), found in sorted(places.items())]
    )


def _vintage(units: pd.Series[str]) -> int:
    return detect_vintages(set(units))[-1]


def _unit_table(
    names: pd.Series[str] | None, units: pd.Series[str], columns: Columns, vintage: int | None
) -> pd.DataFrame:
    fixed = columns.fixed.groupby(units).first()
    table = pd.DataFrame(index=pd.Index(fixed.index.astype("str"), name="unit"))
    if names is not None:
        table["name"] = names.astype(str).groupby(units).first()
    elif vintage is not None:
        table["name"] = [municipality_name(code) for code in table.index]
    else:
        table["name"] = list(table.index)
    table["members"] = list(table.index) if vintage is not None else ""
    table["n_members"] = 1.0 if vintage is not None else np.nan
    table["merged"] = False
    return table.join(fixed[[c for c in fixed.columns if c not in table.columns]])


def _sources(units: pd.Series[str], labels: pd.Series[str], origin: str) -> pd.DataFrame:
    """Trace rows; a row is the source of all its measures, written ``*``."""
    rows = [f"{origin}/{_row(position)}" for position in range(len(units))]
    return pd.DataFrame({"unit": units, "period": labels, "measure": "*", "source": rows})


def _unbalanced(rows: int, cells: int) -> tuple[Finding, ...]:
    if rows == cells:
        return ()
    return (Finding("panel.not_balanced", "note", facts={"count": cells - rows, "cells": cells}),)
