"""Effect of one comparison of treated with untreated units on many outcome changes at once, with influence.

Every function returns influence scaled so that its sum of squares over units is the variance of the estimate.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.estimators.logit import COLLINEAR, fit_logit, is_regular

Adjust = Literal["dr", "ipw", "reg"]

# As R's DRDID: a comparison unit with a higher score would carry more than 199 times its own weight.
TRIM = 0.995


class Side(NamedTuple):
    """One side of the comparison: changes (m, K), regressors with the constant (m, p), weights (m,)."""

    change: Array
    regressors: Array
    weights: Array


class Contrast(NamedTuple):
    """Estimates (K,), influence of the treated (m1, K) and the comparison units (m0, K); or a reason."""

    estimate: Array
    treated: Array
    comparison: Array
    reason: str = ""


def compare_means(treated: Side, comparison: Side) -> Contrast:
    """Return the difference in mean changes: unconditional parallel trends, no covariates."""
    means, influences = [], []
    for side in (treated, comparison):
        share = side.weights / side.weights.sum()
        mean = share @ side.change
        means.append(mean)
        influences.append(share[:, None] * (side.change - mean))
    return Contrast(means[0] - means[1], influences[0], -influences[1])


def compare_adjusted(treated: Side, comparison: Side, adjust: Adjust) -> Contrast:
    """Return the effect on the treated under trends that are parallel given covariates.

    ``reg``: outcome regression among comparison units. ``ipw``: comparison units reweighted to the covariates of the
    treated, weights normalised. ``dr``: both, right when either is (Sant'Anna and Zhao 2020, the traditional form with
    normalised odds weights; https://doi.org/10.1016/j.jeconom.2020.06.003).
    """
    treated, comparison = _standardised(treated, comparison)
    inverse: Array = np.empty((0, 0))
    slopes = np.zeros((treated.regressors.shape[1], treated.change.shape[1]))
    if adjust != "ipw":
        weighted = comparison.regressors * comparison.weights[:, None]
        gram = weighted.T @ comparison.regressors
        if not is_regular(gram):
            return undefined_contrast(treated, comparison, COLLINEAR)
        inverse = np.asarray(np.linalg.inv(gram), dtype=np.float64)
        slopes = np.asarray(inverse @ (weighted.T @ comparison.change))
    if adjust == "reg":
        treated = treated._replace(change=treated.change - treated.regressors @ slopes)
        comparison = comparison._replace(change=comparison.change - comparison.regressors @ slopes)
        return _regression(treated, comparison, inverse)
    return _weighting(treated, comparison, slopes, inverse)


def _regression(treated: Side, comparison: Side, inverse: Array) -> Contrast:
    share = treated.weights / treated.weights.sum()
    effect = share @ treated.change
    own = share[:, None] * (treated.change - effect)
    return Contrast(effect, own, -_slope_part(comparison, inverse, share @ treated.regressors))


def _weighting(treated: Side, comparison: Side, slopes: Array, inverse: Array) -> Contrast:
    """Reweighted differences of what ``slopes`` (p, K) leave of the changes; ``inverse`` is empty without regression.

    All of the influence is linear in changes and regressors: the few regressors are multiplied out, and the many
    changes are gone through as seldom as can be.
    """
    m1, x1, x0 = len(treated.weights), treated.regressors, comparison.regressors
    score = fit_logit(
        np.r_[np.ones(m1), np.zeros(len(comparison.weights))],
        np.r_[x1, x0],
        np.r_[treated.weights, comparison.weights],
    )
    if score.reason:
        return undefined_contrast(treated, comparison, score.reason)
    p1, p0 = score.probability[:m1], score.probability[m1:]
    share = treated.weights / treated.weights.sum()
    odds = np.where(p0 < TRIM, comparison.weights * p0 / (1 - p0), 0.0)
    odds = odds / odds.sum()
    weighted = np.column_stack([odds, x0 * odds[:, None]])
    sums = weighted.T @ comparison.change - (weighted.T @ x0) @ slopes
    mean1, mean0 = share @ treated.change - (share @ x1) @ slopes, sums[0]
    gradient = score.inverse_information @ (sums[1:] - np.outer(odds @ x0, mean0))
    own = treated.change * share[:, None]
    own -= _products(x1, (share, share, treated.weights * (1 - p1))) @ np.vstack([slopes, mean1, gradient])
    scale = odds
    if inverse.size:
        # what enters through the estimated regression
        scale = odds + comparison.weights * (x0 @ (inverse @ (share @ x1 - odds @ x0)))
    other = comparison.change * -scale[:, None]
    other += _products(x0, (scale, odds, comparison.weights * p0)) @ np.vstack([slopes, mean0, gradient])
    return Contrast(mean1 - mean0, own, other)


def _products(regressors: Array, factors: tuple[Array, Array, Array]) -> Array:
    """(m, 2 p + 1) regressors times the first factor, the second factor, regressors times the third."""
    first, second, third = factors
    return np.column_stack([regressors * first[:, None], second, regressors * third[:, None]])


def _slope_part(comparison: Side, inverse: Array, direction: Array) -> Array:
    """Influence that enters through the estimated regression; ``change`` holds residuals here."""
    leverage = comparison.weights * (comparison.regressors @ (inverse @ direction))
    return np.asarray(leverage[:, None] * comparison.change)


def _standardised(treated: Side, comparison: Side) -> tuple[Side, Side]:
    """Centre and scale covariates: no estimate changes, collinearity shows whatever the units of measurement."""
    both = np.r_[treated.regressors, comparison.regressors][:, 1:]
    centre, spread = both.mean(axis=0), both.std(axis=0)
    spread = np.where(spread > 1e-12 * np.maximum(np.abs(centre), 1e-300), spread, np.inf)

    def scaled(side: Side) -> Side:
        body = (side.regressors[:, 1:] - centre) / spread
        return side._replace(regressors=np.column_stack([np.ones(len(body)), body]))

    return scaled(treated), scaled(comparison)


def undefined_contrast(treated: Side, comparison: Side, reason: str) -> Contrast:
    """Return NaN with a reason."""
    return Contrast(
        np.full(treated.change.shape[1], np.nan),
        np.full(treated.change.shape, np.nan),
        np.full(comparison.change.shape, np.nan),
        reason,
    )
