"""A linear estimate reduced to its clusters: all that a wild cluster bootstrap needs, whatever number of rows it has.

With x free of everything else in the regression, the estimate is x'y / x'x. A draw multiplies the residuals of each
cluster by one number; estimate and standard error of the draw then follow from sums by cluster.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaltoolkit.findings import EvaltoolkitError

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

COLLINEAR = "collinear with the other regressors"
EXACT_FIT = "the residuals are zero in every cluster"
# of a column's own square: what the other regressors leave of it is rounding
_ABSORBED = 1e-10
# of the largest singular value: a smaller one belongs to columns that are collinear
_RANK = 1e-10
# of the rows' own size: a sum of residuals below this is rounding
_ROUNDING = 1e-12


@dataclass(frozen=True)
class System:
    """A linear estimate by cluster.

    Residuals under the hypothesis that the effect is b are e(c) = u + c x with c = estimate - b, u the residuals of the
    whole regression, x the regressor free of the others. Both are kept: index 0 of an axis of two is u, 1 is x.

    Attributes
    ----------
    estimate : coefficient; NaN with a ``reason`` where undefined
    scores : (2, G) x_g'u_g and x_g'x_g, summed over the rows of each cluster (weighted)
    left : (G, P) and right : (2, G, P). What fitting the draw anew takes out of the score of cluster g, when the
        residuals of cluster h alone are multiplied by v_h, is v_h times row g of ``left`` times row h of ``right``.
    reason : why the estimate is undefined, empty where it is not
    """

    estimate: float
    scores: Array
    left: Array
    right: Array
    reason: str = ""

    @property
    def clusters(self) -> int:
        """G."""
        return int(self.scores.shape[1])

    @property
    def std_error(self) -> float:
        """CR0: the root of the sum of squared scores over x'x; no small-sample factor."""
        return float(np.sqrt(np.square(self.scores[0]).sum()) / self.scores[1].sum()) if not self.reason else np.nan

    @property
    def effective_clusters(self) -> float:
        """One over the sum of squared shares of the clusters in x'x: about the number treated where few are.

        The share of a cluster is its partial leverage: MacKinnon, Nielsen and Webb (2023),
        https://doi.org/10.1177/1536867X231212433
        """
        return float(self.scores[1].sum() ** 2 / np.square(self.scores[1]).sum()) if not self.reason else np.nan


def undefined_system(clusters: int, reason: str) -> System:
    """Return a system without an estimate."""
    return System(np.nan, np.full((2, clusters), np.nan), np.zeros((clusters, 0)), np.zeros((2, clusters, 0)), reason)


def system_from_rows(
    y: Array,
    x: Array,
    clusters: npt.ArrayLike,
    *,
    common: Array | None = None,
    nested: npt.ArrayLike | None = None,
    weights: Array | None = None,
) -> System:
    """Reduce a coefficient of (weighted) least squares to its clusters.

    Estimand: the slope of ``y`` on ``x``, given ``common`` and an intercept for every group of ``nested``.

    Parameters
    ----------
    y, x : (N,) outcome and regressor, complete
    clusters : (N,) labels
    common : (N, P) the other regressors, an intercept among them unless ``nested`` is given; may be collinear
    nested : (N,) labels of groups with an intercept each, absorbed; every group lies in one cluster (units)
    weights : (N,) positive

    Raises
    ------
    EvaltoolkitError
        Values that are not finite, lengths that differ, weights that are not positive, a group in several clusters.
    """
    codes = np.unique(np.asarray(clusters), return_inverse=True)[1].astype(np.intp)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    rest = np.empty((len(y), 0)) if common is None else np.asarray(common, dtype=float)
    _require(y, x, codes, rest, w)
    root = np.sqrt(w)
    columns = np.column_stack([y, x, rest]) * root[:, None]
    size = np.square(columns).sum(axis=0)
    if nested is not None:
        columns = _without_levels(columns, root, _groups_within(nested, codes))
    basis = orthonormal(columns[:, 2:], size[2:])
    free = columns[:, :2] - basis @ (basis.T @ columns[:, :2])
    return system_from_basis(free[:, 0], free[:, 1], basis, codes, size[:2])


def system_from_basis(y: Array, x: Array, basis: Array, codes: Codes, size: Array) -> System:
    """Reduce a regression whose rows are already free of everything else.

    Parameters
    ----------
    y, x : (N,) times the root of the weights, free of what is nested in clusters and of ``basis``
    basis : (N, P) orthonormal columns that the draws are made free of again; nothing nested in clusters is among them
    codes : (N,) cluster numbers 0, 1, ...
    size : (2,) y'y and x'x before anything was taken out
    """
    estimate, residual, reason = fit_free(y, x, size)
    if reason:
        return undefined_system(int(codes.max()) + 1, reason)
    sums = [sum_by(basis * one[:, None], codes) for one in (residual, x)]
    scores = np.stack([sum_by((x * one)[:, None], codes)[:, 0] for one in (residual, x)])
    return system_from_sums(estimate, scores, sums[1], np.stack(sums))


def system_from_sums(estimate: float, scores: Array, left: Array, right: Array) -> System:
    """Complete a regression: ``left`` and ``right`` hold the other regressors; fitting anew takes out x as well."""
    total = scores[1].sum()
    return System(
        estimate,
        scores,
        np.column_stack([left, scores[1] / total]),
        np.concatenate([right, scores[:, :, None]], axis=2),
    )


def fit_free(y: Array, x: Array, size: Array) -> tuple[float, Array, str]:
    """Return slope and residuals of y on x, both free of all else, and why they are undefined.

    ``size`` (2,) is y'y and x'x before anything was taken out.
    """
    square = float(x @ x)
    if not square > _ABSORBED * size[1]:
        return np.nan, y, COLLINEAR
    estimate = float(x @ y) / square
    residual = np.asarray(y - estimate * x)
    exact = not float(residual @ residual) > _ROUNDING**2 * size[0]
    return estimate, residual, EXACT_FIT if exact else ""


def orthonormal(columns: Array, size: Array) -> Array:
    """Return an orthonormal basis of the columns (N, P), collinear ones left out.

    ``size`` (P,) holds their squares before something else was taken out: what is left of a column may be rounding.
    """
    square = np.square(columns).sum(axis=0)
    kept = np.asarray(columns[:, square > _ABSORBED * size] / np.sqrt(square[square > _ABSORBED * size]))
    if not kept.shape[1]:
        return kept
    vectors, values, _ = np.linalg.svd(kept, full_matrices=False)
    return np.asarray(vectors[:, values > _RANK * values[0]])


def sum_by(values: Array, codes: Codes) -> Array:
    """Return sums of the rows (N, P) by code 0, 1, ..."""
    out = np.empty((int(codes.max()) + 1, values.shape[1]))
    for place, column in enumerate(values.T):
        out[:, place] = np.bincount(codes, column, len(out))
    return out


def _require(y: Array, x: Array, codes: Codes, rest: Array, w: Array) -> None:
    if not len(y) == len(x) == len(codes) == len(rest) == len(w):
        raise EvaltoolkitError("Outcome, regressors, clusters and weights must have the same number of rows.")
    if not all(np.isfinite(values).all() for values in (y, x, rest, w)) or not (w > 0).all():
        raise EvaltoolkitError("The rows hold missing values, or weights that are not positive: leave such rows out.")
    if codes.max(initial=0) < 1:
        raise EvaltoolkitError("A wild cluster bootstrap needs at least two clusters: check the cluster labels.")


def _groups_within(nested: npt.ArrayLike, codes: Codes) -> Codes:
    group = np.unique(np.asarray(nested), return_inverse=True)[1].astype(np.intp)
    home = np.zeros(int(group.max()) + 1, dtype=np.intp)
    home[group] = codes
    if (home[group] != codes).any():
        raise EvaltoolkitError(
            "A group of `nested` lies in several clusters: give its dummies as `common`, or cluster by a coarser level."
        )
    return group


def _without_levels(columns: Array, root: Array, group: Codes) -> Array:
    """Take a weighted mean of every group out of columns that are times the root of the weights."""
    total = np.bincount(group, np.square(root))
    means = sum_by(columns * root[:, None], group) / total[:, None]
    return np.asarray(columns - root[:, None] * means[group])
