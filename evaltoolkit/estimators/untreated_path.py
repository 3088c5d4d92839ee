"""The path of untreated means of counts and shares: cohort and period effects, fitted on untreated rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.estimators.cells import Mask
from evaltoolkit.estimators.cohort_cells import CohortCells, Indices
from evaltoolkit.estimators.estimable import Blocks, Inverse, add_blocks, flatten, take_blocks
from evaltoolkit.estimators.quasi_likelihood import Family, Point, maximise


class Rows(NamedTuple):
    """Outcome and offset (n, T), zero where not observed; untreated rows (n, T); regressors (n, q); weights (n,)."""

    outcome: Array
    offset: Array
    untreated: Mask
    regressors: Array
    weights: Array


class Path(NamedTuple):
    """The fitted untreated path.

    Attributes
    ----------
    has_cohort, has_period : (G,) and (T,) whether there is anything to fit in the untreated rows
    cohort, period : (G,) and (T,) numbers of the parameter blocks; -1 none
    parameters : (b, q)
    inverse : of the information
    converged : whether the likelihood has a maximum
    scores : (n, T, q) weighted
    """

    has_cohort: Mask
    has_period: Mask
    cohort: Blocks
    period: Blocks
    parameters: Array
    inverse: Inverse
    converged: bool
    scores: Array


def read_rows(cells: CohortCells) -> Rows:
    """Outcome, offset and weights of the rows that enter; the offset is the logarithm of the exposure."""
    design = cells.design
    offset = np.zeros(cells.rows.shape)
    if design.exposure is not None:
        offset = np.log(np.where(cells.rows, design.exposure, 1.0))
    return Rows(
        outcome=np.where(cells.rows, design.outcome, 0.0),
        offset=offset,
        untreated=cells.rows & ~cells.free[cells.group],
        regressors=cells.regressors,
        weights=design.weights,
    )


def fit_path(cells: CohortCells, rows: Rows, family: Family) -> Path:
    """Fit the mean G(offset + x'(c_g + l_t)) on the untreated rows.

    Cohorts and periods whose untreated rows are all zero (or, for shares, all one) have no finite effect and are left
    out with their rows: the likelihood of the others is the same without them.
    """
    has_cohort, has_period = _inside(cells, rows, family)
    cohort = np.where(has_cohort, np.cumsum(has_cohort) - 1, -1).astype(np.intp)
    # the first period is the level of the cohorts
    later = np.cumsum(has_period) - 2
    period = np.where(has_period & (later >= 0), later + has_cohort.sum(), -1).astype(np.intp)
    active = rows.untreated & has_cohort[cells.group][:, None] & has_period
    weights = rows.weights[:, None] * active
    q = rows.regressors.shape[1]
    count = int(has_cohort.sum() + max(has_period.sum() - 1, 0))
    start = np.zeros((count, q))
    totals = [_sums(cells, weights * one).sum(axis=1)[has_cohort] for one in (rows.outcome, np.exp(rows.offset))]
    start[: len(totals[0]), 0] = family.link(totals[0], totals[1])
    at = _likelihood(cells, rows, family, weights, (cohort, period, count))
    fit = maximise(at, start.ravel())
    parameters = fit.parameters.reshape(count, q)
    mean = family.mean(_predictor(cells, rows, take_blocks(parameters, cohort), take_blocks(parameters, period)))
    scores = (weights * (rows.outcome - mean))[:, :, None] * rows.regressors[:, None, :]
    return Path(has_cohort, has_period, cohort, period, parameters, fit.inverse, fit.converged, scores)


def functionals_at(path: Path, at: tuple[Indices, Indices], derivative: Array) -> Array:
    """Functionals (b q, m) of the parameters, for derivatives (m, q) in the coefficients of the path at some cells.

    Parameters
    ----------
    at : cohorts and periods (m,)
    """
    q = derivative.shape[1]
    functionals = np.zeros((len(path.parameters), q, len(derivative)))
    for blocks, place in ((path.cohort, at[0]), (path.period, at[1])):
        for column, block in enumerate(blocks[place]):
            if block >= 0:
                functionals[block, :, column] += derivative[column]
    return functionals.reshape(len(path.parameters) * q, len(derivative))


def spread(cells: CohortCells, path: Path, functionals: Array) -> Array:
    """Influence (n, m) of the untreated rows on functionals (b q, m) of the path."""
    m = functionals.shape[1]
    directions = (path.inverse.matrix @ functionals).reshape(*path.parameters.shape, m)
    by_period = take_blocks(directions, path.period)
    influence = np.zeros((len(cells.group), m))
    for number, members in enumerate(cells.members):
        loads = by_period + take_blocks(directions, path.cohort[number : number + 1])
        size = loads.shape[0] * loads.shape[1]
        influence[members] = path.scores[members].reshape(-1, size) @ (len(influence) * loads.reshape(size, m))
    return influence


def _likelihood(
    cells: CohortCells, rows: Rows, family: Family, weights: Array, blocks: tuple[Blocks, Blocks, int]
) -> Callable[[Array], Point]:
    """The quasi-likelihood of the path as a function of its parameters."""
    cohort, period, count = blocks
    q, periods = rows.regressors.shape[1], len(period)
    squares = (rows.regressors[:, :, None] * rows.regressors[:, None, :]).reshape(len(rows.regressors), q * q)
    pairs = np.repeat(cohort, periods), np.tile(period, len(cohort))

    def at(flat: Array) -> Point:
        parameters = flat.reshape(count, q)
        predictor = _predictor(cells, rows, take_blocks(parameters, cohort), take_blocks(parameters, period))
        mean = family.mean(predictor)
        value = float((weights * family.likelihood(rows.outcome, predictor)).sum())
        gradient, gram = np.zeros((count, q)), np.zeros((count, count, q, q))
        scores = _moments(cells, weights * (rows.outcome - mean), rows.regressors)
        products = _moments(cells, weights * family.slope(mean), squares).reshape(-1, q, q)
        for one in pairs:
            np.add.at(gradient, one[one >= 0], scores.reshape(-1, q)[one >= 0])
            for other in pairs:
                add_blocks(gram, one, other, products)
        return Point(value, gradient.ravel(), flatten(gram))

    return at


def _predictor(cells: CohortCells, rows: Rows, cohort: Array, period: Array) -> Array:
    """(n, T) offset + x'(c_g + l_t)."""
    own = (rows.regressors * cohort[cells.group]).sum(axis=1)
    return np.asarray(rows.offset + own[:, None] + rows.regressors @ period.T)


def _moments(cells: CohortCells, values: Array, regressors: Array) -> Array:
    """(G, T, q) sums of values (n, T) times regressors (n, q) over the units of each cohort."""
    return np.array([values[members].T @ regressors[members] for members in cells.members])


def _sums(cells: CohortCells, values: Array) -> Array:
    """(G, T) sums over the units of each cohort."""
    return np.array([values[members].sum(axis=0) for members in cells.members])


def _inside(cells: CohortCells, rows: Rows, family: Family) -> tuple[Mask, Mask]:
    """Cohorts (G,) and periods (T,) whose untreated rows are neither all zero nor all at the upper bound.

    Leaving one out can leave another with zeros only, so that this goes on until nothing changes.
    """
    weights = rows.weights[:, None] * rows.untreated
    totals = [_sums(cells, weights * rows.outcome)]
    if family.bounded:
        totals.append(_sums(cells, weights * (1.0 - rows.outcome)))
    cohorts, periods = np.ones(len(cells.cohorts), bool), np.ones(weights.shape[1], bool)
    while True:
        kept = [total * cohorts[:, None] * periods for total in totals]
        new_cohorts = np.all([one.sum(axis=1) > 0 for one in kept], axis=0)
        new_periods = np.all([one.sum(axis=0) > 0 for one in kept], axis=0)
        if (new_cohorts == cohorts).all() and (new_periods == periods).all():
            return cohorts, periods
        cohorts, periods = new_cohorts, new_periods
