"""The conditional test of moment inequalities, alone or after a first stage, for many values of theta at once."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.sensitivity.moments import Moments

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# of the covariance of two moments to the variance of one: equal within rounding
_PARALLEL = 1e-10


class FirstStage(NamedTuple):
    """What must hold before the conditional test is made; what fails it is rejected.

    Attributes
    ----------
    size : share of all rejections that the first stage may take; 0 = none
    ceiling : largest moment that passes; inf = any
    weights : (K,) of a fixed-length interval; empty = none
    centre, half_length : of that interval
    """

    size: float = 0.0
    ceiling: float = math.inf
    weights: Array = np.empty(0)
    centre: float = math.nan
    half_length: float = math.inf


def keeps(moments: Moments, sigma: Array, theta: Array, size: float, stage: FirstStage) -> Mask:
    """Return (g,) whether the test keeps each theta.

    Estimand: H0, some trend difference in the piece makes theta the parameter.

    Assumption: the estimates are normal with known covariance.

    The largest moment is compared with its own normal distribution, truncated to where this moment stays the largest
    (and where the first stage is passed). Theta is rejected where it is positive and beyond the 1 - size quantile.

    Parameters
    ----------
    moments : Moments
    sigma : (K, K) covariance of the estimates
    theta : (g,) values to test
    size : of the whole test
    stage : FirstStage

    References
    ----------
    Andrews, Roth and Pakes (2023), https://doi.org/10.1093/restud/rdad002; Rambachan and Roth (2023),
    https://doi.org/10.1093/restud/rdad018, section 3
    """
    values = moments.constant[:, None] - moments.slope[:, None] * theta
    place = values.argmax(axis=0)
    largest = values[place, np.arange(len(theta))]
    variance = np.diag(moments.cross)[place]
    noisy = variance > 0
    safe = np.where(noisy, variance, 1.0)
    ratio = moments.cross[:, place] / safe
    low, high = _truncation(values, largest, ratio)
    if len(stage.weights):
        low, high = _inside_interval(
            low, high, largest, theta, moments.combination[place] @ sigma / safe[:, None], stage
        )
    high = np.minimum(high, stage.ceiling)
    error = np.sqrt(safe)
    tail = _truncated_tail(largest / error, low / error, high / error)
    rest = (size - stage.size) / (1 - stage.size)
    # without noise a positive moment is a violation for certain
    rejected = (largest > 0) & (~noisy | (tail < rest))
    return np.asarray(~rejected & _passes(largest, theta, stage))


def _passes(largest: Array, theta: Array, stage: FirstStage) -> Mask:
    passed = largest <= stage.ceiling
    if len(stage.weights):
        passed &= np.abs(stage.centre - theta) <= stage.half_length
    return np.asarray(passed)


def _truncation(values: Array, largest: Array, ratio: Array) -> tuple[Array, Array]:
    """Where the largest moment stays the largest when it moves and what is independent of it does not."""
    gap = 1.0 - ratio
    apart = np.abs(gap) > _PARALLEL
    bound = (values - ratio * largest) / np.where(apart, gap, 1.0)
    low = np.where(apart & (gap > 0), bound, -np.inf).max(axis=0)
    high = np.where(apart & (gap < 0), bound, np.inf).min(axis=0)
    return np.minimum(low, largest), np.maximum(high, largest)


def _inside_interval(
    low: Array, high: Array, largest: Array, theta: Array, direction: Array, stage: FirstStage
) -> tuple[Array, Array]:
    """The same, for staying inside the fixed-length interval."""
    pace = direction @ stage.weights
    moves = np.abs(pace) > _PARALLEL
    safe = np.where(moves, pace, 1.0)
    ends = largest + (theta - stage.centre + stage.half_length * np.array([[-1.0], [1.0]])) / safe
    low = np.where(moves, np.maximum(low, ends.min(axis=0)), low)
    high = np.where(moves, np.minimum(high, ends.max(axis=0)), high)
    return low, high


def _truncated_tail(z: Array, low: Array, high: Array) -> Array:
    """P(Z > z | low < Z < high) in logarithms: far tails do not cancel."""
    from scipy.special import log_ndtr

    beyond, upper, lower = log_ndtr(-z), log_ndtr(-high), log_ndtr(-low)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inside = beyond + np.log1p(-np.exp(upper - beyond))
        whole = lower + np.log1p(-np.exp(upper - lower))
        tail = np.exp(inside - whole)
    # an interval of no width: the statistic is where it must be
    return np.asarray(np.where(np.isfinite(tail), tail, np.where(z >= high, 0.0, 1.0)))
