"""From a test of every constant effect to the interval of those it does not reject."""

from __future__ import annotations

import math
from collections.abc import Callable

# the search reaches two to this many standard errors; beyond, an end is open
_DOUBLINGS = 20
_HALVINGS = 50


def invert_test(p_value: Callable[[float], float], estimate: float, scale: float, level: float) -> tuple[float, float]:
    """Return the effects around the estimate that a test does not reject.

    Parameters
    ----------
    p_value : gives the p-value of a constant effect
    estimate : where the search begins
    scale : length of its first step, such as a standard error
    level : of the interval

    Returns
    -------
    low, high : an end is infinite where even far effects are not rejected. Where p-values rise again further out, the
        interval ends at the first rejection.
    """
    step = scale if scale > 0 and math.isfinite(scale) else abs(estimate) or 1.0
    return _end(p_value, estimate, -step, 1 - level), _end(p_value, estimate, step, 1 - level)


def _end(p_value: Callable[[float], float], estimate: float, step: float, alpha: float) -> float:
    inside, outside = estimate, estimate + step
    for _ in range(_DOUBLINGS):
        if p_value(outside) <= alpha:
            break
        inside, step = outside, 2 * step
        outside = outside + step
    else:
        return math.copysign(math.inf, step)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if p_value(middle) <= alpha:
            outside = middle
        else:
            inside = middle
    return inside
