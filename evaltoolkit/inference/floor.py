"""How little information is too little: the numbers below which there is no p-value, each with its reason.

All of them follow from the level that is asked for; none was tuned.
"""

from __future__ import annotations

import math

TOO_FEW_EVENTS = (
    "too few events: even if those with most of them had been treated, and none had fallen after the start, that would "
    "be no evidence; count over more periods, more units or a broader kind of event"
)
NO_ESTIMATE = (
    "nothing is known of the events expected without treatment, such as nothing counted before; add earlier periods, "
    "or compare with all periods before treatment"
)
UNATTAINABLE = (
    "no outcome whatever could have been significant: too few ways to choose who is treated, or too many that "
    "give the same; more clusters, fewer strata, or a lower level of confidence would do"
)

# what the test of overdispersion must do before counts are taken for Poisson: level of that test, the variance (as a
# multiple of the Poisson one, for the treated clusters) that must not stay hidden, and the power to see it. A test of
# 5 % has 8 % under that variance.
DISPERSION_LEVEL = 0.20
DISPERSION_FACTOR = 1.25
DISPERSION_POWER = 0.90


def least_total(share: float, level: float) -> float:
    """Return the number of events of the treated below which even none of them after the start is no evidence.

    Without an effect each of ``m`` events falls after the start with probability ``share``; none does with probability
    (1 - share)^m if they are Poisson, and more often if they are overdispersed. A two-sided test can call that evidence
    only if it is at most (1 - level) / 2. At 95 % and a share of a half: 5.3 events; of them 2.7 are expected after the
    start, and never more than 3.7 whatever the share.

    Parameters
    ----------
    share : expected share of events after the start, between zero and one
    level : of the interval
    """
    return math.log((1 - level) / 2) / math.log1p(-share)


def has_enough(total: float, expected: float, level: float) -> bool:
    """Return whether these events, so many of them expected after the start, are above the floor."""
    return 0 < expected < total and total >= least_total(expected / total, level)


def is_attainable(smallest_p: float, level: float) -> bool:
    """Whether some outcome could have had a p-value of at most one minus the level."""
    return smallest_p <= (1 - level) * (1 + 1e-10)


def attainable_level(smallest_p: float, level: float) -> float:
    """Return the largest level of at most one minus ``level`` that a test whose p-values come in steps can have."""
    alpha = (1 - level) * (1 + 1e-10)
    return math.floor(alpha / smallest_p) * smallest_p
