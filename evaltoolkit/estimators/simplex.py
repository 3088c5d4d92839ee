"""Exact least squares with a ridge over the unit simplex, for many problems of one shape at once.

Minimises ``|C w|^2 + ridge |w|^2`` over ``w >= 0, sum(w) = 1``: the nearest point of a polytope to the origin. Active
sets are found for all problems together; a problem whose sets do not settle goes to Wolfe's finite algorithm. Whatever
found the weights, the duality gap says how far they can be from the optimum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# Above this gap, as a share of the mean squared length of the columns, weights do not count as found.
CERTIFIED = 1e-12
# A settled active set is far below: rounding only. Anything else is worth Wolfe's steps.
_SETTLED = 1e-14
_MAX_SETS = 40
# A ridge below this share of the columns' size only chooses among fits that tie; columns this close to one face tie.
_FAINT = 1e-8
_TIE = 1e-9


class Solution(NamedTuple):
    """Weights (B, k) on the simplex, and the relative duality gap (B,) that certifies them."""

    weights: Array
    gap: Array


def minimise_on_simplex(columns: Array, ridge: Array) -> Solution:
    """Find the weights of B ridge regressions over the simplex.

    Parameters
    ----------
    columns : (B, m, k)
        C, one column per weight: regressors less the target (and less their means, where there is an intercept).
    ridge : (B,)
        Penalty on the sum of squared weights, not negative.

    Returns
    -------
    Solution
        ``weights`` (B, k), and ``gap`` (B,): twice (w'Gw - min_j (Gw)_j) with G = C'C + ridge I, which bounds how much
        lower the objective can be, over the mean diagonal of G. Where all of G is zero every weight is optimal and
        the uniform ones are returned.

    References
    ----------
    Wolfe (1976), https://doi.org/10.1007/BF01580381
    """
    weights, gap = _minimise(columns, ridge)
    scale = np.square(columns).sum(axis=1).mean(axis=1)
    for b in np.flatnonzero(ridge < _FAINT * scale):
        unique = _settle_ties(columns[b], float(ridge[b]), weights[b], float(scale[b]))
        after = duality_gap(columns[b : b + 1], ridge[b : b + 1], unique[None, :])[0]
        if after <= max(gap[b], CERTIFIED):
            weights[b], gap[b] = unique, after
    return Solution(weights, gap)


def _minimise(columns: Array, ridge: Array) -> Solution:
    weights = _active_sets(columns, ridge)
    gap = duality_gap(columns, ridge, weights)
    for b in np.flatnonzero(~(gap <= _SETTLED)):
        better = _nearest_point(columns[b], float(ridge[b]), weights[b])
        after = duality_gap(columns[b : b + 1], ridge[b : b + 1], better[None, :])[0]
        if not gap[b] <= after:
            weights[b], gap[b] = better, after
    return Solution(weights, gap)


def _settle_ties(columns: Array, ridge: float, weights: Array, scale: float) -> Array:
    """Among weights that fit alike, find those of the least square sum, which a faint ridge asks for.

    Beside a misfit the ridge is lost in rounding. On the face of the polytope that holds the nearest point, and
    measured from that point, there is no misfit left, and the ridge decides.
    """
    fit = columns @ weights
    face = np.flatnonzero(columns.T @ fit - fit @ fit <= _TIE * scale)
    _, size, axes = np.linalg.svd(columns[:, face] - fit[:, None], full_matrices=False)
    spans = size > np.sqrt(_TIE * scale)
    if spans.sum() >= len(face) - 1 and len(face) == np.count_nonzero(weights):
        return weights
    # on as few rows as the face has dimensions, so that the solution in rows is well conditioned
    out = np.zeros_like(weights)
    out[face] = _minimise((size[:, None] * axes)[None, spans], np.array([ridge])).weights[0]
    return out


def duality_gap(columns: Array, ridge: Array, weights: Array) -> Array:
    """Return the (B,) relative duality gap of weights (B, k) on the simplex, see :func:`minimise_on_simplex`."""
    slope = _slope(columns, ridge, weights)
    gap = 2 * (np.einsum("bk,bk->b", weights, slope) - slope.min(axis=1))
    scale = np.square(columns).sum(axis=1).mean(axis=1) + ridge
    return np.asarray(np.divide(gap, scale, out=np.zeros_like(gap), where=scale > 0))


def _slope(columns: Array, ridge: Array, weights: Array) -> Array:
    """Half the gradient, (B, k)."""
    fit = columns @ weights[:, :, None]
    return np.asarray((columns.transpose(0, 2, 1) @ fit)[:, :, 0] + ridge[:, None] * weights)


def _active_sets(columns: Array, ridge: Array) -> Array:
    """Weights (B, k) from active sets: keep what is positive, take in what would lower the objective, until it stands.

    Each step is a Newton step on the optimality conditions; it mostly ends after a few, but need not.
    """
    count, m, k = columns.shape
    weights = np.full((count, k), 1 / k)
    active = np.ones((count, k), bool)
    step = _step_by_weights if k <= m else _step_by_rows
    left = np.arange(count)
    gram = columns.transpose(0, 2, 1) @ columns + ridge[:, None, None] * np.eye(k) if k <= m else columns
    for _ in range(_MAX_SETS):
        try:
            found, wanted = step(gram[left], ridge[left], active[left])
        except np.linalg.LinAlgError:
            break
        valid = np.isfinite(found).all(axis=1) & wanted.any(axis=1)
        weights[left[valid]] = found[valid]
        stands = (wanted == active[left]).all(axis=1)
        active[left] = wanted
        left = left[valid & ~stands]
        if not len(left):
            break
    weights = np.maximum(weights, 0.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _step_by_weights(gram: Array, ridge: Array, active: Mask) -> tuple[Array, Mask]:
    """Solve in the k weights: G w = mu on the active set, w = 0 elsewhere."""
    inside = active.astype(float)
    system = gram * (inside[:, :, None] * inside[:, None, :])
    diagonal = np.arange(gram.shape[1])
    system[:, diagonal, diagonal] += 1 - inside
    raw = np.linalg.solve(system, inside[:, :, None])[:, :, 0]
    level = 1 / raw.sum(axis=1, keepdims=True)
    found = raw * level * inside
    slope = (gram @ found[:, :, None])[:, :, 0]
    return found, np.where(active, found > 0, slope < level)


def _step_by_rows(columns: Array, ridge: Array, active: Mask) -> tuple[Array, Mask]:
    """Solve in the m rows and one level: w_j = max(level - c_j'rho, 0) with C w = ridge rho and sum(w) = 1.

    For more weights than rows. The same for every weight: it is active where the level is above its price.
    """
    count, m, _ = columns.shape
    chosen = columns * active[:, None, :]
    system = np.zeros((count, m + 1, m + 1))
    system[:, :m, :m] = chosen @ columns.transpose(0, 2, 1)
    system[:, np.arange(m), np.arange(m)] += ridge[:, None]
    system[:, :m, m] = system[:, m, :m] = -chosen.sum(axis=2)
    system[:, m, m] = active.sum(axis=1)
    target = np.zeros((count, m + 1, 1))
    target[:, m] = 1
    solved = np.linalg.solve(system, target)
    price = solved[:, m] - (columns.transpose(0, 2, 1) @ solved[:, :m])[:, :, 0]
    return np.where(active, price, 0.0), price > 0


def _nearest_point(columns: Array, ridge: float, start: Array) -> Array:
    """Wolfe's algorithm for one problem: the objective falls from set to set, so that it ends at the optimum."""
    k = columns.shape[1]
    weights = start if np.isfinite(start).all() and np.count_nonzero(start) <= len(columns) + 1 else _vertex(columns)
    weights = _descend(columns, ridge, weights, np.flatnonzero(weights > 0))
    value, gap, best = _judge(columns, ridge, weights)
    for _ in range(20 * k + 100):
        if weights[best] > 0:
            break
        tried = _descend(columns, ridge, weights, np.append(np.flatnonzero(weights > 0), best))
        lower, closer, following = _judge(columns, ridge, tried)
        # where only the ridge decides, the objective moves less than its rounding and the gap still tells
        if not (lower < value or closer < gap):
            break
        weights, value, gap, best = tried, lower, closer, following
    return weights


def _vertex(columns: Array) -> Array:
    """All weight on the shortest column."""
    weights = np.zeros(columns.shape[1])
    weights[int(np.argmin(np.square(columns).sum(axis=0)))] = 1.0
    return weights


def _judge(columns: Array, ridge: float, weights: Array) -> tuple[float, float, int]:
    """Objective, half its duality gap, and the weight whose growth lowers it fastest."""
    fit = columns @ weights
    slope = columns.T @ fit + ridge * weights
    best = int(np.argmin(slope))
    return float(fit @ fit + ridge * (weights @ weights)), float(weights @ slope - slope[best]), best


def _descend(columns: Array, ridge: float, weights: Array, support: npt.NDArray[np.intp]) -> Array:
    """Go to the optimum on the plane of the support; where that leaves the simplex, stop at its edge and drop."""
    while True:
        target = _on_plane(columns[:, support], ridge)
        now = weights[support]
        if (target > 0).all():
            out = np.zeros_like(weights)
            out[support] = target
            return out
        falling = target <= 0
        # the weight that reaches zero first; a new one at zero with nowhere to go is dropped at once
        room = np.where(falling, now, 0.0) / np.where(falling, np.maximum(now - target, 1e-300), 1.0)
        share = float(room[falling].min())
        moved = np.maximum(now + share * (target - now), 0.0)
        moved[falling & (room <= share)] = 0.0
        weights = np.zeros_like(weights)
        weights[support] = moved / moved.sum()
        support = support[moved > 0]


def _on_plane(columns: Array, ridge: float) -> Array:
    """Optimum with weights that sum to one, of any sign: least squares on differences, stable for the tiniest ridge."""
    s = columns.shape[1]
    if s == 1:
        return np.ones(1)
    stacked = np.vstack([columns, np.sqrt(ridge) * np.eye(s)])
    rest = np.linalg.lstsq(stacked[:, 1:] - stacked[:, :1], -stacked[:, 0], rcond=None)[0]
    return np.asarray(np.r_[1 - rest.sum(), rest])
