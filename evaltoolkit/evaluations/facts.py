"""The facts a grade rests on, each a number; NaN where it is not known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.evaluations.evaluation import Interval, Stamp
from evaltoolkit.evaluations.grade import grade_rules
from evaltoolkit.evaluations.verdict import Incidence
from evaltoolkit.framework.indicator import Indicator
from evaltoolkit.graphs.independence import holm
from evaltoolkit.plans.plan import Outcome, Plan
from evaltoolkit.plans.statistics import pre_periods

_FAILED = "failed."
# share of sound evaluations in which some check with a p-value may lower the grade
DOUBT = 0.05
# checks that can lower a grade: by failing, by being too weak, by the gap they measure
GRADING = frozenset(
    rule["fact"].removeprefix(_FAILED) for rule in grade_rules() if rule["fact"].startswith(_FAILED)
) | frozenset({"response"})


def design_facts(design: Design, effects: Effects, plan: Plan) -> dict[str, float]:
    """Return what follows from who was treated, when and why."""
    treated = np.isin(design.units, effects.units[effects.cohort <= design.times[-1]])
    before = pre_periods(design)
    return {
        "randomised": float(plan.treatment.assignment == "randomised"),
        "treated_clusters": float(len(np.unique(design.clusters[treated]))),
        "pre_periods": float(min(before.values())) if before else math.nan,
        "spillover_likely": float(plan.treatment.spillover in ("neighbours", "everywhere")),
    }


def outcome_facts(
    outcome: Outcome, indicator: Indicator | None, interval: Interval, incidence: Incidence
) -> dict[str, float]:
    """Return what follows from what was measured and how precisely."""
    recorded = indicator is not None and indicator.reporting != "none"
    relevant = outcome.smallest_relevant if outcome.role != "guardrail" else outcome.margin
    holds_both = interval.sign() == 0 and not interval.inside(relevant or math.inf)
    return {
        "interval_defined": float(interval.defined),
        "self_recorded": float(indicator is not None and indicator.self_recorded),
        "detection_undeclared": float(recorded and outcome.detection_range is None),
        "interval_holds_null_and_relevant": float(interval.defined and holds_both),
        "incidence_open": float(incidence == "undetermined"),
    }


def check_facts(checks: Sequence[Check], *, randomised: bool) -> dict[str, float]:
    """Return what the checks saw; a check that was not run or says nothing leaves its fact unknown.

    After a lot, trends are parallel but for chance, which the interval holds already: how far they would have to
    differ, and how well that can be tested, is then no reason for doubt. Each check by itself sees something in one of
    twenty sound evaluations; what a check with a p-value saw is a reason for doubt where Holm's correction over all of
    them leaves it standing.
    """
    by_name = {check.name: check for check in checks}
    adjusted = dict(zip(by_name, holm(np.array([check.p_value for check in checks])), strict=True))
    failed = {
        f"{_FAILED}{check.name}": float(not check.verdict and not adjusted[check.name] > DOUBT)
        for check in checks
        if check.verdict is not None
    }
    if randomised:
        failed.pop(f"{_FAILED}sensitivity", None)
    pretrends, reconstructed = by_name.get("pretrends"), by_name.get("reconstructed")
    response = by_name.get("response")
    return {
        **failed,
        "pretrend_informative": math.nan if pretrends is None or randomised else float(pretrends.verdict is not None),
        "response_gap_points": float(response.facts.get("points", math.nan)) if response else math.nan,
        "rests_on_reconstructed": float(
            reconstructed is not None and reconstructed.code == "check.reconstructed.not_possible"
        ),
    }


def left_out_facts(plan: Plan) -> dict[str, float]:
    """Return whether the plan leaves out a check that can lower a grade; leaving it out must not raise one."""
    return {"checks_left_out": float(bool(plan.checks) and not set(plan.checks) >= GRADING)}


def run_facts(stamp: Stamp, *, harm_examined: bool, overridden: bool, one_of_many: bool) -> dict[str, float]:
    """Return what follows from how the plan was kept, and from the other outcomes."""
    return {
        "one_of_many": float(one_of_many),
        "exploratory": float(stamp == "exploratory"),
        "deviation": float(stamp == "deviation"),
        "harm_examined": float(harm_examined),
        "overridden": float(overridden),
    }


def seen_incidence(checks: Sequence[Check], outcome: Outcome) -> Incidence:
    """Return what the reporting check says about incidence; empty where no change of detection was declared."""
    found = next((check for check in checks if check.name == "reporting"), None)
    if found is None or outcome.detection_range is None:
        return ""
    if found.code in ("check.reporting.higher", "check.reporting.lower"):
        return "higher" if found.code.endswith("higher") else "lower"
    return "undetermined" if found.code.startswith("check.reporting.undetermined") else ""
