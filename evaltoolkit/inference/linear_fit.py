"""Least squares with unit and period effects absorbed, kept in the form that cluster-robust variances need.

All regressors besides the unit effects, period effects among them, become a few columns that are orthonormal in the
weights: then a cluster's part in the fit is one small matrix, however many units there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.estimators.two_way_columns import Form, column_rows, lay_out_columns
from evaltoolkit.estimators.two_way_fit import adjustment_columns
from evaltoolkit.estimators.two_way_panel import arrange_rows
from evaltoolkit.findings import EvaltoolkitError, FaultsError

Codes = npt.NDArray[np.intp]

# of a column's own square: what the effects leave of it is rounding
_ABSORBED = 1e-10
# of a Gram matrix with unit diagonal: a smaller eigenvalue belongs to columns that are collinear
_RANK = 1e-11
# what a slope may load on such a direction and still be determined
_LOADING = 1e-6


@dataclass(frozen=True)
class LinearFit:
    """A weighted least squares fit of N rows with unit effects, period effects and k regressors.

    Attributes
    ----------
    names : k names
    estimate : (k,) slopes; NaN where the rows do not determine one
    loading : (r, k) each slope as a combination of the r orthonormal columns; NaN where not determined
    columns : (N, r) orthonormal in the weights, free of the unit effects: period effects and regressors together
    residual : (N,) outcome less everything
    weight : (N,) positive weights as given; no result depends on their scale
    unit : (N,) unit number of each row
    period : (N,) period number of each row
    clusters : (N,) cluster number of each row
    labels : (G,) names of the clusters
    """

    names: tuple[str, ...]
    estimate: Array
    loading: Array
    columns: Array
    residual: Array
    weight: Array
    unit: Codes
    period: Codes
    clusters: Codes
    labels: npt.NDArray[np.str_]

    @property
    def n_units(self) -> int:
        """Number of units."""
        return int(self.unit.max()) + 1

    @property
    def n_parameters(self) -> int:
        """Number of free parameters, unit effects among them."""
        return self.n_units + int(self.columns.shape[1])


def fit_linear(
    outcome: Array,
    regressors: Array,
    unit: npt.ArrayLike,
    period: npt.ArrayLike,
    *,
    weights: Array | None = None,
    clusters: npt.ArrayLike | None = None,
    names: Sequence[str] = (),
) -> LinearFit:
    """Regress an outcome on regressors with unit and period effects, in long form.

    Estimand: the slopes of the best linear prediction, unit and period effects held fixed.

    Assumption: none for the fit itself; what a variance computed from it assumes is told there.

    Not when: there are more regressors than a few hundred; unit trends are wanted.

    Parameters
    ----------
    outcome : (N,) without gaps
    regressors : (N, k) or (N,)
    unit, period : (N,) labels; a pair may occur once or more often
    weights : (N,) optional, positive
    clusters : (N,) optional labels; the units by default
    names : k names, optional

    Returns
    -------
    LinearFit

    Raises
    ------
    FaultsError
        Lengths that differ, values that are not finite, weights that are not positive.

    References
    ----------
    Frisch and Waugh (1933), https://doi.org/10.2307/1907330
    """
    y = np.asarray(outcome, dtype=float)
    x = np.asarray(regressors, dtype=float).reshape(len(y), -1)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    by_unit, by_period = _codes(unit)[0], _codes(period)[0]
    groups, labels = (by_unit, _codes(unit)[1]) if clusters is None else _codes(clusters)
    _check(y, x, w, (by_unit, by_period, groups))
    periods = (by_period[:, None] == np.arange(by_period.max() + 1)).astype(float)
    raw = np.column_stack([x, periods])
    free = _within(raw, by_unit, w)
    body, loading = _orthonormal(free, w, np.einsum("ij,ij,i->j", raw, raw, w))
    columns = free @ body
    inner = _within(y[:, None], by_unit, w)[:, 0]
    slopes = columns.T @ (w * inner)
    k = x.shape[1]
    return LinearFit(
        names=tuple(names) or tuple(f"x{j}" for j in range(k)),
        estimate=loading[:, :k].T @ slopes,
        loading=loading[:, :k],
        columns=columns,
        residual=inner - columns @ slopes,
        weight=w,
        unit=by_unit,
        period=by_period,
        clusters=groups,
        labels=labels,
    )


def fit_design(design: Design, *, form: Form = "static") -> LinearFit:
    """Regress a design's outcome on treatment as ``two_way`` with unit and period effects does, rows kept.

    Parameters
    ----------
    design : Design
        Gaps, weights, covariates (a slope per period) and controls are used; clustered by ``design.clusters``.
    form : {"static", "event"}
        As in :func:`evaltoolkit.estimators.two_way.estimate_two_way`; references of an event study are no columns.

    Returns
    -------
    LinearFit
        ``names`` and ``estimate`` of the treatment first, as ``estimate(design, "two_way")`` has them; then the
        covariates by period and the controls, scaled.

    Raises
    ------
    EvaltoolkitError
        As :func:`evaltoolkit.estimators.two_way.estimate_two_way`.
    """
    panel = arrange_rows(design)
    laid = lay_out_columns(panel, form, "unit_period")
    named = laid.names[: len(laid.names) - laid.n_references]
    adjusted = adjustment_columns(panel)
    unit, period = np.nonzero(panel.observed)
    grid = [column[unit, period] for column in [*column_rows(panel, laid), *adjusted]]
    return fit_linear(
        panel.outcome[unit, period],
        np.column_stack(grid),
        unit,
        period,
        weights=panel.weight[unit, period],
        clusters=panel.design.clusters[unit],
        names=[*named, *(f"adjustment_{j + 1}" for j in range(len(adjusted)))],
    )


def recluster(fit: LinearFit, clusters: npt.ArrayLike) -> LinearFit:
    """Return the same fit with other clusters (N,)."""
    codes, labels = _codes(clusters)
    if len(codes) != len(fit.residual):
        raise EvaltoolkitError(f"There are {len(fit.residual)} rows but {len(codes)} cluster labels: give one per row.")
    return replace(fit, clusters=codes, labels=labels)


def sum_by(values: Array, codes: Codes, count: int) -> Array:
    """Return the sums (count, ...) of rows by code."""
    order = np.argsort(codes, kind="stable")
    present, starts = np.unique(codes[order], return_index=True)
    out = np.zeros((count, *values.shape[1:]))
    out[present] = np.add.reduceat(values[order], starts, axis=0)
    return out


def _codes(labels: npt.ArrayLike) -> tuple[Codes, npt.NDArray[np.str_]]:
    names, codes = np.unique(np.asarray(labels), return_inverse=True)
    return codes.ravel().astype(np.intp), names.astype(str)


def _check(y: Array, x: Array, w: Array, labels: Sequence[Codes]) -> None:
    faults = []
    if any(len(one) != len(y) for one in (w, *labels)):
        lengths = ", ".join(str(len(one)) for one in (y, w, *labels))
        faults.append(f"outcome, weights, unit, period and clusters have {lengths} rows: give one value per row")
    if not (np.isfinite(y).all() and np.isfinite(x).all()):
        faults.append("outcome or regressors are missing in some rows: leave these rows out")
    if not (np.isfinite(w) & (w > 0)).all():
        faults.append("some weights are not positive: leave these rows out")
    if faults:
        raise FaultsError(faults, "The regression")


def _within(values: Array, unit: Codes, weight: Array) -> Array:
    """Take each unit's weighted mean out of (N, m) values."""
    count = int(unit.max()) + 1
    total = np.bincount(unit, weights=weight, minlength=count)
    return np.asarray(values - (sum_by(weight[:, None] * values, unit, count) / total[:, None])[unit])


def _orthonormal(free: Array, weight: Array, size: Array) -> tuple[Array, Array]:
    """Combinations (m, r) that make the columns orthonormal, and (r, m) the slopes in them; NaN where collinear."""
    gram = (free * weight[:, None]).T @ free
    kept = np.diag(gram) > _ABSORBED * size
    scale = np.sqrt(np.where(kept, np.diag(gram), 1.0))
    scaled = np.where(kept[:, None] & kept[None, :], gram, 0.0) / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(scaled)
    known = values > _RANK * max(values[-1], 1.0)
    body = vectors[:, known] / scale[:, None] / np.sqrt(values[known])
    open_directions = np.abs(vectors[:, ~known]).max(axis=1, initial=0.0)
    return np.asarray(body), np.where(open_directions < _LOADING, body.T, np.nan)
