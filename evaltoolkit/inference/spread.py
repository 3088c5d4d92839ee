"""How strongly clusters vary by their size: small municipalities more than large ones."""

from __future__ import annotations

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.findings import EvaltoolkitError


def inverse_of(sizes: Array | None, count: int) -> Array:
    """Return (G,) smallest size over size; ones where sizes are not known."""
    if sizes is None:
        return np.ones(count)
    if not (np.asarray(sizes) > 0).all():
        raise EvaltoolkitError("Sizes of clusters must be above zero.")
    return np.asarray(sizes.min() / sizes)


def shrinkage_of(weights: Array) -> Array:
    """Return (G,) how much less the distance to the weighted mean varies than the noise, heavier clusters most.

    With share h of the weights, and noise alike, its variance is 1 - 2 h + the sum of squared shares; relative to that
    of equal shares, which are left as they are.
    """
    share = weights / weights.sum()
    left = 1 - 2 * share + np.sum(share**2)
    return np.asarray(np.sqrt(left / (1 - 1 / len(weights))))


def fit_spread(residual: Array, inverse: Array) -> Array:
    """Return the standard deviation (G, R) that sizes let expect, see :func:`spread_at`."""
    return spread_at(residual, inverse, inverse)


def spread_at(residual: Array, inverse: Array, at: Array) -> Array:
    """Return the standard deviation (K, R) that sizes let expect: root of a + b / size, a and b at least zero,
    fitted to residuals (G, R) and taken at ``at`` (K,).

    Weighted least squares of squared residuals (G, R) on one and ``inverse`` (G,); large squares come from small
    clusters and are themselves noisy, so that these count less.
    """
    squares = residual**2
    if np.ptp(inverse) < 1e-9:
        return np.broadcast_to(np.sqrt(squares.mean(axis=0)), (len(at), residual.shape[1]))
    weight = 1 / (0.1 + inverse) ** 2
    columns = np.column_stack([np.ones(len(inverse)), inverse])
    moments = (columns * weight[:, None]).T @ columns
    targets = (columns * weight[:, None]).T @ squares
    first, second = np.linalg.solve(moments, targets)
    # at a bound the other coefficient is fitted alone
    first = np.where(second < 0, targets[0] / moments[0, 0], first)
    second = np.where(first < 0, targets[1] / moments[1, 1], np.maximum(second, 0.0))
    variance = np.maximum(first, 0.0) + np.maximum(second, 0.0) * at[:, None]
    return np.asarray(np.sqrt(np.maximum(variance, 1e-12 * np.maximum(variance.max(axis=0), 1e-300))))
