"""diff-diff's decomposition, synthetic DiD, effects by dose and effects of switchers."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from evaltoolkit.audit.engine import Task
from evaltoolkit.audit.question import Question, aggregate
from evaltoolkit.audit.rows import OVERALL, Figure, Pair, Rows, Way, compare, event_rows, overall_rows, rows_of
from evaltoolkit.audit.switch_variance import cohort_centred_errors
from evaltoolkit.estimators.decomposition import Decomposition, decompose_two_way

# its name of the group of all who are never treated
_NEVER = "never_treated"
_COLUMNS = ("treated", "comparison", "estimate", "weight")


def _bacon(question: Question, package: Any) -> list[Figure]:
    """The coefficient as a weighted mean of comparisons: every comparison, every weight."""
    found = package.BaconDecomposition(weights="exact").fit(
        question.table, outcome="y", unit="unit", time="period", first_treat="first"
    )
    theirs = {
        (one.treated_group, 0 if one.control_group == _NEVER else one.control_group): (one.estimate, one.weight)
        for one in found.comparisons
    }
    ours = decompose_two_way(question.design)
    figures = compare(
        question, rows_of(question.effects, ["treated"], ["treated"]), {"treated": (float(found.twfe_estimate), np.nan)}
    )
    return figures + _comparisons(question, ours, theirs)


def _comparisons(question: Question, ours: Decomposition, theirs: dict[Any, Pair]) -> list[Figure]:
    numbers = dict(zip(question.design.cohort.tolist(), question.first.astype(int).tolist(), strict=True))
    figures, size = [], float(np.nanstd(question.design.outcome))
    for treated, compared, estimate, weight in ours.comparisons[list(_COLUMNS)].to_numpy(float).tolist():
        other = 0 if np.isinf(compared) else numbers[compared]
        there = theirs.get((numbers[treated], other), (np.nan, np.nan))
        code = "" if np.isfinite(there[0]) else "not_given"
        label = f"{treated:.10g} against {'never' if other == 0 else f'{compared:.10g}'}"
        scale = max(abs(estimate), size)
        figures.append(Figure("estimate", label, estimate, float(there[0]), scale, (), code))
        figures.append(Figure("weight", label, weight, float(there[1]), 1.0, (), code))
    return figures


def _refuses_bacon(question: Question) -> str:
    plain = question.option("form") == "static" and question.option("effects") == "unit_period"
    return "" if plain else "option_not_offered"


def _synthetic(question: Question, package: Any) -> list[Figure]:
    table, design = question.table, question.design
    table = table.assign(group=(table["first"] > 0).astype(int))
    start = int(question.first.max())
    model = package.SyntheticDiD(variance_method="jackknife")
    periods = list(range(start, len(design.times) + 1))
    found = model.fit(table, outcome="y", treatment="group", unit="unit", time="period", post_periods=periods)
    effects = question.effects
    early = question.again(solver="synthdid")
    ours = overall_rows(aggregate(effects, "overall"))
    ways = [Way("stops_early", overall_rows(aggregate(early, "overall")))]
    return compare(question, ours, {OVERALL[0]: (float(found.att), float(found.se))}, ways)


def _one_cohort(question: Question) -> str:
    return "" if len(np.unique(question.first[question.first > 0])) == 1 else "one_cohort_only"


def _refuses_synthetic(question: Question) -> str:
    return _one_cohort(question) if question.option("variant") == "synthetic_did" else "option_not_offered"


def _dose(question: Question, package: Any) -> list[Figure]:
    """Levels at the deciles of the doses, slopes and the overall effect, for a design with one cohort."""
    effects, curve = question.effects, question.option("curve")
    labels = effects.labels
    levels = labels.loc[labels["name"] == "level", "dose"].to_numpy(float)
    shape = {"linear": {"degree": 1, "num_knots": 0}, "spline": {"degree": 2, "num_knots": 1}}[curve]
    model = package.ContinuousDiD(control_group=question.design.comparison, dvals=levels, **shape)
    found = model.fit(question.table, outcome="y", unit="unit", time="period", first_treat="first", dose="dose")
    theirs: dict[Hashable, Pair] = {("overall", 0): (float(found.overall_att), float(found.overall_att_se))}
    for name, answer in (("level", found.dose_response_att), ("slope", found.dose_response_acrt)):
        pairs = enumerate(zip(answer.effects, answer.se, strict=True))
        theirs |= {(name, j): (float(effect), float(se)) for j, (effect, se) in pairs}
    theirs["mean slope", 0] = (float(found.overall_acrt), np.nan)
    counted = labels.groupby("name").cumcount()
    keys = list(zip(labels["name"], counted.astype(int), strict=True))
    words = [
        name if pd.isna(dose) else f"{name} at {dose:.6g}"
        for name, dose in zip(labels["name"], labels["dose"], strict=True)
    ]
    return compare(question, rows_of(effects, keys, words), theirs)


def _refuses_dose(question: Question) -> str:
    if question.option("curve") == "bins" or question.option("to") != "overall":
        return "option_not_offered"
    if question.clustered:
        return "no_clusters"
    return _one_cohort(question)


def _switchers(question: Question, package: Any) -> list[Figure]:
    """Its effect 1 is ours at event time 0, its placebo -1 ours at -2."""
    effects = question.effects
    count = int(effects.info["effects_estimated"])
    model = package.ChaisemartinDHaultfoeuille(drop_larger_lower=False, twfe_diagnostic=False)
    table = question.table.assign(on=question.table["treated"].astype(int))
    found = model.fit(table, outcome="y", unit="unit", time="period", treatment="on", L_max=count)
    theirs: dict[Hashable, Pair] = {
        float(lag - 1): (float(one["effect"]), float(one["se"]))
        for lag, one in {**found.event_study_effects, **(found.placebo_event_study or {})}.items()
    }
    ours, total = event_rows(effects), overall_rows(effects.aggregate("overall"))
    errors = cohort_centred_errors(question, count)
    centred = replace(ours, std_error=np.array([errors.get(key, np.nan) for key in ours.keys]))  # type: ignore[call-overload]
    figures = compare(question, ours, theirs, [Way("cohort_centred", centred)])
    weights = (found.cost_benefit_delta or {}).get("weights") or {1: 1.0}
    ways = [Way("covariances_left_out", _independent(total, centred, weights))]
    return figures + compare(question, total, {OVERALL[0]: (float(found.overall_att), float(found.overall_se))}, ways)


def _independent(total: Rows, events: Rows, weights: dict[int, float]) -> Rows:
    """The effects averaged with the engine's weights, and the standard error that would have, were they independent."""
    place = {key: i for i, key in enumerate(events.keys)}
    at = [place[float(lag - 1)] for lag in weights]
    share = np.array(list(weights.values()))
    estimate = float(share @ events.estimate[at])
    error = float(np.sqrt(share**2 @ events.std_error[at] ** 2))
    return replace(total, estimate=np.array([estimate]), std_error=np.array([error]))


def _refuses_switchers(question: Question) -> str:
    treatment = question.table["treated"]
    options = question.option("direction") != "both" or question.option("normalized")
    if options or question.option("same_switchers") or question.design.comparison != "not_yet_treated":
        return "option_not_offered"
    if question.clustered:
        return "no_clusters"
    return "" if treatment.isin([0, 1]).all() else "not_binary"


BACON = Task(_bacon, frozenset(), _refuses_bacon)
SYNTHETIC_DID = Task(_synthetic, frozenset(), _refuses_synthetic)
DOSE = Task(_dose, frozenset({"dose"}), _refuses_dose)
SWITCHERS = Task(_switchers, frozenset({"reversals", "no_never_treated"}), _refuses_switchers)
