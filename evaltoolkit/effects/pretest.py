"""What a joint test of the periods before treatment can see of a trend, and what passing it leaves behind."""

from __future__ import annotations

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


def rejection_power(df: int, noncentrality: float, size: float = SIZE) -> float:
    """Return the probability that a chi-square test rejects under a noncentrality."""
    from scipy.special import chdtri, chndtr

    return float(1 - chndtr(chdtri(df, size), df, noncentrality))


def noncentrality_for(df: int, power: float, size: float = SIZE) -> float:
    """Return the noncentrality at which a chi-square test rejects with a probability."""
    from scipy.special import chdtri, chndtrinc

    return float(chndtrinc(chdtri(df, size), df, 1 - power))


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
