"""A panel's series free of levels and cohort means: cross products in one pass, written out only when looked at."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

# units handled at once: few enough to stay near the processor
_CHUNK = 4096


class Deviations(NamedTuple):
    """What cohorts are compared by.

    Attributes
    ----------
    means : (C, T) weighted means of each cohort, free of the levels of its units
    total : (C,) weights
    rows : (n, T + 2) the weighted series of a unit, free of its level and its cohort's mean, then its weight, then one
    products : (C, T + 2, T + 2) cross products of the rows of each cohort
    """

    means: Array
    total: Array
    rows: UnitRows
    products: Array


class UnitRows:
    """The (n, T + 2) rows of :class:`Deviations`: an array that is written when somebody reads it.

    Standard errors need the cross products only; a copy of the panel would cost more than they do.
    """

    def __init__(self, outcome: Array, weights: Array, group: Codes, means: Array) -> None:
        self._parts = outcome, weights, group, means
        self.shape = len(outcome), outcome.shape[1] + 2

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        return self._written[key]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self._written, dtype=dtype, copy=copy)

    def copy(self) -> Array:
        """The rows as an array of one's own."""
        return self._written.copy()

    @cached_property
    def _written(self) -> Array:
        outcome, weights, group, means = self._parts
        n, periods = outcome.shape
        rows = np.empty((n, periods + 2))
        rows[:, periods], rows[:, periods + 1] = weights, 1.0
        for first in range(0, n, _CHUNK):
            part = slice(first, first + _CHUNK)
            series = rows[part, :periods]
            np.subtract(outcome[part], outcome[part].mean(axis=1, keepdims=True), out=series)
            series -= means[group[part]]
            series *= weights[part, None]
        rows.flags.writeable = False
        return rows


def deviate(outcome: Array, weights: Array, group: Codes, count: int) -> Deviations:
    """Return means and cross products of every cohort, in one pass over the units.

    Contrasts sum to zero: without the units' levels, cross products lose no digits to them. Nor do they to the common
    path: products are of deviations from the mean of a cohort's first units, which is near that of all.

    Parameters
    ----------
    outcome : (n, T), complete
    weights : (n,)
    group : (n,) number of the cohort; each has a unit
    count : number of cohorts
    """
    periods = outcome.shape[1]
    even = bool((weights == weights[0]).all())
    size = np.bincount(group, minlength=count)
    # small numbers are sorted digit by digit
    small = group.astype(np.int16) if count < 2**15 else group
    met = np.zeros(count, dtype=bool)
    shift, sums, weighted = (np.zeros((count, periods)) for _ in range(3))
    squares = np.zeros((count, periods, periods))
    for first in range(0, len(outcome), _CHUNK):
        part = slice(first, first + _CHUNK)
        order = np.argsort(small[part], kind="stable")
        bounds = np.searchsorted(small[part][order], np.arange(count + 1))
        rows, own = _without_levels(outcome[part]).take(order, axis=0), weights[part][order]
        for place in np.flatnonzero(bounds[1:] > bounds[:-1]):
            block, weight = rows[bounds[place] : bounds[place + 1]], own[bounds[place] : bounds[place + 1]]
            if not met[place]:
                shift[place], met[place] = weight @ block / weight.sum(), True
            block -= shift[place]
            if len(block) < size[place]:
                # else the shift is the mean, and nothing is left
                sums[place] += weight @ block
            if not even:
                block *= weight[:, None]
                weighted[place] += weight @ block
            squares[place] += block.T @ block
    if even:
        squares *= weights[0] ** 2
        weighted = weights[0] * sums
    total, square = (np.bincount(group, one, count).astype(np.float64) for one in (weights, weights**2))
    away = sums / total[:, None]
    products = np.zeros((count, periods + 2, periods + 2))
    both = weighted[:, :, None] * away[:, None, :]
    products[:, :periods, :periods] = squares - both - both.transpose(0, 2, 1)
    products[:, :periods, :periods] += square[:, None, None] * away[:, :, None] * away[:, None, :]
    # with the weight of a unit, and with one: there deviations from the mean add up to nothing
    products[:, :periods, periods] = products[:, periods, :periods] = weighted - square[:, None] * away
    products[:, periods, periods], products[:, periods + 1, periods + 1] = square, size
    products[:, periods, periods + 1] = products[:, periods + 1, periods] = total
    means = shift + away
    return Deviations(means, total, UnitRows(outcome, weights, group, means), products)


def _without_levels(series: Array) -> Array:
    return np.asarray(series - (series @ np.full(series.shape[1], 1.0 / series.shape[1]))[:, None])
