"""Does another of our estimators, which uses other periods, give the same answer?"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from evaltoolkit.checks._again import estimate_again
from evaltoolkit.checks._joint import combine_effects, know, p_value
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.aggregate import aggregate_effects
from evaltoolkit.effects.effects import Effects
from evaltoolkit.estimators.registry import estimate, fits, list_estimators
from evaltoolkit.findings import EvaltoolkitError, Fact

# joint standard errors beyond which two answers to one question differ
LARGEST = 2.0
# whose influence is of the same kind whatever the weights and the sampling of the treated
_OTHERS: dict[str, dict[str, Any]] = {
    "imputation": {"se": "gardner"},
    "group_time": {},
    "extended_two_way": {"averages": "sampled"},
}
_ASSUMPTION = "assumption.parallel_throughout"


def check_agreement(design: Design, effects: Effects) -> Check:
    """Estimate the overall effect with a second estimator of the toolkit and compare.

    Estimand: the average of the ATT(g,t) from treatment on that both estimators can give, weighted by the size of the
    cohort, once by each; and their difference. The influence of the two is taken jointly, unit by unit.

    Assumption: parallel trends over all periods before treatment. One of the two measures from the last period before
    treatment (and anticipation) only, the other from all of them; where trends were parallel throughout, both estimate
    the same number. A difference beyond chance says that something moved before treatment, or that treatment acted
    early; it does not say which of the two is right.

    Not when: there is one period before treatment, for then both use the same; the method is not linear in the outcome,
    for then it assumes parallel trends on another scale.

    Parameters
    ----------
    design : Design
    effects : Effects
        Group-time effects of the design.

    Returns
    -------
    Check
        True where the difference is within two joint standard errors, False where it is larger; None below ten clusters
        in an arm, where no second estimator takes the design, or where both use the same numbers. Table: ``method,
        before, estimate, std_error, n_cells, left_out``, with the difference as its last row; ``before`` says which
        periods before treatment are used (``last, all``), ``left_out`` counts cells that the other could not estimate.

    References
    ----------
    Hausman (1978), https://doi.org/10.2307/1913827; the estimators name their own.
    """
    before = _before(effects)
    if effects.kind != "group_time" or before not in ("last", "all"):
        return Check("agreement", _ASSUMPTION, None, "check.agreement.not_applicable")
    other = _other(design, before)
    if other is None:
        return Check("agreement", _ASSUMPTION, None, "check.agreement.not_possible")
    own, theirs, shared, cells = _on_common_cells(_comparable(design, effects), other)
    if own is None or theirs is None:
        return Check("agreement", _ASSUMPTION, None, "check.agreement.not_possible")
    first, second = know(own), know(theirs)
    apart_effects = combine_effects([(own, 1.0), (theirs, -1.0)])
    difference = know(apart_effects)
    rows = [
        (own.info["method"], before, first.estimate, first.std_error, shared, cells[0] - shared),
        (theirs.info["method"], _before(theirs), second.estimate, second.std_error, shared, cells[1] - shared),
        ("difference", "", difference.estimate, difference.std_error, shared, 0),
    ]
    table = pd.DataFrame(rows, columns=["method", "before", "estimate", "std_error", "n_cells", "left_out"])
    code, verdict = _judge(first.estimate, second.estimate, difference.std_error, few=not difference.has_interval)
    apart, size = abs(difference.estimate), abs(first.estimate)
    facts: dict[str, Fact] = {
        "percent": round(100 * apart / size) if size > 0 else math.nan,
        "errors": round(apart / difference.std_error, 1) if difference.std_error > 0 else math.nan,
    }
    chance = p_value(apart_effects) if verdict is not None else math.nan
    return Check(
        "agreement", _ASSUMPTION, verdict, f"check.agreement.{code}", facts, table, {"agreement": table}, p_value=chance
    )


def _before(effects: Effects) -> str:
    """Which periods before treatment an estimator measures from; empty where its effects are not comparable."""
    method = effects.info.get("method")
    if method == "extended_two_way":
        if effects.info.get("family") != "linear":
            return ""
        return "last" if effects.info.get("comparison") == "never_treated" else "all"
    if method == "imputation":
        return "" if effects.info.get("unit_trends") else "all"
    return "last" if method in ("group_time", "sun_abraham") else ""


def _comparable(design: Design, effects: Effects) -> Effects:
    """The same effects with the influence of sampled units, where the estimator has a choice."""
    settings = _OTHERS.get(str(effects.info["method"]), {})
    if all(effects.info.get(name) == value for name, value in settings.items()):
        return effects
    return estimate_again(design, replace(effects, info={**effects.info, **settings}))


def _other(design: Design, before: str) -> Effects | None:
    """Effects by the first estimator that takes the design and measures from other periods."""
    for name, settings in _OTHERS.items():
        if not fits(list_estimators()[name], design):
            continue
        try:
            found = estimate(design, name, **settings)
        except EvaltoolkitError:
            continue
        if _before(found) not in ("", before):
            return found
    return None


def _on_common_cells(first: Effects, second: Effects) -> tuple[Effects | None, Effects | None, int, tuple[int, int]]:
    """Overall effects over the cells that both know, how many those are, and how many each knows."""
    keys = [_post_cells(one) for one in (first, second)]
    both = keys[0] & keys[1]
    counts = (len(keys[0]), len(keys[1]))
    if not both:
        return None, None, 0, counts
    own, theirs = (_overall_on(one, both) for one in (first, second))
    return own, theirs, len(both), counts


def _post_cells(effects: Effects) -> set[tuple[float, float]]:
    cells = effects.labels[["cohort", "time"]].to_numpy(dtype=float)
    known = np.isfinite(effects.estimate) & (cells[:, 1] >= cells[:, 0])
    return {(float(cohort), float(time)) for cohort, time in cells[known]}


def _overall_on(effects: Effects, chosen: set[tuple[float, float]]) -> Effects:
    cells = effects.labels[["cohort", "time"]].to_numpy(dtype=float)
    inside = np.array([(float(cohort), float(time)) in chosen for cohort, time in cells])
    estimates: Array = np.where(inside, effects.estimate, np.nan)
    # both have the same cohorts: what their estimated shares add is the same, and leaves the difference
    return aggregate_effects(replace(effects, estimate=estimates), "overall", shares="fixed")


def _judge(first: float, second: float, error: float, *, few: bool) -> tuple[str, bool | None]:
    # with one period before treatment both are the same arithmetic
    if abs(first - second) < 1e-9 * max(abs(first), abs(second), 1e-300):
        return "same_not_applicable", None
    if few or not math.isfinite(error):
        return "few_clusters", None
    same = abs(first - second) <= LARGEST * error
    return ("same", True) if same else ("different", False)
