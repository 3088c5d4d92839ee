"""What a joint test of the periods before treatment can see of a trend, and what passing it leaves behind."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.effects.estimates import Array, Estimates

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


def few_cluster_covariance(event: Estimates, rows: npt.NDArray[np.intp]) -> tuple[Array, float]:
    """Return the (k, k) covariance of some estimates without the bias of few clusters, and its degrees of freedom.

    Each cohort and the never-treated have an average of their own: their sums of squares are worth one cluster more
    than they show. Degrees of freedom: Satterthwaite's of the two arms, on average over the estimates.

    References
    ----------
    Satterthwaite (1946), https://doi.org/10.2307/3002019
    """
    if not len(rows):
        return np.zeros((0, 0)), math.nan
    codes = np.unique(event.clusters, return_inverse=True)[1]
    influence = np.asarray(event.influence[:, rows])
    total, arms = np.zeros((len(rows), len(rows))), []
    for treated in (True, False):
        variance, left = np.zeros(len(rows)), np.zeros(len(rows))
        for cohort in np.unique(event.cohort[np.isfinite(event.cohort) == treated]):
            members = event.cohort == cohort
            own = np.zeros((codes.max() + 1, len(rows)))
            np.add.at(own, codes[members], influence[members])
            count = (own != 0).sum(axis=0)
            own *= np.sqrt(count / np.maximum(count - 1, 1))
            total += own.T @ own
            variance += np.square(own).sum(axis=0)
            left += np.maximum(count - 1, 0)
        arms.append((variance, np.maximum(left, 1)))
    (acting, left), (never, others) = arms
    freedom = (acting + never) ** 2 / (acting**2 / left + never**2 / others)
    return total / len(event.units) ** 2, float(np.mean(freedom))


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
    trend: Trend,
    slope: float,
    covariance: Array,
    shared: Array,
    *,
    freedom: float = math.inf,
    draws: int = 20_000,
    seed: int = 1,
) -> float:
    """Return the expected bias of the overall effect among the studies whose pre-test does not reject.

    Estimand: E[overall estimate - effect | the joint test of the periods before treatment does not reject].

    Assumption: the estimates are jointly normal; the covariance is known, but the test of :func:`joint_tail` estimates
    it with ``freedom`` degrees of freedom.

    Parameters
    ----------
    trend : Trend
    slope : size of the violation
    covariance : (k, k) of the estimates before treatment
    shared : (k,) covariance of each of them with the overall effect
    freedom : behind the covariance that the test uses
    draws, seed : of the simulation

    Returns
    -------
    float
        NaN where fewer than a hundred of the draws pass, or where there are too few degrees of freedom for a test.

    References
    ----------
    Roth (2022), doi:10.1257/aeri.20210236.
    """
    values, vectors = np.linalg.eigh(covariance)
    used = values > 1e-10 * values.max()
    # standardised by the principal axes: the test statistic is the squared length
    whiten = vectors[:, used] / np.sqrt(values[used])
    df, rng = int(used.sum()), np.random.default_rng(seed)
    noise = rng.standard_normal((draws, df))
    moved = noise + slope * (trend.before @ whiten)
    passed = np.square(moved).sum(axis=1) <= _critical(df, freedom, rng, draws)
    if passed.sum() < 100:
        return float("nan")
    return slope * trend.overall + float(noise[passed].mean(axis=0) @ (shared @ whiten))


def _critical(df: int, freedom: float, rng: np.random.Generator, draws: int) -> Array | float:
    """What the squared length may be: the same for all, or drawn with the covariance that each study estimates."""
    from scipy.special import chdtri, fdtri

    if math.isinf(freedom):
        return float(chdtri(df, SIZE))
    left = freedom - df + 1
    if not left >= 1:
        return math.nan
    return np.asarray(df / left * float(fdtri(df, left, 1 - SIZE)) * rng.chisquare(left, draws))
