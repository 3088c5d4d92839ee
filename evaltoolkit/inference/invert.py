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
        interval ends at the first rejection, but holds no effect at all if, and only if, that is not rejected.
    """
    alpha = 1 - level
    step = scale if scale > 0 and math.isfinite(scale) else abs(estimate) or 1.0
    low, high = _end(p_value, estimate, -step, alpha), _end(p_value, estimate, step, alpha)
    rejected = p_value(0.0) <= alpha
    if estimate == 0 or rejected != (low <= 0 <= high):
        return low, high
    # the p-value falls and rises between the estimate and no effect
    away = -step if estimate > 0 else step
    end = _between(p_value, estimate, 0.0, alpha) if rejected else _end(p_value, 0.0, away, alpha)
    return (end, high) if estimate > 0 else (low, end)


def _end(p_value: Callable[[float], float], estimate: float, step: float, alpha: float) -> float:
    inside, outside = estimate, estimate + step
    for _ in range(_DOUBLINGS):
        if p_value(outside) <= alpha:
            break
        inside, step = outside, 2 * step
        outside = outside + step
    else:
        return math.copysign(math.inf, step)
    return _between(p_value, inside, outside, alpha)


def _between(p_value: Callable[[float], float], inside: float, outside: float, alpha: float) -> float:
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if p_value(middle) <= alpha:
            outside = middle
        else:
            inside = middle
    return inside
