"""The shape of a curve over the dose: where it is read off, its regressors, and bins of doses."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array
from evaltoolkit.effects.inference import MIN_CLUSTERS, count_clusters

Shape = Literal["linear", "spline", "bins"]
Codes = npt.NDArray[np.intp]

_GRID = np.arange(1, 10) / 10
_MOST_BINS = 3


class Curve(NamedTuple):
    """A curve over the dose; doses enter scaled to 0 (lowest) to 1 (highest).

    Attributes
    ----------
    shape : ``linear`` or ``spline``: quadratic between the lowest dose, the knot and the highest, with a slope that
        does not jump at the knot (a quadratic B-spline with one interior knot, in the basis of truncated powers)
    low, high : lowest and highest dose of the treated units
    knot : the median dose of the treated units
    grid : (m,) doses at which the curve is read off: the deciles of the treated units' doses, the ends left out
    """

    shape: Shape
    low: float
    high: float
    knot: float
    grid: Array


def make_curve(shape: Shape, dose: Array) -> Curve:
    """Return the curve for the doses (m,) of treated units; grid and knot count as given, not as estimated."""
    return Curve(
        shape, float(dose.min()), float(dose.max()), float(np.median(dose)), np.unique(np.quantile(dose, _GRID))
    )


def curve_values(curve: Curve, dose: Array) -> Array:
    """Return the (m, p) regressors at these doses, the constant first."""
    span = curve.high - curve.low
    x = (dose - curve.low) / span
    columns = [np.ones(len(x)), x]
    if curve.shape == "spline":
        columns += [x**2, np.maximum(x - (curve.knot - curve.low) / span, 0.0) ** 2]
    return np.column_stack(columns)


def curve_slopes(curve: Curve, dose: Array) -> Array:
    """Return the (m, p - 1) derivatives of the regressors after the constant, per unit of dose."""
    span = curve.high - curve.low
    x = (dose - curve.low) / span
    columns = [np.ones(len(x))]
    if curve.shape == "spline":
        columns += [2 * x, 2 * np.maximum(x - (curve.knot - curve.low) / span, 0.0)]
    return np.column_stack(columns) / span


def cut_bins(dose: Array, clusters: Codes) -> Codes | None:
    """Return the bin (m,) of each treated unit: thirds of the doses, else halves, else None.

    Two or three different doses are bins of their own. Equal doses stay together, and every bin has at least
    ``MIN_CLUSTERS`` clusters: with fewer it would have no interval.
    """
    levels = np.unique(dose)
    tried = [levels[:-1]] if len(levels) in (2, _MOST_BINS) else []
    tried += [np.quantile(dose, np.arange(1, count) / count) for count in range(_MOST_BINS, 1, -1)]
    for edges in tried:
        bins = np.searchsorted(edges, dose, side="left").astype(np.intp)
        if all(count_clusters(clusters[bins == one]) >= MIN_CLUSTERS for one in range(len(edges) + 1)):
            return bins
    return None


def count_distinct_doses(dose: Array, clusters: Codes) -> int:
    """Return how many different mean doses the clusters of these treated units (m,) have."""
    if not len(dose):
        return 0
    size = np.bincount(clusters)
    means = np.bincount(clusters, weights=dose)[size > 0] / size[size > 0]
    # a mean of equal doses may differ from them in the last digit
    return len(np.unique(np.round(means / dose.max(), 10)))
