"""Noise that changes places between clusters, weighed as the estimate weighs them: covariates and gaps allowed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.inference.contrasts import Ints
from evaltoolkit.inference.noise import NoiseTable
from evaltoolkit.inference.sized import draw_orders, smallest_p_value
from evaltoolkit.inference.spread import fit_spread, inverse_of, spread_at


class ExchangeTest(NamedTuple):
    """What the exchange of noise says.

    Attributes
    ----------
    estimate : of the effect
    p_value : share of exchanges with a statistic at least as far from zero
    smallest_p : smallest p-value that this many clusters and draws can give
    draws : number of exchanges
    """

    estimate: float
    p_value: float
    smallest_p: float
    draws: int


def exchange_test(
    table: NoiseTable,
    sizes: Array | None = None,
    *,
    effect: float = 0.0,
    studentise: bool = False,
    draws: int = 999,
    seed: int = 1,
) -> ExchangeTest:
    """Test that the effect is a given constant, with the residuals of clusters changing places.

    Estimand: under the null hypothesis the outcome of a treated unit, less the constant, is unit effect, period effect,
    covariates' part and noise; the estimate is then the sum of its own weights times that noise. Without covariates and
    gaps this is :func:`evaltoolkit.inference.sized.sized_test`, or its studentised neighbour, to the digit.

    Assumption: the noise of all clusters, over time, has one distribution, with ``sizes`` up to a variance that depends
    on them as :func:`evaltoolkit.inference.spread.spread_at` says; covariates act alike on all. Gaps do not depend on
    the noise; a cluster lends its noise only to places that it was observed in.

    Not when: treated clusters are noisier than others for another reason than size, and few; the estimate is no sum of
    fixed weights (:func:`evaltoolkit.inference.linear_weights.linear_weights` says so).

    Parameters
    ----------
    table : NoiseTable
    sizes : (G,) positive, optional
    effect : float
        The constant effect that is tested.
    studentise : bool
        Divide by the standard error that the clusters of every cohort show after the exchange; needs several per
        cohort.
    draws, seed : of the exchanges

    References
    ----------
    Freedman and Lane (1983), https://doi.org/10.1080/07350015.1983.10509354, for residuals that change places under the
    weights of a regression; Ferman and Pinto (2019), https://doi.org/10.1162/rest_a_00759, for the variance.
    """
    order = usable_orders(table, draws, seed)
    p_value = exchange_p_values(table, sizes, order, effect=effect, studentise=studentise)[0]
    least = smallest_p_value(table.group, len(table.cohorts), draws)
    stack = table.places if table.places.ndim == 2 else table.places[:, :, 0]
    return ExchangeTest(float(np.trace(stack)), float(p_value), least, draws)


def usable_orders(table: NoiseTable, draws: int, seed: int) -> Ints:
    """Return (B, G) orders in which clusters change places; who cannot lend to a place is replaced by one who can."""
    order = draw_orders(len(table.group), draws, seed)
    rng = np.random.default_rng([seed, 61])
    for place in np.flatnonzero(~table.usable.all(axis=1)):
        wrong = np.flatnonzero(~table.usable[place, order[:, place]])
        order[wrong, place] = rng.choice(np.flatnonzero(table.usable[place]), len(wrong))
    return order


def exchange_p_values(
    table: NoiseTable, sizes: Array | None, order: Ints, *, effect: float = 0.0, studentise: bool = False
) -> Array:
    """Return the p-values of the stack of R outcomes, (R,)."""
    values, inverse = table.without(effect), inverse_of(sizes, len(table.group))
    own, drawn = np.zeros((1, values.shape[2])), np.zeros((len(order), values.shape[2]))
    own_square, drawn_square = np.zeros_like(own), np.zeros_like(drawn)
    for cohort in range(len(table.cohorts)):
        members = np.flatnonzero(table.group == cohort)
        scale = fit_spread(values[members].sum(axis=0), inverse)
        sums, square = _sum_up([values[g, g][None] for g in members])
        own += sums
        own_square += square
        # the noise of another cluster comes to this place and takes on the spread of its size
        sums, square = _sum_up([scale[g] * values[g, order[:, g]] / scale[order[:, g]] for g in members])
        drawn += table.stretch * sums
        drawn_square += table.stretch**2 * square
    if studentise:
        own, drawn = (
            one / np.sqrt(np.where(two > 0, two, np.inf)) for one, two in ((own, own_square), (drawn, drawn_square))
        )
    extreme = (np.abs(drawn) >= np.abs(own) * (1 - 1e-10)).sum(axis=0)
    return np.asarray((1 + extreme) / (1 + len(order)))


def lend_noise(table: NoiseTable, sizes: Array | None, *, draws: int = 9999, seed: int = 1) -> Array:
    """Return (B,) draws of the noise of an estimate, the treated clusters' part lent by comparison clusters.

    Residuals are those that the estimated effect leaves, so that it does not enter the noise. Every draw takes for each
    treated cluster the residuals of a comparison cluster, with replacement and a random sign; the noise of the
    comparison clusters' own part is normal.

    References
    ----------
    Conley and Taber (2011), https://doi.org/10.1162/REST_a_00049; Ferman and Pinto (2019),
    https://doi.org/10.1162/rest_a_00759.
    """
    rng = np.random.default_rng([seed, 43])
    values = table.stretch * table.without(float(np.trace(table.places)))[:, :, 0]
    inverse, treated = inverse_of(sizes, len(table.group)), table.treated[table.group]
    out, variance = np.zeros(draws), 0.0
    for cohort in range(len(table.cohorts)):
        members = np.flatnonzero(table.group == cohort)
        if treated[members[0]]:
            sums = values[members][:, ~treated].sum(axis=0)
            scale = spread_at(sums[:, None], inverse[~treated], inverse)[:, 0]
            for place in members:
                donors = np.flatnonzero(~treated & table.usable[place])
                lent = rng.choice(donors, draws)
                out += rng.choice([-1.0, 1.0], draws) * scale[place] * values[place, lent] / scale[lent]
        elif len(members) > 1:
            own = values[members, members]
            variance += len(members) / (len(members) - 1) * np.sum((own - own.mean()) ** 2)
    return out + rng.normal(0.0, np.sqrt(variance), draws)


def rank_single_noise(table: NoiseTable) -> float:
    """Return the share of comparison clusters whose noise, in the one treated place, is as far out as the estimate."""
    estimate = float(np.trace(table.places))
    place = int(np.flatnonzero(table.treated[table.group])[0])
    others = ~table.treated[table.group] & table.usable[place]
    noise = table.stretch * table.without(estimate)[place, others, 0]
    return float(np.mean(np.abs(noise) >= abs(estimate)))


def _sum_up(parts: list[Array]) -> tuple[Array, Array]:
    """Sum of the clusters of one cohort, and its squared standard error: none where there is one cluster."""
    total, square = sum(parts), sum(one**2 for one in parts)
    count = len(parts)
    if count == 1:
        return np.asarray(total), np.zeros_like(total)
    return np.asarray(total), np.asarray(count / (count - 1) * np.maximum(square - total**2 / count, 0.0))
