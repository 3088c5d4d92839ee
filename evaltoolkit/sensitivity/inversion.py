"""The values of theta that a test keeps: where to look, and the ends."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from evaltoolkit.sensitivity.conditional import FirstStage
from evaltoolkit.sensitivity.moments import Moments

Array = npt.NDArray[np.float64]

POINTS = 401
# each round makes the cell that holds an end this many times smaller
_PARTS = 20
_ROUNDS = 6
# standard errors beyond the last value at which two moments meet
_FAR = 6.0
# of the interval searched
_INSET = 1e-9
# standard errors of the steepest moment around a theta that is looked at closely
_STEPS = np.geomspace(1e-6, 1e3, 19)


def hull_of_kept(
    moments: Moments, keep: Callable[..., npt.NDArray[np.bool_]], stage: FirstStage
) -> tuple[float, float]:
    """Return the smallest and the largest theta that the test keeps; (inf, -inf) where it keeps none."""
    bracket = _bracket(moments, stage)
    if bracket is None:
        return math.inf, -math.inf
    grid = _points(moments, *bracket, everywhere=len(stage.weights) > 0 or math.isfinite(stage.ceiling))
    kept = np.flatnonzero(keep(theta=grid))
    if len(kept) == 0:
        return math.inf, -math.inf
    left = (grid[kept[0]], grid[max(kept[0] - 1, 0)])
    right = (grid[kept[-1]], grid[min(kept[-1] + 1, len(grid) - 1)])
    for _ in range(_ROUNDS):
        # from kept to rejected, both ends at once
        cells = np.concatenate([np.linspace(*left, _PARTS + 1), np.linspace(*right, _PARTS + 1)])
        inside = keep(theta=cells)
        left = _narrow(cells[: _PARTS + 1], inside[: _PARTS + 1])
        right = _narrow(cells[_PARTS + 1 :], inside[_PARTS + 1 :])
    return float(left[0]), float(right[0])


def _points(moments: Moments, low: float, high: float, *, everywhere: bool) -> Array:
    """Where to look: evenly, and densely around theta that even steps may jump over.

    These are the theta that fits best, which a test keeps more easily than any other, and ``everywhere`` all theta at
    which the largest moment changes. Without a first stage the test keeps slivers around the latter however far out
    they lie, as it cannot see there: none of these is looked for.
    """
    places, values = largest_changes(moments)
    centres = places if everywhere else places[[int(np.argmin(values))]]
    steep = moments.slope != 0
    unit = float(np.max(np.sqrt(np.maximum(np.diag(moments.cross)[steep], 0.0)) / np.abs(moments.slope[steep])))
    steps = unit * np.append(0.0, _STEPS)
    around = np.add.outer(centres, np.append(-steps, steps)).ravel()
    # rounding decides on which side the ends themselves lie
    inset = _INSET * (high - low)
    grid = np.linspace(low + inset, high - inset, POINTS)
    return np.unique(np.append(grid, around[(around > grid[0]) & (around < grid[-1])]))


def largest_changes(moments: Moments) -> tuple[Array, Array]:
    """Return the theta at which the largest moment hands over to another, in order, and its value there."""
    constant, slope = moments.constant, moments.slope
    # the steeper a moment, the further to the left it is the largest; of parallel ones the higher
    order = np.lexsort((constant, -slope))
    order = order[np.append(np.diff(slope[order]) != 0, True)]
    holders: list[int] = [int(order[0])]
    places: list[float] = []
    for one in order[1:].tolist():
        while True:
            place = float((constant[holders[-1]] - constant[one]) / (slope[holders[-1]] - slope[one]))
            if not places or place > places[-1]:
                break
            # never the largest: passed by the new one before its own turn comes
            holders.pop()
            places.pop()
        holders.append(one)
        places.append(place)
    at = np.array(places)
    return at, np.asarray(constant[holders[1:]] - slope[holders[1:]] * at)


def _narrow(cells: Array, inside: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """The last value kept, and the one after it."""
    last = int(np.flatnonzero(inside)[-1]) if inside.any() else 0
    return float(cells[last]), float(cells[min(last + 1, len(cells) - 1)])


def _bracket(moments: Moments, stage: FirstStage) -> tuple[float, float] | None:
    """An interval outside which nothing is kept; None where nothing is kept at all."""
    if len(stage.weights):
        return stage.centre - stage.half_length, stage.centre + stage.half_length
    if math.isfinite(stage.ceiling):
        return _below(moments, stage.ceiling)
    # without a first stage theta is kept wherever two moments are nearly equally large, however large they are: look
    # as far as one moment alone is the largest from there on, and some standard errors further
    spread = _FAR * np.sqrt(np.maximum(np.diag(moments.cross), 0.0))
    return _outermost(moments.constant, moments.slope, spread), -_outermost(moments.constant, -moments.slope, spread)


def _below(moments: Moments, ceiling: float) -> tuple[float, float] | None:
    """Where constant - slope * theta <= ceiling for all moments: half-lines meet in an interval."""
    flat = moments.slope == 0
    if (moments.constant[flat] > ceiling).any():
        return None
    ends = (moments.constant - ceiling) / np.where(flat, 1.0, moments.slope)
    low, high = float(ends[moments.slope > 0].max()), float(ends[moments.slope < 0].min())
    return (low, high) if low <= high else None


def _outermost(constant: Array, slope: Array, spread: Array) -> float:
    """Below which theta the steepest moment is the largest, and larger than its spread."""
    steepest = int(np.argmax(slope))
    others = slope < slope[steepest] * (1 - 1e-9)
    crossing = (constant[steepest] - constant[others]) / (slope[steepest] - slope[others])
    own = constant[steepest] / slope[steepest]
    return float(min(own, crossing.min(initial=own)) - spread[steepest] / slope[steepest])
