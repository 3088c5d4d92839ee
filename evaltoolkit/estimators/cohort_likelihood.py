"""Counts and shares: every treated cell against the path that its cohort would have had untreated."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.estimators.cells import REFERENCE
from evaltoolkit.estimators.cohort_cells import CellFit, CohortCells, Indices, settle
from evaltoolkit.estimators.estimable import NOT_IDENTIFIED, Inverse, are_estimable, take_blocks
from evaltoolkit.estimators.quasi_likelihood import Family, Maximum, Point, maximise
from evaltoolkit.estimators.untreated_path import Path, Rows, fit_path, functionals_at, read_rows, spread

NO_MAXIMUM = "the likelihood has no maximum: some untreated values are predicted with certainty"
COHORT_AT_BOUND = "only zeros (or only ones) in this cohort before treatment: its untreated path is unknown"
PERIOD_AT_BOUND = "only zeros (or only ones) among untreated units in this period: the common change is unknown"
# no mean of counts is this large
_BEYOND = 1e100
CELL_AT_BOUND = "only zeros (or only ones) in this cohort and period: no difference on the scale of the link"


class Means(NamedTuple):
    """Means over the treated rows of the reported cells, with their influence; NaN where undefined.

    Attributes
    ----------
    observed, untreated : (k,) mean outcome, and mean predicted without treatment
    observed_influence, untreated_influence : (n, k)
    size : (k,) sum of the weights of the treated rows
    """

    observed: Array
    untreated: Array
    observed_influence: Array
    untreated_influence: Array
    size: Array


class _Cell(NamedTuple):
    """One treated cell against its untreated path, and what its own rows (m,) have to do with it.

    Attributes
    ----------
    units : (m,) numbers of the units
    size : sum of their weights
    observed, untreated, link : mean outcome, mean prediction, mean difference of linear predictors (NaN at a bound)
    own : influence (m,) of the rows on the three, scaled so that its sum of squares is a variance
    toward, average : (q,) derivatives of the untreated mean and predictor in the coefficients of the path
    """

    units: Indices
    size: float
    observed: float
    untreated: float
    link: float
    own: tuple[Array, Array, Array]
    toward: Array
    average: Array


def fit_cells(cells: CohortCells, family: Family, *, link: bool, sampled: bool) -> tuple[CellFit, Means]:
    """Fit the untreated path on untreated rows, and compare every treated cell with what it predicts.

    The mean is G(offset + x'(c_g + l_t + d_gt)), x the constant and the covariates, with d_gt in free cells only. With
    the canonical link the free cells do not enter the equations of c and l, so that fitting everything at once and
    predicting from the untreated rows give the same numbers.

    Parameters
    ----------
    cells : CohortCells
        ``design.exposure``, where there is one, enters as offset: its logarithm, with coefficient one.
    family : Family
    link : bool
        Effects as mean difference of linear predictors (log ratio, log odds ratio) instead of mean outcomes.
    sampled : bool
        Whether the treated rows count as drawn: their part in the means is added to the influence.

    References
    ----------
    https://doi.org/10.1093/ectj/utad016
    """
    rows = read_rows(cells)
    path = fit_path(cells, rows, family)
    reasons = [_bound(cells, path, column) for column in range(len(cells.cohort))]
    open_ = [column for column, reason in enumerate(reasons) if not reason]
    found = [_compare(cells, rows, path, family, column, sampled=sampled) for column in open_]
    at = cells.cohort[open_], cells.time[open_]
    q = rows.regressors.shape[1]
    slopes = np.array([one.toward for one in found]).reshape(-1, q)
    # a prediction beyond all bounds: the path has run away in some direction, and has no maximum there
    away = ~(np.abs(slopes) < _BEYOND).all(axis=1)
    toward = functionals_at(path, at, np.where(away[:, None], 0.0, slopes))
    average = functionals_at(path, at, np.array([one.average for one in found]).reshape(-1, q))
    told = are_estimable(path.inverse.null, toward) & are_estimable(path.inverse.null, average)
    from_path = spread(cells, path, toward)
    means = _reference_means(cells, rows)
    n, k = len(cells.group), len(cells.cohort)
    effect = np.full(k, np.nan)
    for i, (column, one) in enumerate(zip(open_, found, strict=True)):
        means.observed[column], means.untreated[column], means.size[column] = one.observed, one.untreated, one.size
        means.observed_influence[:, column] = _placed(n, one.units, one.own[0])
        means.untreated_influence[:, column] = from_path[:, i] + _placed(n, one.units, one.own[1])
        effect[column] = one.link
        doubt = _doubt(path, bool(told[i]), not link or bool(np.isfinite(one.link)))
        reasons[column] = NO_MAXIMUM if away[i] else doubt
    if not link:
        effect = means.observed - means.untreated
        return settle(effect, means.observed_influence - means.untreated_influence, reasons), means
    influence = np.full((n, k), np.nan)
    influence[:, open_] = -spread(cells, path, average)
    for column, one in zip(open_, found, strict=True):
        influence[one.units, column] += n * one.own[2]
    return settle(effect, influence, reasons), means


def _bound(cells: CohortCells, path: Path, column: int) -> str:
    if cells.reasons[column]:
        return cells.reasons[column]
    if not path.has_cohort[cells.cohort[column]]:
        return COHORT_AT_BOUND
    return "" if path.has_period[cells.time[column]] else PERIOD_AT_BOUND


def _doubt(path: Path, told: bool, inside: bool) -> str:
    if not path.converged:
        return NO_MAXIMUM
    if not told:
        return NOT_IDENTIFIED
    return "" if inside else CELL_AT_BOUND


def _units(cells: CohortCells, column: int) -> Indices:
    """Units of a cohort that are observed in the period."""
    return np.flatnonzero((cells.group == cells.cohort[column]) & cells.rows[:, cells.time[column]])


def _compare(cells: CohortCells, rows: Rows, path: Path, family: Family, column: int, *, sampled: bool) -> _Cell:
    """One cell: its observed mean, the mean predicted without treatment, and the derivatives of both."""
    units, group, time = _units(cells, column), cells.cohort[column], cells.time[column]
    outcome, offset = rows.outcome[units, time], rows.offset[units, time]
    regressors, weights = rows.regressors[units], rows.weights[units]
    share = weights / weights.sum()
    blocks = path.cohort[group : group + 1], path.period[time : time + 1]
    coefficients = (take_blocks(path.parameters, blocks[0]) + take_blocks(path.parameters, blocks[1]))[0]
    untreated = family.mean(offset + regressors @ coefficients)
    average = share @ regressors
    fit, unexplained = _fit_cell(outcome, offset, regressors, weights, family)
    change = fit.parameters - coefficients
    loads = regressors @ fit.inverse.matrix @ average
    own = share * unexplained, 0.0 * share, weights * unexplained * loads
    if sampled:
        own = (
            share * (outcome - share @ outcome),
            share * (untreated - share @ untreated),
            own[2] + share * ((regressors - average) @ change),
        )
    inside = fit.converged and bool(are_estimable(fit.inverse.null, average[:, None])[0])
    return _Cell(
        units=units,
        size=float(weights.sum()),
        observed=float(share @ outcome),
        untreated=float(share @ untreated),
        link=float(average @ change) if inside else np.nan,
        own=own,
        toward=(share * family.slope(untreated)) @ regressors,
        average=average,
    )


def _fit_cell(
    outcome: Array, offset: Array, regressors: Array, weights: Array, family: Family
) -> tuple[Maximum, Array]:
    """Fit one cell by itself; return also what is left unexplained (m,).

    Without a maximum (only zeros, only ones, separated) ``converged`` is False, and the rest is that of the limit.
    """

    def at(parameters: Array) -> Point:
        predictor = offset + regressors @ parameters
        mean = family.mean(predictor)
        information = (regressors * (weights * family.slope(mean))[:, None]).T @ regressors
        value = float(weights @ family.likelihood(outcome, predictor))
        return Point(value, regressors.T @ (weights * (outcome - mean)), information)

    q = regressors.shape[1]
    start = np.zeros(q)
    total, base = weights @ outcome, weights @ np.exp(offset)
    if total <= 0 or (family.bounded and base - total <= 1e-12 * base):
        return Maximum(start, Inverse(np.zeros((q, q)), np.eye(q)), converged=False), np.zeros(len(outcome))
    start[0] = family.link(np.asarray(total), np.asarray(base))
    if q == 1:
        # one mean: the start is the maximum
        mean = family.mean(offset + start)
        information = np.full((1, 1), weights @ family.slope(mean))
        return Maximum(start, Inverse(1.0 / information, np.zeros((1, 0))), converged=True), outcome - mean
    fit = maximise(at, start)
    return fit, outcome - family.mean(offset + regressors @ fit.parameters)


def _reference_means(cells: CohortCells, rows: Rows) -> Means:
    """NaN, but for reference cells: there observed and untreated are the same mean."""
    n, k = len(cells.group), len(cells.cohort)
    vectors, matrices = np.full((2, k), np.nan), np.full((2, n, k), np.nan)
    means = Means(vectors[0], vectors[1], matrices[0], matrices[1], np.zeros(k))
    for column in (column for column, reason in enumerate(cells.reasons) if reason == REFERENCE):
        units = _units(cells, column)
        weights = rows.weights[units]
        mean = np.average(rows.outcome[units, cells.time[column]], weights=weights)
        means.observed[column] = means.untreated[column] = mean
        means.observed_influence[:, column] = means.untreated_influence[:, column] = 0.0
        means.size[column] = weights.sum()
    return means


def _placed(n: int, units: Indices, own: Array) -> Array:
    """(n,) influence of a cell's own rows, scaled so that the variance is mean(psi^2) / n."""
    influence = np.zeros(n)
    influence[units] = n * own
    return influence
