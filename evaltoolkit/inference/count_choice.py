"""Inference for the overall effect on a count: which test holds, chosen by rule, or refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.inference import MIN_CLUSTERS
from evaltoolkit.estimators.counts import CountEffects
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.answer import Inference, Settings, refuse
from evaltoolkit.inference.contrasts import Ints, lie_within
from evaltoolkit.inference.count_table import CountTable, count_table
from evaltoolkit.inference.count_test import count_interval, count_rank, count_ratio, count_test
from evaltoolkit.inference.dispersion import Dispersion, measure_dispersion
from evaltoolkit.inference.donors import OUTSIDE
from evaltoolkit.inference.exact_counts import exact_test
from evaltoolkit.inference.floor import (
    NO_ESTIMATE,
    TOO_FEW_EVENTS,
    UNATTAINABLE,
    attainable_level,
    has_enough,
    is_attainable,
)
from evaltoolkit.inference.runners import FEW_COMPARISON, LOT, ONE_TREATED

NOT_COUNTABLE = (
    "the test of counts knows no covariates, no weights and no clusters that start at different times: leave these "
    "out; or make the rate, events over exposure, the outcome of group_time or imputation, which take covariates and "
    "weights"
)
NOT_OVERALL = 'counts are tested for the overall effect only: take effects.aggregate("overall")'
SINGLE = "one treated cluster: its score among those of the comparison clusters"

_WHY = {
    "lot": LOT,
    "counts": "counts: assignments change places, scores over the standard errors that their sizes let expect",
    "exact": "Poisson counts: overdispersion is ruled out, and totals leave a known distribution",
    "single": SINGLE,
}
# a ratio of nothing to something, where a number is needed
_LARGE = 1e6


@dataclass(frozen=True)
class CountTask:
    """What the tests of counts need.

    Attributes
    ----------
    table : CountTable
    overall : CountEffects
    sizes : (G,) positive, or None
    assignments, strata : as in :func:`evaltoolkit.inference.count_test.count_test`
    settings : Settings
    """

    table: CountTable
    overall: CountEffects
    sizes: Array | None
    assignments: Ints | None
    strata: npt.NDArray[np.intp] | None
    settings: Settings

    @property
    def counts(self) -> tuple[int, int]:
        """Numbers of treated and of comparison clusters."""
        treated = self.table.treated[self.table.group]
        return int(treated.sum()), int((~treated).sum())

    @property
    def inside(self) -> bool:
        """Whether the sizes of the treated lie within the range of the others'."""
        return lie_within(self.table.treated[self.table.group], self.sizes)

    @property
    def expected(self) -> float:
        """Events of the treated that are expected after the start."""
        return float(self.table.scores().expected[np.arange(len(self.table.group)), self.table.group].sum())

    @property
    def dispersion(self) -> Dispersion:
        """What the comparison clusters say about overdispersion, in the windows of the one treated cohort."""
        cohort = int(np.flatnonzero(self.table.treated)[0])
        ratio = count_ratio(self.table)
        ratio = 1.0 if math.isnan(ratio) else min(max(ratio, 1 / _LARGE), _LARGE)
        return measure_dispersion(self.table, cohort, ratio, draws=self.settings.draws, seed=self.settings.seed)


def infer_count(
    design: Design,
    overall: CountEffects,
    settings: Settings,
    *,
    method: str = "auto",
    by_lot: bool = False,
    assignments: Ints | None = None,
    strata: npt.NDArray[np.intp] | None = None,
    sizes: Array | None = None,
) -> Inference:
    """Return the inference that holds for the overall effect of a Poisson regression.

    The rule, in this order. Fewer than ten comparison clusters: none. Events so rare that as many clusters as were
    treated, even those with most events, have fewer than the floor (:func:`evaltoolkit.inference.floor.least_total`):
    none; that does not depend on who was treated, so that the p-values of those that are answered keep their level.
    Drawn by lot: the lot is drawn again. One treated cluster: the conditional exact test where overdispersion is ruled
    out
    (:mod:`evaltoolkit.inference.dispersion`), otherwise its rank and an interval, and no p-value; nothing where it lies
    outside the range of the others' sizes. Otherwise: permutation of the studentised score.

    Estimand: the ratio of what was counted in treated unit-periods to what was expected there, the same for all; the
    interval in the unit of ``overall`` is what of the counted events is due to the treatment under these ratios,
    counted (1 - 1 / ratio), per treated unit-period.

    Assumption: that of :func:`evaltoolkit.inference.count_test.count_test` or
    :func:`evaltoolkit.inference.exact_counts.exact_test`; the first alone under a declared lot.

    Not when: covariates or weights enter the estimate; the result says so.

    Parameters
    ----------
    design : Design
    overall : CountEffects
        ``estimate(design, "extended_two_way", family="poisson").aggregate("overall")``.
    settings : Settings
    method : {"auto", "lot", "counts", "exact"}
        Another method than the rule's is recorded as an override.
    by_lot, assignments, strata : as in :func:`evaltoolkit.inference.choose.infer`
    sizes : (G,) positive, optional
        Of the clusters; by default their mean exposure, where there is one.
    """
    counts = (int(overall.labels["n_treated"].iloc[0]), int(overall.labels["n_comparison"].iloc[0]))
    found = float(overall.estimate[0])
    if overall.kind != "overall" or overall.totals is None:
        return refuse(settings, found, counts, NOT_OVERALL)
    try:
        table = count_table(design, overall)
    except EvaltoolkitError:
        return refuse(settings, found, counts, NOT_COUNTABLE)
    if sizes is None and design.exposure is not None:
        sizes = np.bincount(table.codes, weights=table.exposure.mean(axis=1)).astype(np.float64)
    task = CountTask(table, overall, sizes, assignments, strata, settings)
    declared = by_lot or assignments is not None
    rule, reason = choose_count_method(
        task.counts, most_events(table), by_lot=declared, inside=task.inside, level=settings.level
    )
    if method == "auto":
        return _RUN[rule](task) if rule else _refused(task, reason)
    answer = _RUN[method](task)
    ruled_out = answer.dispersion is not None and answer.dispersion.ruled_out
    by_rule = method == rule or (rule == "single" and method == "exact" and ruled_out)
    return answer if by_rule else replace(answer, chosen="override")


def choose_count_method(
    counts: tuple[int, int], events: tuple[float, float], *, by_lot: bool, inside: bool, level: float = 0.95
) -> tuple[str, str]:
    """Return the method, or an empty one with the reason; ``single`` decides between exact test and rank.

    Parameters
    ----------
    counts : numbers of treated and of comparison clusters
    events : at most among as many clusters, and those of them expected after the start; see :func:`most_events`
    by_lot : the assignment was drawn by lot
    inside : the sizes of the treated lie within the range of the others'
    level : of the interval
    """
    if counts[1] < MIN_CLUSTERS:
        return "", FEW_COMPARISON
    if not has_enough(*events, level):
        return "", TOO_FEW_EVENTS if 0 < events[1] < events[0] or events[0] == 0 else NO_ESTIMATE
    if by_lot:
        return "lot", ""
    if counts[0] > 1:
        return "counts", ""
    return ("single", "") if inside else ("", OUTSIDE)


def most_events(table: CountTable) -> tuple[float, float]:
    """Return the events, and those of them expected after the start, of as many clusters with most events.

    For every treated cohort as many clusters as are in it, those with most events in its window: the same whoever is
    in which cohort.
    """
    scores, sums = table.scores(), np.zeros(2)
    for cohort in np.flatnonzero(table.treated):
        most = np.argsort(-scores.total[:, cohort], kind="stable")[: int(np.sum(table.group == cohort))]
        sums += scores.total[most, cohort].sum(), scores.expected[most, cohort].sum()
    return float(sums[0]), float(sums[1])


def _refused(task: CountTask, reason: str) -> Inference:
    nothing = refuse(task.settings, float(task.overall.estimate[0]), task.counts, reason)
    return replace(nothing, expected=task.expected, ratio=count_ratio(task.table), inside=reason != OUTSIDE)


def _permute(task: CountTask, method: str) -> Inference:
    strata, assignments = (task.strata, task.assignments) if method == "lot" else (None, None)
    draws, seed, level = task.settings.draws, task.settings.seed, task.settings.level
    test = count_test(task.table, strata=strata, assignments=assignments, draws=draws, seed=seed)
    ends = count_interval(task.table, level=level, strata=strata, assignments=assignments, draws=draws, seed=seed)
    held = attainable_level(test.smallest_p, level)
    answer = _answer(task, method, ratio=count_ratio(task.table), ends=ends)
    answer = replace(answer, smallest_p=test.smallest_p, attainable=held)
    reached = is_attainable(test.smallest_p, level)
    return replace(answer, p_value=test.p_value) if reached else replace(answer, reason=UNATTAINABLE)


def _exact(task: CountTask) -> Inference:
    test = exact_test(task.table, level=task.settings.level)
    answer = _answer(task, "exact", ratio=test.ratio, ends=(test.low, test.high))
    dispersion = task.dispersion
    answer = replace(
        answer,
        p_value=test.p_value,
        smallest_p=test.smallest_p,
        attainable=test.attainable,
        dispersion=dispersion,
        why=_WHY["exact"] if dispersion.ruled_out else f"exact test of Poisson counts, though: {dispersion.reason}",
    )
    reached = is_attainable(test.smallest_p, task.settings.level)
    return answer if reached else replace(answer, p_value=math.nan, reason=UNATTAINABLE)


def _single(task: CountTask) -> Inference:
    """One treated cluster: exact where counts are Poisson, otherwise its rank and an interval."""
    dispersion = task.dispersion
    if dispersion.ruled_out:
        return _exact(task)
    answer = replace(_permute(task, "counts"), p_value=math.nan, smallest_p=math.nan, attainable=math.nan)
    return replace(answer, reason=ONE_TREATED, why=f"{SINGLE}; {dispersion.reason}", dispersion=dispersion)


def _answer(task: CountTask, method: str, *, ratio: float, ends: tuple[float, float]) -> Inference:
    nothing = refuse(task.settings, float(task.overall.estimate[0]), task.counts, "")
    low, high = (_in_unit(task, end) for end in ends)
    return replace(
        nothing,
        method=method,
        why=_WHY[method],
        low=low,
        high=high,
        ratio=ratio,
        ratio_low=ends[0],
        ratio_high=ends[1],
        expected=task.expected,
        inside=task.inside,
        rank=count_rank(task.table) if task.counts[0] == 1 else math.nan,
    )


def _in_unit(task: CountTask, ratio: float) -> float:
    """An end of the interval of ratios in the unit of the estimate."""
    if task.overall.info.get("scale") == "link":
        return math.log(ratio) if ratio > 0 else -math.inf
    table = task.table
    after = table.after[table.group[table.codes]] & (table.exposure > 0)
    counted = float(table.events[after].sum() / after.sum())
    if ratio == 0:
        return -math.inf
    if counted == 0:
        # nothing counted: below any expectation, but by how much is not told
        return 0.0 if ratio < 1 else math.inf
    return counted * (1 - 1 / ratio)


_RUN: dict[str, Callable[[CountTask], Inference]] = {
    "lot": partial(_permute, method="lot"),
    "counts": partial(_permute, method="counts"),
    "exact": _exact,
    "single": _single,
}
