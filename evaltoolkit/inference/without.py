"""The same inference with and without some units, such as those of shared cells or merged municipalities."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.answer import Inference
from evaltoolkit.inference.choose import infer
from evaltoolkit.inference.contrasts import Ints
from evaltoolkit.inference.same_row import settings_of


class Compared(NamedTuple):
    """Inference from all units and without some of them.

    Attributes
    ----------
    whole, without : Inference
    left_out : number of units left out
    """

    whole: Inference
    without: Inference
    left_out: int


def infer_without(
    design: Design,
    effects: Effects,
    leave_out: npt.NDArray[np.bool_],
    *,
    sizes: Array | None = None,
    strata: npt.NDArray[np.intp] | None = None,
    assignments: Ints | None = None,
    **options: Any,
) -> Compared:
    """Infer the overall effect twice: from all units, and estimated anew without some.

    Estimand: the overall effect of ``effects``; the second time on the treated that are left.

    Assumption: those of :func:`evaltoolkit.inference.choose.infer`. A difference between the two is no test: units that
    are left out may have other effects.

    Not when: units were chosen by their outcomes.

    Parameters
    ----------
    design : Design
    effects : Effects
        Group-time effects of the design, of any method; it is estimated anew with the same settings.
    leave_out : (n,) bool
        For example :func:`evaltoolkit.inference.without.in_shared_cells`, or ``panel.units["merged"]``.
    sizes, strata, assignments : of all units or clusters, as ``infer`` takes them
    **options
        Further arguments of ``infer``.

    Raises
    ------
    EvaltoolkitError
        Nothing is left to estimate, or a cohort disappears while ``assignments`` are given.
    """
    keep = np.logical_not(leave_out)
    reduced = keep_units(design, keep)
    again = estimate(reduced, str(effects.info["method"]), **settings_of(effects))
    clusters = _kept_clusters(design, keep)
    if assignments is not None and len(np.unique(reduced.cohort)) < len(np.unique(design.cohort)):
        raise EvaltoolkitError(
            "Without these units a cohort has nobody left, so that the drawn assignments do not fit: leave out fewer, "
            "or draw again among those that are left."
        )
    whole = infer(design, effects.aggregate("overall"), sizes=sizes, strata=strata, assignments=assignments, **options)
    without = infer(
        reduced,
        again.aggregate("overall"),
        sizes=None if sizes is None else sizes[keep],
        strata=None if strata is None else strata[clusters],
        assignments=None if assignments is None else assignments[:, clusters],
        **options,
    )
    return Compared(whole, without, int(np.sum(leave_out)))


def in_shared_cells(design: Design) -> npt.NDArray[np.bool_]:
    """Return (n,) which units share their cluster (cell, zone) with another unit of the design."""
    codes = cluster_codes(design.clusters, design.units)
    return np.asarray(np.bincount(codes)[codes] > 1)


def _kept_clusters(design: Design, keep: npt.NDArray[np.bool_]) -> Ints:
    """Places, among the clusters of the whole design, of those that keep a unit."""
    return np.unique(cluster_codes(design.clusters, design.units)[keep])
