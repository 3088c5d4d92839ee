"""Which inference can be trusted here: chosen by rule, with the reason, or refused."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import MIN_CLUSTERS
from evaltoolkit.estimators.counts import CountEffects
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.inference.answer import Inference, Settings, refuse
from evaltoolkit.inference.contrasts import Ints, contrast_table, plain_design
from evaltoolkit.inference.count_choice import infer_count
from evaltoolkit.inference.donors import OUTSIDE
from evaltoolkit.inference.floor import UNATTAINABLE, attainable_level, is_attainable
from evaltoolkit.inference.runners import (
    DONORS,
    FEW_COMPARISON,
    LOT,
    ONE_TREATED,
    RUN,
    Task,
    rank_of,
    rank_single,
    tell_own_spread,
)

__all__ = [
    "COMPLETE",
    "FEW_COMPARISON",
    "NOT_A_CONTRAST",
    "ONE_TREATED",
    "OUTSIDE",
    "UNATTAINABLE",
    "Inference",
    "choose_method",
    "infer",
]

Method = Literal["lot", "sized", "studentised", "donors", "counts", "exact"]
COUNTS = ("lot", "counts", "exact")

NOT_A_CONTRAST = "this estimate is no contrast of means: its noise cannot change places between clusters"
COMPLETE = "on units observed in every period, covariates taken out by regression"

_WHY = {
    "lot": LOT,
    "sized": "few treated clusters: noise changes places between clusters, scaled to their size",
    "studentised": "many clusters in both arms: assignments change places, each with its own standard error",
    "donors": DONORS,
}


def infer(
    design: Design,
    overall: Effects,
    *,
    method: Method | Literal["auto"] = "auto",
    assignments: Ints | None = None,
    by_lot: bool = False,
    strata: npt.NDArray[np.intp] | None = None,
    sizes: Array | None = None,
    level: float = 0.95,
    draws: int = 999,
    seed: int = 1,
) -> Inference:
    """Return the inference that holds for this design.

    The rule, in this order. Fewer than ten comparison clusters: none. Drawn by lot: randomisation inference of the
    lot. One treated cluster: its rank among the comparison clusters and an interval, no p-value; nothing where it lies
    outside the range of the others' sizes. Two to nine: permutation of noise scaled to size. Ten and more: studentised
    permutation; ten and more, but fewer than five per cohort: as with two to nine. A p-value that could not have been
    significant whatever came out is not given. Counts (Poisson regression): see
    :func:`evaltoolkit.inference.count_choice.infer_count`.

    Estimand: that of ``overall``; intervals are for an effect that is the same for all.

    Assumption: stated by each method; see :mod:`evaltoolkit.inference.randomisation`, ``sized`` and ``donors``.

    Where covariates or gaps enter the estimate, the effect is estimated once more on the units observed in every
    period, covariates taken out by regression among the comparison units; ``estimate`` is then that one, and ``why``
    says so.

    Not when: the estimate comes from another method than ``group_time`` and adjusts or has gaps; the result says so.

    Parameters
    ----------
    design : Design
    overall : Effects
        One row, for example ``effects.aggregate("overall")``.
    method : {"auto", "lot", "sized", "studentised", "donors", "counts", "exact"}
        The last two are for counts, ``sized``, ``studentised`` and ``donors`` for all others. Another method than the
        rule's is recorded as an override.
    assignments : (B, G) int, optional
        Further draws of the declared mechanism, as places in the sorted cohorts, clusters in the order of their labels.
    by_lot : bool
        The assignment was drawn by lot with these numbers per cohort (within ``strata``).
    strata : (G,) int, optional
    sizes : (n,) positive, optional
        Inhabitants of every unit of the design; a cluster has the sum.
    level, draws, seed

    Raises
    ------
    EvaltoolkitError
        Unknown method, or one that is not for this kind of outcome.
    """
    settings, all_units = Settings(level, draws, seed), design.units
    _check_method(method, counted=isinstance(overall, CountEffects))
    if isinstance(overall, CountEffects):
        own = None if sizes is None else _cluster_sizes(design, overall, sizes)
        return infer_count(
            design,
            overall,
            settings,
            method=method,
            by_lot=by_lot,
            assignments=assignments,
            strata=strata,
            sizes=own,
        )
    try:
        design, overall, changed = _as_contrast(design, overall)
        table = contrast_table(design, overall)
    except EvaltoolkitError:
        counts = (int(overall.labels["n_treated"].iloc[0]), int(overall.labels["n_comparison"].iloc[0]))
        return refuse(settings, float(overall.estimate[0]), counts, NOT_A_CONTRAST)
    if sizes is not None and changed:
        sizes = sizes[np.isin(all_units, design.units)]
    area = None if sizes is None else _cluster_sizes(design, overall, sizes)
    treated = table.treated[table.group]
    counts = (int(treated.sum()), int((~treated).sum()))
    rule, reason = choose_method(counts, by_lot=by_lot or assignments is not None, cohorts=int(table.treated.sum()))
    chosen = rule if method == "auto" else method
    found = float(overall.estimate[0])
    if not chosen and reason == ONE_TREATED:
        return rank_single(table, area, settings, found, counts)
    if not chosen:
        return refuse(settings, found, counts, reason)
    p_value, ends, smallest_p = RUN[chosen](Task(table, area, assignments, strata, settings))
    reached = is_attainable(smallest_p, level)
    return Inference(
        method=chosen,
        why=_WHY[chosen] + (f"; {COMPLETE}" if changed else ""),
        chosen="auto" if chosen == rule else "override",
        estimate=found,
        p_value=p_value if reached else np.nan,
        low=ends[0],
        high=ends[1],
        level=level,
        smallest_p=smallest_p,
        rank=rank_of(table) if counts[0] == 1 else np.nan,
        inside=table.covers(area),
        n_treated=counts[0],
        n_comparison=counts[1],
        reason="" if reached else UNATTAINABLE,
        draws=draws,
        seed=seed,
        attainable=attainable_level(smallest_p, level),
    )


def _check_method(method: str, *, counted: bool) -> None:
    known = ("auto", *get_args(Method))
    if method not in known:
        raise EvaltoolkitError(f'There is no method "{method}". Known: {", ".join(known)}.{nearest(method, known)}')
    fitting = COUNTS if counted else tuple(one for one in known[1:] if one not in COUNTS or one == "lot")
    if method != "auto" and method not in fitting:
        kind = "the ratio of a count" if counted else "a difference of means"
        raise EvaltoolkitError(f'Method "{method}" is not for {kind}. Take "auto", or one of {", ".join(fitting)}.')


def _as_contrast(design: Design, overall: Effects) -> tuple[Design, Effects, bool]:
    """The design and effect as a contrast of cohort means; else on complete units, without covariates."""
    whole = bool(np.isfinite(design.outcome).all()) and design.covariates.shape[1] == 0
    if whole or overall.kind != "overall" or overall.info.get("method") != "group_time":
        return design, overall, False
    plain = plain_design(design)
    again = estimate(plain, "group_time", base=str(overall.info.get("base", "varying")))
    return plain, again.aggregate("overall"), True


def choose_method(counts: tuple[int, int], *, by_lot: bool, cohorts: int = 1) -> tuple[str, str]:
    """Return the method, or an empty one with the reason.

    Parameters
    ----------
    counts : numbers of treated and of comparison clusters
    by_lot : the assignment was drawn by lot
    cohorts : number of cohorts among which the treated are spread
    """
    if counts[1] < MIN_CLUSTERS:
        return "", FEW_COMPARISON
    if by_lot:
        return "lot", ""
    if counts[0] == 1:
        return "", ONE_TREATED
    if tell_own_spread(counts[0], cohorts):
        return "studentised", ""
    return "sized", ""


def _cluster_sizes(design: Design, overall: Effects, sizes: Array) -> Array:
    of_unit = dict(zip(design.units.tolist(), sizes, strict=True))
    _, codes = np.unique(overall.clusters, return_inverse=True)
    if np.array_equal(overall.clusters, overall.units):
        codes = np.arange(len(overall.units))
    own = np.array([of_unit[str(unit)] for unit in overall.units], dtype=float)
    return np.bincount(codes, weights=own).astype(np.float64)
