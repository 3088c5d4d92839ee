"""Sums and differences of overall effects that share units, with their joint standard error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd

from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import inference_reasons, std_errors


class Known(NamedTuple):
    """An estimate with what is known of its error; the interval is NaN below ten clusters on a side."""

    estimate: float
    std_error: float
    low: float
    high: float

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.low)

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of zero."""
        return self.has_interval and not self.low <= 0 <= self.high


NOTHING = Known(math.nan, math.nan, math.nan, math.nan)


def combine_effects(parts: Sequence[tuple[Effects, float]]) -> Effects:
    """Return the weighted sum of single estimates, its influence taken jointly.

    Parameters
    ----------
    parts : sequence of (effects, coefficient)
        Effects with one row each. Units are matched by code; a unit of one part that the other does not have has no
        influence there. The coefficients are taken as fixed.

    Returns
    -------
    Effects
        One row over the union of the units; cluster counts are the smallest of the parts.
    """
    first = parts[0][0]
    units = pd.Index(np.unique(np.concatenate([one.units for one, _ in parts])))
    total = np.zeros(len(units))
    cohort, weights, clusters = np.full(len(units), np.inf), np.ones(len(units)), units.to_numpy(dtype=object)
    for one, coefficient in reversed(parts):
        rows = units.get_indexer(pd.Index(one.units))
        # a unit moves its own estimate by psi / n, whatever the number of units beside it
        total[rows] += coefficient * np.asarray(one.influence)[:, 0] / len(one.units)
        cohort[rows], weights[rows], clusters[rows] = one.cohort, one.weights, one.clusters
    counts = {name: [min(int(one.labels[name].iloc[0]) for one, _ in parts)] for name in ("n_treated", "n_comparison")}
    return replace(
        first,
        kind="overall",
        labels=pd.DataFrame(counts),
        estimate=np.array([sum(coefficient * float(one.estimate[0]) for one, coefficient in parts)]),
        influence=(total * len(units))[:, None],
        units=units.to_numpy(dtype=str),
        cohort=cohort,
        weights=weights,
        clusters=clusters.astype(str),
        reasons=(),
        overall=None,
    )


def know(effects: Effects, level: float = 0.95, *, few: bool = False) -> Known:
    """Return the estimate of one row with its standard error and, from ten clusters on each side, its interval.

    ``few`` takes the critical value of a t distribution with as many degrees of freedom as the smaller side has
    clusters, less one: for comparisons of some tens of clusters, that are not shown beside the usual interval.
    """
    estimate, error = float(effects.estimate[0]), float(std_errors(effects)[0])
    if inference_reasons(effects)[0] or not math.isfinite(error):
        return Known(estimate, error, math.nan, math.nan)
    width = _critical(effects, level, few=few) * error
    return Known(estimate, error, estimate - width, estimate + width)


def p_value(effects: Effects, *, few: bool = False) -> float:
    """Return the two-sided p-value of one row, by the distribution of :func:`know`; NaN where undefined."""
    from scipy.special import ndtr, stdtr

    error = float(std_errors(effects)[0])
    if inference_reasons(effects)[0] or not error > 0:
        return math.nan
    size = -abs(float(effects.estimate[0])) / error
    smaller = int(effects.labels[["n_treated", "n_comparison"]].iloc[0].min())
    return float(2 * (stdtr(smaller - 1, size) if few else ndtr(size)))


def _critical(effects: Effects, level: float, *, few: bool) -> float:
    if not few:
        return NormalDist().inv_cdf(0.5 + level / 2)
    from scipy.special import stdtrit

    smaller = int(effects.labels[["n_treated", "n_comparison"]].iloc[0].min())
    return float(stdtrit(smaller - 1, 0.5 + level / 2))
