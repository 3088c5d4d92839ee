"""Extreme rays of a cone: the weights on moments that leave only the parameter of interest."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from evaltoolkit.findings import EvaltoolkitError

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.intp]

# without sign and shape there are n + 2 rays for n periods after treatment; with a sign, 1,600 for eight periods
MOST_RAYS = 2_500
# pairs of rays that one step may have to compare: about two seconds
MOST_PAIRS = 200_000
_ROUNDING = 1e-10
_PAIRS_AT_ONCE = 4096


def cone_rays(matrix: Array, weights: Array) -> tuple[Array, Array]:
    """Return the extreme rays of {x >= 0 : x @ matrix = c * weights for some c}, and their c.

    Parameters
    ----------
    matrix : (m, n) what the moments give to the n effects after treatment
    weights : (n,) of the parameter

    Returns
    -------
    rays : (v, m), the largest entry 1
    slopes : (v,) the c of every ray

    Raises
    ------
    EvaltoolkitError
        More rays or pairs of them than can be compared in seconds.

    References
    ----------
    Double description: Fukuda and Prodon (1996), https://doi.org/10.1007/3-540-61576-8_77
    """
    matrix, weights = np.ascontiguousarray(matrix), np.ascontiguousarray(weights)
    return _rays(matrix.tobytes(), matrix.shape, weights.tobytes())


@lru_cache(maxsize=64)
def _rays(matrix_bytes: bytes, shape: tuple[int, int], weight_bytes: bytes) -> tuple[Array, Array]:
    """The same cone serves every amount, period and direction: only its post-treatment columns matter."""
    matrix = np.frombuffer(matrix_bytes).reshape(shape)
    weights = np.frombuffer(weight_bytes)
    pivot = int(np.argmax(np.abs(weights)))
    zeros = matrix - np.outer(matrix[:, pivot], weights / weights[pivot])
    rays, support = np.eye(shape[0]), np.eye(shape[0], dtype=bool)
    for column in np.delete(zeros, pivot, axis=1).T:
        rays, support = _intersect(rays, support, column)
    slopes = rays @ matrix[:, pivot] / weights[pivot]
    slopes = np.where(np.abs(slopes) < _ROUNDING, 0.0, slopes)
    for array in (rays, slopes):
        array.flags.writeable = False
    return rays, slopes


def _intersect(rays: Array, support: Mask, column: Array) -> tuple[Array, Mask]:
    """Cut the cone by one equality: rays on it stay, neighbours on its two sides meet on it."""
    side = rays @ column
    side = np.where(np.abs(side) < _ROUNDING, 0.0, side)
    above, below = np.flatnonzero(side > 0), np.flatnonzero(side < 0)
    if len(rays) > MOST_RAYS or len(above) * len(below) > MOST_PAIRS:
        raise EvaltoolkitError(
            "Too many combinations of moments: too many periods after treatment for these restrictions. Leave out the "
            "sign or the shape, or take fewer periods after treatment (six allow both, eight a sign)."
        )
    first, second = np.repeat(above, len(below)), np.tile(below, len(above))
    meet = _neighbours(support, first, second)
    first, second = first[meet], second[meet]
    new = side[first, None] * rays[second] - side[second, None] * rays[first]
    new /= new.max(axis=1, keepdims=True) if len(new) else 1.0
    kept = side == 0
    return np.concatenate([rays[kept], new]), np.concatenate([support[kept], support[first] | support[second]])


def _neighbours(support: Mask, first: Codes, second: Codes) -> Mask:
    """Whether two rays share a face: no third ray rests on the moments of the two alone."""
    members = support.astype(np.float32)
    meet = np.zeros(len(first), dtype=bool)
    for begin in range(0, len(first), _PAIRS_AT_ONCE):
        part = slice(begin, begin + _PAIRS_AT_ONCE)
        outside = (~(support[first[part]] | support[second[part]])).astype(np.float32)
        meet[part] = (outside @ members.T == 0).sum(axis=1) == 2
    return meet
