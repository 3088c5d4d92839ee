"""Group-time effects without covariates and gaps: all that enters is each cohort's mean per period.

The influence of a unit is then its own series, less its cohort's mean, times one matrix per cohort.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.groups import Groups
from evaltoolkit.effects.inference import cluster_codes
from evaltoolkit.effects.influence import PartedInfluence
from evaltoolkit.effects.unit_rows import deviate
from evaltoolkit.estimators.cells import NO_COMPARISON, REFERENCE, Cell, Sample, list_cells


class Contrasts(NamedTuple):
    """Group-time effects as contrasts of cohort means; ``counts`` (k, 2) are clusters of treated and comparison."""

    cells: list[Cell]
    estimate: Array
    influence: PartedInfluence
    counts: npt.NDArray[np.int64]
    reasons: tuple[str, ...]


def is_plain(sample: Sample) -> bool:
    """Whether cohort means are all that enters: one complete outcome, no covariates."""
    design = sample.design
    return design.outcome.ndim == 2 and design.covariates.shape[1] == 0 and sample.whole


def list_cohort_cells(sample: Sample, base: Literal["varying", "universal"]) -> list[Cell]:
    """List the group-time effects as :func:`list_cells` does, the comparison as a mask over cohorts, not units."""
    # a unit of each cohort, in the order of the cohorts
    cohorts, _, first = sample.groups
    alone = np.arange(len(cohorts))
    few = replace(
        sample,
        design=keep_units(sample.design, first),
        groups=Groups(cohorts, alone, alone),
        position=sample.position[first],
        observed=sample.observed[first],
    )
    return list_cells(few, base)


def compare_cohorts(sample: Sample, cells: list[Cell]) -> Contrasts:
    """Return the effects of a plain sample, for cells that :func:`list_cohort_cells` listed."""
    design = sample.design
    cohorts, group, _ = sample.groups
    means, total, rows, products = deviate(design.outcome, design.weights, group, len(cohorts))
    n, periods, k = len(design.units), len(design.times), len(cells)
    treated = np.searchsorted(cohorts, [cell.cohort for cell in cells])
    current, against = np.array([cell[1:3] for cell in cells], dtype=np.intp).T
    compared = np.array([cell.comparison for cell in cells])
    # the weight with which each cohort's mean change enters an effect
    against_total = compared @ total
    lacking = against_total <= 0
    share = compared * -total / np.where(lacking, np.nan, against_total)[:, None]
    share[np.arange(k), treated] += 1.0
    change = means[:, current] - means[:, against]
    estimate = np.einsum("kc,ck->k", share, change)
    slopes = np.zeros((len(cohorts), periods + 2, k))
    for place in range(len(cohorts)):
        scale = n * share[:, place] / total[place]
        slopes[place, current, np.arange(k)] += scale
        slopes[place, against, np.arange(k)] -= scale
    # within the comparison, cohorts differ from their common mean
    common = np.einsum("kc,ck->k", np.where(compared, share, 0.0), change)
    away = np.where(compared, change.T + common[:, None], 0.0)
    slopes[:, periods, :] = (n * np.where(compared, share, 0.0) / total * away).T
    reasons = _finish(cells, lacking, estimate, slopes)
    return Contrasts(
        cells,
        estimate,
        PartedInfluence(cast(Array, rows), group, slopes, cohorts, dict(enumerate(products))),
        _counts(sample, group, treated, compared),
        reasons,
    )


def _finish(cells: list[Cell], lacking: npt.NDArray[np.bool_], estimate: Array, slopes: Array) -> tuple[str, ...]:
    """References are zero, effects without a comparison undefined, in place; the reason of each."""
    reference = np.array([cell.current == cell.base for cell in cells])
    estimate[reference] = 0.0
    slopes[:, :, reference] = 0.0
    bare = lacking & ~reference
    estimate[bare] = np.nan
    slopes[:, :, bare] = np.nan
    return tuple(
        REFERENCE if one else NO_COMPARISON if other else "" for one, other in zip(reference, bare, strict=True)
    )


def _counts(
    sample: Sample, group: npt.NDArray[np.intp], treated: npt.NDArray[np.intp], compared: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Clusters of the treated cohort and of the comparison cohorts together, per effect."""
    codes = cluster_codes(sample.design.clusters, sample.design.units)
    size = np.bincount(group, minlength=compared.shape[1])
    if int(codes.max(initial=-1)) + 1 == len(codes):
        return np.column_stack([size[treated], compared @ size])
    present = np.zeros((int(codes.max(initial=-1)) + 1, compared.shape[1]), dtype=bool)
    present[codes, group] = True
    sets, place = np.unique(compared, axis=0, return_inverse=True)
    found = np.array([present[:, one].any(axis=1).sum() for one in sets], dtype=np.int64)
    return np.column_stack([present.sum(axis=0)[treated], found[place.ravel()]])
