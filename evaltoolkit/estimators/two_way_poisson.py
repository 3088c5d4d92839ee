"""Poisson quasi-likelihood with the effects of two-way regressions: rows that can tell, steps, separation."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.estimators.cells import Mask
from evaltoolkit.estimators.two_way_fit import FixedEffects, Slopes, regress_rows
from evaltoolkit.estimators.two_way_panel import Panel
from evaltoolkit.findings import EvaltoolkitError

ONLY_ZEROS = "nothing counted in any period: the level of this unit has no logarithm"
SEPARATED = "nothing counted in the rows behind it, or predicted with certainty: no finite ratio"
NO_MAXIMUM = "the steps towards the maximum of the likelihood did not come to a stand"

_STEPS = 300
_HALVINGS = 30
# steps shrink to their square: one this small is followed by rounding error, and so is one below the other that no
# longer shrinks
_STILL = 1e-11
_CLOSE = 1e-8
# where some rows run away, the others can stand no stiller than those weigh
_CALM = 1e-6
# a row runs away where it is predicted this far below the mean, and every step makes it smaller by a factor of e
_FADED = 1e-7
_FALLING = -0.5
_LARGEST = 700.0


class Likelihood(NamedTuple):
    """A fitted likelihood: the regression that its last step is, slopes, and why there may be none.

    Attributes
    ----------
    panel : rows as they entered; weights those of the last step, outcome its working outcome
    slopes : on the scale of logarithms, with the influence of every unit
    separated : (n, T) rows left out because the likelihood is largest where they are predicted to be zero
    converged : whether there is a maximum
    """

    panel: Panel
    slopes: Slopes
    separated: Mask
    converged: bool


def check_counts(panel: Panel) -> None:
    """Refuse outcomes below zero.

    Raises
    ------
    EvaltoolkitError
        Names the first such value.
    """
    design = panel.design
    bad = panel.observed & (panel.outcome < 0)
    if bad.any():
        unit, time = np.argwhere(bad)[0]
        raise EvaltoolkitError(
            f'family="poisson" takes counts or amounts of 0 or more; {design.outcome_name} is '
            f"{panel.outcome[unit, time]:g} for unit {design.units[unit]} in {design.times[time]:g} "
            f'({int(bad.sum())} such values). Correct them, or use family="linear".'
        )


def keep_telling(panel: Panel, effects: FixedEffects) -> tuple[Panel, int]:
    """Leave out units with zeros only, and periods (of a cluster) with zeros only; return how many rows those were.

    Their effects have no finite estimate, and the likelihood of all others is the same without them. One left out can
    leave another with zeros only, so that this goes on until nothing changes. Units are listed in ``dropped``.

    Raises
    ------
    EvaltoolkitError
        No unit with a count remains that is treated.
    """
    counted = panel.observed & (panel.outcome > 0)
    place = _period_effects(panel, effects)
    rows = panel.observed
    while True:
        kept = rows & (counted & rows).any(axis=1, keepdims=True)
        seen = np.bincount(place[kept & counted], minlength=place.max(initial=0) + 1) > 0
        kept &= seen[place]
        if (kept == rows).all():
            break
        rows = kept
    telling: Mask = np.asarray(rows.any(axis=1))
    lost = int((panel.observed & ~rows)[telling].sum())
    dropped = dict(panel.dropped)
    if not telling.all():
        dropped[ONLY_ZEROS] = tuple(str(code) for code in panel.design.units[~telling])
    design = keep_units(panel.design, telling)
    if design.treatment is None and not (panel.position[telling] < len(design.times)).any():
        raise EvaltoolkitError(
            "No treated unit has any count above zero: a ratio cannot be estimated. "
            'Use family="linear", or a longer period.'
        )
    rows = rows[telling]
    return replace(
        panel,
        design=design,
        position=panel.position[telling],
        observed=rows,
        outcome=np.where(rows, panel.outcome[telling], 0.0),
        weight=rows * design.weights[:, None],
        baseline=panel.baseline[telling],
        controls=panel.controls[telling],
        dropped=dropped,
    ), lost


def _period_effects(panel: Panel, effects: FixedEffects) -> npt.NDArray[np.intp]:
    """(n, T) number of the period effect of every row."""
    periods = np.arange(panel.observed.shape[1])
    if effects != "cluster_period":
        return np.broadcast_to(periods, panel.observed.shape)
    codes = np.unique(panel.design.clusters, return_inverse=True)[1]
    return np.asarray(codes[:, None] * len(periods) + periods, dtype=np.intp)


def fit_poisson(panel: Panel, columns: list[Array], effects: FixedEffects) -> Likelihood:
    """Maximise the Poisson quasi-likelihood by weighted regressions of a working outcome.

    Estimand: slopes of the logarithm of the mean, exp(offset + unit + period + x b), the offset the logarithm of
    ``design.exposure``. The outcome need not be Poisson, only its mean must be right.

    Parameters
    ----------
    panel : Panel
        From :func:`keep_telling`.
    columns : k columns (n, T)
    effects : as in :func:`~evaltoolkit.estimators.two_way_fit.fit_rows`

    Notes
    -----
    Each step is exact, with the effects projected out; it is halved where it overshoots. Rows that the regressors
    predict with certainty to be zero (separation) fade by a factor of e a step while all else stands still: they are
    left out, which changes no finite estimate, and slopes that only they determine are told as not estimable.

    References
    ----------
    https://doi.org/10.1177/1536867X20909691
    """
    separated = np.zeros_like(panel.observed)
    while True:
        working, slopes, faded, converged = _ascend(panel, columns, effects)
        if not faded.any():
            return Likelihood(working, slopes, separated, converged)
        separated |= faded
        rows = panel.observed & ~faded
        panel = replace(
            panel, observed=rows, outcome=np.where(rows, panel.outcome, 0.0), weight=np.where(rows, panel.weight, 0.0)
        )


def _ascend(panel: Panel, columns: list[Array], effects: FixedEffects) -> tuple[Panel, Slopes, Mask, bool]:
    """Step until nothing moves, or only rows that run away."""
    rows, weight, y = panel.observed, panel.weight, panel.outcome
    offset = _offset(panel)
    level = (weight * y).sum() / (weight * np.exp(offset)).sum()
    mean = np.where(rows, (y + level * np.exp(offset)) / 2, 0.0)
    predictor = np.log(np.where(rows, mean, 1.0))
    free, value, last = True, -np.inf, np.inf
    nobody = np.zeros_like(rows)
    for _ in range(_STEPS):
        working, slopes, target = _step(panel, columns, effects, predictor, offset)
        change = np.where(rows, target - predictor, 0.0)
        # the start is no sum of effects: the first step goes all the way
        predictor, value = (target, _value(panel, target)) if free else _halved(panel, predictor, change, value)
        moved = np.abs(change)
        away = rows & (y == 0) & (change < _FALLING) & (np.exp(predictor - offset) < _FADED * level)
        rest = float(moved[~away].max(initial=0.0))
        if away.any() and rest < _CALM:
            return working, slopes, away, True
        if not free and (rest < _STILL or last / 2 <= rest < _CLOSE):
            working, slopes, _ = _step(panel, columns, effects, predictor, offset)
            return working, slopes, nobody, True
        free, last = False, rest
    return working, slopes, nobody, False


def _step(
    panel: Panel, columns: list[Array], effects: FixedEffects, predictor: Array, offset: Array
) -> tuple[Panel, Slopes, Array]:
    """One regression of the working outcome: its panel, its slopes, and the predictor (n, T) it leads to."""
    mean = np.exp(np.clip(predictor, -_LARGEST, _LARGEST))
    outcome = np.where(panel.observed, predictor - offset + panel.outcome / mean - 1.0, 0.0)
    working = replace(panel, outcome=outcome, weight=panel.weight * mean, uneven=True)
    slopes, left = regress_rows(working, columns, len(columns), effects)
    return working, slopes, np.where(panel.observed, offset + outcome - left, 0.0)


def _halved(panel: Panel, predictor: Array, change: Array, value: float) -> tuple[Array, float]:
    """The first of the steps 1, 1/2, 1/4, ... that does not go down; rounding error apart."""
    slack = 1e-10 * (1.0 + abs(value))
    for power in range(_HALVINGS):
        there = predictor + change / 2**power
        reached = _value(panel, there)
        if reached >= value - slack:
            return there, reached
    return predictor, value


def _value(panel: Panel, predictor: Array) -> float:
    """Quasi-log-likelihood up to a constant."""
    mean = np.exp(np.minimum(predictor, _LARGEST))
    return float((panel.weight * (panel.outcome * predictor - mean)).sum())


def _offset(panel: Panel) -> Array:
    if panel.design.exposure is None:
        return np.zeros(panel.observed.shape)
    return np.log(np.where(panel.observed, panel.design.exposure, 1.0))
