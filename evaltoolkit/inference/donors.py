"""Few treated among many: the noise of the treated is learnt from the comparison clusters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.inference.contrasts import ContrastTable, Ints, effects_of
from evaltoolkit.inference.spread import inverse_of, shrinkage_of, spread_at

# donors below which their spread is no distribution
LEAST_DONORS = 10


class DonorTest(NamedTuple):
    """What the comparison clusters say about the treated ones' noise.

    Attributes
    ----------
    estimate : of the effect
    p_value : share of draws of noise at least as far from zero
    low, high : interval at ``level``: the estimate less the quantiles of the noise
    level, smallest_p : of the interval; smallest p-value that this many donors can give
    inside : whether every treated cluster lies within the range of the donors' sizes
    donors : number of comparison clusters
    reason : why there is no p-value and no interval; empty where there is
    """

    estimate: float
    p_value: float
    low: float
    high: float
    level: float
    smallest_p: float
    inside: bool
    donors: int
    reason: str


FEW_DONORS = (
    f"fewer than {LEAST_DONORS} comparison clusters: their noise is too little to learn from; add untreated ones"
)
OUTSIDE = (
    "a treated cluster lies outside the range of sizes of the comparison clusters: none of them shows how much one of "
    "that size moves by itself; add untreated ones as large, or as small"
)


def donor_test(
    table: ContrastTable,
    *,
    sizes: Array | None = None,
    level: float = 0.95,
    draws: int = 9999,
    seed: int = 1,
    extrapolate: bool = False,
) -> DonorTest:
    """Test the effect with noise drawn from the comparison clusters.

    Estimand: the effect on the clusters that were treated. Its noise is, but for the mean of many comparison clusters,
    that of the treated clusters themselves; each draw takes for every treated cluster the residual contrast of a
    comparison cluster, drawn with replacement and given a random sign.

    Assumption: untreated changes of treated and comparison clusters come from one distribution (Conley and Taber), or,
    with ``sizes``, from one distribution up to a variance that depends on the size (Ferman and Pinto) as
    :func:`evaltoolkit.inference.spread.spread_at` says.

    Not when: the treated are larger or smaller than every comparison cluster: nothing is known of the noise there, and
    ``reason`` says so. With one treated cluster that was chosen by its size, the p-value is not to be trusted.

    Parameters
    ----------
    table : ContrastTable
    sizes : (G,) positive, optional
        Inhabitants or respondents of each cluster.
    level : float
    draws : int
    seed : int
    extrapolate : bool
        Answer also outside the range, where sizes only stand in for what is known to vary little.

    References
    ----------
    Conley and Taber (2011), https://doi.org/10.1162/REST_a_00049; Ferman and Pinto (2019),
    https://doi.org/10.1162/rest_a_00759.
    """
    inverse_of(sizes, len(table.sizes))
    treated = table.treated[table.group]
    donors = np.flatnonzero(~treated)
    estimate = float(effects_of(table.sums, table.sizes, table.group, len(table.cohorts))[0][0])
    inside = table.covers(sizes)
    if len(donors) < LEAST_DONORS or not (inside or extrapolate):
        reason = FEW_DONORS if len(donors) < LEAST_DONORS else OUTSIDE
        return DonorTest(estimate, np.nan, np.nan, np.nan, level, np.nan, bool(inside), len(donors), reason)
    noise = _noise(table, np.flatnonzero(treated), donors, sizes, draws, np.random.default_rng([seed, 43]))
    extreme = int(np.sum(np.abs(noise) >= abs(estimate) * (1 - 1e-10)))
    low, high = np.quantile(noise, outer_shares(level, len(donors), int(treated.sum())))
    # with k treated there are as many different draws as samples of k donors, with signs
    smallest_p = max(1 / (1 + draws), 1 / float(len(donors)) ** min(int(treated.sum()), 8))
    return DonorTest(
        estimate,
        (1 + extreme) / (1 + draws),
        float(estimate - high),
        float(estimate - low),
        level,
        smallest_p,
        bool(inside),
        len(donors),
        "",
    )


def outer_shares(level: float, donors: int, treated: int) -> tuple[float, float]:
    """Return the shares of drawn noise at which an interval ends.

    The noise of one treated cluster is one more draw beside that of the donors: it lies among their innermost k with
    probability k / (donors + 1), so that k must be level (donors + 1) of them. Sums of several leave no such gap.
    """
    held = min(1.0, level * (1 + 1 / donors)) if treated == 1 else level
    return (1 - held) / 2, (1 + held) / 2


def _noise(
    table: ContrastTable, treated: Ints, donors: Ints, sizes: Array | None, draws: int, rng: np.random.Generator
) -> Array:
    """Draws of the noise of the treated clusters' part of the estimate."""
    weight = np.bincount(table.group, weights=table.sizes).astype(np.float64)
    out = np.zeros(draws)
    for cohort in np.flatnonzero(table.treated):
        own = treated[table.group[treated] == cohort]
        contrast = table.sums[donors, cohort] / table.sizes[donors]
        residual = contrast - np.average(contrast, weights=table.sizes[donors])
        # a mean was taken out: what is left varies a little less, that of heavy donors most
        residual = residual * np.sqrt(len(donors) / (len(donors) - 1)) / shrinkage_of(table.sizes[donors])
        scale = _spread(residual, inverse_of(sizes, len(table.sizes)), donors)
        standard = residual / scale[donors]
        drawn = standard[rng.integers(len(donors), size=(draws, len(own)))] * rng.choice([-1.0, 1.0], (draws, len(own)))
        out += drawn @ (scale[own] * table.sizes[own] / weight[cohort])
    return out + _comparison_noise(table, donors, weight, draws, rng)


def _comparison_noise(table: ContrastTable, donors: Ints, weight: Array, draws: int, rng: np.random.Generator) -> Array:
    """Noise of the comparison cohorts' means: small where they are many, and normal."""
    variance = 0.0
    for cohort in np.flatnonzero(~table.treated):
        own = donors[table.group[donors] == cohort]
        value = table.sums[own, cohort] - table.sizes[own] * table.sums[own, cohort].sum() / weight[cohort]
        if len(own) > 1:
            variance += len(own) / (len(own) - 1) * np.square(value).sum() / weight[cohort] ** 2
    return rng.normal(0.0, np.sqrt(variance), draws)


def _spread(residual: Array, inverse: Array, donors: Ints) -> Array:
    """Standard deviation of every cluster's noise, fitted to the donors' residuals."""
    return spread_at(residual[:, None], inverse[donors], inverse)[:, 0]
