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
    Separation, collinearity and certain treatment give a reason and NaN, never a number.
    """
    beta = np.zeros(regressors.shape[1])
    for _ in range(_STEPS):
        p = _expit(regressors @ beta)
        information = (regressors * (weights * p * (1 - p))[:, None]).T @ regressors
        if not is_regular(information):
            return _undefined(regressors, SEPARATION if beta.any() else COLLINEAR)
        step = np.linalg.solve(information, regressors.T @ (weights * (treated - p)))
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    else:
        return _undefined(regressors, SEPARATION)
    p = _expit(regressors @ beta)
    if p.max() >= _CERTAIN:
        return _undefined(regressors, NO_OVERLAP)
    information = (regressors * (weights * p * (1 - p))[:, None]).T @ regressors
    return Logit(p, np.asarray(np.linalg.inv(information), dtype=np.float64), "")


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
