"""Cohorts and periods as a table: which cells have an effect of their own, which rows enter, what is reported."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.inference import cluster_codes, count_clusters
from evaltoolkit.estimators.cells import (
    NO_COMPARISON,
    NO_TREATED,
    REFERENCE,
    Mask,
    Sample,
    comparison_only,
    select_units,
)

Indices = npt.NDArray[np.intp]


class CellFit(NamedTuple):
    """Effects (k,), influence (n, k) and reasons (k,) of the reported cells; NaN where there is a reason."""

    estimate: Array
    influence: Array
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class CohortCells:
    """The cells of cohort and period that a saturated regression works on.

    Attributes
    ----------
    design : the design with the units that enter
    dropped : reason -> codes of the units left out
    group : (n,) number of the cohort of every unit
    cohorts : (G,) dates of all cohorts, increasing, ``inf`` for never
    rows : (n, T) outcomes that enter: observed, in a period in which somebody is still untreated
    free : (G, T) cells with an effect of their own; the others make up the untreated path
    regressors : (n, q) the constant and the covariates, these centred and scaled to standard deviation one
    cohort, time : (k,) positions in ``cohorts`` and in ``design.times`` of the reported cells, by cohort and period
    reasons : (k,) ``REFERENCE``, why there is no estimate, or empty
    n_treated, n_comparison : (k,) clusters behind a cell
    only_compared : dates of the cohorts that serve as comparison and have no effect of their own
    """

    design: Design
    dropped: dict[str, tuple[str, ...]]
    group: Indices
    cohorts: Array
    rows: Mask
    free: Mask
    regressors: Array
    cohort: Indices
    time: Indices
    reasons: tuple[str, ...]
    n_treated: npt.NDArray[np.int64]
    n_comparison: npt.NDArray[np.int64]
    only_compared: tuple[float, ...]

    @property
    def open(self) -> Indices:
        """Reported cells that are to be estimated."""
        return np.flatnonzero([not reason for reason in self.reasons])

    @property
    def members(self) -> list[Indices]:
        """For every cohort the numbers of its units."""
        return [np.flatnonzero(self.group == number) for number in range(len(self.cohorts))]

    def labels(self) -> pd.DataFrame:
        """Labels of the reported cells, as group-time effects have them."""
        return pd.DataFrame(
            {
                "cohort": self.cohorts[self.cohort],
                "time": self.design.times[self.time],
                "n_treated": self.n_treated,
                "n_comparison": self.n_comparison,
            }
        )


def lay_out(design: Design) -> CohortCells:
    """Choose the units, rows and cells of a regression saturated in cohort and period.

    Not-yet-treated comparison: a cohort has effects of its own from treatment (and anticipation) on. Never-treated
    comparison: in every period but the last one before treatment in which it was observed. Periods without a single
    untreated row tell nothing about effects: their rows do not enter.
    """
    sample = select_units(design)
    design = sample.design
    cohorts, group = np.unique(design.cohort, return_inverse=True)
    first = np.array([sample.position[group == number].min() for number in range(len(cohorts))], dtype=np.int64)
    seen = _by_group(sample.observed, group, len(cohorts)) > 0
    free = np.arange(len(design.times))[None, :] >= (first - design.anticipation)[:, None]
    if design.comparison == "never_treated":
        free = _all_but_one(free, seen, first < len(design.times))
    compared = _comparisons(sample, free, group)
    rows = sample.observed & (sample.observed & ~free[group]).any(axis=0)
    cells = CohortCells(
        design=design,
        dropped=dict(sample.dropped),
        group=group.astype(np.intp),
        cohorts=cohorts,
        rows=np.asarray(rows),
        free=np.asarray(free),
        regressors=_standardised(design.covariates),
        cohort=np.empty(0, np.intp),
        time=np.empty(0, np.intp),
        reasons=(),
        n_treated=np.empty(0, np.int64),
        n_comparison=np.empty(0, np.int64),
        only_compared=tuple(float(one) for one in comparison_only(sample)),
    )
    return _with_reported(cells, first, sample.observed, compared)


def _by_group(mask: Mask, group: Indices, count: int) -> npt.NDArray[np.int64]:
    """(G, T) numbers of units."""
    return np.array([mask[group == number].sum(axis=0) for number in range(count)], dtype=np.int64)


def _all_but_one(free: Mask, seen: Mask, treated: Mask) -> Mask:
    """Every cell of a treated cohort but its reference: the last period before treatment that was observed."""
    result = free.copy()
    for number in np.flatnonzero(treated):
        before = np.flatnonzero(seen[number] & ~free[number])
        result[number] = True
        if len(before):
            result[number, before[-1]] = False
    return result


def _comparisons(sample: Sample, free: Mask, group: Indices) -> Mask:
    """(n, T) rows that say how untreated outcomes move."""
    untreated = sample.observed & ~free[group]
    if sample.design.comparison == "never_treated":
        untreated &= (sample.position >= len(sample.design.times))[:, None]
    return np.asarray(untreated)


def _standardised(covariates: Array) -> Array:
    """(n, 1 + k) constant and covariates; effects do not depend on origin and unit, rounding errors do."""
    if not len(covariates):
        return np.ones((0, 1 + covariates.shape[1]))
    centred = covariates - covariates.mean(axis=0)
    spread = centred.std(axis=0)
    return np.column_stack([np.ones(len(covariates)), centred / np.where(spread > 0, spread, 1.0)])


def _with_reported(cells: CohortCells, first: npt.NDArray[np.int64], observed: Mask, compared: Mask) -> CohortCells:
    """List the cells that are reported, count the clusters behind them, and say which cannot be estimated."""
    design = cells.design
    codes = cluster_codes(design.clusters, design.units)
    own = (first < len(design.times)) & ~np.isin(cells.cohorts, cells.only_compared)
    listed = own[:, None] & (cells.free | (design.comparison == "never_treated"))
    cohort, time = np.nonzero(listed)
    members = cells.members
    n_treated = [count_clusters(codes[members[g]][observed[members[g], t]]) for g, t in zip(cohort, time, strict=True)]
    by_period = [count_clusters(codes[column]) for column in compared.T]
    n_comparison = [by_period[t] for t in time]
    reasons = tuple(
        _reason(bool(cells.free[g, t]), treated, comparison)
        for g, t, treated, comparison in zip(cohort, time, n_treated, n_comparison, strict=True)
    )
    return replace(
        cells,
        cohort=cohort.astype(np.intp),
        time=time.astype(np.intp),
        reasons=reasons,
        n_treated=np.array(n_treated, dtype=np.int64),
        n_comparison=np.array(n_comparison, dtype=np.int64),
    )


def _reason(free: bool, treated: int, comparison: int) -> str:
    if treated == 0:
        return NO_TREATED
    if not free:
        return REFERENCE
    return "" if comparison else NO_COMPARISON


def settle(estimate: Array, influence: Array, reasons: list[str]) -> CellFit:
    """Set cells that have a reason: zero for a reference, NaN otherwise."""
    for column, reason in enumerate(reasons):
        if reason:
            known = reason == REFERENCE
            estimate[column] = 0.0 if known else np.nan
            influence[:, column] = 0.0 if known else np.nan
    return CellFit(estimate, influence, tuple(reasons))
