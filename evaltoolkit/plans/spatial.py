"""Neighbours that move together: how much more, or less, a comparison varies than independent units suggest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.plans.statistics import untreated_cells

# groups that must be seen for a correlation to be measured
_LEAST_GROUPS = 10
# in standard errors: a correlation that chance made would ask too much, or promise too much
_CLEAR = 3.0


class Spatial(NamedTuple):
    """What neighbours have in common.

    Attributes
    ----------
    correlation : of the changes of two units of one group in the same period, before treatment; NaN where too few
        groups were seen
    error : its standard error, groups left out one at a time
    ratio : variance of the comparison of the arms over that with independent units; 1 where the correlation is not
        clearly different from zero
    """

    correlation: float
    error: float
    ratio: float


def spatial_ratio(design: Design, groups: npt.NDArray[np.str_]) -> Spatial:
    """Return how strongly units of a group move together, and what that does to the comparison of the arms.

    Estimand: the variance of the difference between treated and comparison units, relative to the variance if units
    moved independently, for the real places of the treated.

    Assumption: any two units of a group are equally correlated, and units of different groups are not. Groups that
    hold both arms make the comparison more precise, groups that hold one arm less.

    Parameters
    ----------
    design : Design
    groups : (n,) label of the group of every unit

    Returns
    -------
    Spatial

    References
    ----------
    Moulton (1990), https://doi.org/10.2307/2109724.
    """
    _, place = np.unique(groups, return_inverse=True)
    changes = _changes(design)
    pairs, squares = _by_group(changes, place)
    if (pairs[1] > 0).sum() < _LEAST_GROUPS or squares[0].sum() == 0:
        return Spatial(np.nan, np.nan, 1.0)
    total = _correlation(pairs, squares, np.ones(len(pairs[0]), dtype=bool))
    without = np.array([_correlation(pairs, squares, np.arange(len(pairs[0])) != one) for one in range(len(pairs[0]))])
    count = len(without)
    error = float(np.sqrt((count - 1) / count * np.square(without - without.mean()).sum()))
    clear = total if abs(total) > _CLEAR * error else 0.0
    return Spatial(total, error, _variance_ratio(design, place, clear))


def _changes(design: Design) -> Array:
    """Untreated changes from period to period, less their arm's mean per period; NaN where not seen."""
    clean = untreated_cells(design)
    change = np.where(clean[:, 1:] & clean[:, :-1], np.diff(design.outcome, axis=1), np.nan)
    for arm in (design.treated, ~design.treated):
        seen = np.isfinite(change[arm])
        mean = np.nansum(change[arm], axis=0) / np.maximum(seen.sum(axis=0), 1)
        change[arm] -= mean
    return change


def _by_group(changes: Array, place: npt.NDArray[np.intp]) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Sum and number of products of two different units, and of squares, per group over all periods."""
    count = int(place.max()) + 1
    seen = np.isfinite(changes)
    filled = np.where(seen, changes, 0.0)
    sums, squares, numbers = (np.zeros((count, changes.shape[1])) for _ in range(3))
    for total, values in ((sums, filled), (squares, filled**2), (numbers, seen.astype(float))):
        np.add.at(total, place, values)
    products = (sums**2 - squares).sum(axis=1)
    return (products, (numbers * (numbers - 1)).sum(axis=1)), (squares.sum(axis=1), numbers.sum(axis=1))


def _correlation(pairs: tuple[Array, Array], squares: tuple[Array, Array], keep: npt.NDArray[np.bool_]) -> float:
    products = pairs[0][keep].sum() / max(pairs[1][keep].sum(), 1.0)
    return float(products / (squares[0][keep].sum() / squares[1][keep].sum()))


def _variance_ratio(design: Design, place: npt.NDArray[np.intp], correlation: float) -> float:
    weight = np.where(design.treated, design.weights, 0.0)
    rest = np.where(design.treated, 0.0, design.weights)
    contrast = weight / weight.sum() - rest / rest.sum()
    together = np.square(np.bincount(place, weights=contrast)).sum()
    alone = np.square(contrast).sum()
    return float((1 - correlation) + correlation * together / alone)
