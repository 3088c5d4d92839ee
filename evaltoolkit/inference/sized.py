"""Permutation of noise that depends on size: few treated, chosen by size or not, against clusters of other sizes.

In rates small municipalities vary more than large ones, in totals less. Each cluster's contrast is divided by the
spread that its size lets expect; what is left is alike for all, can change places, and is given back the spread of its
new place.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array
from evaltoolkit.inference.contrasts import ContrastTable, Ints, effects_of
from evaltoolkit.inference.spread import fit_spread, inverse_of, shrinkage_of

Stack = npt.NDArray[np.float64]


class SizedTest(NamedTuple):
    """What the permutation says.

    Attributes
    ----------
    estimate : of the effect
    p_value : share of permutations with an estimate at least as far from the tested one
    smallest_p : smallest p-value that this many clusters and draws can give
    inside : whether every treated cluster lies within the range of the comparison clusters' sizes
    draws : number of permutations
    """

    estimate: float
    p_value: float
    smallest_p: float
    inside: bool
    draws: int


def sized_test(
    table: ContrastTable,
    sizes: Array | None = None,
    *,
    effect: float = 0.0,
    draws: int = 999,
    seed: int = 1,
) -> SizedTest:
    """Test that the effect is a given constant, with noise that changes places between clusters of unlike size.

    Estimand: under the null hypothesis the outcome of a treated cluster, less the constant, is its outcome without
    treatment, and its noise is drawn like that of any other cluster.

    Assumption: the contrast of a cluster has the variance that :func:`evaltoolkit.inference.spread.spread_at` fits to
    all clusters: a + b / size, or a + b size + c size^2 where noise clearly grows with size, as that of totals does;
    divided by its root it has one distribution for all. Who is treated may depend on size, not on the noise.

    Not when: the treated are larger or smaller than every comparison cluster (``inside`` is False): the fit is then
    an extrapolation. With one treated cluster everything rests on that fit.

    Parameters
    ----------
    table : ContrastTable
    sizes : (G,) positive, optional
        Inhabitants or respondents of each cluster. Without sizes all clusters count as alike.
    effect : float
        The constant effect that is tested.
    draws : int
    seed : int

    Returns
    -------
    SizedTest

    References
    ----------
    Ferman and Pinto (2019), https://doi.org/10.1162/rest_a_00759, for the variance; Young (2019),
    https://doi.org/10.1093/qje/qjy029, for permutations.
    """
    order = draw_orders(len(table.group), draws, seed)
    sums = table.without(effect)[:, :, None]
    estimate = effects_of(table.without(effect), table.sizes, table.group, len(table.cohorts))[0]
    p_value = sized_p_values(sums, table.sizes, table.group, len(table.cohorts), sizes, order)[0]
    least = smallest_p_value(table.group, len(table.cohorts), draws)
    return SizedTest(float(estimate[0]) + effect, float(p_value), least, table.covers(sizes), draws)


def draw_orders(count: int, draws: int, seed: int) -> Ints:
    """Return (B, G) orders in which clusters change places."""
    rng = np.random.default_rng([seed, 47])
    return np.argsort(rng.random((draws, count)), axis=1)


def sized_p_values(sums: Stack, weights: Array, group: Ints, n_cohorts: int, sizes: Array | None, order: Ints) -> Array:
    """Return the p-values of a stack of R outcomes, (R,).

    Parameters
    ----------
    sums : (G, C, R) weighted sums of the contrasts of every cluster, with the tested effect taken out
    weights : (G,) sum of the weights of the cluster's units
    group : (G,) cohort of each cluster
    n_cohorts : C
    sizes : (G,) or None
    order : (B, G) from :func:`draw_orders`
    """
    inverse, shrunk = inverse_of(sizes, len(weights)), shrinkage_of(weights)
    drawn = np.zeros((len(order), sums.shape[2]))
    own = np.zeros(sums.shape[2])
    for cohort in range(n_cohorts):
        members = np.flatnonzero(group == cohort)
        if not len(members):
            continue
        value = sums[:, cohort] / weights[:, None]
        residual = (value - (weights @ value) / weights.sum()) / shrunk[:, None]
        scale = fit_spread(residual, inverse)
        standard = residual / scale
        share = weights[members] / weights[members].sum()
        own += share @ value[members]
        # the noise of another cluster comes to this place and takes on the spread of its size
        for position, weight in zip(members, share, strict=True):
            drawn += weight * scale[position] * standard[order[:, position]]
    extreme = (np.abs(drawn) >= np.abs(own) * (1 - 1e-10)).sum(axis=0)
    return np.asarray((1 + extreme) / (1 + len(order)))


def smallest_p_value(group: Ints, n_cohorts: int, draws: int) -> float:
    """Return the smallest p-value: one in the number of ways to choose the treated, or in the number of draws."""
    from scipy.special import gammaln

    counts = np.bincount(group, minlength=n_cohorts)
    ways = float(np.exp(min(gammaln(counts.sum() + 1) - gammaln(counts + 1).sum(), 40.0)))
    return max(1 / (1 + draws), 1 / ways)
