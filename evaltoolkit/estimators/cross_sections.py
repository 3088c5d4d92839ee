"""Effect of one comparison when the two periods are separate cross-sections: units may be seen in one period only.

Estimand: the effect on the treated seen in either period. Assumption: who is observed does not depend on the change in
the outcome, and the composition of either group does not change. As R's DRDID for repeated cross-sections (locally
efficient doubly robust; https://doi.org/10.1016/j.jeconom.2020.06.003). Influence is per row (unit and period), scaled
so that its sum of squares would be the variance of independent rows. With ``dr`` and covariates it is the derivative of
the estimator, checked numerically; DRDID adds the part of the pre-period regression with the opposite sign, so that
standard errors differ there while estimates agree.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array
from evaltoolkit.estimators.adjustment import TRIM, Adjust
from evaltoolkit.estimators.logit import COLLINEAR, fit_logit, is_regular

Mask = npt.NDArray[np.bool_]


class Rows(NamedTuple):
    """Rows of two periods: outcome (m,), ``treated`` and ``post`` (m,), regressors (m, p), weights (m,)."""

    outcome: Array
    treated: Mask
    post: Mask
    regressors: Array
    weights: Array


class RowContrast(NamedTuple):
    """Estimate and influence (m,) of one comparison; or a reason."""

    estimate: float
    influence: Array
    reason: str = ""


class _Fit(NamedTuple):
    """Regression in one group and period: prediction for all rows, and the influence of its slopes (m, p)."""

    prediction: Array
    slopes: Array


def compare_rows(rows: Rows, adjust: Adjust) -> RowContrast:
    """Return the effect on the treated; see the module for estimand and assumption."""
    rows = rows._replace(regressors=_standardised(rows.regressors))
    if adjust == "ipw":
        return _weighting(rows, {})
    groups = (False,) if adjust == "reg" else (False, True)
    fits = {(group, post): _regress(rows, group, post) for group in groups for post in (False, True)}
    defined = {key: fit for key, fit in fits.items() if fit is not None}
    if len(defined) < len(fits):
        return RowContrast(np.nan, np.full(len(rows.outcome), np.nan), COLLINEAR)
    return _regression(rows, defined) if adjust == "reg" else _weighting(rows, defined)


def _regress(rows: Rows, group: bool, post: bool) -> _Fit | None:
    inside = rows.weights * ((rows.treated == group) & (rows.post == post))
    x = rows.regressors
    gram = (x * inside[:, None]).T @ x
    if not is_regular(gram):
        return None
    inverse = np.linalg.inv(gram)
    prediction = x @ (inverse @ (x.T @ (inside * rows.outcome)))
    return _Fit(prediction, (inside * (rows.outcome - prediction))[:, None] * (x @ inverse))


def _mean(weights: Array, values: Array) -> tuple[float, Array]:
    """Weighted mean and its influence."""
    share = weights / weights.sum()
    mean = float(share @ values)
    return mean, share * (values - mean)


def _regression(rows: Rows, fits: dict[tuple[bool, bool], _Fit]) -> RowContrast:
    """Change of the treated less the change predicted for them from comparison rows."""
    treated = rows.weights * rows.treated
    before, after = fits[False, False], fits[False, True]
    post, psi_post = _mean(treated * rows.post, rows.outcome)
    pre, psi_pre = _mean(treated * ~rows.post, rows.outcome)
    trend, psi_trend = _mean(treated, after.prediction - before.prediction)
    centre = treated @ rows.regressors / treated.sum()
    psi = psi_post - psi_pre - psi_trend - (after.slopes - before.slopes) @ centre
    return RowContrast(post - pre - trend, psi)


def _weighting(rows: Rows, fits: dict[tuple[bool, bool], _Fit]) -> RowContrast:
    """Inverse probability weighting; with fits also doubly robust and locally efficient."""
    score = fit_logit(rows.treated.astype(float), rows.regressors, rows.weights)
    if score.reason:
        return RowContrast(np.nan, np.full(len(rows.outcome), np.nan), score.reason)
    p = score.probability
    odds = np.where(~rows.treated & (p < TRIM), rows.weights * p / (1 - p), 0.0)
    total, psi = 0.0, np.zeros(len(rows.outcome))
    gradient = np.zeros(rows.regressors.shape[1])
    for post, sign in ((True, 1.0), (False, -1.0)):
        period = rows.post == post
        fit = fits.get((False, post))
        residual = rows.outcome - fit.prediction if fit else rows.outcome
        one, psi_one = _mean(rows.weights * rows.treated * period, residual)
        zero, psi_zero = _mean(odds * period, residual)
        total += sign * (one - zero)
        psi += sign * (psi_one - psi_zero)
        gradient += sign * (psi_zero @ rows.regressors)
        if fit:
            imbalance = _centre(rows, rows.treated & period) - (odds * period) @ rows.regressors / (odds * period).sum()
            psi -= sign * (fit.slopes @ imbalance)
            extra, psi_extra = _efficiency(rows, fits[True, post], fit, period)
            total += sign * extra
            psi += sign * psi_extra
    scores = (rows.weights * (rows.treated - p))[:, None] * rows.regressors
    psi -= scores @ (score.inverse_information @ gradient)
    return RowContrast(total, psi)


def _efficiency(rows: Rows, treated: _Fit, comparison: _Fit, period: Mask) -> tuple[float, Array]:
    """Predicted effect for all treated rows less that for the treated rows of the period."""
    effect = treated.prediction - comparison.prediction
    both, psi_both = _mean(rows.weights * rows.treated, effect)
    one, psi_one = _mean(rows.weights * rows.treated * period, effect)
    shift = _centre(rows, rows.treated) - _centre(rows, rows.treated & period)
    return both - one, psi_both - psi_one + (treated.slopes - comparison.slopes) @ shift


def _centre(rows: Rows, which: Mask) -> Array:
    inside = rows.weights * which
    return np.asarray(inside @ rows.regressors / inside.sum())


def _standardised(regressors: Array) -> Array:
    body = regressors[:, 1:]
    centre, spread = body.mean(axis=0), body.std(axis=0)
    spread = np.where(spread > 1e-12 * np.maximum(np.abs(centre), 1e-300), spread, np.inf)
    return np.column_stack([np.ones(len(body)), (body - centre) / spread])
