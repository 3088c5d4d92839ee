"""How much worse than before would the trend have to become before the result is gone?"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.checks._again import estimate_again
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.aggregate import REFERENCE, aggregation_matrix, event_times
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import NOTHING_TO_TEST, SINGULAR, inference_table, joint_wald
from evaltoolkit.findings import Fact
from evaltoolkit.sensitivity.identified import breakdown
from evaltoolkit.sensitivity.restrictions import Assumed
from evaltoolkit.sensitivity.sets import Method, RobustSet, original_set, robust_sets
from evaltoolkit.sensitivity.vector import make_vector

AMOUNTS = (0.5, 1.0, 1.5, 2.0)
# the violation after treatment is no worse than the worst seen before
FIRM = 1.0
_ASSUMPTION = "assumption.parallel_trends"
_STEPS = Assumed("relative_magnitudes")
_LINE = Assumed("smoothness")


class _Study(NamedTuple):
    """The event study against one reference period: arguments of the functions on arrays, or why there is none."""

    event: Effects
    beta: Array
    sigma: Array
    n_pre: int
    weights: Array
    code: str = ""


def check_sensitivity(design: Design, effects: Effects, *, level: float = 0.95) -> Check:
    """Ask how far parallel trends would have to fail before the overall effect could be zero.

    Assumption: without treatment, the arms would have changed alike; or, from one period to the next, they move apart
    after treatment at most Mbar times as much as in the largest such move before (relative magnitudes). The breakdown
    value is the smallest Mbar at which the robust interval of the overall effect holds zero.

    The event study has the last period before treatment (and anticipation) as its reference throughout, and is not
    balanced: each event time averages the cohorts observed then, as the overall effect does, whose weights ``l_vec``
    are used. Its joint covariance is that of the influence functions, by cluster.

    Not when: there are fewer than two periods before treatment; fewer than ten clusters in an arm; the estimator
    measures periods before treatment from another point than those after (imputation, switchers); event times are
    not equally spaced. A firm result is no evidence for parallel trends: something that begins together with treatment
    leaves no trace before it.

    Parameters
    ----------
    design : Design
    effects : Effects
        Group-time effects of the design; with a varying base they are estimated again with the universal one.
    level : float
        Of the robust intervals.

    Returns
    -------
    Check
        True where the breakdown value is 1 or more, False where it is less; None where the usual interval holds zero
        already, and where there is none. Table: ``restriction, method, amount, low, high, reason, breakdown``: the
        usual interval; C-LF intervals for Mbar 0.5, 1, 1.5, 2; the fixed-length interval for a difference in trend that
        goes on in a straight line (M = 0). The breakdown of the latter is a change of slope, in units of the outcome
        per period.

    References
    ----------
    Rambachan and Roth (2023), https://doi.org/10.1093/restud/rdad018
    """
    study = _study(design, effects)
    if study.code:
        return _check(None, study.code, {}, pd.DataFrame(), {})
    n_post = len(study.weights)
    given = (study.beta, study.sigma, study.n_pre, n_post)
    usual = original_set(make_vector(*given, study.weights), level)
    parts = [_rows("none", "original", [usual], math.nan)]
    settings: dict[str, Any] = {"l_vec": study.weights, "level": level}
    found = breakdown(*given, assumed=_STEPS, **settings)
    steps = robust_sets(*given, AMOUNTS, assumed=_STEPS, **settings)
    parts.append(_rows(_STEPS.restriction, "hybrid", steps, found.amount))
    line = robust_sets(*given, (0.0,), assumed=_LINE, method="fixed_length", **settings)
    bend = breakdown(*given, assumed=_LINE, method="fixed_length", **settings)
    parts.append(_rows(_LINE.restriction, "fixed_length", line, bend.amount))
    table = pd.concat(parts, ignore_index=True)
    figure = {
        "event_study": inference_table(study.event),
        "robust": table,
        "l_vec": study.weights,
        "breakdown": found.amount,
    }
    code = _code(found.amount, already=usual.low <= 0 <= usual.high)
    facts: dict[str, Fact] = {"times": _rounded(found.amount), "low": steps[1].low, "high": steps[1].high}
    verdict = {"firm": True, "unmoved": True, "fragile": False}.get(code)
    return _check(verdict, code, facts, table, figure)


def _check(
    verdict: bool | None, code: str, facts: dict[str, Fact], table: pd.DataFrame, figure: dict[str, Any]
) -> Check:
    return Check("sensitivity", _ASSUMPTION, verdict, f"check.sensitivity.{code}", facts, table, figure)


def _code(amount: float, *, already: bool) -> str:
    if already:
        return "already"
    if math.isinf(amount):
        return "unmoved"
    return "firm" if amount >= FIRM else "fragile"


def _rounded(amount: float) -> float:
    """Two decimals, on the side on which the sentence stays true: holds up to, is gone from."""
    if not math.isfinite(amount):
        return amount
    return (math.floor if amount >= FIRM else math.ceil)(100 * amount) / 100


def _rows(restriction: str, method: Method | str, sets: list[RobustSet], amount: float) -> pd.DataFrame:
    rows = pd.DataFrame(sets)
    rows.insert(0, "restriction", restriction)
    rows.insert(1, "method", method)
    return rows.assign(breakdown=amount)


def _study(design: Design, effects: Effects) -> _Study:
    """The event study of the effects against one reference period, with the weights of the overall effect."""
    base = effects.info.get("base")
    if effects.kind != "group_time" or base not in ("varying", "universal"):
        return _none("reference_not_applicable", effects)
    if base == "varying":
        effects = estimate_again(design, replace(effects, info={**effects.info, "base": "universal"}))
    event = effects.aggregate("event")
    times = event.labels["event_time"].to_numpy(float)
    at_reference = np.array([reason == REFERENCE for reason in event.reasons])
    if at_reference.sum() != 1:
        return _none("reference_not_applicable", event)
    reference = int(np.flatnonzero(at_reference)[0])
    begin = reference - _unbroken(event, reference)
    used = np.delete(np.arange(begin, len(times)), reference - begin)
    code = _why_not(event, used, times[begin:], reference)
    if code:
        return _none(code, event)
    overall = aggregation_matrix(effects, "overall")[0]
    of_event = event_times(effects)
    weights = np.array([overall[of_event == time].sum() for time in times[reference + 1 :]])
    sigma = event.covariance()[np.ix_(used, used)]
    return _Study(event, event.estimate[used], sigma, reference - begin, weights)


def _none(code: str, event: Effects) -> _Study:
    return _Study(event, np.empty(0), np.empty((0, 0)), 0, np.empty(0), code)


def _unbroken(event: Effects, reference: int) -> int:
    """How many event times before the reference are estimated, and rest on more than one treated cluster."""
    thin = ~np.isfinite(event.estimate) | (event.labels["n_treated"].to_numpy() <= 1)
    gaps = np.flatnonzero(thin[:reference][::-1])
    return int(gaps[0]) if len(gaps) else reference


def _why_not(event: Effects, used: npt.NDArray[np.intp], times: Array, reference: int) -> str:
    if not (used < reference).any():
        return "not_possible"
    gaps = np.diff(times)
    if not np.isfinite(event.estimate[used]).all() or gaps.max() > gaps.min() + 1e-6:
        return "uneven_not_possible"
    reason = joint_wald(event, used).reason
    if reason in (SINGULAR, NOTHING_TO_TEST):
        return "not_testable"
    return "few_not_testable" if reason else ""
