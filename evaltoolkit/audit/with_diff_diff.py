"""diff-diff: the engine with the most methods."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np

from evaltoolkit.audit.conventions import (
    CLIP,
    counted_from_anticipation,
    divided_by_treated,
    reweighted,
    small_sample_factor,
)
from evaltoolkit.audit.diff_diff_more import BACON, DOSE, SWITCHERS, SYNTHETIC_DID
from evaltoolkit.audit.engine import Engine, Task
from evaltoolkit.audit.question import Question
from evaltoolkit.audit.rows import OVERALL, Figure, Pair, Rows, Way, aggregates, cell_rows, compare, with_factor
from evaltoolkit.effects.effects import Effects
from evaltoolkit.estimators.registry import estimate

_SMALL = "small_sample_factor"
_LAST = "last_cohort_before"
_NAMES = {"outcome": "y", "unit": "unit", "time": "period", "first_treat": "first"}


def _clusters(question: Question) -> dict[str, Any]:
    return {"cluster": "cluster"} if question.clustered else {}


def _events(found: Any) -> dict[Hashable, Pair]:
    table = found.aggregate("event_study")
    rows = zip(table.event_time, table.att, table.se, table.is_reference, strict=True)
    return {float(e): (float(att), float(se)) for e, att, se, reference in rows if not reference}


def _overall(found: Any) -> dict[Hashable, Pair]:
    return {OVERALL[0]: (float(found.overall_att), float(found.overall_se))}


def _group_time(question: Question, package: Any) -> list[Figure]:
    design, effects = question.design, question.effects
    model = package.CallawaySantAnna(
        control_group=design.comparison,
        anticipation=design.anticipation,
        estimation_method=question.option("adjust"),
        base_period=question.option("base"),
        pscore_trim=CLIP,
        **_clusters(question),
    )
    covariates = {"covariates": question.covariates} if question.covariates else {}
    found = model.fit(question.table, **_NAMES, **covariates)
    cells: dict[Hashable, Pair] = {
        (int(g), int(t)): (float(cell["effect"]), float(cell["se"]))
        for (g, t), cell in found.group_time_effects.items()
    }
    figures = []
    parts = zip((cell_rows(question), *aggregates(effects)), (cells, _events(found), _overall(found)), strict=True)
    every = _conventions(question)
    for place, (ours, theirs) in enumerate(parts):
        ways = [Way(code, rows[place]) for code, rows in every]
        if question.clustered:
            ways = with_factor(ours, ways, "cluster_factor", _cluster_factor(question))
        figures += _without_last_cohort(question, ours, theirs, ways)
    return figures


def _conventions(question: Question) -> list[tuple[str, tuple[Rows, Rows, Rows]]]:
    """Cells, event study and overall effect under each convention of its group-time effects."""
    bases = [("", question.effects)]
    if question.covariates and question.option("adjust") == "dr":
        bases.append(("divided_by_treated", divided_by_treated(question)))
    found = []
    for code, effects in bases:
        cells, (event, overall) = cell_rows(question, effects), aggregates(effects)
        if code:
            found.append((code, (cells, event, overall)))
        if "gaps" in question.features:
            by_pairs = reweighted(question, effects, "pairs", "cohorts")
            found.append((_joined(code, "weighted_by_pairs"), (cells, *by_pairs)))
        if question.design.anticipation:
            early = counted_from_anticipation(question, effects)
            whole = _joined(code, "counted_from_anticipation")
            found.append((whole, (cells, event, aggregates(early)[1])))
            by_pairs = reweighted(question, early, "pairs", "cohorts")
            found.append((_joined(whole, "weighted_by_pairs"), (cells, event, by_pairs[1])))
    return found


def _joined(first: str, second: str) -> str:
    return f"{first}+{second}" if first else second


def _cluster_factor(question: Question) -> float:
    return float(np.sqrt(question.n_clusters / (question.n_clusters - 1)))


def _without_last_cohort(question: Question, ours: Rows, theirs: dict[Hashable, Pair], ways: list[Way]) -> list[Figure]:
    """Where the last cohort only compares here, its periods before treatment enter the engine's event study."""
    if not question.effects.info["comparison_only_cohorts"]:
        return compare(question, ours, theirs, ways)
    before = [isinstance(key, float) and key < 0 for key in ours.keys]
    kept = ours.taken([i for i, early in enumerate(before) if not early])
    others = [
        Figure("estimate", ours.labels[i], float(ours.estimate[i]), theirs[ours.keys[i]][0], np.nan, (), _LAST)
        for i, early in enumerate(before)
        if early and ours.keys[i] in theirs
    ]
    return compare(question, kept, theirs, ways) + others


def _sun_abraham(question: Question, package: Any) -> list[Figure]:
    model = package.SunAbraham(anticipation=question.design.anticipation, **_clusters(question))
    found = model.fit(question.table, **_NAMES)
    cells: dict[Hashable, Pair] = {
        (int(g), int(g + e)): (float(cell["effect"]), float(cell["se"]))
        for (g, e), cell in found.cohort_effects.items()
    }
    events: dict[Hashable, Pair] = {
        float(e): (float(row["effect"]), float(row["se"])) for e, row in found.event_study_effects.items()
    }
    effects = question.effects
    factor = small_sample_factor(question, len(cells) + int(question.table["period"].nunique()))
    by_rows = reweighted(question, effects, "rows")
    figures = compare(question, cell_rows(question), cells, with_factor(cell_rows(question), (), _SMALL, factor))
    for ours, theirs, rows in zip(aggregates(effects), (events, _overall(found)), by_rows, strict=True):
        ways = with_factor(ours, [Way("weighted_by_rows", rows)], _SMALL, factor)
        figures += compare(question, ours, theirs, ways)
    return figures


def _imputation(question: Question, package: Any) -> list[Figure]:
    model = package.ImputationDiD(anticipation=question.design.anticipation, **_clusters(question))
    controls = {"covariates": question.controls} if question.controls else {}
    found = model.fit(question.table, **_NAMES, **controls)
    effects = question.effects
    event, overall = aggregates(effects)
    after = [i for i, key in enumerate(event.keys) if isinstance(key, float) and key >= 0]
    by_rows = reweighted(question, effects, "rows")
    figures = compare(question, event.taken(after), _events(found), [Way("weighted_by_rows", by_rows[0].taken(after))])
    early = counted_from_anticipation(question, effects)
    ways = [
        Way("weighted_by_rows", by_rows[1]),
        Way("counted_from_anticipation", aggregates(early)[1]),
        Way("counted_from_anticipation+weighted_by_rows", reweighted(question, early, "rows")[1]),
    ]
    return figures + compare(question, overall, _overall(found), ways)


_FAMILIES = {"linear": "ols", "poisson": "poisson", "logit": "logit"}


def _extended(question: Question, package: Any) -> list[Figure]:
    design, family = question.design, question.option("family")
    model = package.WooldridgeDiD(
        method=_FAMILIES[family],
        control_group=design.comparison,
        anticipation=design.anticipation,
        **_clusters(question),
    )
    found = model.fit(question.table, **_NAMES)
    cells: dict[Hashable, Pair] = {
        (int(g), int(t)): (float(cell["att"]), float(cell["se"])) for (g, t), cell in found.group_time_effects.items()
    }
    periods = int(question.table["period"].nunique())
    absorbed = periods if family == "linear" else periods + int(question.table["first"].nunique()) - 1
    factor = small_sample_factor(question, len(cells) + absorbed)
    bases = {"": question.effects}
    if family != "linear" and design.comparison == "never_treated":
        bases["all_periods_before"] = _all_periods_before(question)
    by_cell, whole = list[Way](), list[Way]()
    for code, effects in bases.items():
        if code:
            by_cell.append(Way(code, cell_rows(question, effects)))
            whole.append(Way(code, aggregates(effects)[1]))
        whole.append(Way(_joined(code, "weighted_by_rows"), reweighted(question, effects, "rows")[1]))
    ours, overall = cell_rows(question), aggregates(question.effects)[1]
    figures = compare(question, ours, cells, with_factor(ours, by_cell, _SMALL, factor))
    return figures + compare(question, overall, _overall(found), with_factor(overall, whole, _SMALL, factor))


def _all_periods_before(question: Question) -> Effects:
    return estimate(replace(question.design, comparison="not_yet_treated"), question.method, **question.options)


def _refuses_extended(question: Question) -> str:
    linear = question.option("family") == "linear"
    other = (question.option("scale") == "link" and not linear) or question.option("averages") != "fixed"
    return "option_not_offered" if other else ""


def _refuses_group_time(question: Question) -> str:
    gaps = "gaps" in question.features and question.option("missing") != "pairs"
    # it measures all periods that anticipation touches but the first from the period before them
    touched = question.design.anticipation > 1 and question.option("base") == "varying"
    return "option_not_offered" if gaps or touched else ""


def _refuses_imputation(question: Question) -> str:
    other = question.option("unit_trends") or question.option("se") != "conservative"
    return "option_not_offered" if other else ""


ENGINE = Engine(
    name="diff-diff",
    module="diff_diff",
    tasks={
        "group_time": Task(
            _group_time, frozenset({"covariates", "gaps", "no_never_treated", "anticipation"}), _refuses_group_time
        ),
        "sun_abraham": Task(_sun_abraham, frozenset({"gaps", "anticipation"})),
        "imputation": Task(
            _imputation, frozenset({"controls", "gaps", "no_never_treated", "anticipation"}), _refuses_imputation
        ),
        "extended_two_way": Task(_extended, frozenset({"gaps", "anticipation"}), _refuses_extended),
        "two_way": BACON,
        "synthetic_did": SYNTHETIC_DID,
        "dose": DOSE,
        "switchers": SWITCHERS,
    },
)
