"""Least squares saturated in cohort and period, with unit and period effects, from the moments of each cohort."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.estimators.cells import Mask
from evaltoolkit.estimators.cohort_cells import CellFit, CohortCells, Indices, settle
from evaltoolkit.estimators.estimable import (
    NOT_IDENTIFIED,
    Blocks,
    Inverse,
    add_blocks,
    are_estimable,
    flatten,
    invert,
    take_blocks,
)


class _Blocks(NamedTuple):
    """Numbers of the parameter blocks: of periods (T,), of free cells (G, T), and how many there are; -1 none."""

    period: Blocks
    cell: Blocks
    size: int


class _Cohort(NamedTuple):
    """The rows of one cohort: units, observed (m, T), outcome free of unit means (m, T), regressors (m, q), weights."""

    units: Indices
    rows: Array
    outcome: Array
    regressors: Array
    weights: Array


def regress_cells(cells: CohortCells, *, sampled: bool) -> CellFit:
    """Regress the outcome on unit effects, period effects and one effect per free cell, all but the first by covariate.

    The period effects and the effects of the cells each have slopes of the covariates; the reported effect of a cell is
    its mean over the treated rows of the cell. Unit effects are partialled out, so that the normal equations have one
    block of 1 + k parameters per period and free cell, built from one T (1 + k) square matrix per cohort.

    Parameters
    ----------
    cells : CohortCells
    sampled : bool
        Whether the covariates of the treated rows count as drawn: their influence on the mean effect is added.

    Returns
    -------
    CellFit
        influence = n (sum_t w_i u_it z_it)' (Z'WZ)^-1 a, with z free of unit means.

    References
    ----------
    https://doi.org/10.1007/s00181-025-02807-z
    """
    blocks = _number(cells)
    cohorts = [_cohort(cells, members) for members in cells.members]
    inverse, slopes = _solve(cells, blocks, cohorts)
    open_, n, k = cells.open, len(cells.group), len(cells.cohort)
    q = cells.regressors.shape[1]
    means, functionals = _functionals(cells, blocks, open_)
    estimable = are_estimable(inverse.null, functionals)
    directions = (inverse.matrix @ functionals).reshape(blocks.size, q, len(open_))
    estimate, influence = np.full(k, np.nan), np.zeros((n, k))
    estimate[open_] = functionals.T @ slopes.ravel()
    for number, cohort in enumerate(cohorts):
        unexplained = _residuals(cohort, _path(slopes, blocks, number))
        scores = (cohort.weights[:, None] * unexplained)[:, :, None] * cohort.regressors[:, None, :]
        loads = _path(directions, blocks, number)
        size = scores.shape[1] * q
        influence[np.ix_(cohort.units, open_)] = scores.reshape(-1, size) @ (n * loads.reshape(size, -1))
    if sampled:
        _add_sampling(cells, blocks, slopes, means, influence)
    return _finish(cells, estimate, influence, estimable)


def _number(cells: CohortCells) -> _Blocks:
    present = cells.rows.any(axis=0)
    period = np.where(present, np.cumsum(present) - 2, -1)  # the first period is the level of the unit effects
    seen = np.array([cells.rows[members].any(axis=0) for members in cells.members])
    has = cells.free & seen
    cell = np.full(cells.free.shape, -1)
    cell[has] = np.arange(has.sum()) + present.sum() - 1
    return _Blocks(period.astype(np.intp), cell.astype(np.intp), max(int(present.sum() - 1 + has.sum()), 0))


def _cohort(cells: CohortCells, members: Indices) -> _Cohort:
    rows = cells.rows[members].astype(float)
    outcome = np.where(cells.rows[members], cells.design.outcome[members], 0.0)
    return _Cohort(
        members, rows, _without_means(outcome, rows), cells.regressors[members], cells.design.weights[members]
    )


def _without_means(values: Array, rows: Array) -> Array:
    count = np.maximum(rows.sum(axis=1, keepdims=True), 1.0)
    return np.asarray(rows * (values - (rows * values).sum(axis=1, keepdims=True) / count))


def _solve(cells: CohortCells, blocks: _Blocks, cohorts: list[_Cohort]) -> tuple[Inverse, Array]:
    """Inverse of the normal equations, and the slopes (blocks, q)."""
    q, periods = cells.regressors.shape[1], len(cells.design.times)
    gram = np.zeros((blocks.size, blocks.size, q, q))
    moment = np.zeros((blocks.size, q))
    left, right = (one.ravel() for one in np.indices((periods, periods)))
    for number, cohort in enumerate(cohorts):
        products = _products(cohort).reshape(periods * periods, q, q)
        kinds = (blocks.period, blocks.cell[number])
        for one in kinds:
            for other in kinds:
                add_blocks(gram, one[left], other[right], products)
            has = one >= 0
            np.add.at(moment, one[has], ((cohort.weights[:, None] * cohort.outcome).T @ cohort.regressors)[has])
    inverse = invert(flatten(gram))
    return inverse, np.asarray((inverse.matrix @ moment.ravel()).reshape(blocks.size, q))


def _products(cohort: _Cohort) -> Array:
    """(T, T, q, q) weighted products of the period indicators times regressors, free of unit means."""
    periods, q = cohort.rows.shape[1], cohort.regressors.shape[1]
    count = np.maximum(cohort.rows.sum(axis=1), 1.0)
    spread = (cohort.rows[:, :, None] * cohort.regressors[:, None, :]).reshape(len(count), periods * q)
    shared = (spread * (cohort.weights / count)[:, None]).T @ spread
    result = -shared.reshape(periods, q, periods, q).transpose(0, 2, 1, 3)
    squares = (cohort.regressors[:, :, None] * cohort.regressors[:, None, :]).reshape(len(count), q * q)
    own = (cohort.rows * cohort.weights[:, None]).T @ squares
    result[np.arange(periods), np.arange(periods)] += own.reshape(periods, q, q)
    return np.asarray(result)


def _path(parameters: Array, blocks: _Blocks, number: int) -> Array:
    """(T, q, ...) sum of the parameters that a cohort has in each period."""
    return take_blocks(parameters, blocks.period) + take_blocks(parameters, blocks.cell[number])


def _residuals(cohort: _Cohort, path: Array) -> Array:
    return cohort.outcome - _without_means(cohort.regressors @ path.T, cohort.rows)


def _functionals(cells: CohortCells, blocks: _Blocks, open_: Indices) -> tuple[Array, Array]:
    """Mean regressors of the open cells (q, m), and the functionals (p, m) that average effects with them."""
    q = cells.regressors.shape[1]
    means = np.zeros((q, len(open_)))
    functionals = np.zeros((blocks.size, q, len(open_)))
    members = cells.members
    for column, (group, time) in enumerate(zip(cells.cohort[open_], cells.time[open_], strict=True)):
        units = members[group][cells.rows[members[group], time]]
        means[:, column] = np.average(cells.regressors[units], axis=0, weights=cells.design.weights[units])
        functionals[blocks.cell[group, time], :, column] = means[:, column]
    return means, functionals.reshape(blocks.size * q, len(open_))


def _add_sampling(cells: CohortCells, blocks: _Blocks, slopes: Array, means: Array, influence: Array) -> None:
    """Add w_i (effect of a treated row - mean effect of its cell) / mean weight of the cell."""
    members, weights = cells.members, cells.design.weights
    for at, column in enumerate(cells.open):
        group, time = cells.cohort[column], cells.time[column]
        units = members[group][cells.rows[members[group], time]]
        deviation = (cells.regressors[units] - means[:, at]) @ slopes[blocks.cell[group, time]]
        influence[units, column] += len(cells.group) * weights[units] * deviation / weights[units].sum()


def _finish(cells: CohortCells, estimate: Array, influence: Array, estimable: Mask) -> CellFit:
    reasons = list(cells.reasons)
    for at, column in enumerate(cells.open):
        if not estimable[at]:
            reasons[column] = NOT_IDENTIFIED
    return settle(estimate, influence, reasons)
