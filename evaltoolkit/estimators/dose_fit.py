"""Regression of effects on the dose over many cohorts and periods at once, with the influence of every unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array
from evaltoolkit.estimators.cells import Cell, Sample
from evaltoolkit.estimators.logit import is_regular

Indices = npt.NDArray[np.intp]

TOO_FEW_DOSES = "too few different doses for this curve"


class Piece(NamedTuple):
    """What one cohort in one period adds to a curve.

    Attributes
    ----------
    cohort, share : the cohort and its share of all units, sampling weights counted
    treated : (m,) row numbers; ``weights`` (m,) sum to one
    change : (m,) change of the outcome less the change predicted from the comparison units
    regressors : (m, q) baseline covariates with the constant
    comparison : (m0,) row numbers; ``pull`` (m0, q): what each adds to the coefficients of the predicted change
    """

    cohort: float
    share: float
    treated: Indices
    weights: Array
    change: Array
    regressors: Array
    comparison: Indices
    pull: Array


class Fit(NamedTuple):
    """Coefficients (p,) with influence (n, p), or NaN and a reason."""

    coefficients: Array
    influence: Array
    reason: str = ""


class Value(NamedTuple):
    """One number with its influence (n,), or NaN and a reason."""

    estimate: float
    influence: Array
    reason: str = ""


def list_pieces(sample: Sample, cells: Sequence[Cell]) -> list[Piece]:
    """Take the predicted untreated change out of the treated units' changes, cell by cell."""
    design, n = sample.design, len(sample.design.units)
    centred = design.covariates - design.covariates.mean(axis=0)
    spread = centred.std(axis=0)
    regressors = np.column_stack([np.ones(n), centred / np.where(spread > 0, spread, np.inf)])
    members = {cohort: design.cohort == cohort for cohort in {cell.cohort for cell in cells}}
    shares = {cohort: float(design.weights[rows].sum()) / n for cohort, rows in members.items()}
    found = []
    for cell in cells:
        seen = sample.observed[:, cell.current] & sample.observed[:, cell.base]
        one, zero = np.flatnonzero(members[cell.cohort] & seen), np.flatnonzero(cell.comparison & seen)
        change = design.outcome[:, cell.current] - design.outcome[:, cell.base]
        x0, w0, w1 = regressors[zero], design.weights[zero], design.weights[one]
        weighted = x0 * w0[:, None]
        inverse = np.linalg.inv(weighted.T @ x0)
        slopes = inverse @ (weighted.T @ change[zero])
        pull = (weighted @ inverse) * (change[zero] - x0 @ slopes)[:, None]
        left = change[one] - regressors[one] @ slopes
        share = shares[cell.cohort]
        found.append(Piece(cell.cohort, share, one, w1 / w1.sum(), left, regressors[one], zero, pull))
    return found


def fit_curve(sample: Sample, pieces: Sequence[Piece], basis: Array, *, within: bool = False) -> Fit:
    """Regress the effects of all pieces on functions of the dose.

    A unit counts in each piece with its weight, a piece with the share of its cohort: with a constant among the
    regressors the mean of the fitted curve over units is the mean effect that group-time aggregation gives.

    Parameters
    ----------
    sample : Sample
    pieces : from :func:`list_pieces`
    basis : (n, p) regressors of every unit; read for treated units only
    within : bool
        Compare only units of the same cohort and period: each piece has a constant of its own.

    Returns
    -------
    Fit
        The influence is the derivative with respect to the weights of units: through the regression, the predicted
        untreated change and the shares of cohorts.
    """
    n, p = len(sample.design.units), basis.shape[1]
    tables = [_table(piece, basis, within=within) for piece in pieces]
    gram, moment = np.zeros((p, p)), np.zeros(p)
    for piece, table in zip(pieces, tables, strict=True):
        weighted = table * piece.weights[:, None]
        gram += piece.share * (weighted.T @ table)
        moment += piece.share * (piece.change @ weighted)
    if not is_regular(gram):
        return Fit(np.full(p, np.nan), np.full((n, p), np.nan), TOO_FEW_DOSES)
    inverse = np.asarray(np.linalg.inv(gram), dtype=np.float64)
    coefficients = inverse @ moment
    scores, by_cohort = np.zeros((n, p)), dict[float, Array]()
    for piece, table in zip(pieces, tables, strict=True):
        left = piece.change - table @ coefficients
        each = table * (left - piece.weights @ left if within else left)[:, None]
        mean = piece.weights @ each
        scores[piece.treated] += piece.share * n * piece.weights[:, None] * (each - mean)
        towards = piece.regressors.T @ (table * piece.weights[:, None])
        scores[piece.comparison] -= piece.share * n * (piece.pull @ towards)
        by_cohort[piece.cohort] = by_cohort.get(piece.cohort, 0.0) + mean
    scores += _through_shares(sample, by_cohort, p)
    return Fit(coefficients, scores @ inverse)


def read_off(fit: Fit, direction: Array) -> Value:
    """Return the sum of coefficients times ``direction`` (p,)."""
    return Value(float(direction @ fit.coefficients), fit.influence @ direction, fit.reason)


def average_over_doses(sample: Sample, pieces: Sequence[Piece], fit: Fit, table: Array) -> Value:
    """Return the mean of ``table`` (n, p) times the coefficients over the treated units of all pieces."""
    n = len(sample.design.units)
    total = sum(piece.share for piece in pieces)
    heights = table @ fit.coefficients
    means = [float(piece.weights @ heights[piece.treated]) for piece in pieces]
    estimate = sum(piece.share * mean for piece, mean in zip(pieces, means, strict=True)) / total
    direction = np.zeros(table.shape[1])
    influence, by_cohort = np.zeros(n), dict[float, Array]()
    for piece, mean in zip(pieces, means, strict=True):
        weight = piece.share / total
        direction += weight * (piece.weights @ table[piece.treated])
        influence[piece.treated] += weight * n * piece.weights * (heights[piece.treated] - mean)
        by_cohort[piece.cohort] = by_cohort.get(piece.cohort, 0.0) + np.array([mean - estimate]) / total
    influence += _through_shares(sample, by_cohort, 1)[:, 0] + fit.influence @ direction
    return Value(float(estimate), influence, fit.reason)


def ratio_of_fits(over: Fit, under: Fit, direction: Array) -> Value:
    """Return the ratio of two sums of coefficients, for example a difference in effects per difference in dose."""
    top, bottom = read_off(over, direction), read_off(under, direction)
    if over.reason or under.reason or not abs(bottom.estimate) > 0:
        return Value(np.nan, np.full(len(top.influence), np.nan), over.reason or under.reason or TOO_FEW_DOSES)
    ratio = top.estimate / bottom.estimate
    return Value(ratio, (top.influence - ratio * bottom.influence) / bottom.estimate)


def with_outcome(pieces: Sequence[Piece], values: Array) -> list[Piece]:
    """Return the pieces with ``values`` (n,) of the treated units in place of their effects."""
    return [piece._replace(change=values[piece.treated], pull=np.zeros_like(piece.pull)) for piece in pieces]


def _table(piece: Piece, basis: Array, *, within: bool) -> Array:
    table = basis[piece.treated]
    return np.asarray(table - piece.weights @ table) if within else np.asarray(table)


def _through_shares(sample: Sample, by_cohort: dict[float, Array], p: int) -> Array:
    """Influence of a unit through the share of its cohort; the deviations sum to zero, so no mean is left to take."""
    found = np.zeros((len(sample.design.units), p))
    for cohort, deviation in by_cohort.items():
        rows = sample.design.cohort == cohort
        found[rows] = sample.design.weights[rows, None] * deviation
    return found
