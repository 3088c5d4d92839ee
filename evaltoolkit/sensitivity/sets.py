"""Robust confidence sets: what the parameter can be if parallel trends fail by no more than stated."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from statistics import NormalDist
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.sensitivity.conditional import FirstStage, keeps
from evaltoolkit.sensitivity.first_stage import highest_critical, least_favourable
from evaltoolkit.sensitivity.fixed_length import fixed_length
from evaltoolkit.sensitivity.inversion import hull_of_kept
from evaltoolkit.sensitivity.moments import Moments, Rows, combine_moments
from evaltoolkit.sensitivity.restrictions import LEAST_BEFORE, Assumed, check_assumed, list_pieces
from evaltoolkit.sensitivity.vector import TOO_FEW_PERIODS, Array, Vector, make_vector

Method = Literal["hybrid", "conditional", "hybrid_fixed_length", "fixed_length"]

EMPTY = "no value is compatible: the changes before treatment already violate what is assumed"
# of the size of the whole test, spent on the first stage of a hybrid
FIRST_SHARE = 0.1


class RobustSet(NamedTuple):
    """Smallest and largest value that the test keeps.

    Attributes
    ----------
    amount : M or Mbar
    low, high : in the unit of the estimates; NaN where undefined
    reason : why; empty where defined
    """

    amount: float
    low: float
    high: float
    reason: str


def robust_sets(
    betahat: npt.ArrayLike,
    sigma: npt.ArrayLike,
    n_pre: int,
    n_post: int,
    amounts: Sequence[float],
    *,
    assumed: Assumed,
    l_vec: npt.ArrayLike | None = None,
    method: Method = "hybrid",
    level: float = 0.95,
    rows: Rows = "post",
) -> list[RobustSet]:
    """Return a confidence set for each amount by which parallel trends may fail.

    Estimand: theta, the ``l_vec`` weighted sum of the effects after the reference period. Estimates = effects (zero
    before it) + a trend difference that is allowed by ``assumed`` and the amount.

    Assumptions: the estimates are jointly normal with known covariance; the trend difference is within what is
    assumed; no effect before treatment.

    Not when: fewer than about ten clusters are treated (the covariance is then not known well enough); there is one
    period before treatment; the event times are not equally spaced.

    Parameters
    ----------
    betahat : (K,) estimates in event order against one reference period, which is left out
    sigma : (K, K)
    n_pre, n_post : numbers of estimates before and after it
    amounts : M (unit of the outcome) for ``smoothness``; Mbar, a ratio, for the relative restrictions
    assumed : Assumed
    l_vec : (n_post,) weights of the parameter; None = plain average; (1, 0, ...) = the first period
    method : {"hybrid", "conditional", "hybrid_fixed_length", "fixed_length"}
        Conditional test of Andrews, Roth and Pakes, after a least favourable first stage (C-LF), without one, or after
        a fixed-length interval; or that interval itself, the shortest one. The last two are for ``smoothness``, and a
        fixed-length interval makes no use of sign or shape.
    level : float
    rows : {"post", "all"}
        Moments that the test uses, see ``combine_moments``.

    Returns
    -------
    list of RobustSet
        Ends are solved by bisection, to 1e-9 of the interval searched. The set kept by a test may have holes: what is
        returned is the hull of its pieces, which are looked for at 400 points and closely around the value that fits
        best. After a first stage they are also looked for wherever another moment becomes the largest; ``conditional``
        keeps slivers there however far out, above all under a sign or a shape, and finds them by chance: take
        ``hybrid``. Sets grow with the amount but for that, and for signs and shapes: a large amount leaves fewer
        moments near their limits, and the test is then sharper on the side that the sign closes.

    Raises
    ------
    EvaltoolkitError
        Shapes, words, level or amounts that are not possible; a method that does not fit the restriction.

    References
    ----------
    Rambachan and Roth (2023), https://doi.org/10.1093/restud/rdad018

    Examples
    --------
    >>> robust_sets([0.1, 1.0], [[0.04, 0.02], [0.02, 0.04]], 1, 1, [0.5], assumed=Assumed("relative_magnitudes"))
    ... # doctest: +SKIP
    """
    vector = make_vector(betahat, sigma, n_pre, n_post, l_vec)
    check_question(assumed, method, level)
    return [robust_set(vector, amount, assumed, method, level, rows) for amount in amounts]


def original_set(vector: Vector, level: float = 0.95) -> RobustSet:
    """Return the usual interval, right if trends are parallel; its amount is 0."""
    half = NormalDist().inv_cdf(0.5 + level / 2) * vector.std_error
    return RobustSet(0.0, vector.estimate - half, vector.estimate + half, "")


def check_question(assumed: Assumed, method: str, level: float) -> None:
    """Refuse words that are not known, and methods that do not fit what is assumed."""
    check_assumed(assumed)
    methods = get_args(Method)
    if method not in methods:
        raise EvaltoolkitError(
            f'There is no method "{method}"; choose from {", ".join(methods)}.{nearest(method, methods)}'
        )
    if not 0 < level < 1:
        raise EvaltoolkitError(f"The level must lie between 0 and 1, for example 0.95; got {level}.")
    if method in ("hybrid_fixed_length", "fixed_length") and assumed.restriction != "smoothness":
        raise EvaltoolkitError(
            f'Method "{method}" is for the restriction "smoothness": under "{assumed.restriction}" an interval of '
            'fixed length would be infinite. Take "hybrid" or "conditional".'
        )
    if method == "fixed_length" and (assumed.sign or assumed.shape):
        raise EvaltoolkitError(
            'Method "fixed_length" makes no use of a sign or a shape: leave them out, or take "hybrid_fixed_length".'
        )


def why_undefined(vector: Vector, assumed: Assumed) -> str:
    """Return why there is no robust set; empty where there can be one."""
    if vector.reason:
        return vector.reason
    return TOO_FEW_PERIODS if vector.n_pre < LEAST_BEFORE[assumed.restriction] else ""


def robust_set(
    vector: Vector, amount: float, assumed: Assumed, method: Method, level: float, rows: Rows = "post"
) -> RobustSet:
    """Return the set for one amount, all else checked."""
    reason = why_undefined(vector, assumed)
    if reason:
        return RobustSet(amount, math.nan, math.nan, reason)
    if method == "fixed_length":
        found = fixed_length(vector, amount, level)
        centre = float(found.weights @ vector.beta)
        return RobustSet(amount, centre - found.half_length, centre + found.half_length, "")
    ends = [
        hull_of_kept(moments, partial(keeps, moments, vector.sigma, size=1 - level, stage=stage), stage)
        for moments, stage in tests_of(vector, amount, assumed, method, level, rows)
    ]
    low = min((one[0] for one in ends), default=math.inf)
    high = max((one[1] for one in ends), default=-math.inf)
    if low > high:
        return RobustSet(amount, math.nan, math.nan, EMPTY)
    return RobustSet(amount, low, high, "")


def tests_of(
    vector: Vector, amount: float, assumed: Assumed, method: Method, level: float, rows: Rows
) -> Iterator[tuple[Moments, FirstStage]]:
    """Yield the moments of every piece with the first stage that goes before its conditional test."""
    first = (1 - level) * FIRST_SHARE
    stage = FirstStage()
    if method == "hybrid_fixed_length":
        found = fixed_length(vector, amount, 1 - first)
        stage = FirstStage(first, math.inf, found.weights, float(found.weights @ vector.beta), found.half_length)
    for piece in list_pieces(vector.n_pre, vector.n_post, amount, assumed):
        moments = combine_moments(vector, piece, rows)
        if method == "hybrid":
            stage = FirstStage(first, least_favourable(moments, vector.sigma, first))
        yield moments, stage


def keeps_value(
    vector: Vector, value: float, amount: float, assumed: Assumed, method: Method, level: float, rows: Rows
) -> bool:
    """Return whether the test keeps one value of the parameter, in any of the pieces."""
    at: Array = np.array([value])
    if method != "hybrid":
        tests = tests_of(vector, amount, assumed, method, level, rows)
        return any(bool(keeps(moments, vector.sigma, at, 1 - level, stage)[0]) for moments, stage in tests)
    first = (1 - level) * FIRST_SHARE
    for piece in list_pieces(vector.n_pre, vector.n_post, amount, assumed):
        moments = combine_moments(vector, piece, rows)
        largest = float((moments.constant - moments.slope * value).max())
        # most pieces are settled without the simulated critical value
        if largest <= 0:
            return True
        if largest > highest_critical(moments, first):
            continue
        stage = FirstStage(first, least_favourable(moments, vector.sigma, first))
        if keeps(moments, vector.sigma, at, 1 - level, stage)[0]:
            return True
    return False
