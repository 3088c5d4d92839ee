"""Which inference can be trusted here: chosen by rule, with the reason, or refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import MIN_CLUSTERS
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.inference.contrasts import ContrastTable, Ints, contrast_table, plain_design
from evaltoolkit.inference.donors import OUTSIDE, donor_test
from evaltoolkit.inference.invert import invert_test
from evaltoolkit.inference.randomisation import randomisation_test
from evaltoolkit.inference.sized import sized_test

Method = Literal["lot", "sized", "studentised", "donors"]

NOT_A_CONTRAST = "this estimate is no contrast of means: its noise cannot change places between clusters"
COMPLETE = "on units observed in every period, covariates taken out by regression"
FEW_COMPARISON = f"fewer than {MIN_CLUSTERS} comparison clusters"
ONE_TREATED = "one treated cluster that was not drawn by lot: rank and interval, and no p-value"

_WHY = {
    "lot": "who starts when was drawn by lot: the lot is drawn again",
    "sized": "few treated clusters: noise changes places between clusters, scaled to their size",
    "studentised": "many clusters in both arms: assignments change places, each with its own standard error",
    "donors": "noise drawn from the comparison clusters",
}


@dataclass(frozen=True)
class Inference:
    """A p-value and an interval that can be trusted here, or why there is none.

    Attributes
    ----------
    method : ``lot``, ``sized``, ``studentised``, ``donors``; empty where refused
    why : the reason for the choice
    chosen : ``auto``, or ``override`` where the user asked for a method that the rule would not take
    estimate, p_value, low, high : NaN where refused; ends may be infinite
    level, smallest_p : of the interval; smallest p-value that could have come out
    rank : share of comparison clusters whose own contrast lies at least as far from zero as that of a single treated
        cluster; NaN with several treated
    inside : whether the sizes of the treated lie within the range of the others'; where not, the noise of the treated
        is an extrapolation
    n_treated, n_comparison : clusters
    reason : why there is no p-value; empty where there is
    draws, seed : of the method
    """

    method: str
    why: str
    chosen: Literal["auto", "override"]
    estimate: float
    p_value: float
    low: float
    high: float
    level: float
    smallest_p: float
    rank: float
    inside: bool
    n_treated: int
    n_comparison: int
    reason: str
    draws: int
    seed: int


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
    permutation.

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
    method : {"auto", "lot", "sized", "studentised", "donors"}
        Another method than the rule's is recorded as an override.
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
        Unknown method.
    """
    known = ("auto", *get_args(Method))
    if method not in known:
        raise EvaltoolkitError(f'There is no method "{method}". Known: {", ".join(known)}.{nearest(method, known)}')
    settings, all_units = _Settings(level, draws, seed), design.units
    try:
        design, overall, changed = _as_contrast(design, overall)
        table = contrast_table(design, overall)
    except EvaltoolkitError:
        counts = (int(overall.labels["n_treated"].iloc[0]), int(overall.labels["n_comparison"].iloc[0]))
        return _refused(settings, float(overall.estimate[0]), counts, NOT_A_CONTRAST)
    if sizes is not None and changed:
        sizes = sizes[np.isin(all_units, design.units)]
    area = None if sizes is None else _cluster_sizes(design, overall, sizes)
    treated = table.treated[table.group]
    counts = (int(treated.sum()), int((~treated).sum()))
    rule, reason = choose_method(counts, by_lot=by_lot or assignments is not None)
    chosen = rule if method == "auto" else method
    found = float(overall.estimate[0])
    if not chosen and reason == ONE_TREATED:
        return _ranked(table, area, settings, found, counts)
    if not chosen:
        return _refused(settings, found, counts, reason)
    p_value, ends, smallest_p = _RUN[chosen](_Task(table, area, assignments, strata, settings))
    return Inference(
        method=chosen,
        why=_WHY[chosen] + (f"; {COMPLETE}" if changed else ""),
        chosen="auto" if chosen == rule else "override",
        estimate=found,
        p_value=p_value,
        low=ends[0],
        high=ends[1],
        level=level,
        smallest_p=smallest_p,
        rank=_rank(table) if counts[0] == 1 else np.nan,
        inside=table.covers(area),
        n_treated=counts[0],
        n_comparison=counts[1],
        reason="",
        draws=draws,
        seed=seed,
    )


def _as_contrast(design: Design, overall: Effects) -> tuple[Design, Effects, bool]:
    """The design and effect as a contrast of cohort means; else on complete units, without covariates."""
    whole = bool(np.isfinite(design.outcome).all()) and design.covariates.shape[1] == 0
    if whole or overall.kind != "overall" or overall.info.get("method") != "group_time":
        return design, overall, False
    plain = plain_design(design)
    again = estimate(plain, "group_time", base=str(overall.info.get("base", "varying")))
    return plain, again.aggregate("overall"), True


@dataclass(frozen=True)
class _Settings:
    level: float
    draws: int
    seed: int


@dataclass(frozen=True)
class _Task:
    table: ContrastTable
    sizes: Array | None
    assignments: Ints | None
    strata: npt.NDArray[np.intp] | None
    settings: _Settings


# p-value, interval, smallest p-value
_Answer = tuple[float, tuple[float, float], float]


def choose_method(counts: tuple[int, int], *, by_lot: bool) -> tuple[str, str]:
    """Return the method for these numbers of treated and comparison clusters, or an empty one with the reason."""
    if counts[1] < MIN_CLUSTERS:
        return "", FEW_COMPARISON
    if by_lot:
        return "lot", ""
    if counts[0] == 1:
        return "", ONE_TREATED
    if counts[0] >= MIN_CLUSTERS:
        return "studentised", ""
    return "sized", ""


def _cluster_sizes(design: Design, overall: Effects, sizes: Array) -> Array:
    of_unit = dict(zip(design.units.tolist(), sizes, strict=True))
    _, codes = np.unique(overall.clusters, return_inverse=True)
    if np.array_equal(overall.clusters, overall.units):
        codes = np.arange(len(overall.units))
    own = np.array([of_unit[str(unit)] for unit in overall.units], dtype=float)
    return np.bincount(codes, weights=own).astype(np.float64)


def _ranked(
    table: ContrastTable, sizes: Array | None, settings: _Settings, estimate: float, counts: tuple[int, int]
) -> Inference:
    """One treated cluster: rank and interval, and neither where no comparison cluster is like it in size."""
    if not table.covers(sizes):
        return replace(_refused(settings, estimate, counts, OUTSIDE), inside=False)
    found = donor_test(table, sizes=sizes, level=settings.level, draws=10 * settings.draws, seed=settings.seed)
    nothing = _refused(settings, estimate, counts, ONE_TREATED)
    return replace(nothing, method="donors", why=_WHY["donors"], low=found.low, high=found.high, rank=_rank(table))


def _rank(table: ContrastTable) -> float:
    """Share of comparison clusters whose contrast, about their mean, is at least as far out as the treated one's."""
    treated = np.flatnonzero(table.treated[table.group])
    others = np.flatnonzero(~table.treated[table.group])
    cohort = table.group[treated[0]]
    value = table.sums[:, cohort] / table.sizes
    centre = np.average(value[others], weights=table.sizes[others])
    return float(np.mean(np.abs(value[others] - centre) >= np.abs(value[treated[0]] - centre)))


def _run_lot(task: _Task) -> _Answer:
    # with few treated their own standard error is mostly noise, and costs power; that of their sizes is not
    many = int(task.table.treated[task.table.group].sum()) >= MIN_CLUSTERS
    return _permuted(task, task.assignments, studentise=many, sizes=None if many else task.sizes)


def _run_studentised(task: _Task) -> _Answer:
    return _permuted(task, None, studentise=True, sizes=None)


def _permuted(task: _Task, assignments: Ints | None, *, studentise: bool, sizes: Array | None) -> _Answer:
    settings = task.settings
    test = partial(
        randomisation_test,
        task.table,
        strata=task.strata,
        assignments=assignments,
        draws=settings.draws,
        seed=settings.seed,
        studentise=studentise,
        sizes=sizes,
    )
    found = test()
    return found.p_value, _ends(task, lambda effect: test(effect=effect).p_value, found.estimate), found.smallest_p


def _run_sized(task: _Task) -> _Answer:
    test = partial(sized_test, task.table, task.sizes, draws=task.settings.draws, seed=task.settings.seed)
    found = test()
    return found.p_value, _ends(task, lambda effect: test(effect=effect).p_value, found.estimate), found.smallest_p


def _ends(task: _Task, p_value: Callable[[float], float], estimate: float) -> tuple[float, float]:
    """The interval of effects that are not rejected; its search begins at the size of the clusters' noise."""
    spread = float(np.abs(task.table.sums / task.table.sizes[:, None]).mean())
    return invert_test(p_value, estimate, spread, task.settings.level)


def _run_donors(task: _Task) -> _Answer:
    settings = task.settings
    found = donor_test(
        task.table, sizes=task.sizes, level=settings.level, draws=10 * settings.draws, seed=settings.seed
    )
    return found.p_value, (found.low, found.high), found.smallest_p


_RUN = {"lot": _run_lot, "sized": _run_sized, "studentised": _run_studentised, "donors": _run_donors}


def _refused(settings: _Settings, estimate: float, counts: tuple[int, int], reason: str) -> Inference:
    nothing = np.nan
    return Inference(
        method="",
        why="",
        chosen="auto",
        estimate=estimate,
        p_value=nothing,
        low=nothing,
        high=nothing,
        level=settings.level,
        smallest_p=nothing,
        rank=nothing,
        inside=True,
        n_treated=counts[0],
        n_comparison=counts[1],
        reason=reason,
        draws=settings.draws,
        seed=settings.seed,
    )
