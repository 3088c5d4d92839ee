"""Units whose treatment changed against units that still have what they all began with: one effect at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array
from evaltoolkit.effects.inference import cluster_codes
from evaltoolkit.estimators.cells import Mask
from evaltoolkit.estimators.switch_paths import Integers, Paths

Indices = npt.NDArray[np.intp]


class Level(NamedTuple):
    """The units that began with the same treatment.

    Attributes
    ----------
    rows : (m,) their row numbers in the design
    outcome : (m, T) zero where not usable
    usable : (m, T)
    first, sign, cohort : (m,) as in :class:`Paths`
    compares : (m,) index of the first period in which a unit compares no longer; 0 where it never does
    moved, received : (m, T) treatment in excess of the start, and its sum up to each period
    weights : (m,)
    clusters : (m,) cluster numbers, or None where every unit is its own cluster
    """

    rows: Indices
    outcome: Array
    usable: Mask
    first: Integers
    sign: Integers
    cohort: Integers
    compares: Integers
    moved: Array
    received: Array
    weights: Array
    clusters: Indices | None


class Part(NamedTuple):
    """What one level contributes to one effect: sums over its switchers, not yet divided by their weight.

    Attributes
    ----------
    total : sum of weight times signed difference in differences
    weight : sum of the weights
    dose : sum of weight times treatment in excess of the start, in the period of the effect
    received : the same, summed from the change up to the period
    influence : (m,) influence on ``total``
    switched, compared : (m,) which units are behind it
    """

    total: float
    weight: float
    dose: float
    received: float
    influence: Array
    switched: Mask
    compared: Mask


class _Window(NamedTuple):
    """Changes (m, s) in the outcome that end in period ``start``, ``start + 1``, ..., and which of them are known."""

    start: int
    change: Array
    seen: Mask


class _Mean(NamedTuple):
    """Mean change of a group and the number of clusters (or units) behind it."""

    mean: Array
    clusters: Array


def split_levels(paths: Paths, *, never: bool) -> list[Level]:
    """Split the units by their treatment at the start; with ``never`` only those that never change compare."""
    design, periods = paths.design, paths.usable.shape[1]
    own = cluster_codes(design.clusters, design.units)
    alone = len(np.unique(own)) == len(own)
    compares = np.where(paths.first == periods, periods, 0) if never else paths.first
    outcome, received = np.where(paths.usable, design.outcome, 0.0), np.cumsum(paths.moved, axis=1)
    order = np.argsort(paths.level, kind="stable")
    ends = np.cumsum(np.bincount(paths.level))
    return [
        Level(
            rows=rows,
            outcome=outcome[rows],
            usable=paths.usable[rows],
            first=paths.first[rows],
            sign=paths.sign[rows],
            cohort=paths.cohort[rows],
            compares=compares[rows].astype(np.int64),
            moved=paths.moved[rows],
            received=received[rows],
            weights=design.weights[rows],
            clusters=None if alone else own[rows],
        )
        for rows in np.split(order, ends[:-1])
        if len(rows)
    ]


def find_switchers(level: Level, lag: int) -> Mask:
    """(m,) units whose effect ``lag`` periods after the last one before the change can be estimated."""
    return _with_comparison(level, _effect_window(level, lag), lag)


def compare_switchers(level: Level, lag: int, chosen: Mask, *, placebo: bool) -> Part | None:
    """Compare the chosen switchers with the units of their level that have not changed by then.

    Effect: the change of the outcome from the last period before the switch to ``lag`` periods later, of switchers less
    the comparison. Placebo: the change from ``lag`` periods before that last period to it, counted backwards, with the
    comparison units of the effect.

    Influence for the conservative variance of de Chaisemartin and D'Haultfoeuille (2024): switchers are centred at the
    mean of their cohort, comparison units at the mean of their level and period, both scaled by sqrt(c / (c - 1)), c
    the number of clusters. One alone is centred at the mean of switchers and comparison together.

    Returns
    -------
    Part or None
        None where there is no switcher.
    """
    window = _placebo_window(level, lag) if placebo else _effect_window(level, lag)
    switched = chosen & _with_comparison(level, window, lag)
    rows = np.flatnonzero(switched)
    if not len(rows):
        return None
    control = _controls(level, window)
    column = level.first[rows] - 1 + lag - window.start
    control_weight = level.weights @ control
    control_sum = level.weights @ np.where(control, window.change, 0.0)
    weight, change, sign = level.weights[rows], window.change[rows, column], level.sign[rows]
    total = sign * weight * (change - control_sum[column] / control_weight[column])
    influence = np.zeros(len(switched))
    slope, shift = np.zeros(control.shape[1]), np.zeros(control.shape[1])
    for side in np.unique(sign):
        pick = sign == side
        own, other, both = _means(level, window, control, rows[pick], column[pick])
        centre, factor = _centre(own, _Mean(both.mean[column[pick]], both.clusters[column[pick]]))
        influence[rows[pick]] = side * weight[pick] * factor * (change[pick] - centre)
        centre, factor = _centre(other, both)
        here = np.bincount(column[pick], weights=weight[pick], minlength=len(slope))
        share = side * factor * np.divide(here, control_weight, out=np.zeros(len(slope)), where=control_weight > 0)
        slope, shift = slope + share, shift + share * centre
    influence -= level.weights * (np.where(control, window.change, 0.0) @ slope - control @ shift)
    period = column + window.start
    return Part(
        total=float(total.sum()),
        weight=float(weight.sum()),
        dose=float(weight @ level.moved[rows, period]),
        received=float(weight @ level.received[rows, period]),
        influence=influence,
        switched=switched,
        compared=np.asarray(control[:, np.unique(column)].any(axis=1)),
    )


def _effect_window(level: Level, lag: int) -> _Window:
    change = level.outcome[:, lag:] - level.outcome[:, :-lag]
    return _Window(lag, change, level.usable[:, lag:] & level.usable[:, :-lag])


def _placebo_window(level: Level, lag: int) -> _Window:
    """The comparison must not have changed by the period of the effect, so that period has to be seen as well."""
    width = max(level.outcome.shape[1] - 2 * lag, 0)
    early, late, effect = slice(0, width), slice(lag, lag + width), slice(2 * lag, 2 * lag + width)
    seen = level.usable[:, early] & level.usable[:, late] & level.usable[:, effect]
    return _Window(2 * lag, level.outcome[:, early] - level.outcome[:, late], seen)


def _controls(level: Level, window: _Window) -> Mask:
    period = window.start + np.arange(window.seen.shape[1])
    return np.asarray(window.seen & (level.compares[:, None] > period))


def _with_comparison(level: Level, window: _Window, lag: int) -> Mask:
    width = window.seen.shape[1]
    column = level.first - 1 + lag - window.start
    inside = (level.sign != 0) & (column >= 0) & (column < width)
    rows, found = np.flatnonzero(inside), np.zeros(len(inside), bool)
    compared = np.asarray(_controls(level, window).any(axis=0))
    found[rows] = window.seen[rows, column[rows]] & compared[column[rows]]
    return found


def _means(level: Level, window: _Window, control: Mask, rows: Indices, column: Integers) -> tuple[_Mean, _Mean, _Mean]:
    """Means of the switchers' cohorts (one entry per switcher), of the comparison and of both (one per period)."""
    cohort = np.unique(level.cohort[rows], return_inverse=True)[1]
    weight = level.weights[rows]
    own = np.bincount(cohort, weights=weight * window.change[rows, column]) / np.bincount(cohort, weights=weight)
    both = control.copy()
    both[rows, column] = True
    return (
        _Mean(own[cohort], _count_cohorts(level, rows, cohort)[cohort]),
        _mean_by_period(level, window, control),
        _mean_by_period(level, window, both),
    )


def _mean_by_period(level: Level, window: _Window, group: Mask) -> _Mean:
    weight = level.weights @ group
    total = level.weights @ np.where(group, window.change, 0.0)
    mean = np.divide(total, weight, out=np.zeros(len(weight)), where=weight > 0)
    if level.clusters is None:
        return _Mean(mean, group.sum(axis=0).astype(float))
    order = np.argsort(level.clusters, kind="stable")
    starts = np.flatnonzero(np.diff(level.clusters[order], prepend=-1))
    return _Mean(mean, np.logical_or.reduceat(group[order], starts, axis=0).sum(axis=0).astype(float))


def _count_cohorts(level: Level, rows: Indices, cohort: Indices) -> Array:
    if level.clusters is None:
        return np.bincount(cohort).astype(float)
    pairs = np.unique(np.column_stack([cohort, level.clusters[rows]]), axis=0)
    return np.bincount(pairs[:, 0]).astype(float)


def _centre(group: _Mean, both: _Mean) -> tuple[Array, Array]:
    """What to subtract from a group's changes, and the factor for having estimated it."""
    alone = (group.clusters == 1) & (both.clusters > 1)
    count = np.where(alone, both.clusters, group.clusters)
    centred = count > 1
    centre = np.where(centred, np.where(alone, both.mean, group.mean), 0.0)
    return centre, np.where(centred, np.sqrt(count / np.where(centred, count - 1, 1.0)), 1.0)
