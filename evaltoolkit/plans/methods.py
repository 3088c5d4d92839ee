"""The estimator and its settings that a plan asks for, for one outcome."""

from __future__ import annotations

from typing import Any

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.framework.scales import HOURS
from evaltoolkit.plans.plan import Estimation, Outcome, Plan


def method_of(settings: Estimation, outcome: Outcome | None = None) -> tuple[str, dict[str, Any]]:
    """Return the name of the estimator and its options; an outcome's own method goes before the plan's."""
    method = (outcome.method if outcome else "") or settings.method
    if method == "group_time":
        return method, {"adjust": settings.adjust, "base": settings.base}
    if method == "extended_two_way" and outcome is not None:
        # effects in the unit of the outcome, so that they can be held against the smallest relevant effect
        return method, {"family": outcome.family, "scale": "response"}
    if method == "imputation":
        return method, {"pretrends": "cohort"}
    if method == "dose":
        # one number that a verdict can rest on: what one more unit of the dose does
        return method, {"curve": "linear", "assume": "strong_parallel_trends", "to": "slopes"}
    return method, {}


def dose_unit(plan: Plan, outcome: Outcome) -> str:
    """Return what effects on an outcome are counted per, as a fact for the reports; empty where it is the action."""
    if plan.dose is None or method_of(plan.estimation, outcome)[0] != "dose":
        return ""
    return plan.dose.unit or HOURS[plan.dose.rule]


def estimate_as_planned(design: Design, settings: Estimation, outcome: Outcome | None = None) -> Effects:
    """Estimate a design with the method that the plan names for this outcome."""
    from evaltoolkit.estimators.registry import estimate

    method, options = method_of(settings, outcome)
    return estimate(design, method=method, **options)
