"""Bounds of an overall effect with what chance adds to them: standard errors of both ends, and an interval."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from evaltoolkit.checks._again import overall_effects
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes, inference_reasons, std_errors
from evaltoolkit.findings import Fact


class Bounds(NamedTuple):
    """Lowest and highest overall effect, the standard errors of both, and the interval around them.

    Standard errors are NaN where the estimate has none, the interval also where the estimate has none (few clusters).
    """

    low: float
    high: float
    std_error_low: float = math.nan
    std_error_high: float = math.nan
    conf_low: float = math.nan
    conf_high: float = math.nan

    def keep_sign(self, estimate: float) -> bool:
        """Whether both ends have the sign of the estimate."""
        return self.low > 0 if estimate > 0 else self.high < 0

    def may_lose_sign(self, estimate: float) -> bool:
        """Whether the interval, where there is one, holds zero or the other sign."""
        return self.conf_low <= 0 if estimate > 0 else self.conf_high >= 0


def bound_effects(design: Design, effects: Effects, shift: Array, moves: Array, *, level: float = 0.95) -> Bounds:
    """Return the bounds at a distance from the overall estimate, with errors from the influence of both.

    Parameters
    ----------
    design, effects : the estimate and what it rests on
    shift : (2,) how far the lower and the upper bound lie from the estimate
    moves : (n + m, 2) by how much a unit of the design, or one of m further units, moves each shift, to first order
    level : of the interval

    Returns
    -------
    Bounds
        Errors are clustered as those of the estimate; a further unit is a cluster of its own.
    """
    overall = overall_effects(effects)
    estimate = float(overall.estimate[0])
    ends = estimate + shift
    if not math.isfinite(float(std_errors(overall)[0])):
        return Bounds(float(ends[0]), float(ends[1]))
    total = moves.copy()
    rows = pd.Index(design.units).get_indexer(pd.Index(overall.units))
    # a unit moves its own estimate by psi / n
    total[rows] += np.asarray(overall.influence)[:, :1] / len(overall.units)
    n = len(design.units)
    codes = cluster_codes(design.clusters, design.units)
    codes = np.append(codes, codes.max() + 1 + np.arange(len(moves) - n))
    errors = [math.sqrt(float(np.sum(np.bincount(codes, weights=column) ** 2))) for column in total.T]
    found = Bounds(float(ends[0]), float(ends[1]), *errors)
    if inference_reasons(overall)[0]:
        return found
    smaller = int(overall.labels[["n_treated", "n_comparison"]].iloc[0].min())
    low, high = bounded_interval(found.low, found.high, errors[0], errors[1], level, df=smaller - 1)
    return found._replace(conf_low=low, conf_high=high)


def bounded_interval(
    low: float, high: float, error_low: float, error_high: float, level: float = 0.95, *, df: float = math.inf
) -> tuple[float, float]:
    """Return the interval that holds the parameter, wherever between the bounds it lies, with probability ``level``.

    Estimand: the parameter, not the set between its bounds: chance can take it out on one side only where the bounds
    lie far apart, so that the critical value falls from the two-sided to the one-sided one.

    Assumption: the estimated ends are jointly normal. That the distance between them is estimated too does no harm
    where the upper end is never estimated below the lower one, as with trimming and with the worst case (Stoye 2009,
    lemma 3). With some tens of clusters influence falls short of the spread: the t distribution with as many degrees of
    freedom as the smaller side has clusters, less one, stands in for the normal one, and errors grow by n / (n - 1).

    References
    ----------
    Imbens and Manski (2004), https://doi.org/10.1111/j.1468-0262.2004.00555.x; Stoye (2009),
    https://doi.org/10.3982/ECTA7347
    """
    from scipy.optimize import brentq
    from scipy.special import stdtr, stdtrit

    largest = max(error_low, error_high)
    if not largest > 0:
        return low, high
    apart = (high - low) / largest

    def missing(critical: float) -> float:
        return float(stdtr(df, critical + apart) - stdtr(df, -critical)) - level

    one_sided, two_sided = float(stdtrit(df, level)), float(stdtrit(df, 0.5 + level / 2))
    critical = float(brentq(missing, one_sided - 1e-9, two_sided + 1e-9))
    critical *= math.sqrt((df + 1) / df) if math.isfinite(df) else 1.0
    return low - critical * error_low, high + critical * error_high


def as_percent(bounds: Bounds, estimate: float) -> dict[str, Fact]:
    """The bounds in per cent of the estimate: 100 is the estimate itself, below 0 the other sign; NaN for none."""
    if estimate == 0:
        return {"least": math.nan, "most": math.nan}
    ends = sorted((100 * bounds.low / estimate, 100 * bounds.high / estimate))
    # never rounded to the other side of zero
    return {"least": math.floor(ends[0] + 1e-9), "most": math.ceil(ends[1] - 1e-9)}


def likely_as_percent(bounds: Bounds, estimate: float) -> dict[str, Fact]:
    """The same of the interval that holds chance too; NaN where there is none."""
    if not math.isfinite(bounds.conf_low):
        return {"likely_least": math.nan, "likely_most": math.nan}
    around = as_percent(Bounds(bounds.conf_low, bounds.conf_high), estimate)
    return {"likely_least": around["least"], "likely_most": around["most"]}


def judge_bounds(estimate: float, bounds: Bounds) -> tuple[str, bool | None]:
    """Return the end of a code and a verdict: ``lost`` by the bounds themselves, ``kept`` by the interval.

    Bounds that hold zero are against the result, whatever chance does. An interval that holds zero around bounds that
    do not is nothing against it, as most of its width is there without a missing value (``unsure``); it only forbids to
    say that the sign stays. Where there is no interval (few clusters) the bounds alone are judged.
    """
    if not bounds.keep_sign(estimate):
        return "lost", False
    return ("unsure", None) if bounds.may_lose_sign(estimate) else ("kept", True)


def has_no_sign(estimate: float, std_error: float) -> bool:
    """Whether an estimate is smaller than its standard error: then there is no sign that could be lost."""
    return estimate == 0 or (math.isfinite(std_error) and abs(estimate) < std_error)
