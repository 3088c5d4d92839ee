"""Weighted least squares of untreated outcomes on unit and period effects: exact, in closed form for the units.

Unit effects (and trends) are projected out row by row of the panel, which leaves one small system in the period
effects, the covariates by period and the controls. Nothing as long as the data is ever as wide as the units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array

Indices = npt.NDArray[np.intp]

# an eigenvalue this much below the largest belongs to a direction that the rows say nothing about
_RANK = 1e-11
# what such a direction may move in a prediction and still be rounding
_MOVES = 1e-6


@dataclass(frozen=True)
class Regressors:
    """What the untreated outcome is regressed on besides unit effects.

    Attributes
    ----------
    weight : (n, T) weight of a row in the regression, 0 where it does not enter (treated, not observed)
    baseline : (n, 1 + k) a constant and baseline covariates, each with its own coefficient in every period
    controls : (n, T, p) covariates that change over time, 0 where not observed; p may be 0
    clock : (T,) time of a unit's own linear trend, or None without unit trends
    """

    weight: Array
    baseline: Array
    controls: Array
    clock: Array | None = None


@dataclass(frozen=True)
class Fit:
    """The regression, ready to take the unit effects and the common part out of any outcome.

    Coefficients of the common part are stacked as (1 + k) blocks of T period coefficients, then p controls: P in all.

    Attributes
    ----------
    regressors : Regressors
    basis : (q, n, T) weight times an orthonormal basis of each unit's effects, over its untreated rows
    extended : (q, n, T) the same effects at every row, untreated or not
    inner : (n, T, p) controls free of unit effects, at every row
    inverse : (P, P) generalised inverse of the normal equations
    null : (P, m) directions in which the untreated rows do not determine the coefficients
    """

    regressors: Regressors
    basis: Array
    extended: Array
    inner: Array
    inverse: Array
    null: Array

    def within(self, values: Array) -> Array:
        """Take each unit's own effects, fitted on its untreated rows, out of (n, T) values at every row."""
        return _within(values, self.basis, self.extended)

    def predict(self, coefficients: Array) -> Array:
        """(n, T) common part at coefficients (P,)."""
        n_periods, k = self.basis.shape[2], self.regressors.baseline.shape[1]
        common = self.regressors.baseline @ coefficients[: k * n_periods].reshape(k, n_periods)
        if self.inner.shape[2]:
            common = common + self.regressors.controls @ coefficients[k * n_periods :]
        return np.asarray(common)

    def residuals(self, outcome: Array) -> tuple[Array, Array]:
        """Outcome less its prediction, (n, T) at every row, and the coefficients (P,) of the common part."""
        regressors = self.regressors
        weighted = regressors.weight * self.within(outcome)
        moments = (regressors.baseline.T @ weighted).ravel()
        if self.inner.shape[2]:
            moments = np.r_[moments, np.einsum("it,itp->p", weighted, regressors.controls)]
        coefficients = self.inverse @ moments
        return self.within(outcome - self.predict(coefficients)), np.asarray(coefficients)

    def scores(self, weighted: Array, directions: Array) -> Array:
        """(n, c) sum over a unit's rows of regressors times (n, T) ``weighted``, along directions (P, c)."""
        n_periods, k = self.basis.shape[2], self.regressors.baseline.shape[1]
        total = np.zeros((len(weighted), directions.shape[1]))
        for a in range(k):
            part = directions[a * n_periods : (a + 1) * n_periods]
            total += (self.regressors.baseline[:, a, None] * weighted) @ part
        if self.inner.shape[2]:
            own = np.einsum("it,itp->ip", weighted, self.regressors.controls)
            total += own @ directions[k * n_periods :]
        return total

    def moments(self, rows: Indices, weights: Array) -> Array:
        """(P, T) for each period: weighted sum over units ``rows`` of the common regressors free of unit effects.

        ``weights`` is (m, T), 0 where a unit's row does not count.
        """
        n_periods, k = weights.shape[1], self.regressors.baseline.shape[1]
        out = np.zeros((len(self.inverse), n_periods))
        for a in range(k):
            value = self.regressors.baseline[rows, a, None]
            block = np.diag((value * weights).sum(axis=0))
            for basis, extended in zip(self.basis, self.extended, strict=True):
                block -= (value * basis[rows]).T @ (weights * extended[rows])
            out[a * n_periods : (a + 1) * n_periods] = block
        if self.inner.shape[2]:
            out[k * n_periods :] = np.einsum("it,itp->pt", weights, self.inner[rows])
        return out

    def products(self, rows: Indices) -> Array:
        """(T, T) products of period indicators of units ``rows`` on their untreated rows, free of unit effects."""
        out = np.diag(self.regressors.weight[rows].sum(axis=0))
        for basis in self.basis:
            out -= basis[rows].T @ basis[rows]
        return out

    def undetermined(self) -> npt.NDArray[np.bool_]:
        """(n, T) rows whose untreated outcome the untreated rows do not determine, given that the unit has some."""
        out = np.zeros(self.regressors.weight.shape, bool)
        for direction in self.null.T:
            raw = self.predict(direction)
            out |= np.abs(self.within(raw)) > _MOVES * np.abs(raw).max()
        return out


def fit_untreated(regressors: Regressors) -> Fit:
    """Set the regression of untreated outcomes up.

    Estimand: the outcome without treatment of every unit and period, y0 = unit (+ unit trend) + period + baseline
    covariates with a coefficient per period + controls, by least squares with ``weight``; exact with any gaps.

    Notes
    -----
    The normal equations may be singular: a period without untreated rows, collinear covariates, units and periods
    that are not connected. Predictions that this leaves open are told by ``Fit.undetermined``; the others are unique.
    """
    basis, extended = _unit_effects(regressors.weight, regressors.clock)
    controls = regressors.controls
    inner = np.zeros_like(controls)
    for j in range(controls.shape[2]):
        inner[:, :, j] = _within(controls[:, :, j], basis, extended)
    inverse, null = _invert(_normal_matrix(regressors, basis, inner))
    return Fit(regressors, basis, extended, inner, inverse, null)


def scale_columns(values: Array, seen: npt.NDArray[np.bool_]) -> Array:
    """Centre and scale columns over the rows ``seen``; 0 elsewhere. No prediction changes, rank shows in any unit."""
    chosen = values[seen]
    centre, spread = chosen.mean(axis=0), chosen.std(axis=0)
    spread = np.where(spread > 1e-12 * np.maximum(np.abs(centre), 1e-300), spread, np.inf)
    return np.where(seen[..., None], (values - centre) / spread, 0.0)


def _unit_effects(weight: Array, clock: Array | None) -> tuple[Array, Array]:
    """Orthonormal basis of every unit's constant, and trend, over its weighted rows; see :class:`Fit`."""
    total = weight.sum(axis=1, keepdims=True)
    first = np.where(total > 0, 1.0 / np.sqrt(np.where(total > 0, total, 1.0)), 0.0) * np.ones_like(weight)
    extended = [first]
    if clock is not None:
        slope = clock - (weight @ clock)[:, None] * first**2
        square = (weight * slope**2).sum(axis=1, keepdims=True)
        # one row, or several in one period: no slope
        enough = square > 1e-12 * total * np.square(clock).max()
        extended.append(np.where(enough, slope / np.sqrt(np.where(enough, square, 1.0)), 0.0))
    return np.stack([weight * one for one in extended]), np.stack(extended)


def _within(values: Array, basis: Array, extended: Array) -> Array:
    out = values
    for one, at in zip(basis, extended, strict=True):
        out = out - at * np.einsum("it,it->i", one, values)[:, None]
    return np.asarray(out)


def _normal_matrix(regressors: Regressors, basis: Array, inner: Array) -> Array:
    weight, baseline = regressors.weight, regressors.baseline
    n_periods, k, p = weight.shape[1], baseline.shape[1], inner.shape[2]
    matrix = np.zeros((k * n_periods + p, k * n_periods + p))
    for a in range(k):
        left = slice(a * n_periods, (a + 1) * n_periods)
        for b in range(a, k):
            right = slice(b * n_periods, (b + 1) * n_periods)
            block = np.diag((baseline[:, a] * baseline[:, b]) @ weight)
            for one in basis:
                block -= (baseline[:, a, None] * one).T @ (baseline[:, b, None] * one)
            matrix[left, right] = block
            matrix[right, left] = block.T
        if p:
            cross = np.einsum("i,it,itp->tp", baseline[:, a], weight, inner)
            matrix[left, k * n_periods :] = cross
            matrix[k * n_periods :, left] = cross.T
    if p:
        matrix[k * n_periods :, k * n_periods :] = np.einsum("it,itp,itr->pr", weight, inner, inner)
    return matrix


def _invert(matrix: Array) -> tuple[Array, Array]:
    """Generalised inverse and null space, whatever the units of the columns."""
    diagonal = np.diag(matrix)
    scale = np.sqrt(np.where(diagonal > _RANK * diagonal.max(initial=0.0), diagonal, 1.0))
    values, vectors = np.linalg.eigh(matrix / np.outer(scale, scale))
    known = values > _RANK * max(values[-1], 0.0)
    body = vectors[:, known] / scale[:, None]
    return np.asarray((body / values[known]) @ body.T), np.asarray(vectors[:, ~known] / scale[:, None])
