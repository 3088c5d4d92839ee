"""The gate: what is not declared does not leave.

Everything the toolkit writes about units passes :meth:`Gate.release`. A column without a declared kind is refused;
small counts of persons, shares of few persons and statistics over few units are suppressed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.types import is_float_dtype, is_numeric_dtype

from evaltoolkit.disclosure.audit import Mask
from evaltoolkit.disclosure.rules import KINDS, LEVELS, Column, Level, Rules, default_rules
from evaltoolkit.disclosure.suppress import suppress_table
from evaltoolkit.disclosure.text import neutralise
from evaltoolkit.findings import RefusedError, nearest

SUPPRESSED = "SUP"


@dataclass(frozen=True)
class Release:
    """A table that may be written.

    Attributes
    ----------
    name : str
    data : DataFrame
        Suppressed values are NaN.
    suppressed : DataFrame
        Same shape, bool: True where a value was taken away.
    primary : int
        Number of values suppressed because they are small.
    secondary : int
        Number of values suppressed to protect those.
    """

    name: str
    data: pd.DataFrame
    suppressed: pd.DataFrame
    primary: int
    secondary: int

    def as_text(self) -> pd.DataFrame:
        """Return the table as text: ``SUP`` where suppressed, empty where missing, no cell a formula."""
        text = pd.DataFrame({str(name): self.data[name].map(_as_text) for name in self.data.columns}, dtype="str")
        return text.mask(self.suppressed, SUPPRESSED)

    def to_csv(self) -> str:
        """Return the table as comma-separated text."""
        return self.as_text().to_csv(index=False, lineterminator="\n")


class Gate:
    """Suppress and refuse by one set of rules.

    Parameters
    ----------
    rules : Rules or None
        The package's own (``data/disclosure.toml``) if None.
    """

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or default_rules()

    def release(
        self,
        name: str,
        frame: pd.DataFrame,
        kinds: Mapping[str, Column],
        *,
        dims: Sequence[str] = (),
        total: str | None = None,
        level: Level = "municipality",
    ) -> Release:
        """Return what may be written of a table.

        Parameters
        ----------
        name : str
            Name of the output, for messages.
        frame : DataFrame
            One row per cell, plain row numbers as index; not changed.
        kinds : mapping of column name to Column
            What every column holds; a column that is not here is refused.
        dims : sequence of str
            At most two columns that tell the rows apart; their totals are taken as known to the reader.
        total : str or None
            The word that marks a total in ``dims``.
        level : str
            Smallest area a row stands for.

        Raises
        ------
        RefusedError
            A column has no declared kind or is not what it is declared to be, the index holds data, or an indicator
            may not be shown at this level. All reasons together.
        """
        reasons = [*self._shape_reasons(frame, level), *self._column_reasons(frame, kinds, level)]
        if reasons:
            raise RefusedError("\n".join([f'The output "{name}" is not written:', *(f"  - {r}" for r in reasons)]))
        small, closed = _no_mask(frame), _no_mask(frame)
        for column, kind in kinds.items():
            if kind.kind == "count_persons":
                found = suppress_table(frame, column, dims, threshold=self.rules.threshold, total=total)
                small[column], closed[column] = found.primary, found.secondary
        for column, kind in kinds.items():
            if kind.kind == "statistic":
                small[column] = self._few_units(frame, kind)
            elif kind.kind == "share":
                small[column] = self._few_persons(frame, column, kind)
                # a hidden denominator could be worked out from the share and its numerator
                closed[column] = (small | closed)[kind.denominator] & ~small[column]
        has_value = frame.notna()
        small, closed = small & has_value, closed & has_value
        hidden = small | closed
        data = pd.DataFrame({c: frame[c].astype("float64") if hidden[c].any() else frame[c] for c in frame.columns})
        return Release(name, data.mask(hidden), hidden, int(small.to_numpy().sum()), int(closed.to_numpy().sum()))

    def _shape_reasons(self, frame: pd.DataFrame, level: str) -> list[str]:
        reasons = []
        if level not in LEVELS:
            reasons.append(f'level "{level}" is not known; write one of {", ".join(LEVELS)}.{nearest(level, LEVELS)}')
        if not frame.index.equals(pd.RangeIndex(len(frame))):
            reasons.append("the index holds data that no kind is declared for; call reset_index() and declare it.")
        if frame.columns.nlevels > 1 or not frame.columns.is_unique:
            reasons.append("column names are not simple or not unique; give each column one name of its own.")
        return reasons

    def _column_reasons(self, frame: pd.DataFrame, kinds: Mapping[str, Column], level: str) -> list[str]:
        present = [str(column) for column in frame.columns]
        reasons = [
            f'column "{column}" has no declared kind; declare it as one of {", ".join(KINDS)}, or leave it out.'
            for column in present
            if column not in kinds
        ]
        for column, kind in kinds.items():
            if column not in present:
                reasons.append(f'column "{column}" is declared but not there.{nearest(column, present)}')
            elif frame.columns.is_unique:
                reasons += [f'column "{column}" {reason}' for reason in _kind_reasons(frame, column, kind, kinds)]
            if level in LEVELS and not self.rules.allows(kind.sensitivity, level):
                lowest = self.rules.lowest_level[kind.sensitivity]
                reasons.append(
                    f'column "{column}" is of sensitivity {kind.sensitivity} and may not be shown per {level}; '
                    f"give it per {lowest} or leave it out."
                )
        return reasons

    def _few_units(self, frame: pd.DataFrame, kind: Column) -> Mask:
        given = frame[kind.n_units] if isinstance(kind.n_units, str) else pd.Series(kind.n_units, index=frame.index)
        units = pd.to_numeric(given, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        # an unknown number of units is no reason to show a value
        return np.asarray(~(units >= self.rules.min_units))

    def _few_persons(self, frame: pd.DataFrame, column: str, kind: Column) -> Mask:
        persons = pd.to_numeric(frame[kind.denominator], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        share = frame[column].to_numpy(dtype=float, na_value=np.nan)
        counted = share * persons
        # a share beside the number of persons gives its small count away: of those who have it and of the others
        rest = persons - counted
        few = [(number > 0.5) & (number < self.rules.threshold - 0.5) for number in (counted, rest)]
        return np.asarray(~(persons >= self.rules.threshold) | few[0] | few[1])


def _kind_reasons(frame: pd.DataFrame, column: str, kind: Column, kinds: Mapping[str, Column]) -> list[str]:
    """Return where a column is not what it is declared to be."""
    values = frame[column]
    if kind.kind == "label":
        return ["is declared a label but holds numbers; declare what they count."] if is_numeric_dtype(values) else []
    if kind.kind == "code":
        return ["is declared a code but holds decimals; declare what they measure."] if is_float_dtype(values) else []
    if not is_numeric_dtype(values):
        return [f"is declared {kind.kind} but holds text; give numbers, empty where there is none."]
    if kind.kind == "share":
        return [*_reference_reasons(frame, kind.denominator, kinds), *_share_reasons(values)]
    if kind.kind == "statistic" and isinstance(kind.n_units, str):
        return _reference_reasons(frame, kind.n_units, kinds)
    return []


def _reference_reasons(frame: pd.DataFrame, column: str, kinds: Mapping[str, Column]) -> list[str]:
    if column in frame.columns and column in kinds:
        return []
    return [f'refers to "{column}", which is not a declared column.{nearest(column, map(str, frame.columns))}']


def _share_reasons(values: pd.Series[float]) -> list[str]:
    inside = values.isna() | values.between(0, 1)
    return [] if inside.all() else ["is declared a share but is not between 0 and 1; divide percentages by 100."]


def _no_mask(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(False, index=frame.index, columns=frame.columns)


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return neutralise(value)
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
