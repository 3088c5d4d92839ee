"""The facts a grade rests on, each a number; NaN where it is not known."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.evaluations.evaluation import Interval, Stamp
from evaltoolkit.evaluations.verdict import Incidence
from evaltoolkit.framework.indicator import Indicator
from evaltoolkit.plans.plan import Outcome, Plan
from evaltoolkit.plans.statistics import pre_periods

# checks that can lower a grade
GRADING = frozenset({"pretrends", "leave_one_out", "refuters", "reconstructed", "response", "sensitivity"})


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


def outcome_facts(outcome: Outcome, indicator: Indicator | None, interval: Interval) -> dict[str, float]:
    """Return what follows from what was measured and how precisely."""
    recorded = indicator is not None and indicator.reporting != "none"
    relevant = outcome.smallest_relevant if outcome.role != "guardrail" else outcome.margin
    holds_both = interval.sign() == 0 and not interval.inside(relevant or math.inf)
    return {
        "interval_defined": float(interval.defined),
        "self_recorded": float(indicator is not None and indicator.self_recorded),
        "detection_undeclared": float(recorded and outcome.detection_range is None),
        "interval_holds_null_and_relevant": float(interval.defined and holds_both),
    }


def check_facts(checks: Sequence[Check]) -> dict[str, float]:
    """Return what the checks saw; a check that was not run or says nothing leaves its fact unknown."""
    by_name = {check.name: check for check in checks}

    def failed(name: str) -> float:
        check = by_name.get(name)
        return math.nan if check is None or check.verdict is None else float(not check.verdict)

    pretrends, reconstructed = by_name.get("pretrends"), by_name.get("reconstructed")
    response = by_name.get("response")
    return {
        "pretrend_seen": failed("pretrends"),
        "pretrend_informative": math.nan if pretrends is None else float(pretrends.verdict is not None),
        "response_gap_points": float(response.facts.get("points", math.nan)) if response else math.nan,
        "trends_could_overturn": failed("sensitivity"),
        "sign_changes_without_one": failed("leave_one_out"),
        "refuter_failed": failed("refuters"),
        "reconstructed_changes_answer": failed("reconstructed"),
        "rests_on_reconstructed": float(
            reconstructed is not None and reconstructed.code == "check.reconstructed.not_possible"
        ),
    }


def left_out_facts(plan: Plan) -> dict[str, float]:
    """Return whether the plan leaves out a check that can lower a grade; leaving it out must not raise one."""
    return {"checks_left_out": float(bool(plan.checks) and not set(plan.checks) >= GRADING)}


def run_facts(stamp: Stamp, *, harm_examined: bool, overridden: bool) -> dict[str, float]:
    """Return what follows from how the plan was kept."""
    return {
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
