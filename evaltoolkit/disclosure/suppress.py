"""Suppression of small counts, and of as few others as keep them from being worked out again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.disclosure.audit import Array, Mask, Table, recoverable, table_with_margins
from evaltoolkit.findings import EvaltoolkitError, nearest

Grid = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Suppression:
    """Which rows of a table are suppressed.

    Attributes
    ----------
    primary : (rows,) bool array
        Counts from 1 to the threshold less one.
    secondary : (rows,) bool array
        Further cells, without which a primary one could be worked out from totals.
    """

    primary: Mask
    secondary: Mask

    @property
    def mask(self) -> Mask:
        """All suppressed rows."""
        return self.primary | self.secondary


def suppress_table(
    frame: pd.DataFrame, value: str, dims: Sequence[str] = (), *, threshold: int = 5, total: str | None = None
) -> Suppression:
    """Return which cells of a table of counts of persons must not be shown.

    Totals per row, per column and of all are taken as known to the reader, whether or not they stand in the table;
    where a total itself is small or gives a small count away, it is suppressed with the cells, so let totals that
    are written anywhere pass here too.
    Zeros are shown and never suppressed. After suppression no suppressed small count has only one possible value
    for a reader who solves all equations of the table and knows these rules.

    Parameters
    ----------
    frame : DataFrame
        One row per cell.
    value : str
        Column of whole numbers, 0 or more; NaN where there is no count.
    dims : sequence of str
        No, one or two columns that tell the cells apart; without any, each row is a cell of a one-way table.
    threshold : int
        Smallest count that may be shown.
    total : str or None
        The word by which a dimension's column marks a total, if totals stand in the table.

    Raises
    ------
    EvaltoolkitError
        A column is missing, a count is not whole or below 0, a cell stands twice, a total does not add up.
    """
    counts = _counts(frame, value, dims)
    rows, shape = _places(frame, dims, total)
    table = _table(counts, rows, shape, value)
    primary = (table.counts > 0) & (table.counts < threshold)
    hidden = _close(table, primary, threshold)
    shown_rows = rows >= 0
    small, closed = np.zeros(len(frame), dtype=bool), np.zeros(len(frame), dtype=bool)
    small[shown_rows], closed[shown_rows] = primary[rows[shown_rows]], hidden[rows[shown_rows]]
    return Suppression(primary=small, secondary=closed & ~small)


def _counts(frame: pd.DataFrame, value: str, dims: Sequence[str]) -> Array:
    for name in (value, *dims):
        if name not in frame.columns:
            raise EvaltoolkitError(f'The table has no column "{name}".{nearest(name, map(str, frame.columns))}')
    if len(dims) > 2:
        raise EvaltoolkitError(f"A table has at most two dimensions, not {len(dims)}: release one table per slice.")
    counts = pd.to_numeric(frame[value], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    present = counts[~frame[value].isna().to_numpy()]
    if not np.all(np.isfinite(present)) or np.any(present < 0) or np.any(present != np.round(present)):
        raise EvaltoolkitError(f'Column "{value}" is to hold counts: whole numbers, 0 or more, or empty.')
    return counts


def _places(frame: pd.DataFrame, dims: Sequence[str], total: str | None) -> tuple[Grid, tuple[int, ...]]:
    """Return each row's place in the flat table with margins, and the inner shape."""
    if not dims:
        return np.arange(len(frame)), (len(frame),)
    codes, sizes = [], []
    for name in dims:
        words = frame[name].astype(str)
        inner = sorted(set(words) - {total}) if total is not None else sorted(set(words))
        position = {word: number for number, word in enumerate(inner)}
        codes.append(words.map(lambda word, known=position: known.get(word, len(known))).to_numpy(dtype=np.int64))
        sizes.append(len(inner))
    place = codes[0] if len(dims) == 1 else codes[0] * (sizes[1] + 1) + codes[1]
    if len(np.unique(place)) != len(place):
        raise EvaltoolkitError(f"A cell of the table stands twice: {', '.join(dims)} must tell all rows apart.")
    return place, tuple(sizes)


def _table(counts: Array, rows: Grid, shape: tuple[int, ...], value: str) -> Table:
    full = np.full([size + 1 for size in shape], np.nan)
    full.flat[rows] = counts
    inner = full[tuple(slice(size) for size in shape)]
    table = table_with_margins(inner)
    given = full.ravel()
    margin = np.ones(full.shape, dtype=bool)
    margin[tuple(slice(size) for size in shape)] = False
    wrong = margin.ravel() & np.isfinite(given) & (given != table.counts)
    if wrong.any():
        raise EvaltoolkitError(
            f'{int(wrong.sum())} total(s) in column "{value}" are not the sum of their cells: mend them or leave '
            "them out."
        )
    return table


def _close(table: Table, primary: Mask, threshold: int) -> Mask:
    """Hide further cells until no primary one can be worked out."""
    hidden = primary.copy()
    while True:
        hidden = _close_equations(table, hidden, threshold)
        known = recoverable(table, hidden, primary)
        if not known.any():
            return hidden
        for cell in np.flatnonzero(known):
            _hide_one(table, hidden, table.equations[:, cell] != 0)


def _close_equations(table: Table, hidden: Mask, threshold: int) -> Mask:
    """Hide cells until no equation gives a hidden count, or the sum of hidden small counts, away."""
    hidden = hidden.copy()
    changed = True
    while changed:
        changed = False
        for line in table.equations:
            if _is_weak(line, table.counts, hidden, threshold):
                changed |= _hide_smallest(table, hidden, line != 0)
    return hidden


def _is_weak(line: Array, counts: Array, hidden: Mask, threshold: int) -> bool:
    """Tell whether an equation has one unknown, or shows the total of unknowns that is itself small.

    Two unknowns of 1 with the sum 2 would be known to a reader who knows that zeros are never hidden.
    """
    unknown = (line != 0) & hidden
    if int(unknown.sum()) <= 1:
        return bool(unknown.any())
    total_is_hidden = bool((unknown & (line < 0)).any())
    return not total_is_hidden and float(counts[unknown].sum()) < threshold


def _hide_one(table: Table, hidden: Mask, lines: Mask) -> None:
    """Hide one more cell in the equations of a cell that can be worked out, or failing that anywhere."""
    near = np.any(table.equations[lines] != 0, axis=0)
    if not _hide_smallest(table, hidden, near):
        _hide_smallest(table, hidden, np.ones_like(hidden))


def _hide_smallest(table: Table, hidden: Mask, among: Mask) -> bool:
    """Hide the smallest count above zero among some cells; tell whether there was one."""
    candidates = np.flatnonzero(among & ~hidden & (np.nan_to_num(table.counts) > 0))
    if len(candidates) == 0:
        return False
    hidden[candidates[np.argmin(table.counts[candidates])]] = True
    return True
