"""A design straight from a table with one row per unit and period: validated once, in whole columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import NEVER, Array, Comparison, Design
from evaltoolkit.designs.finish import Parts, finish_design
from evaltoolkit.designs.quick import all_finite, as_text, constant_within
from evaltoolkit.findings import EvaltoolkitError, FaultsError, nearest
from evaltoolkit.framework.periods import Period

_MOST_LISTED = 5


@dataclass(frozen=True)
class _Grid:
    """Where the rows of a table lie on units x periods; ``cell`` is None where they fill it in order."""

    units: npt.NDArray[Any]
    periods: npt.NDArray[Any]
    cell: npt.NDArray[np.intp] | None

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.units), len(self.periods)

    def spread(self, values: Array) -> Array:
        """Lay a column out as (n, T); NaN where there is no row."""
        if self.cell is None:
            return values.reshape(self.shape)
        out = np.full(len(self.units) * len(self.periods), np.nan)
        out[self.cell] = values
        return out.reshape(self.shape)


def design_from_table(
    table: pd.DataFrame,
    outcome: str,
    *,
    unit: str,
    period: str,
    treated_from: str = "",
    treatment: str = "",
    never: object = None,
    comparison: Comparison = "never_treated",
    covariates: Sequence[str] = (),
    controls: Sequence[str] = (),
    exposure: str = "",
    dose: str = "",
    weights: str = "",
    cluster: str = "",
    sampling_se: str = "",
    anticipation: int = 0,
) -> Design:
    """Say who is treated from when, compared with whom, for a table of your own.

    The short way for evaluators whose table is ready; :func:`evaltoolkit.designs.build.make_design` goes through a
    panel, which keeps names, sources and findings.

    Parameters
    ----------
    table : DataFrame
        One row per unit and period, in any order; rows may be missing.
    outcome : str
        Column of numbers; missing where not observed.
    unit, period : str
        Columns. Periods are numbers, or labels such as ``2023``, ``2023-Q2``, ``2023-03``.
    treated_from : str
        Column with the first treated period, the same in every row of a unit. Missing: unknown, left out and listed.
    treatment : str
        Instead of ``treated_from``: column with the treatment in every row, 0 for untreated. Where it never falls, the
        first treated period is read off; where it does, the design keeps it period by period.
    never : optional
        What ``treated_from`` holds for units that are never treated, such as 0 or "never"; ``inf`` always means never.
    comparison : {"never_treated", "not_yet_treated"}
    covariates : sequence of str
        Columns; the value of a unit's first row is taken.
    controls : sequence of str
        Columns that change over time and that treatment does not move.
    exposure : str
        Column with what a count is counted in.
    dose : str
        Column with how much of the action a unit got, the same in every row; 0 for untreated units.
    weights, cluster : str
        Columns, the same in every row of a unit.
    sampling_se : str
        Column with the standard error of a survey outcome.
    anticipation : int
        Number of periods before treatment in which it may already act.

    Returns
    -------
    Design
        Units are sorted. ``info`` counts arms, gaps and cohorts of a single unit; ``excluded`` lists who was left out
        and why.

    Raises
    ------
    FaultsError
        With all faults: unknown columns (and the nearest), empty or doubled unit-period rows, columns that are no
        numbers, columns that change within a unit and must not, exposure that is not positive.
    RefusedError
        No unit is left.
    """
    named = {
        "outcome": outcome, "unit": unit, "period": period, "treated_from": treated_from, "treatment": treatment,
        "exposure": exposure, "dose": dose, "weights": weights, "cluster": cluster, "sampling_se": sampling_se,
    }  # fmt: skip
    _check_columns(table, [*(one for one in named.values() if one), *covariates, *controls])
    if bool(treated_from) == bool(treatment):
        raise EvaltoolkitError(
            'Give either "treated_from" (a column with the first treated period) or "treatment" (a column with the '
            "treatment in every period)."
        )
    grid, faults = _lay_out(table, unit, period)
    if grid is None:
        raise FaultsError(faults, "The table")
    times, problems = _times(grid.periods)
    columns = _Columns(table, grid, [*faults, *problems])
    parts = Parts(
        units=as_text(np.asarray(grid.units)),
        times=times,
        outcome=columns.wide(outcome),
        cohort=np.empty(0),
        covariates=columns.firsts(covariates),
        covariate_names=tuple(covariates),
        weights=columns.fixed(weights) if weights else None,
        clusters=columns.labels(cluster) if cluster else None,
        sampling_se=columns.wide(sampling_se) if sampling_se else None,
        exposure=columns.positive(exposure, outcome) if exposure else None,
        controls=np.stack([columns.wide(name) for name in controls], axis=2) if controls else None,
        control_names=tuple(controls),
        dose=columns.fixed(dose) if dose else None,
    )
    if treated_from:
        cohort, path = columns.cohorts(treated_from, times, never), None
    else:
        cohort, path = columns.path(treatment, times)
    if columns.faults:
        raise FaultsError(columns.faults, "The table")
    return finish_design(
        parts._replace(cohort=cohort, treatment=path),
        outcome_name=outcome,
        comparison=comparison,
        anticipation=anticipation,
        info={"action": treated_from or treatment, "cluster": cluster or "unit"},
    )


def _check_columns(table: pd.DataFrame, wanted: Sequence[str]) -> None:
    known = [str(column) for column in table.columns]
    faults = [f'there is no column "{name}".{nearest(name, known)}' for name in wanted if name not in known]
    faults += [f'column "{name}" occurs twice' for name in sorted({c for c in wanted if known.count(c) > 1})]
    if faults:
        raise FaultsError([*faults, f"columns found: {', '.join(known)}"], "The table")


def _lay_out(table: pd.DataFrame, unit: str, period: str) -> tuple[_Grid | None, list[str]]:
    quick = _in_order(table[unit].to_numpy(), table[period].to_numpy())
    if quick is not None:
        return quick, []
    codes, units = pd.factorize(table[unit], sort=True)
    places, periods = pd.factorize(table[period], sort=True)
    empty = (codes < 0) | (places < 0)
    if empty.any():
        rows = _listed(np.flatnonzero(empty) + 1)
        return None, [f'"{unit}" or "{period}" is empty in row {rows}: complete or remove these rows']
    cell = codes.astype(np.intp) * len(periods) + places
    count = np.bincount(cell, minlength=1)
    if (count > 1).any():
        names, labels = np.asarray(units), np.asarray(periods)
        twice = [f"{names[one // len(labels)]}/{labels[one % len(labels)]}" for one in np.flatnonzero(count > 1)]
        return None, [f"these units and periods have more than one row: {_listed(twice)}; keep one row each"]
    return _Grid(np.asarray(units), np.asarray(periods), cell), []


def _in_order(units: npt.NDArray[Any], periods: npt.NDArray[Any]) -> _Grid | None:
    """The grid of numbers that are sorted and complete, without sorting them again; None for everything else."""
    if not (len(units) and np.issubdtype(units.dtype, np.number) and np.issubdtype(periods.dtype, np.number)):
        return None
    same = units[1:] == units[:-1]
    length = len(units) if same.all() else int(np.argmin(same)) + 1
    if len(units) % length:
        return None
    first, labels = units[::length], periods[:length]
    if np.isnan(first).any() or np.isnan(labels).any():
        return None
    if not ((first[1:] > first[:-1]).all() and (labels[1:] > labels[:-1]).all()):
        return None
    # neighbours are compared, not every row with the first of its unit: whole columns at once
    if np.count_nonzero(same) != len(units) - len(first) or same[length - 1 :: length].any():
        return None
    return _Grid(first, labels, None) if (periods[length:] == periods[:-length]).all() else None


def _times(periods: npt.NDArray[Any]) -> tuple[Array, list[str]]:
    if np.issubdtype(periods.dtype, np.number):
        return periods.astype(float), []
    times, faults = [], []
    for label in periods:
        try:
            times.append(Period.parse(str(label)).time)
        except EvaltoolkitError as fault:
            faults.append(str(fault))
    found = np.array(times)
    if not faults and (np.diff(found) <= 0).any():
        faults.append("two periods begin in the same month, or their labels do not sort by date: use numbers or years")
    return found, faults


class _Columns:
    """Columns of a table on its grid; what is wrong with them gathers in ``faults``."""

    def __init__(self, table: pd.DataFrame, grid: _Grid, faults: list[str]) -> None:
        self.table, self.grid, self.faults = table, grid, faults

    def wide(self, name: str) -> Array:
        """Numbers (n, T)."""
        return self.grid.spread(self._numbers(name))

    def _numbers(self, name: str) -> Array:
        try:
            values = self.table[name].to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError):
            wrong = [
                str(one) for one in self.table[name] if pd.isna(pd.to_numeric(one, errors="coerce")) and pd.notna(one)
            ]
            self.faults.append(f'column "{name}" holds what is no number: {_listed(sorted(set(wrong)))}')
            return np.full(len(self.table), np.nan)
        if not all_finite(values) and np.isinf(values).any():
            self.faults.append(f'column "{name}" holds an infinite number: leave it empty where it is not known')
        return values

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

    def _once(self, name: str) -> Array | None:
        """The number (n,) of each unit where a column of numbers is complete and never changes; None otherwise."""
        values = self.table[name].to_numpy()
        if self.grid.cell is not None or not np.issubdtype(values.dtype, np.number):
            return None
        length = self.grid.shape[1]
        return values[::length].astype(float) if constant_within(values, length) else None

    def labels(self, name: str) -> npt.NDArray[np.str_]:
        """A label per unit (n,) that must not change; a unit without one stands alone."""
        codes, labels = pd.factorize(self.table[name])
        values = self.grid.spread(np.where(codes < 0, np.nan, codes))
        self._must_not_change(name, values)
        first = _first(values)
        units = np.asarray(self.grid.units).astype(str)
        text = np.asarray(labels).astype(str)
        known = np.isfinite(first)
        return np.array([text[int(code)] if has else unit for code, has, unit in zip(first, known, units, strict=True)])

    def positive(self, name: str, outcome: str) -> Array:
        """Numbers (n, T) above zero wherever the outcome is observed."""
        values = self.wide(name)
        lacking = np.isfinite(self.wide(outcome)) & ~(values > 0)
        if lacking.any():
            units = _listed(self.grid.units[lacking.any(axis=1)])
            self.faults.append(f'"{name}" must be above zero wherever "{outcome}" is given; it is not for {units}')
        return values

    def cohorts(self, name: str, times: Array, never: object) -> Array:
        """First treated time (n,): inf never, NaN unknown."""
        column = self.table[name]
        if pd.api.types.is_numeric_dtype(column) and (never is None or isinstance(never, int | float)):
            once = self._once(name)
            values = column.to_numpy(dtype=float, na_value=np.nan) if once is None else once
            if never is not None:
                values = np.where(values == float(never), NEVER, values)
            first = self._unchanging(name, values) if once is None else values
        else:
            codes, labels = pd.factorize(column)
            first = self._unchanging(name, np.r_[[self._label_time(label, never) for label in labels], np.nan][codes])
        if (first == 0).any() and times[0] > 0:
            self.faults.append(
                f'"{name}" is 0 for {_listed(self.grid.units[first == 0])}: if 0 means never treated, say never=0'
            )
        return first

    def _label_time(self, label: object, never: object) -> float:
        text = str(label).strip()
        if text.casefold() in (str("never" if never is None else never).strip().casefold(), "inf"):
            return NEVER
        try:
            return float(text) if _is_number(text) else Period.parse(text).time
        except EvaltoolkitError as fault:
            self.faults.append(f'treated_from: {fault} If "{text}" means never treated, say never="{text}".')
            return np.nan

    def path(self, name: str, times: Array) -> tuple[Array, Array | None]:
        """First treated time (n,), and the treatment (n, T) where it falls again."""
        values = self.wide(name)
        unknown = np.isnan(values) & (self.grid.spread(np.ones(len(self.table))) == 1)
        if unknown.any():
            units = _listed(self.grid.units[unknown.any(axis=1)])
            self.faults.append(f'"{name}" is empty in some rows of {units}: write 0 where nothing was done')
        filled = pd.DataFrame(values).ffill(axis=1).fillna(0.0).to_numpy()
        on = filled > 0
        cohort = np.where(on.any(axis=1), times[np.argmax(on, axis=1)], NEVER)
        falls = (np.diff(filled, axis=1) < 0).any()
        levels = np.unique(filled)
        return cohort, filled if falls or len(levels) > 2 else None

    def _unchanging(self, name: str, values: Array) -> Array:
        """First value (n,) of each unit, of a column that must not change."""
        wide = self.grid.spread(values)
        self._must_not_change(name, wide)
        return _first(wide)

    def _must_not_change(self, name: str, values: Array) -> None:
        first = _first(values)[:, None]
        moved = ~np.isnan(values) & (values != first)
        if moved.any():
            units = _listed(self.grid.units[moved.any(axis=1)])
            self.faults.append(f'column "{name}" must be the same in every row of a unit; it changes within {units}')


def _first(values: Array) -> Array:
    """The first value of each row that is not missing."""
    if not np.isnan(values[:, 0]).any():
        return values[:, 0]
    seen = ~np.isnan(values)
    return np.where(seen.any(axis=1), values[np.arange(len(values)), np.argmax(seen, axis=1)], np.nan)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _listed(items: Any) -> str:
    shown = [str(one) for one in list(items)[:_MOST_LISTED]]
    more = len(list(items)) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
