"""The identified set, and the amount of violation at which a robust set first holds a value."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.sensitivity.moments import Rows, combine_moments
from evaltoolkit.sensitivity.restrictions import Assumed, check_assumed, list_pieces
from evaltoolkit.sensitivity.sets import (
    EMPTY,
    Method,
    RobustSet,
    check_question,
    keeps_value,
    original_set,
    robust_set,
    why_undefined,
)
from evaltoolkit.sensitivity.vector import Vector, make_vector

ALREADY = "the interval without any violation already holds this value"
NEVER = "not reached, however large the violation that was tried"
# changes after treatment a hundred times those before: no longer a question about trends
MOST = 100.0
# of the amount
_PRECISION = 1e-6
# between two amounts tried on the way up: a set that shrinks again in between would be missed
_PACE = 1.25


class Breakdown(NamedTuple):
    """The smallest amount at which the robust set holds a value.

    Attributes
    ----------
    amount : M or Mbar; 0 where the set holds it without violation, inf where it was never reached, NaN where undefined
    reason : why it is 0, infinite or undefined; empty otherwise
    """

    amount: float
    reason: str


def breakdown(
    betahat: npt.ArrayLike,
    sigma: npt.ArrayLike,
    n_pre: int,
    n_post: int,
    *,
    assumed: Assumed,
    value: float = 0.0,
    l_vec: npt.ArrayLike | None = None,
    method: Method = "hybrid",
    level: float = 0.95,
    rows: Rows = "post",
) -> Breakdown:
    """Return how far parallel trends must fail before the robust set holds ``value``.

    Estimand: inf {amount : the test of theta = value does not reject}, found by going up by a quarter at a time and
    then by bisection, to a millionth of itself; no grid of amounts. Sets need not be nested in the amount, least of all
    under a sign or a shape: the first amount on the way up is returned.

    Assumptions: as for :func:`~evaltoolkit.sensitivity.sets.robust_sets`.

    Not when: the sign of the violation is known to work against the effect; then restrict the sign, or this understates
    how firm the result is.

    Parameters
    ----------
    betahat, sigma, n_pre, n_post, assumed, l_vec, method, level, rows
        As for ``robust_sets``.
    value : in the unit of the estimates

    References
    ----------
    Rambachan and Roth (2023), https://doi.org/10.1093/restud/rdad018
    """
    vector = make_vector(betahat, sigma, n_pre, n_post, l_vec)
    check_question(assumed, method, level)
    reason = why_undefined(vector, assumed)
    if reason:
        return Breakdown(math.nan, reason)

    def holds(amount: float) -> bool:
        if method == "fixed_length":
            found = robust_set(vector, amount, assumed, method, level)
            return found.low <= value <= found.high
        return keeps_value(vector, value, amount, assumed, method, level, rows)

    plain = original_set(vector, level)
    if plain.low <= value <= plain.high or holds(0.0):
        return Breakdown(0.0, ALREADY)
    # smoothness is in units of the outcome per period squared
    unit = vector.std_error if assumed.restriction == "smoothness" else 1.0
    low, high = 0.0, 0.1 * unit
    while not holds(high):
        low, high = high, high * _PACE
        if high > MOST * unit:
            return Breakdown(math.inf, NEVER)
    while high - low > _PRECISION * high:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return Breakdown(high, "")


def identified_set(
    beta: npt.ArrayLike,
    n_pre: int,
    n_post: int,
    amount: float,
    *,
    assumed: Assumed,
    l_vec: npt.ArrayLike | None = None,
) -> RobustSet:
    """Return the values of theta compatible with known coefficients: no sampling error.

    Estimand: {l'(beta_post - delta_post) : delta allowed, delta_pre = beta_pre}. With estimates in place of
    coefficients it is the set that the robust intervals lie around; it is empty where the estimates before treatment
    already violate what is assumed.

    Parameters
    ----------
    beta : (K,)
    n_pre, n_post, amount, assumed, l_vec : as for ``robust_sets``
    """
    check_assumed(assumed)
    vector: Vector = make_vector(beta, np.eye(n_pre + n_post), n_pre, n_post, l_vec)
    reason = why_undefined(vector, assumed)
    if reason:
        return RobustSet(amount, math.nan, math.nan, reason)
    tolerance = 1e-9 * float(np.abs(vector.beta).max(initial=0.0))
    low, high = math.inf, -math.inf
    for piece in list_pieces(n_pre, n_post, amount, assumed):
        found = combine_moments(vector, piece, "all")
        flat = found.slope == 0
        if (found.constant[flat] > tolerance).any():
            continue
        ends = found.constant / np.where(flat, 1.0, found.slope)
        bottom, top = float(ends[found.slope > 0].max()), float(ends[found.slope < 0].min())
        if bottom <= top + tolerance:
            low, high = min(low, bottom), max(high, bottom, top)
    return RobustSet(amount, low, high, "") if low <= high else RobustSet(amount, math.nan, math.nan, EMPTY)
