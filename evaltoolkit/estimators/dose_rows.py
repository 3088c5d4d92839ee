"""The rows of a result by dose: levels and slopes of a line or spline, or of bins of doses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from evaltoolkit.designs.design import Array
from evaltoolkit.effects.inference import MIN_CLUSTERS, count_clusters
from evaltoolkit.estimators.cells import Cell, Sample
from evaltoolkit.estimators.dose_curve import (
    Codes,
    Shape,
    count_distinct_doses,
    curve_slopes,
    curve_values,
    cut_bins,
    make_curve,
)
from evaltoolkit.estimators.dose_fit import (
    Indices,
    Piece,
    Value,
    average_over_doses,
    fit_curve,
    list_pieces,
    ratio_of_fits,
    read_off,
    with_outcome,
)

# Ten for every coefficient after the constant: with 40 treated units nominal 95 % intervals for a line cover in 92 to
# 96 % of simulated studies, those for the slope of a spline in 84 to 92 %; with 200 both are near 95 %.
NEEDED: dict[Shape, int] = {"linear": MIN_CLUSTERS, "spline": 3 * MIN_CLUSTERS}
FEW_FOR_BINS = f"no two bins of doses with {MIN_CLUSTERS} treated clusters each"


class Row(NamedTuple):
    """One row of the result; ``dose`` is NaN where it is about all doses."""

    name: str
    dose: float
    value: Value
    n_treated: int


class Setup(NamedTuple):
    """What every group of cells shares.

    Attributes
    ----------
    sample : the units that enter
    dose : (n,) 0 for untreated units
    clusters : (n,) numbers
    treated : row numbers of the units of the cohorts that are estimated
    shape : of the curve
    slopes : whether slopes are given
    """

    sample: Sample
    dose: Array
    clusters: Codes
    treated: Indices
    shape: Shape
    slopes: bool


def dose_rows(setup: Setup, cells: Sequence[Cell]) -> list[Row]:
    """Return levels, and where asked slopes, of one curve through all these cohorts and periods."""
    pieces = list_pieces(setup.sample, cells)
    return (_bin_rows if setup.shape == "bins" else _curve_rows)(setup, pieces)


def _curve_rows(setup: Setup, pieces: Sequence[Piece]) -> list[Row]:
    sample, dose = setup.sample, setup.dose
    curve = make_curve(setup.shape, dose[setup.treated])
    basis = curve_values(curve, dose)
    levels = fit_curve(sample, pieces, basis)
    named = [
        ("level", at, read_off(levels, way))
        for at, way in zip(curve.grid, curve_values(curve, curve.grid), strict=True)
    ]
    if setup.slopes:
        inside = fit_curve(sample, pieces, basis[:, 1:], within=True)
        named.append(("mean slope", np.nan, average_over_doses(sample, pieces, inside, curve_slopes(curve, dose))))
        # the slope of a line is the same at every dose
        read = curve.grid if setup.shape == "spline" else curve.grid[:0]
        named += [("slope", at, read_off(inside, way)) for at, way in zip(read, curve_slopes(curve, read), strict=True)]
    seen = _treated_in(pieces)
    count = count_clusters(setup.clusters[seen])
    needed = NEEDED[setup.shape]
    if count_distinct_doses(dose[seen], setup.clusters[seen]) < needed:
        nothing = _undefined(setup, f"fewer than {needed} treated clusters with distinct doses")
        named = [(name, at, nothing) for name, at, _ in named]
    return [Row(name, float(at), value, count) for name, at, value in named]


def _bin_rows(setup: Setup, pieces: Sequence[Piece]) -> list[Row]:
    sample, dose, treated = setup.sample, setup.dose, setup.treated
    bins = cut_bins(dose[treated], setup.clusters[treated])
    if bins is None:
        count = count_clusters(setup.clusters[_treated_in(pieces)])
        return [Row("level", np.nan, _undefined(setup, FEW_FOR_BINS), count)]
    member = np.zeros((len(dose), int(bins.max()) + 1))
    member[treated, bins] = 1.0
    seen = _treated_in(pieces)
    counts = [count_clusters(setup.clusters[seen[column[seen] > 0]]) for column in member.T]
    middles = [float(np.average(dose, weights=sample.design.weights * column)) for column in member.T]
    values = [read_off(fit_curve(sample, pieces, column[:, None]), np.ones(1)) for column in member.T]
    found = [Row("level", *row) for row in zip(middles, values, counts, strict=True)]
    if not setup.slopes:
        return found
    # the first bin is the reference of its cohort and period
    effects = fit_curve(sample, pieces, member[:, 1:], within=True)
    doses = fit_curve(sample, with_outcome(pieces, dose), member[:, 1:], within=True)
    for j, step in enumerate(np.diff(np.eye(len(counts)), axis=0)[:, 1:]):
        between, fewest = (middles[j] + middles[j + 1]) / 2, min(counts[j], counts[j + 1])
        found.append(Row("slope", between, ratio_of_fits(effects, doses, step), fewest))
    return found


def _treated_in(pieces: Sequence[Piece]) -> Indices:
    return np.unique(np.concatenate([piece.treated for piece in pieces]))


def _undefined(setup: Setup, reason: str) -> Value:
    return Value(np.nan, np.full(len(setup.dose), np.nan), reason)
