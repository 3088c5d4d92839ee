"""Least squares with unit and period effects: a closed form for balanced panels, exact projections for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array
from evaltoolkit.estimators.imputation_fit import Regressors, fit_untreated
from evaltoolkit.estimators.two_way_panel import Panel

FixedEffects = Literal["unit_period", "unit_trends", "cluster_period"]
Indices = npt.NDArray[np.intp]
Absorb = Callable[[Array], Array]

# of a column's own square: what the effects leave of it is rounding
_ABSORBED = 1e-10
# of a Gram matrix with unit diagonal: a smaller eigenvalue belongs to columns that are collinear
_RANK = 1e-11
# what a slope may load on such a direction and still be determined
_LOADING = 1e-6
# units handled at once: few enough to stay near the processor
_CHUNK = 4096
# columns of all groups together that are multiplied at once
_FEW = 64


class Slopes(NamedTuple):
    """Coefficients (k,) and influence (n, k), and which coefficients the rows determine (k,)."""

    estimate: Array
    influence: Array
    estimable: npt.NDArray[np.bool_]


def fit_groups(panel: Panel, group: Indices, grid: Array) -> Slopes:
    """Regress on columns that are the same for all units of a group, in a balanced panel without covariates.

    Taking out the effects of such a column needs the groups only: the units enter through sums of their outcomes.

    Parameters
    ----------
    panel : Panel
        Balanced; weights may differ between units.
    group : (n,) number of each unit's group
    grid : (G, T, k) columns by group
    """
    weights = panel.design.weights
    n, n_periods, k = len(weights), grid.shape[1], grid.shape[2]
    size = np.bincount(group, weights=weights, minlength=len(grid))
    share = size / size.sum()
    free = grid - grid.mean(axis=1, keepdims=True)
    free = free - np.tensordot(share, free, axes=1)
    flat = free.reshape(-1, k)
    gram = (flat * np.repeat(size, n_periods)[:, None]).T @ flat
    inverse, estimable = _invert(gram, size @ np.square(grid).sum(axis=1))
    scores = weights[:, None] * _project(panel, group, free)
    slopes = inverse @ scores.sum(axis=0)
    fitted = np.einsum("gtk,gt->gk", free, free @ slopes)
    influence = n * (scores - weights[:, None] * fitted[group]) @ inverse
    return Slopes(np.asarray(slopes), influence, estimable)


def _project(panel: Panel, group: Indices, free: Array) -> Array:
    """(n, k) products of every unit's series, free of the effects, with the columns of its group.

    A part of the units at a time, so that no copy of the panel is made.
    """
    weights, outcome = panel.design.weights, panel.outcome
    common = weights @ outcome / len(weights)
    scores = np.empty((len(outcome), free.shape[2]))
    groups, periods, k = free.shape
    # few columns in all: with those of every group, and each unit takes its own, there is nothing to sort
    flat = free.transpose(1, 0, 2).reshape(periods, groups * k) if groups * k <= _FEW else None
    for first in range(0, len(outcome), _CHUNK):
        part = slice(first, first + _CHUNK)
        series = outcome[part] - common
        series -= (series @ np.full(periods, 1.0 / periods))[:, None]
        codes = group[part]
        if flat is not None:
            products = (series @ flat).reshape(len(series), groups, k)
            scores[part] = products[np.arange(len(series)), codes]
            continue
        for place in np.unique(codes):
            mine = np.flatnonzero(codes == place)
            scores[first + mine] = series[mine] @ free[place]
    return scores


def fit_rows(panel: Panel, columns: Iterable[Array], k: int, effects: FixedEffects) -> Slopes:
    """Regress on any (n, T) columns, with gaps, covariates by period, controls, trends or period effects by cluster.

    ``columns`` are taken one at a time, ``k`` in all, and held once, free of the effects.
    """
    return regress_rows(panel, columns, k, effects)[0]


def regress_rows(panel: Panel, columns: Iterable[Array], k: int, effects: FixedEffects) -> tuple[Slopes, Array]:
    """Regress as :func:`fit_rows` does, and return besides what is left of the outcome (n, T), 0 without weight."""
    absorb, nuisance = absorber(panel, effects)
    n, root = len(panel.weight), np.sqrt(panel.weight)
    x = np.empty((k + len(nuisance), panel.weight.size))
    size = np.empty(len(x))
    for j, column in enumerate(chain(columns, nuisance)):
        size[j] = np.einsum("it,it,it", panel.weight, column, column)
        x[j] = (root * absorb(column)).ravel()
    y = (root * absorb(panel.outcome)).ravel()
    inverse, estimable = _invert(x @ x.T, size)
    slopes = inverse @ (x @ y)
    unexplained = (y - slopes @ x).reshape(n, -1)
    scores = np.stack([np.einsum("it,it->i", column.reshape(n, -1), unexplained) for column in x], axis=1)
    left = np.divide(unexplained, root, out=np.zeros_like(unexplained), where=root > 0)
    return Slopes(slopes[:k], n * scores @ inverse[:, :k], estimable[:k]), left


def absorber(panel: Panel, effects: FixedEffects) -> tuple[Absorb, list[Array]]:
    """Return the function that takes the effects out of (n, T) values, and the columns that it leaves to the slopes."""
    if effects == "cluster_period":
        nuisance = adjustment_columns(panel)
        return _by_cluster(panel), nuisance
    if effects == "unit_period" and panel.even and not panel.adjusted:
        share = panel.design.weights / panel.design.weights.sum()
        return lambda values: _double_demeaned(values, share), []
    clock = panel.design.times - panel.design.times.mean() if effects == "unit_trends" else None
    fit = fit_untreated(Regressors(panel.weight, panel.baseline, panel.controls, clock))
    return lambda values: fit.residuals(values)[0], []


def adjustment_columns(panel: Panel) -> list[Array]:
    """List the (n, T) columns of covariates by period, without the first, and of controls."""
    periods = np.eye(panel.weight.shape[1])[1:]
    by_period = [covariate[:, None] * period for covariate in panel.baseline.T[1:] for period in periods]
    return [*by_period, *np.moveaxis(panel.controls, 2, 0)]


def cluster_members(panel: Panel) -> list[Indices]:
    """Return the units of every cluster."""
    codes = np.unique(panel.design.clusters, return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _by_cluster(panel: Panel) -> Absorb:
    """Unit effects and period effects of each cluster: every cluster is a panel of its own."""
    members = cluster_members(panel)
    weights, n_periods = panel.design.weights, panel.weight.shape[1]
    if panel.even:

        def closed(values: Array) -> Array:
            out = np.empty_like(values)
            for rows in members:
                out[rows] = _double_demeaned(values[rows], weights[rows] / weights[rows].sum())
            return out

        return closed
    fits = [
        fit_untreated(
            Regressors(panel.weight[rows], np.ones((len(rows), 1)), np.empty((len(rows), n_periods, 0)), None)
        )
        for rows in members
    ]

    def exact(values: Array) -> Array:
        out = np.empty_like(values)
        for rows, fit in zip(members, fits, strict=True):
            out[rows] = fit.residuals(values[rows])[0]
        return out

    return exact


def _double_demeaned(values: Array, share: Array) -> Array:
    within = values - values.mean(axis=1, keepdims=True)
    return np.asarray(within - share @ within)


def _invert(gram: Array, size: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Generalised inverse of the Gram matrix of columns free of the effects, and which slopes it determines.

    ``size`` holds the squares of the columns before: one that the effects absorb is rounding error, not a column.
    """
    kept = np.diag(gram) > _ABSORBED * size
    scale = np.sqrt(np.where(kept, np.diag(gram), 1.0))
    scaled = np.where(kept[:, None] & kept[None, :], gram, 0.0) / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(scaled)
    known = values > _RANK * max(values[-1], 1.0)
    body = vectors[:, known] / scale[:, None]
    open_directions = np.abs(vectors[:, ~known]).max(axis=1, initial=0.0)
    return np.asarray((body / values[known]) @ body.T), np.asarray(open_directions < _LOADING)
