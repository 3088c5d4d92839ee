"""The estimator and its settings that a plan asks for, for one outcome."""

from __future__ import annotations

from typing import Any

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.plans.plan import Estimation, Outcome


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
    return method, {}


def estimate_as_planned(design: Design, settings: Estimation, outcome: Outcome | None = None) -> Effects:
    """Estimate a design with the method that the plan names for this outcome."""
    from evaltoolkit.estimators.registry import estimate

    method, options = method_of(settings, outcome)
    return estimate(design, method=method, **options)
