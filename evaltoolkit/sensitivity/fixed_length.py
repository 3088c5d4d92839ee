"""The optimal fixed-length interval under smoothness: exact, along the path from least bias to least variance."""

from __future__ import annotations

import math
from functools import partial
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.sensitivity.restrictions import changes
from evaltoolkit.sensitivity.vector import Vector

Array = npt.NDArray[np.float64]


class FixedLength(NamedTuple):
    """An affine estimator of the parameter with the interval around it.

    Attributes
    ----------
    weights : (K,) of the estimates; those after the reference period are the weights of the parameter
    half_length : of the interval, chosen before the estimates are seen
    bias : largest possible bias
    std_error : of the estimator
    """

    weights: Array
    half_length: float
    bias: float
    std_error: float


class _Step(NamedTuple):
    """A stretch of the path: on it the free weights are ``constant + slope * penalty``."""

    upper: float
    constant: Array
    slope: Array


def fixed_length(vector: Vector, amount: float, level: float) -> FixedLength:
    """Return the shortest interval of fixed length that covers under smoothness.

    Estimand: the parameter; worst-case coverage ``level`` over all trend differences whose slope changes by at most
    ``amount`` between neighbouring periods.

    An estimator that no straight line can bias is a weighted sum of changes of slope; the weights of those from the
    reference period on are given by the parameter, the others are free. Worst bias is ``amount`` times their absolute
    sum, so that least bias against least variance is a lasso, whose path is followed from corner to corner; the
    length is smallest at one point of it, found as a root.

    Parameters
    ----------
    vector : Vector
    amount : M, in the unit of the outcome, per period squared
    level : for example 0.95

    References
    ----------
    Armstrong and Kolesar (2018), https://doi.org/10.3982/ECTA14434; Rambachan and Roth (2023),
    https://doi.org/10.1093/restud/rdad018, section 4.1
    """
    from scipy.optimize import brentq

    bends = np.diff(changes(vector.n_pre, vector.n_post), axis=0)
    # row n_pre - 1 is the first bend that a period after the reference period takes part in
    fixed = np.asarray(np.linalg.solve(bends[vector.n_pre - 1 :, vector.n_pre :].T, vector.weights), np.float64)
    cross: Array = bends @ vector.sigma @ bends.T
    free = vector.n_pre - 1
    path = _path(cross[:free, :free], cross[:free, free:] @ fixed)
    measure = partial(_measure, path, fixed, cross, amount)

    def imbalance(penalty: float) -> float:
        _, bias, error = measure(penalty)
        by_bias, by_error = _marginal(_half_length(bias, error, level), bias, error)
        return penalty - amount * error * by_bias / by_error

    top = path[0].upper
    if free == 0 or amount == 0:
        penalty = 0.0
    elif imbalance(top) <= 0:
        penalty = top
    else:
        penalty = float(brentq(imbalance, 0.0, top, xtol=1e-14 * top, rtol=1e-14))
    shares, bias, error = measure(penalty)
    return FixedLength(bends.T @ shares, _half_length(bias, error, level), bias, error)


def _measure(
    path: list[_Step], fixed: Array, cross: Array, amount: float, penalty: float
) -> tuple[Array, float, float]:
    """All weights of changes of slope at a point of the path, with bias and standard error."""
    step = next((one for one in reversed(path) if penalty <= one.upper), path[0])
    shares = np.concatenate([step.constant + step.slope * penalty, fixed])
    return shares, amount * float(np.abs(shares).sum()), math.sqrt(float(shares @ cross @ shares))


def _path(quadratic: Array, linear: Array) -> list[_Step]:
    """The minimisers of x'Qx/2 + q'x + penalty |x|, from the largest penalty down: linear between corners."""
    size = len(linear)
    signs, penalty = np.zeros(size), float(np.abs(linear).max(initial=0.0))
    steps = [_Step(penalty, np.zeros(size), np.zeros(size))]
    if penalty > 0:
        place = int(np.argmax(np.abs(linear)))
        signs[place] = -np.sign(linear[place])
    while penalty > 0:
        active = np.flatnonzero(signs)
        inner = quadratic[np.ix_(active, active)]
        constant, slope = np.zeros(size), np.zeros(size)
        constant[active] = -np.linalg.solve(inner, linear[active])
        slope[active] = -np.linalg.solve(inner, signs[active])
        steps.append(_Step(penalty, constant, slope))
        penalty, place, sign = _corner(quadratic, linear, steps[-1], signs)
        signs[place] = sign
    return steps


def _corner(quadratic: Array, linear: Array, step: _Step, signs: Array) -> tuple[float, int, float]:
    """The next corner: its penalty, the weight that changes there, and its new sign (0 = it becomes zero)."""
    # what has just changed is at its corner within rounding and must not change again
    below = step.upper * (1 - 1e-9)
    best = (0.0, 0, float(signs[0]))
    # minus the gradient of each weight: constant + slope * penalty; where the weight is zero, at most the penalty
    constant, slope = -(linear + quadratic @ step.constant), -(quadratic @ step.slope)
    for place in range(len(signs)):
        if signs[place]:
            candidates = [(-step.constant[place], step.slope[place], 0.0)]
        else:
            candidates = [(constant[place], sign - slope[place], sign) for sign in (1.0, -1.0)]
            candidates = [(sign * top, sign * bottom, sign) for top, bottom, sign in candidates]
        for top, bottom, sign in candidates:
            at = float(top / bottom) if bottom else math.inf
            if best[0] < at < below:
                best = (at, place, sign)
    return best


def _half_length(bias: float, error: float, level: float) -> float:
    """The ``level`` quantile of |N(bias, error^2)|."""
    from scipy.optimize import brentq

    shift = bias / error

    def short(cut: float) -> float:
        return math.erfc((cut - shift) / math.sqrt(2)) / 2 + math.erfc((cut + shift) / math.sqrt(2)) / 2 - (1 - level)

    one_sided = shift + NormalDist().inv_cdf(level)
    two_sided = shift + NormalDist().inv_cdf(0.5 + level / 2)
    return error * float(brentq(short, one_sided - 1e-9, two_sided + 1e-9, xtol=1e-13, rtol=1e-14))


def _marginal(half: float, bias: float, error: float) -> tuple[float, float]:
    """Derivatives of the half-length in bias and in standard error."""
    near, far = (half - bias) / error, (half + bias) / error
    # relative to the density at the near end, so that neither underflows
    ratio = math.exp((near**2 - far**2) / 2)
    return (1 - ratio) / (1 + ratio), (near + ratio * far) / (1 + ratio)
