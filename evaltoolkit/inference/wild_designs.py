"""Estimates of a design reduced to their clusters: two-way coefficients, group-time effects and their aggregates."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import ONE_COMPARISON, ONE_TREATED, cluster_codes
from evaltoolkit.effects.influence import PartedInfluence
from evaltoolkit.estimators.imputation_fit import Regressors, fit_untreated
from evaltoolkit.estimators.two_way_columns import Form, column_rows, count_behind, lay_out_columns
from evaltoolkit.estimators.two_way_fit import Absorb, FixedEffects, absorber
from evaltoolkit.estimators.two_way_panel import Panel, arrange_rows
from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.inference.wild_system import (
    Codes,
    System,
    fit_free,
    orthonormal,
    sum_by,
    system_from_sums,
    undefined_system,
)

REFERENCE = "no effect is estimated here"
# simulated: with two cohorts of three clusters nominal 5 % tests reject in 10 % of cases, with two of four in 6 %
_SMALL = 4
# of the largest: a cohort whose contrast is below this does not enter
_ROUNDING = 1e-20
SMALL_COHORT = f"a cohort of fewer than {_SMALL} clusters: draws of so few series reject too often"


class Counted(NamedTuple):
    """A reduced estimate, the numbers of treated and of comparison clusters, and why not to rely on its draws."""

    system: System
    n_treated: int
    n_comparison: int
    doubt: str = ""

    @property
    def undefined(self) -> str:
        """Why no draw can stand for the sampling of this estimate: one cluster alone on a side."""
        if self.system.reason:
            return self.system.reason
        if self.n_treated <= 1:
            return ONE_TREATED
        return ONE_COMPARISON if self.n_comparison <= 1 else ""


class _Common(NamedTuple):
    """What a draw is made free of again besides unit effects: how to do it, and the pieces that tie clusters."""

    absorb: Absorb
    left: Absorb
    right: Absorb


def reduce_two_way(
    design: Design, *, name: str = "treated", form: Form = "static", effects: FixedEffects = "unit_period"
) -> Counted:
    """Reduce one coefficient of a two-way regression.

    Estimand, assumptions and options: those of :func:`~evaltoolkit.estimators.two_way.estimate_two_way`. Unit effects
    (and trends) lie within clusters and never tie them; periods, covariates and the other coefficients do.

    Parameters
    ----------
    design : Design
    name : the coefficient, ``treated`` or ``event_0``, ``event_1``, ...
    form, effects
        As there.

    Raises
    ------
    EvaltoolkitError
        No such coefficient, one cluster only, or what ``estimate_two_way`` refuses.
    """
    panel = arrange_rows(design)
    columns = lay_out_columns(panel, form, effects)
    free = columns.names[: len(columns.names) - columns.n_references]
    if name not in free:
        raise EvaltoolkitError(f'There is no coefficient "{name}". Known: {", ".join(free)}.{nearest(name, free)}')
    place = free.index(name)
    rows = list(column_rows(panel, columns))
    treated, comparison = count_behind(panel, columns)
    codes = cluster_codes(panel.design.clusters, panel.design.units)
    if codes.max(initial=0) < 1:
        raise EvaltoolkitError("A wild cluster bootstrap needs at least two clusters: check the cluster column.")
    regressor, others = rows[place], [column for j, column in enumerate(rows) if j != place]
    return Counted(_two_way_system(panel, effects, regressor, others, codes), int(treated[place]), int(comparison))


def _two_way_system(panel: Panel, effects: FixedEffects, regressor: Array, others: list[Array], codes: Codes) -> System:
    common, nuisance = _common(panel, effects)
    root = np.sqrt(panel.weight)
    held = np.empty((root.size, len(others) + len(nuisance)))
    size = np.empty(held.shape[1])
    for j, column in enumerate([*others, *nuisance]):
        held[:, j] = (root * common.absorb(column)).ravel()
        size[j] = np.sum(panel.weight * column**2)
    basis = orthonormal(held, size)
    both_sides = (panel.outcome, regressor)
    pair = np.column_stack([(root * common.absorb(values)).ravel() for values in both_sides])
    pair = pair - basis @ (basis.T @ pair)
    sizes = np.array([np.sum(panel.weight * values**2) for values in both_sides])
    estimate, residual, reason = fit_free(pair[:, 0], pair[:, 1], sizes)
    if reason:
        return undefined_system(int(codes.max()) + 1, reason)
    both = np.stack([residual, pair[:, 1]]).reshape(2, *root.shape)
    x = both[1]
    scores = np.stack([sum_by((x * one).sum(axis=1)[:, None], codes)[:, 0] for one in both])
    spread = basis.reshape(*root.shape, -1)
    own = [sum_by(np.einsum("it,itp->ip", one, spread), codes) for one in both]
    # back from roots of weights to weights
    tied = [sum_by(common.right(root * one), codes) for one in both]
    left = np.column_stack([sum_by(common.left(root * x), codes), own[1]])
    return system_from_sums(estimate, scores, left, np.concatenate([np.stack(tied), np.stack(own)], axis=2))


def _common(panel: Panel, effects: FixedEffects) -> tuple[_Common, list[Array]]:
    if effects == "cluster_period":
        # unit effects and period effects of a cluster lie within it
        absorb, nuisance = absorber(panel, effects)
        nothing = np.empty((len(panel.weight), 0))
        return _Common(absorb, lambda _: nothing, lambda _: nothing), nuisance
    clock = panel.design.times - panel.design.times.mean() if effects == "unit_trends" else None
    fit = fit_untreated(Regressors(panel.weight, panel.baseline, panel.controls, clock))
    every = np.eye(len(fit.inverse))
    return _Common(
        lambda values: fit.residuals(values)[0],
        lambda values: fit.scores(values, every),
        lambda values: fit.scores(values, fit.inverse),
    ), []


def reduce_effects(effects: Effects, row: int = 0) -> Counted:
    """Reduce one group-time effect, or one row of an aggregation.

    Estimand: that of the row, at the cohorts' sizes as they are: shares count as fixed (``shares="fixed"`` of
    ``aggregate``), because who is treated when is held fixed by the draws.

    Assumptions: without covariates and gaps the estimate is a sum over cohorts of one contrast of the cohort's mean
    series. The model is therefore unit effects and a mean for every cohort and period, which restricts nothing else.
    Imposing the hypothesis moves these means as little as it takes for the row alone to have that value (weighted
    least squares); effects in other rows stay free. Unit and period effects alone would impose that there is no effect
    anywhere, which is another hypothesis.

    The standard error is that of residuals about the means of the cohorts: the one of the row with fixed shares, where
    one cohort compares. Where several do, the row's own also counts how they differ, which no draw moves.

    Parameters
    ----------
    effects : Effects
        Of ``group_time`` on a complete outcome without covariates, or its ``aggregate``.
    row : int

    Raises
    ------
    EvaltoolkitError
        Influence that is not held in parts (covariates, gaps, another method), no such row, one cluster only.
    """
    influence = effects.influence
    if not isinstance(influence, PartedInfluence):
        raise EvaltoolkitError(
            "This effect is not a contrast of cohort means, so its draws would each need an estimation: use group_time "
            "on a complete outcome without covariates, or two_way."
        )
    if not 0 <= row < len(effects.estimate):
        raise EvaltoolkitError(f"There is no row {row}: the effects have rows 0 to {len(effects.estimate) - 1}.")
    codes = cluster_codes(effects.clusters, effects.units)
    if codes.max(initial=0) < 1:
        raise EvaltoolkitError("A wild cluster bootstrap needs at least two clusters: check the cluster column.")
    treated, comparison = (int(effects.labels[name].iloc[row]) for name in ("n_treated", "n_comparison"))
    own = effects.reasons[row] if effects.reasons else ""
    if own or not np.isfinite(effects.estimate[row]):
        return Counted(undefined_system(int(codes.max()) + 1, own or REFERENCE), treated, comparison)
    system = _contrast_system(effects, influence, row, codes)
    # clusters of the cohorts whose mean enters
    sizes = system.right[1]
    entering = np.count_nonzero(sizes > _ROUNDING * sizes.max(initial=0.0), axis=0)
    small = bool(((entering > 0) & (entering < _SMALL)).any())
    return Counted(system, treated, comparison, SMALL_COHORT if small else "")


def _contrast_system(effects: Effects, influence: PartedInfluence, row: int, codes: Codes) -> System:
    """Take as x of a unit its cohort's contrast over the cohort's weight, scaled so that the estimate is x'y / x'x."""
    count, cohorts = int(codes.max()) + 1, len(influence.slopes)
    total = np.bincount(influence.group, effects.weights, cohorts)
    # the influence of a unit is n times its cohort's contrast over the weight of the cohort, times its weighted series
    x = influence.slopes[:, :-2, row] / len(codes)
    square = np.square(x).sum(axis=1)
    scale = float(total @ square)
    if not scale > 0:
        return undefined_system(count, REFERENCE)
    x, square = x / scale, square / scale**2
    unit = np.einsum("it,it->i", influence.rows[:, :-2], x[influence.group])
    cell = codes * cohorts + influence.group
    size = np.bincount(cell, effects.weights, count * cohorts).reshape(count, cohorts)
    # about the mean series of its cohort: what one cluster's multiplier moves of that mean, every unit of it feels
    moved = np.stack([np.bincount(cell, unit, count * cohorts).reshape(count, cohorts), size * square])
    return System(float(effects.estimate[row]), moved.sum(axis=2), size / total, moved)
