"""How strongly clusters vary by their size: small municipalities more than large ones."""

from __future__ import annotations

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.findings import EvaltoolkitError

# of the logarithm of the likelihood: less is no sign that noise grows with size
_GAIN = 1.0
# the likelihood is then within half a unit of its maximum
_STEPS = 150


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
    """Return the standard deviation (K, R) that sizes let expect, fitted to residuals (G, R) and taken at ``at`` (K,).

    The root of a + b / size, as means over people have it. Where nothing falls (b is zero) and a + b size + c size^2
    is clearly likelier than a alone, the root of that: totals have it. No coefficient is below zero.

    Parameters
    ----------
    residual : (G, R)
    inverse, at : (G,) and (K,) smallest size over size, see :func:`inverse_of`
    """
    squares = residual**2
    if np.ptp(inverse) < 1e-9:
        return np.broadcast_to(np.sqrt(squares.mean(axis=0)), (len(at), residual.shape[1]))
    level, slope = _falling(squares, inverse)
    variance = level + slope * at[:, None]
    flat = np.flatnonzero((slope == 0) & (level > 0))
    if len(flat):
        grown, gain = _growing(squares[:, flat], inverse.min() / inverse, inverse.min() / at)
        variance[:, flat[gain > _GAIN]] = grown[:, gain > _GAIN]
    return np.asarray(np.sqrt(np.maximum(variance, 1e-12 * np.maximum(variance.max(axis=0), 1e-300))))


def _falling(squares: Array, inverse: Array) -> tuple[Array, Array]:
    """Coefficients a and b (R,) of the variance a + b / size, by weighted least squares of squared residuals.

    Large squares come from small clusters and are themselves noisy, so that these count less.
    """
    weight = 1 / (0.1 + inverse) ** 2
    columns = np.column_stack([np.ones(len(inverse)), inverse])
    moments = (columns * weight[:, None]).T @ columns
    targets = (columns * weight[:, None]).T @ squares
    first, second = np.linalg.solve(moments, targets)
    # at a bound the other coefficient is fitted alone
    first = np.where(second < 0, targets[0] / moments[0, 0], first)
    second = np.where(first < 0, targets[1] / moments[1, 1], np.maximum(second, 0.0))
    return np.maximum(first, 0.0), np.maximum(second, 0.0)


def _growing(squares: Array, sizes: Array, at: Array) -> tuple[Array, Array]:
    """Variance (K, R) a + b size + c size^2 by the likelihood of normal residuals, and how much likelier it is (R,).

    Least squares would leave the coefficients to the few largest. Every step multiplies a coefficient by the root of
    a ratio that is one at the maximum: it stays positive, and the likelihood never falls. The gain is that of the
    logarithm of the likelihood over one variance for all.
    """
    powers = np.arange(3.0)
    columns = sizes[:, None] ** powers
    scale = columns.mean(axis=0)
    columns = columns / scale
    level = squares.mean(axis=0)
    parts = squares / level
    coefficients = np.full((3, squares.shape[1]), 1 / 3)
    for _ in range(_STEPS):
        variance = columns @ coefficients
        coefficients *= np.sqrt((columns.T @ (parts / variance**2)) / (columns.T @ (1 / variance)))
    variance = columns @ coefficients
    gain = 0.5 * (len(sizes) - (np.log(variance) + parts / variance).sum(axis=0))
    return np.asarray((at[:, None] ** powers / scale) @ coefficients * level), np.asarray(gain)
