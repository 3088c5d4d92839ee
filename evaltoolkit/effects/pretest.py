"""What a joint test of the periods before treatment can see of a trend, and what passing it leaves behind."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

SIZE = 0.05


class Trend(NamedTuple):
    """A violation of parallel trends by one unit of slope, as the estimates see it.

    Attributes
    ----------
    before : (k,) how far it moves the estimates before treatment
    overall : how far it moves the overall effect
    """

    before: Array
    overall: float


def joint_tail(statistic: float, df: int, freedom: float = math.inf) -> float:
    """Return the p-value of a joint Wald statistic whose covariance was estimated.

    Hotelling's T-squared: with ``freedom`` degrees of freedom behind the covariance, ``statistic`` times
    ``(freedom - df + 1) / (freedom df)`` follows F with ``df`` and ``freedom - df + 1``; chi-square where they are
    infinite. NaN where fewer than ``df`` are left. With a dozen treated clusters the chi-square rejects a true null in
    one of seven cases.

    References
    ----------
    Hotelling (1931), https://doi.org/10.1214/aoms/1177732979
    """
    from scipy.special import chdtrc, fdtrc

    if math.isinf(freedom):
        return float(chdtrc(df, statistic))
    left = freedom - df + 1
    return float(fdtrc(df, left, statistic * left / (freedom * df))) if left >= 1 else math.nan


def rejection_power(df: int, noncentrality: float, size: float = SIZE, freedom: float = math.inf) -> float:
    """Return the probability that the test of :func:`joint_tail` rejects under a noncentrality."""
    from scipy.special import chdtri, chndtr, fdtri, ncfdtr

    if math.isinf(freedom):
        return float(1 - chndtr(chdtri(df, size), df, noncentrality))
    left = freedom - df + 1
    return float(1 - ncfdtr(df, left, noncentrality, float(fdtri(df, left, 1 - size)))) if left >= 1 else math.nan


def noncentrality_for(df: int, power: float, size: float = SIZE, freedom: float = math.inf) -> float:
    """Return the noncentrality at which the test of :func:`joint_tail` rejects with a probability."""
    from scipy.optimize import brentq
    from scipy.special import chdtri, chndtrinc

    simple = float(chndtrinc(chdtri(df, size), df, 1 - power))
    if math.isinf(freedom):
        return simple
    if freedom - df + 1 < 1:
        return math.nan
    # an estimated covariance only takes power away
    top = simple
    while rejection_power(df, top, size, freedom) < power:
        top *= 2
    return float(brentq(lambda size_: rejection_power(df, size_, size, freedom) - power, simple / 2, top, xtol=1e-10))


def precision_of(trend: Trend, covariance: Array) -> float:
    """Return the noncentrality of the joint test per squared unit of slope."""
    return float(trend.before @ np.linalg.pinv(covariance, hermitian=True) @ trend.before)


def bias_after_passing(
    trend: Trend, slope: float, covariance: Array, shared: Array, *, draws: int = 20_000, seed: int = 1
) -> float:
    """Return the expected bias of the overall effect among the studies whose pre-test does not reject.

    Estimand: E[overall estimate - effect | the joint test of the periods before treatment does not reject].

    Assumption: the estimates are jointly normal; the covariance is known.

    Parameters
    ----------
    trend : Trend
    slope : size of the violation
    covariance : (k, k) of the estimates before treatment
    shared : (k,) covariance of each of them with the overall effect
    draws, seed : of the simulation

    Returns
    -------
    float
        NaN where fewer than a hundred of the draws pass.

    References
    ----------
    Roth (2022), doi:10.1257/aeri.20210236.
    """
    from scipy.special import chdtri

    values, vectors = np.linalg.eigh(covariance)
    used = values > 1e-10 * values.max()
    # standardised by the principal axes: the test statistic is the squared length
    whiten = vectors[:, used] / np.sqrt(values[used])
    noise = np.random.default_rng(seed).standard_normal((draws, int(used.sum())))
    moved = noise + slope * (trend.before @ whiten)
    passed = np.square(moved).sum(axis=1) <= chdtri(int(used.sum()), SIZE)
    if passed.sum() < 100:
        return float("nan")
    return slope * trend.overall + float(noise[passed].mean(axis=0) @ (shared @ whiten))
