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


def hull_of_kept(
    moments: Moments, keep: Callable[..., npt.NDArray[np.bool_]], stage: FirstStage
) -> tuple[float, float]:
    """Return the smallest and the largest theta that the test keeps; (inf, -inf) where it keeps none."""
    bracket = _bracket(moments, stage)
    if bracket is None:
        return math.inf, -math.inf
    low, high = bracket
    grid = np.linspace(low, high, POINTS)
    kept = np.flatnonzero(keep(theta=grid))
    if len(kept) == 0:
        return math.inf, -math.inf
    left = (grid[kept[0]], grid[max(kept[0] - 1, 0)])
    right = (grid[kept[-1]], grid[min(kept[-1] + 1, POINTS - 1)])
    for _ in range(_ROUNDS):
        # from kept to rejected, both ends at once
        cells = np.concatenate([np.linspace(*left, _PARTS + 1), np.linspace(*right, _PARTS + 1)])
        inside = keep(theta=cells)
        left = _narrow(cells[: _PARTS + 1], inside[: _PARTS + 1])
        right = _narrow(cells[_PARTS + 1 :], inside[_PARTS + 1 :])
    return float(left[0]), float(right[0])


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
