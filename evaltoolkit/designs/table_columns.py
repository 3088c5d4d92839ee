"""Columns of a table on its grid of units and periods; what is wrong with them gathers in a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import NEVER, Array
from evaltoolkit.designs.labels import as_number, calendar_step, listed, on_periods, time_of
from evaltoolkit.designs.quick import all_finite, constant_within
from evaltoolkit.designs.survey import fault_of_survey, sampling_errors
from evaltoolkit.designs.table_grid import Grid, factorize
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.panels.labels import label_text


class Columns:
    """Columns of a table on its grid; what is wrong with them gathers in ``faults``."""

    def __init__(self, table: pd.DataFrame, grid: Grid) -> None:
        self.table, self.grid = table, grid
        self.faults: list[str] = []
        self._unreadable: set[str] = set()
        self._finite: set[str] = set()

    def wide(self, name: str) -> Array:
        """Numbers (n, T)."""
        return self.grid.spread(self._numbers(name))

    def is_complete(self, name: str) -> bool:
        """Whether a column that was read has a number for every unit and period."""
        return name in self._finite and self.grid.cell is None

    def _numbers(self, name: str) -> Array:
        if name in self._unreadable:
            return np.full(len(self.table), np.nan)
        column = self.table[name]
        # a date would become nanoseconds, and a complex number lose a part
        if column.dtype.kind in "mMc" or isinstance(column.dtype, pd.PeriodDtype | pd.DatetimeTZDtype):
            return self._not_numbers(name, f"is of type {column.dtype}, not of numbers")
        try:
            values = column.to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError):
            wrong = [str(one) for one in column if np.ndim(one) or (pd.notna(one) and as_number(str(one)) is None)]
            return self._not_numbers(name, f"holds what is no number: {listed(sorted(set(wrong)))}")
        if all_finite(values):
            self._finite.add(name)
        elif np.isinf(values).any():
            self._not_numbers(name, "holds an infinite number: leave it empty where it is not known")
        return values

    def _not_numbers(self, name: str, what: str) -> Array:
        self._unreadable.add(name)
        self.faults.append(f'column "{name}" {what}')
        return np.full(len(self.table), np.nan)

    def firsts(self, names: Sequence[str]) -> Array:
        """First value of each unit (n, k)."""
        if not names:
            return np.empty((len(self.grid.units), 0))
        return np.column_stack([_first(self.wide(name)) for name in names])

    def fixed(self, name: str) -> Array:
        """A number per unit (n,) that must not change."""
        once = self._once(name)
        if once is not None and np.isfinite(once).all():
            return once
        values = self.wide(name)
        self._must_not_change(name, values)
        return _first(values)

    def weights(self, name: str) -> Array:
        """Weights (n,) that must not change: none below zero, and some above."""
        values = self.fixed(name)
        if (values < 0).any():
            units = listed(self.grid.units[values < 0])
            self.faults.append(f'weights cannot be below zero; "{name}" is for {units}: 0 leaves a unit out')
        elif name not in self._unreadable and not (values > 0).any():
            self.faults.append(f'"{name}" is above zero for no unit: weights must be positive numbers')
        return values

    def dose(self, name: str, cohort: Array) -> Array:
        """Dose (n,) that must not change; untreated units without one have 0."""
        values = self.fixed(name)
        return np.where(np.isnan(values) & np.isinf(cohort), 0.0, values)

    def _once(self, name: str) -> Array | None:
        """The number (n,) of each unit where a column of numbers is complete and never changes; None otherwise."""
        values = self.table[name].to_numpy()
        if self.grid.cell is not None or values.dtype.kind not in "iufb":
            return None
        length = self.grid.shape[1]
        return values[::length].astype(float) if constant_within(values, length) else None

    def labels(self, name: str) -> npt.NDArray[np.str_]:
        """A label per unit (n,) that must not change; a unit without one stands alone."""
        codes, found = factorize(self.table[name])
        values = self.grid.spread(np.where(codes < 0, np.nan, codes))
        self._must_not_change(name, values)
        first, units = _first(values), self.grid.units
        text = np.array([label_text(label) for label in found], dtype=str)
        known = np.isfinite(first)
        known[known] = text[first[known].astype(np.intp)] != ""
        alone = units[~known]
        if (clash := np.intersect1d(alone, text)).size:
            self.faults.append(
                f'"{name}" is empty for {listed(clash)}, which is also a label of "{name}": write who belongs to it'
            )
        if not len(text):
            return units
        return np.where(known, text[np.where(known, first, 0).astype(np.intp)], units)

    def positive(self, name: str, outcome: str) -> Array:
        """Numbers (n, T) above zero wherever the outcome is observed."""
        values = self.wide(name)
        lacking = np.isfinite(self.wide(outcome)) & ~(values > 0)
        if lacking.any() and name not in self._unreadable:
            units = listed(self.grid.units[lacking.any(axis=1)])
            self.faults.append(f'"{name}" must be above zero wherever "{outcome}" is given; it is not for {units}')
        return values

    def sampling(self, outcome: str, respondents: str, design_effect: float, outcome_se: str) -> Array | None:
        """Sampling standard errors (n, T), from the number of respondents or as given; None without either."""
        if not (respondents or outcome_se):
            return None
        given = self.positive(respondents or outcome_se, outcome)
        values = self.wide(outcome)
        fault = fault_of_survey(values, outcome, respondents=bool(respondents), design_effect=design_effect)
        if fault:
            self.faults.append(fault)
            return None
        return sampling_errors(values, given, design_effect=design_effect if respondents else None)

    def cohorts(self, name: str, times: Array, never: object) -> Array:
        """First treated time (n,): inf never, NaN unknown."""
        column = self.table[name]
        missing = NEVER if _means_missing(never) else np.nan
        if pd.api.types.is_bool_dtype(column):
            return self._no_start(f'"{name}" holds true and false: give it as "treatment", not as "treated_from"')
        if isinstance(never, list | tuple | set | dict):
            return self._no_start('"never" is one number or one word: write the same for all units never treated')
        if column.dtype.kind in "iuf" and (never is None or isinstance(never, int | float | np.number)):
            once = self._once(name)
            values = column.to_numpy(dtype=float, na_value=np.nan) if once is None else once
            values = np.where(np.isnan(values), missing, values)
            if never is not None:
                values = np.where(values == float(never), NEVER, values)
            first = self._unchanging(name, values) if once is None else values
        else:
            codes, labels = factorize(column)
            step = calendar_step(times)
            of_label = np.r_[[self._label_time(name, label, never, step) for label in labels], np.nan]
            of_label = np.where(np.isnan(of_label), missing, of_label)
            first = self._unchanging(name, of_label[codes])
        self._ask_for_never(name, first, times, told=never is not None)
        return on_periods(first, times)

    def _no_start(self, fault: str) -> Array:
        self.faults.append(fault)
        return np.full(len(self.grid.units), np.nan)

    def _ask_for_never(self, name: str, first: Array, times: Array, *, told: bool) -> None:
        """Zero and less are no dates beside years: somebody's sign for never, which nobody has told."""
        doubtful = (first <= 0) if times[0] > 0 else (first == 0) & (times[0] == 0) & (not told)
        for value in np.unique(first[doubtful]):
            units = listed(self.grid.units[first == value])
            other = "" if times[0] > 0 else '; if it is the first period, say never="never"'
            self.faults.append(
                f'"{name}" is {value:g} for {units}: if {value:g} means never treated, say never={value:g}{other}'
            )

    def _label_time(self, name: str, label: Any, never: object, step: float) -> float:
        text = label_text(label)
        word = label_text("never" if never is None or _means_missing(never) else never)
        if text.casefold() in (word.casefold(), "inf"):
            return NEVER
        number = as_number(text)
        if number is not None and number == as_number(word):
            return NEVER
        if not text or (number is not None and np.isnan(number)):
            return np.nan
        try:
            # a date within a year, quarter or month counts from the period that holds it, a number is what it is
            time = time_of(label)
            return time if number is not None or not step else step * float(np.floor(time / step + 1e-9))
        except EvaltoolkitError as fault:
            self.faults.append(f'"{name}": {fault} If "{text}" means never treated, say never="{text}".')
            return np.nan

    def path(self, name: str, times: Array) -> tuple[Array, Array | None]:
        """First treated time (n,), and the treatment (n, T) where it falls again or has several levels."""
        values = self.wide(name)
        if name in self._unreadable:
            return np.full(len(values), np.nan), None
        if (values < 0).any():
            units = listed(self.grid.units[(values < 0).any(axis=1)])
            self.faults.append(f'"{name}" is below zero for {units}: write 0 where nothing was done')
        unknown = np.isnan(values) & (self.grid.spread(np.ones(len(self.table))) == 1)
        if unknown.any():
            units = listed(self.grid.units[unknown.any(axis=1)])
            self.faults.append(f'"{name}" is empty in some rows of {units}: write 0 where nothing was done')
        # between two rows treatment is what it was, and before the first one nobody saw it begin
        filled = pd.DataFrame(values).ffill(axis=1).bfill(axis=1).to_numpy()
        on = filled > 0
        cohort = np.where(on.any(axis=1), times[np.argmax(on, axis=1)], NEVER)
        falls = (np.diff(filled, axis=1) < 0).any()
        # as it was seen: a method that needs the date of a change must know that a gap hides it
        return cohort, values if falls or len(np.unique(filled)) > 2 else None

    def _unchanging(self, name: str, values: Array) -> Array:
        """First value (n,) of each unit, of a column that must not change."""
        wide = self.grid.spread(values)
        self._must_not_change(name, wide)
        return _first(wide)

    def _must_not_change(self, name: str, values: Array) -> None:
        first = _first(values)[:, None]
        moved = ~np.isnan(values) & (values != first)
        if moved.any():
            units = listed(self.grid.units[moved.any(axis=1)])
            self.faults.append(f'column "{name}" must be the same in every row of a unit; it changes within {units}')


def _means_missing(never: object) -> bool:
    """Whether the caller says that a missing start means never."""
    return never is not None and np.ndim(never) == 0 and bool(pd.isna(never))  # type: ignore[call-overload, arg-type]


def _first(values: Array) -> Array:
    """The first value of each row that is not missing."""
    if not np.isnan(values[:, 0]).any():
        return values[:, 0]
    seen = ~np.isnan(values)
    return np.where(seen.any(axis=1), values[np.arange(len(values)), np.argmax(seen, axis=1)], np.nan)
