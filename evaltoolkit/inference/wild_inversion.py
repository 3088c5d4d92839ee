"""From draws to p-values and intervals: statistics of all draws for any hypothesis, and the test turned round."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.inference.wild_draws import Multipliers
from evaltoolkit.inference.wild_system import System

Array = npt.NDArray[np.float64]

# a statistic this close to the sample's, relative to one plus it, is the same number
_TIE = 1e-9
# of the sums that it is made of: a variance or an effect of a draw below this is rounding
_ROUNDING = 1e-12
# standard errors from the estimate beyond which the interval is called unbounded
_FAR = 1e6
_GROW = 1.4


class Moments(NamedTuple):
    """Statistics of the draws, for residuals u + c x at any c.

    t* = (sums[0] + c sums[1]) / sqrt(squares[0] + 2 c squares[1] + c^2 squares[2]).

    Attributes
    ----------
    sums : (2, B) effect of the draw around its hypothesis, times x'x
    squares : (3, B) sum of squared scores of the draw
    tiny : (2,) what of ``sums`` is rounding, for u and x
    """

    sums: Array
    squares: Array
    tiny: Array


def draw_moments(system: System, multipliers: Multipliers) -> Moments:
    """Return the statistics of all draws: one matrix product, whatever the number of rows behind the clusters.

    MacKinnon, Nielsen and Webb (2023), https://doi.org/10.1002/jae.2969; Roodman, Nielsen, MacKinnon and Webb (2019),
    https://doi.org/10.1177/1536867X19830877
    """
    count = len(multipliers.codes)
    sums, squares = np.empty((2, count)), np.empty((3, count))
    scores = system.scores
    # scores of a draw are own v - left (right' v): as few columns as possible
    low_rank = 2 * system.left.shape[1] < system.clusters
    if low_rank:
        basis, triangle = np.linalg.qr(system.left)
        own = [one[:, None] * basis for one in scores]
        table = np.column_stack([scores.T, *own, *[a - b @ triangle.T for a, b in zip(own, system.right, strict=True)]])
    else:
        whole = [np.diag(one) - right @ system.left.T for one, right in zip(scores, system.right, strict=True)]
        table = np.column_stack([scores.T, *whole])
    outer = np.stack([scores[0] ** 2, scores[0] * scores[1], scores[1] ** 2])
    for part, v in multipliers.blocks():
        found = (v @ table).T
        sums[:, part] = found[:2]
        pieces = np.split(found[2:], 4 if low_rank else 2)
        squares[:, part] = _products(pieces[-2], pieces[-1])
        if low_rank:
            # Pythagoras: outside the span of `left` the scores are v times their own
            squares[:, part] += outer @ np.square(v).T - _products(pieces[0], pieces[1])
    scale = outer.sum(axis=1)[[0, 2], None]
    squares[[0, 2]] = np.where(squares[[0, 2]] > _ROUNDING * scale, squares[[0, 2]], 0.0)
    squares[1] = np.where((squares[0] > 0) & (squares[2] > 0), squares[1], 0.0)
    return Moments(sums, squares, _ROUNDING * np.abs(scores).sum(axis=1))


def _products(first: Array, second: Array) -> Array:
    """(3, B) sums of squares and of cross products of two (K, B) arrays."""
    pairs = ((first, first), (first, second), (second, second))
    return np.stack([np.einsum("kb,kb->b", one, other) for one, other in pairs])


def larger(moments: Moments, distance: float, statistic: float) -> tuple[int, int]:
    """Count the draws with |t*| above ``statistic``, and those not below it, at c = ``distance``.

    A draw without variation counts where its effect is not zero.
    """
    effect = np.square(moments.sums[0] + distance * moments.sums[1])
    square = moments.squares[0] + distance * (2 * moments.squares[1] + distance * moments.squares[2])
    square = np.maximum(square, 0.0)
    slack = _TIE * (1 + statistic)
    floor = float(moments.tiny[0] + abs(distance) * moments.tiny[1]) ** 2
    above = np.count_nonzero(effect > np.maximum((statistic + slack) ** 2 * square, floor))
    below = max(statistic - slack, 0.0)
    return int(above), int(np.count_nonzero(effect >= below**2 * square))


def bounds_restricted(system: System, moments: Moments, alpha: float) -> tuple[float, float]:
    """Return the hypotheses around the estimate that are not rejected, each imposed on its own draws.

    Stepping outwards until the p-value is no more than ``alpha``, then bisection; infinite where it never is.
    """
    error, count = system.std_error, moments.sums.shape[1]

    def kept(distance: float) -> bool:
        return bool(larger(moments, distance, abs(distance) / error)[0] > alpha * count)

    # c = estimate - hypothesis: the lower bound has c above zero
    return system.estimate - _edge(kept, error), system.estimate - _edge(kept, -error)


def _edge(kept: Callable[[float], bool], step: float) -> float:
    inside, outside = 0.0, step / 2
    while kept(outside):
        if abs(outside) > _FAR * abs(step):
            return math.copysign(math.inf, step)
        inside, outside = outside, outside * _GROW
    while abs(outside - inside) > 1e-13 * abs(outside):
        middle = (inside + outside) / 2
        if middle in (inside, outside):
            break
        if kept(middle):
            inside = middle
        else:
            outside = middle
    return inside


def bounds_unrestricted(system: System, moments: Moments, alpha: float) -> tuple[float, float]:
    """Return the hypotheses that are not rejected by draws around the estimate: the same draws serve all."""
    with np.errstate(divide="ignore", invalid="ignore"):
        statistics = np.abs(moments.sums[0]) / np.sqrt(moments.squares[0])
    statistics = np.sort(np.where(np.abs(moments.sums[0]) > moments.tiny[0], statistics, 0.0))[::-1]
    width = statistics[min(math.floor(alpha * len(statistics) + 1e-9), len(statistics) - 1)] * system.std_error
    return float(system.estimate - width), float(system.estimate + width)
