"""Where the rows of a table lie: units and periods read from columns of any type, sorted, each pair once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Array
from evaltoolkit.designs.labels import listed, time_of
from evaltoolkit.designs.quick import as_text
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.panels.labels import label_text


@dataclass(frozen=True)
class Grid:
    """Where the rows of a table lie on units x periods; ``cell`` is None where they fill it in order."""

    units: npt.NDArray[np.str_]
    times: Array
    cell: npt.NDArray[np.intp] | None

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of units and periods."""
        return len(self.units), len(self.times)

    def spread(self, values: Array) -> Array:
        """Lay a column out as (n, T); NaN where there is no row."""
        if self.cell is None:
            return values.reshape(self.shape)
        out = np.full(len(self.units) * len(self.times), np.nan)
        out[self.cell] = values
        return out.reshape(self.shape)


def lay_out(table: pd.DataFrame, unit: str, period: str) -> tuple[Grid | None, list[str]]:
    """Find units, times and the place of every row; None where that cannot be, with the faults.

    Units are told apart by their text, as a panel does: 12, 12.0 and "12 " are one unit.
    """
    if not len(table):
        return None, ["it has no rows"]
    quick = _in_order(table[unit].to_numpy(), table[period].to_numpy())
    if quick is not None:
        return quick, []
    codes, units, faults = _read_units(table[unit])
    places, times, labels, problems = _read_periods(table[period])
    for name, found in ((unit, codes), (period, places)):
        if (found < 0).any():
            rows = listed(np.flatnonzero(found < 0) + 1)
            faults.append(f'"{name}" is empty in row {rows}: complete or remove these rows')
    faults += problems
    if faults:
        return None, faults
    cell = codes.astype(np.intp) * len(times) + places
    count = np.bincount(cell, minlength=1)
    if (count > 1).any():
        twice = [f"{units[one // len(times)]}/{labels[one % len(times)]}" for one in np.flatnonzero(count > 1)]
        return None, [f"these units and periods have more than one row: {listed(twice)}; keep one row each"]
    return Grid(units, times, cell), []


def _in_order(units: npt.NDArray[Any], periods: npt.NDArray[Any]) -> Grid | None:
    """The grid of numbers that are sorted and complete, without sorting them again; None for everything else."""
    if not (len(units) and units.dtype.kind in "iuf" and periods.dtype.kind in "iuf"):
        return None
    same = units[1:] == units[:-1]
    length = len(units) if same.all() else int(np.argmin(same)) + 1
    if len(units) % length:
        return None
    first, labels = units[::length], periods[:length]
    if not (np.isfinite(first).all() and np.isfinite(labels).all()):
        return None
    if not ((first[1:] > first[:-1]).all() and (labels[1:] > labels[:-1]).all()):
        return None
    # neighbours are compared, not every row with the first of its unit: whole columns at once
    if np.count_nonzero(same) != len(units) - len(first) or same[length - 1 :: length].any():
        return None
    if not (periods[length:] == periods[:-length]).all():
        return None
    return Grid(_numbers_as_text(first), labels.astype(float), None)


def _numbers_as_text(numbers: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
    whole = numbers.dtype.kind == "f" and bool((np.abs(numbers) < 2**53).all() and (numbers % 1 == 0).all())
    return as_text(numbers.astype(np.int64) if whole else numbers)


def factorize(column: pd.Series) -> tuple[npt.NDArray[np.intp], npt.NDArray[Any]]:
    """Number (-1 where empty) of the label of each row, and the different labels, whatever the type of the column."""
    codes, labels = pd.factorize(column)
    return codes, np.asarray(labels)


def _read_units(column: pd.Series) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.str_], list[str]]:
    """Number of the unit of each row, -1 where it is empty, and the units' codes, sorted."""
    try:
        codes, labels = factorize(column)
    except TypeError:
        return np.zeros(len(column), np.intp), np.empty(0, str), [_no_labels(column)]
    if labels.dtype.kind in "iuf":
        order = np.argsort(labels, kind="stable")
        names, place = _numbers_as_text(labels[order]), np.argsort(order, kind="stable")
    else:
        text = np.array([label_text(label) for label in labels], dtype=str)
        names, place = np.unique(text[text != ""], return_inverse=True)
        full = np.full(len(text), -1, dtype=np.intp)
        full[text != ""] = place
        place = full
    return np.r_[place, -1][codes].astype(np.intp), names, []


def _no_labels(column: pd.Series) -> str:
    return f'column "{column.name}" holds lists or tables: it needs one number or one text in each row'


def _read_periods(column: pd.Series) -> tuple[npt.NDArray[np.intp], Array, list[str], list[str]]:
    """Number of the period of each row, -1 where it is empty; times, labels; faults."""
    try:
        codes, found = factorize(column)
    except TypeError:
        return np.zeros(len(column), np.intp), np.empty(0), [], [_no_labels(column)]
    faults, times, text = [], np.full(len(found) + 1, np.nan), [label_text(label) for label in found]
    for place, label in enumerate(found):
        if text[place]:
            try:
                times[place] = time_of(label)
            except EvaltoolkitError as fault:
                faults.append(str(fault))
    known = np.unique(times[np.isfinite(times)])
    labels = [sorted({text[place] for place in np.flatnonzero(times == time)}) for time in known]
    faults += [
        f"periods {' and '.join(names)} begin at the same time: one design cannot hold both"
        for names in labels
        if len(names) > 1
    ]
    # what is no period is told above, and not once more as empty
    empty = np.r_[np.array([not one for one in text], dtype=bool), True]
    places = np.where(empty, -1, np.searchsorted(known, times)).astype(np.intp)
    return places[codes], known, [names[0] for names in labels], faults
