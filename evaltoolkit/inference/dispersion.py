"""Do counts vary more than Poisson? Asked of the comparison clusters before a test takes it for granted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.inference.count_table import CountTable
from evaltoolkit.inference.floor import DISPERSION_FACTOR, DISPERSION_LEVEL, DISPERSION_POWER

OVERDISPERSED = "the counts of comparison clusters vary more than Poisson counts"
NOT_RULED_OUT = "too few events in the comparison clusters to rule out that counts vary more than Poisson counts"
NOT_COUNTS = "amounts, not counts: no distribution is known"


class Dispersion(NamedTuple):
    """What the comparison clusters say.

    Attributes
    ----------
    factor : mean of squared scores over their Poisson variance; one if events are Poisson
    p_value : of the test that they are
    power : of that test, at its declared level, against a variance that matters for the treated clusters
    ruled_out : whether overdispersion that matters is ruled out
    reason : why not; empty where it is
    """

    factor: float
    p_value: float
    power: float
    ruled_out: bool
    reason: str


def measure_dispersion(table: CountTable, cohort: int, ratio: float, *, draws: int = 999, seed: int = 1) -> Dispersion:
    """Test whether events of comparison clusters, before and after a start, vary as Poisson counts do.

    Estimand: the variance of what a cluster counts after the start, given its total, over the binomial one. The
    statistic is the sum of squared scores over their variances, clusters weighted by their totals less one: one event
    alone cannot be overdispersed. Its distribution is simulated, with the path fitted anew.

    The test is held against counts whose rates have a gamma distribution of their own in every window, so wide that the
    variance for the treated clusters is ``floor.DISPERSION_FACTOR`` times the Poisson one. Where it finds that in fewer
    than ``floor.DISPERSION_POWER`` of cases, not having found overdispersion means nothing.

    Assumption: treated clusters are overdispersed as the comparison clusters are.

    Not when: rates of clusters move apart (trends that are not proportional): that, too, is seen as overdispersion.

    Parameters
    ----------
    table : CountTable
    cohort : place of the treated cohort whose windows are looked at
    ratio : the effect on the treated, so that it does not move the path
    draws, seed

    References
    ----------
    Dean (1992), https://doi.org/10.1080/01621459.1992.10475225
    """
    if (table.events != np.round(table.events)).any():
        return Dispersion(np.nan, np.nan, np.nan, ruled_out=False, reason=NOT_COUNTS)
    scores = table.scores(ratio)
    expected, information = scores.expected[:, cohort], scores.information[:, cohort]
    others = ~table.treated[table.group] & (information > 0)
    if others.sum() < 2:
        return Dispersion(np.nan, np.nan, np.nan, ruled_out=False, reason=NOT_RULED_OUT)
    total = scores.total[:, cohort]
    own, share = total[others], expected[others] / total[others]
    later = scores.score[others, cohort] + expected[others]
    rng = np.random.default_rng([seed, 53])
    null = _statistic(rng.binomial(own.astype(np.int64), share, (draws, len(own))).astype(np.float64), own, share)
    found = _statistic(later[None, :], own, share)[0]
    p_value = float((1 + np.sum(null >= found * (1 - 1e-10))) / (1 + draws))
    treated = table.group == cohort
    width = _concentration(total[treated], information[treated])
    power = float(np.mean(_hidden(own, share, width, draws, rng) > np.quantile(null, 1 - DISPERSION_LEVEL)))
    squares = float(np.sum(scores.score[others, cohort] ** 2) / max(float(information[others].sum()), 1e-300))
    if p_value <= DISPERSION_LEVEL:
        return Dispersion(squares, p_value, power, ruled_out=False, reason=OVERDISPERSED)
    enough = power >= DISPERSION_POWER
    return Dispersion(squares, p_value, power, ruled_out=enough, reason="" if enough else NOT_RULED_OUT)


def _statistic(later: Array, total: Array, share: Array) -> Array:
    """(B,) sum of squared scores over variances, weighted by totals less one, the path fitted to every draw (B, G)."""
    moved = later.sum(axis=1) / max(float(total @ share), 1e-300)
    # the odds of the common path move, not every cluster's own
    odds = share / (1 - share) * (moved * (1 - total @ share / total.sum()))[:, None]
    odds = odds / np.maximum(1 - moved * (total @ share) / total.sum(), 1e-12)[:, None]
    fitted = odds / (1 + odds)
    variance = total * fitted * (1 - fitted)
    squares = np.square(later - total * fitted) / np.where(variance > 0, variance, np.inf)
    return np.asarray(squares @ np.maximum(total - 1.0, 0.0))


def _concentration(total: Array, information: Array) -> float:
    """The concentration of shares at which the treated clusters' variance is the declared multiple of the Poisson one.

    Given its total N a cluster's variance is then (N + K) / (1 + K) times the binomial one. With totals of about one
    no concentration reaches the multiple: then zero, the widest there is.
    """
    weight = information / max(float(information.sum()), 1e-300)
    low, high = 0.0, 1e9
    if float(weight @ total) <= DISPERSION_FACTOR:
        return 0.0
    for _ in range(80):
        middle = (low + high) / 2
        factor = float(weight @ ((total + middle) / (1 + middle)))
        low, high = (middle, high) if factor > DISPERSION_FACTOR else (low, middle)
    return high


def _hidden(total: Array, share: Array, width: float, draws: int, rng: np.random.Generator) -> Array:
    """(B,) statistics where shares vary with this concentration."""
    width = max(width, 1e-3)
    shares = rng.beta(width * share, width * (1 - share), (draws, len(total)))
    return _statistic(rng.binomial(total.astype(np.int64), shares).astype(np.float64), total, share)
