"""Which inference can be trusted here: chosen by rule, with the reason, or refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import MIN_CLUSTERS
from evaltoolkit.estimators.counts import CountEffects
from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.inference.answer import Inference, NoAnswerError, Settings, refuse
from evaltoolkit.inference.contrasts import Ints
from evaltoolkit.inference.count_choice import infer_count
from evaltoolkit.inference.donors import OUTSIDE
from evaltoolkit.inference.floor import UNATTAINABLE, attainable_level, is_attainable
from evaltoolkit.inference.options import Extras, check_extras, check_settings, cluster_labels
from evaltoolkit.inference.question import Question, cluster_sizes, pose_question
from evaltoolkit.inference.runners import DONORS, FEW_COMPARISON, LOT, ONE_TREATED, tell_own_spread

__all__ = [
    "FEW_COMPARISON",
    "ONE_TREATED",
    "OUTSIDE",
    "UNATTAINABLE",
    "Inference",
    "choose_method",
    "infer",
]

Method = Literal["lot", "sized", "studentised", "donors", "counts", "exact"]
COUNTS = ("lot", "counts", "exact")
WITHOUT_STRATA = ("sized", "donors", "counts", "exact")
STRATA_UNUSED = "strata belong to a lot and were left out: say by_lot=True where starts were drawn within them"

_WHY = {
    "lot": LOT,
    "sized": "few treated clusters: noise changes places between clusters, scaled to their size",
    "studentised": "many clusters in both arms: assignments change places, each with its own standard error",
    "donors": DONORS,
}
# what the rule says of the data is not said of a method that it did not choose
_AS_ASKED = "as asked: "


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

    Every estimate that is linear in the outcome is answered as it is (``group_time``, ``imputation``, ``sun_abraham``,
    ``switchers``, linear ``extended_two_way`` and ``two_way``). With covariates or gaps the noise that changes places
    is what unit effects, period effects and covariates leave (:mod:`evaltoolkit.inference.exchange`), and a lot is
    estimated anew under every draw (:mod:`evaltoolkit.inference.reassigned`); ``why`` says so. Group-time effects that
    are not (``adjust="ipw"``) are estimated once more on the units observed in every period, covariates taken out by
    regression among the comparison units; ``estimate`` is then that one.

    Where the weights of an estimate depend on the outcome (``synthetic_did``, ``efficient``) only a lot is answered:
    exactly for no effect; the interval rests on the lot drawn again around the estimate, its effect taken out.

    Not when: those weights and no lot (``synthetic_did`` has placebo inference of its own); effects before treatment;
    clusters that hold units of several cohorts; an outcome that does not vary among the comparison clusters; one
    cluster with most of the weight. The result says so. Nothing tells where noise depends on a size that is not known:
    of totals instead of rates without ``sizes``, fewer than ten treated that are large then seem to have an effect too
    often. Ten or more that are the largest by far do so even with ``sizes``.

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
    strata : (G,), optional
        Labels within which the lot was drawn, clusters in the order of theirs.
    sizes : (n,) positive, optional
        Inhabitants of every unit of the design, in the order of ``design.units`` or labelled by them; a cluster has the
        sum. Where none are given, sampling errors of a
        survey outcome tell, or the weights, or how many units a cluster holds
        (:func:`evaltoolkit.inference.question.implied_sizes`).
    level : float
    draws : int
        Enough for a p-value of one minus the level.
    seed : int

    Raises
    ------
    EvaltoolkitError
        Unknown method, or one that is not for this kind of outcome; a level that is none, or too few draws for it;
        sizes, strata or assignments that do not fit the design.
    """
    _check_kinds(design, overall)
    settings = Settings(level, draws, seed)
    _check_method(method, counted=isinstance(overall, CountEffects))
    check_settings(settings, drawn=assignments is None)
    declared = by_lot or assignments is not None
    given = check_extras(design, Extras(sizes, assignments, strata, declared))
    extras = given.among(np.isin(cluster_labels(design), cluster_labels(overall)))
    found = _find(design, overall, extras, settings, method)
    if strata is not None and not declared and found.method in WITHOUT_STRATA:
        return replace(found, why=f"{found.why}; {STRATA_UNUSED}")
    return found


def _find(design: Design, overall: Effects, extras: Extras, settings: Settings, method: str) -> Inference:
    if isinstance(overall, CountEffects):
        return infer_count(
            design,
            overall,
            settings,
            method=method,
            by_lot=extras.by_lot,
            assignments=extras.assignments,
            strata=extras.strata,
            sizes=cluster_sizes(design, overall, extras.sizes),
        )
    try:
        question = pose_question(design, overall, extras, settings)
        rule, reason = choose_method(
            question.counts,
            by_lot=extras.by_lot,
            cohorts=int(question.task.table.treated.sum()),
            effective=question.effective,
        )
        if reason != FEW_COMPARISON:
            question.refuse_without_noise()
        chosen = rule if method == "auto" else method
        return _answer(question, chosen, rule) if chosen else _no_p_value(question, reason)
    except NoAnswerError as error:
        counts = (int(overall.labels["n_treated"].iloc[0]), int(overall.labels["n_comparison"].iloc[0]))
        return refuse(settings, float(overall.estimate[0]), counts, str(error))


def _answer(question: Question, chosen: str, rule: str) -> Inference:
    task, settings = question.task, question.task.settings
    p_value, ends, smallest_p, draws = task.answer(chosen)
    reached = is_attainable(smallest_p, settings.level)
    note = question.note_of(chosen)
    return Inference(
        method=chosen,
        why=(_WHY[chosen] if chosen == rule else _AS_ASKED + _WHY[chosen].rpartition(": ")[2])
        + (f"; {note}" if note else ""),
        chosen="auto" if chosen == rule else "override",
        estimate=float(question.overall.estimate[0]),
        p_value=p_value if reached else np.nan,
        low=ends[0],
        high=ends[1],
        level=settings.level,
        smallest_p=smallest_p,
        rank=task.rank() if question.counts[0] == 1 else np.nan,
        inside=task.inside,
        n_treated=question.counts[0],
        n_comparison=question.counts[1],
        reason="" if reached else UNATTAINABLE,
        draws=draws,
        seed=settings.seed,
        attainable=attainable_level(smallest_p, settings.level),
    )


def _no_p_value(question: Question, reason: str) -> Inference:
    """Nothing; or, of one treated cluster, rank and interval, unless no comparison cluster is like it in size."""
    task = question.task
    nothing = refuse(task.settings, float(question.overall.estimate[0]), question.counts, reason)
    if reason != ONE_TREATED:
        return nothing
    if not task.inside:
        return replace(nothing, reason=OUTSIDE, inside=False)
    low, high = task.lend()
    return replace(nothing, method="donors", why=_WHY["donors"], low=low, high=high, rank=task.rank())


def _check_kinds(design: Any, overall: Any) -> None:
    if not isinstance(design, Design) or not hasattr(overall, "influence"):
        got = f"{type(design).__name__} and {type(overall).__name__}"
        raise EvaltoolkitError(f"infer takes a design and an estimate of it, in this order; got {got}.")
    if strangers := set(overall.units.tolist()) - set(design.units.tolist()):
        few = ", ".join(sorted(strangers)[:5])
        raise EvaltoolkitError(f"The estimate is not of this design, which does not hold {few}: pass the one it is of.")


def _check_method(method: str, *, counted: bool) -> None:
    known = ("auto", *get_args(Method))
    if method not in known:
        raise EvaltoolkitError(f'There is no method "{method}". Known: {", ".join(known)}.{nearest(method, known)}')
    fitting = COUNTS if counted else tuple(one for one in known[1:] if one not in COUNTS or one == "lot")
    if method != "auto" and method not in fitting:
        kind = "the ratio of a count" if counted else "a difference of means"
        raise EvaltoolkitError(f'Method "{method}" is not for {kind}. Take "auto", or one of {", ".join(fitting)}.')


def choose_method(
    counts: tuple[int, int], *, by_lot: bool, cohorts: int = 1, effective: float | None = None
) -> tuple[str, str]:
    """Return the method, or an empty one with the reason.

    Parameters
    ----------
    counts : numbers of treated and of comparison clusters
    by_lot : the assignment was drawn by lot
    cohorts : number of cohorts among which the treated are spread
    effective : number of treated clusters of equal weight that the treated ones are worth; their number by default
    """
    if counts[1] < MIN_CLUSTERS:
        return "", FEW_COMPARISON
    if by_lot:
        return "lot", ""
    if counts[0] == 1:
        return "", ONE_TREATED
    if tell_own_spread(counts[0] if effective is None else effective, cohorts):
        return "studentised", ""
    return "sized", ""
