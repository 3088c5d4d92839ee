"""Logistic regression by Newton steps, for propensity scores of small samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array

SEPARATION = "the covariates separate treated from comparison units"
NO_OVERLAP = "no overlap: some units are certain to be treated, given the covariates"
COLLINEAR = "the covariates are collinear among these units"

# As the R package `did`: a fitted probability this high means that no comparable unit exists.
_CERTAIN = 0.999
_STEPS = 60
# each Newton step multiplies the odds of units that are told apart by about e: after twenty they are this far
_REMOTE = 1e-7


class Logit(NamedTuple):
    """Fitted probabilities (m,), inverse information (p, p), and a reason when there are none."""

    probability: Array
    inverse_information: Array
    reason: str


def fit_logit(treated: Array, regressors: Array, weights: Array) -> Logit:
    """Fit P(treated | regressors) by maximum likelihood.

    Parameters
    ----------
    treated : (m,) 0 or 1
    regressors : (m, p) with the constant
    weights : (m,)

    Notes
    -----
    Separation, collinearity and certain treatment give a reason and NaN, never a number. One case of separation has an
    answer: where covariates tell some untreated units apart from all treated ones (none of the treated has the value 1
    of a dummy), the likelihood rises towards a probability of 0 for them, and to that of the others alone for the rest.
    """
    fit = _newton(treated, regressors, weights)
    if fit.reason != SEPARATION:
        return fit
    return _without_the_remote(treated, regressors, weights, fit.probability) or _undefined(regressors, SEPARATION)


def _newton(treated: Array, regressors: Array, weights: Array) -> Logit:
    """The fit; where covariates separate, the reason beside the probabilities as far as they had come."""
    beta = np.zeros(regressors.shape[1])
    for _ in range(_STEPS):
        p = _expit(regressors @ beta)
        information = (regressors * (weights * p * (1 - p))[:, None]).T @ regressors
        if not is_regular(information):
            if not beta.any():
                return _undefined(regressors, COLLINEAR)
            return _undefined(regressors, SEPARATION)._replace(probability=p)
        step = np.linalg.solve(information, regressors.T @ (weights * (treated - p)))
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    else:
        return _undefined(regressors, SEPARATION)._replace(probability=_expit(regressors @ beta))
    p = _expit(regressors @ beta)
    if p.max() >= _CERTAIN:
        return _undefined(regressors, NO_OVERLAP)
    information = (regressors * (weights * p * (1 - p))[:, None]).T @ regressors
    return Logit(p, np.asarray(np.linalg.inv(information), dtype=np.float64), "")


def _without_the_remote(treated: Array, regressors: Array, weights: Array, probability: Array) -> Logit | None:
    """The limit where some untreated units are told apart from all treated ones; None where it is not that.

    Among the other units one direction of the covariates or more does not vary: there nothing separates any more.
    """
    remote = (treated == 0) & (probability < _REMOTE)
    near = regressors[~remote]
    if not remote.any() or not (weights[~remote] * (treated[~remote] == 0)).sum() > 0:
        return None
    _, size, directions = np.linalg.svd(near, full_matrices=False)
    basis = directions[size > 1e-9 * size[0]].T
    if basis.shape[1] == regressors.shape[1]:
        return None
    fit = _newton(treated[~remote], near @ basis, weights[~remote])
    if fit.reason:
        return None
    p = np.zeros(len(treated))
    p[~remote] = fit.probability
    return Logit(p, np.asarray(basis @ fit.inverse_information @ basis.T, dtype=np.float64), "")


def is_regular(gram: Array) -> bool:
    """Whether a Gram matrix can be inverted, whatever the units of its columns."""
    return bool(are_regular(gram[None])[0])


def are_regular(grams: Array) -> npt.NDArray[np.bool_]:
    """Whether each of (B, p, p) Gram matrices can be inverted, whatever the units of its columns."""
    diagonals: Array = np.asarray(np.diagonal(grams, axis1=1, axis2=2), dtype=np.float64)
    fine: npt.NDArray[np.bool_] = np.asarray(np.isfinite(grams).all(axis=(1, 2)) & (diagonals > 0).all(axis=1))
    scales: Array = np.sqrt(np.where(fine[:, None], diagonals, 1.0))
    whole: Array = np.where(fine[:, None, None], grams, 1.0)
    values = np.asarray(np.linalg.eigvalsh(whole / scales[:, :, None] / scales[:, None, :]), dtype=np.float64)
    return np.asarray(fine & (values[:, 0] > 1e-11 * values[:, -1]))


def _expit(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -500.0, 500.0))), dtype=np.float64)


def _undefined(regressors: Array, reason: str) -> Logit:
    m, p = regressors.shape
    return Logit(np.full(m, np.nan), np.full((p, p), np.nan), reason)
