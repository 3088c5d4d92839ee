"""Who stopped answering after the action began, and does the answer rest on those who stayed?"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.checks._again import estimate_again, overall_effects
from evaltoolkit.checks._bounds import Bounds, as_percent, has_no_sign, judge_bounds, likely_as_percent
from evaltoolkit.checks._joint import NOTHING, Known, combine_effects, know
from evaltoolkit.checks._status import not_applicable
from evaltoolkit.checks._trimmed import trimming_bounds
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.effects import Effects
from evaltoolkit.findings import EvaltoolkitError, Fact
from evaltoolkit.panels.panel import Panel

# joint standard errors beyond which leaving units out is more than chance
LARGEST = 2.0
_ASSUMPTION = "assumption.leaving_alike"
_Mask = npt.NDArray[np.bool_]


def check_attrition(design: Design, effects: Effects, *, panel: Panel | None = None) -> Check:
    """Follow who stopped answering after the start, estimate without them, and bound what their silence hides.

    Estimand: the overall effect on all, on those who stayed, and bounds of it on those who would stay either way: among
    units with an answer before the start, the share that still answers is compared between the arms, and the surplus is
    cut off the top or the bottom of the changes of the arm that has it.

    Assumption: whether a unit stops answering does not depend on what it would have answered; for the bounds, treatment
    makes stopping more likely for all or less likely for all.

    Not when: units fell silent before the start (see ``missing_answers``), or answer again later: a gap is not leaving.

    Parameters
    ----------
    design : Design
    effects : Effects
        Group-time effects of the design; of others there are no bounds.
    panel : Panel, optional
        Where the design came from: a value that does not exist (status NAP) is an answer.

    Returns
    -------
    Check
        False where the estimate on those who stayed differs by more than two joint standard errors, or where the bounds
        do not keep the sign of an estimate larger than its standard error; True where neither, and the 95 % interval
        around the bounds keeps it too. None where it does not (``unsure``), where the effects are not by group and time
        and have no bounds (``no_bounds``), where nobody stopped, where an arm has nobody who answered before the start,
        where nothing can be estimated without those who stopped, below ten clusters in an arm, or where the estimate is
        smaller than its standard error and those who stayed give no other.
        Table: ``quantity, estimate, low, high`` (of ``trimming``: the bounds, with ``std_error_low, std_error_high,
        conf_low, conf_high``) and ``period, treated, comparison`` (share that has stopped, of those with an answer
        before).

    References
    ----------
    Lee (2009), https://doi.org/10.1111/j.1467-937X.2009.00536.x; Imbens and Manski (2004),
    https://doi.org/10.1111/j.1468-0262.2004.00555.x
    """
    seen, absent = np.isfinite(design.outcome), not_applicable(design, panel)
    answered = seen | absent
    stopped = _stopped(design, answered)
    gone: _Mask = np.asarray(stopped.any(axis=1))
    if not gone.any():
        return Check("attrition", _ASSUMPTION, None, "check.attrition.none")
    by_period = _by_period(design, stopped, answered)
    if by_period[["treated", "comparison"]].isna().to_numpy().any():
        return Check("attrition", _ASSUMPTION, None, "check.attrition.one_group", {}, by_period)
    facts: dict[str, Fact] = {
        "treated": round(100 * float(by_period["treated"].iloc[-1])),
        "comparison": round(100 * float(by_period["comparison"].iloc[-1])),
        "left_out": int(gone.sum()),
    }
    try:
        stayed = overall_effects(estimate_again(keep_units(design, ~gone), effects))
    except EvaltoolkitError:
        stayed = None
    whole = overall_effects(effects)
    first, second = know(whole), know(stayed) if stayed is not None else NOTHING
    if stayed is None or not math.isfinite(first.estimate + second.estimate):
        return Check("attrition", _ASSUMPTION, None, "check.attrition.not_possible", facts, by_period)
    difference = know(combine_effects([(stayed, 1.0), (whole, -1.0)]))
    named = {"all": first, "stayed": second, "difference": difference}
    rows = [(name, one.estimate, one.low, one.high, *[math.nan] * 4) for name, one in named.items()]
    bounds = None
    if effects.kind == "group_time":
        bounds = trimming_bounds(design, effects, lambda now, base: np.asarray(seen[:, base] & ~absent[:, now]))
        facts |= as_percent(bounds, first.estimate) | likely_as_percent(bounds, first.estimate)
        rows.append(("trimming", first.estimate, *bounds))
    table = pd.DataFrame(rows, columns=["quantity", "estimate", *Bounds._fields])
    table = pd.concat([table, by_period], ignore_index=True)
    code, verdict = _judge(first, second, difference, bounds)
    return Check("attrition", _ASSUMPTION, verdict, f"check.attrition.{code}", facts, table, {"attrition": by_period})


def _judge(first: Known, second: Known, difference: Known, bounds: Bounds | None) -> tuple[str, bool | None]:
    if not (first.has_interval and second.has_interval):
        return "few_clusters", None
    if abs(difference.estimate) > LARGEST * difference.std_error:
        return "changed", False
    if has_no_sign(first.estimate, first.std_error):
        return "small", None
    return ("no_bounds", None) if bounds is None else judge_bounds(first.estimate, bounds)


def _stopped(design: Design, answered: _Mask) -> _Mask:
    """(n, T) from when on a unit that had answered before the start never answers again.

    The start is the unit's own, for untreated units that of the first cohort.
    """
    first = np.where(design.treated, design.cohort, design.cohorts[0])
    after = design.times[None, :] >= first[:, None]
    later = np.flip(np.logical_or.accumulate(np.flip(answered, axis=1), axis=1), axis=1)
    before: _Mask = np.asarray((answered & ~after).any(axis=1))
    return np.asarray(after & ~later & before[:, None])


def _by_period(design: Design, stopped: _Mask, answered: _Mask) -> pd.DataFrame:
    first = np.where(design.treated, design.cohort, design.cohorts[0])
    before: _Mask = np.asarray((answered & (design.times[None, :] < first[:, None])).any(axis=1))
    arms = (design.treated & before, ~design.treated & before)
    shares = [stopped[arm].mean(axis=0) if arm.any() else np.full(len(design.times), np.nan) for arm in arms]
    return pd.DataFrame({"period": design.times, "treated": shares[0], "comparison": shares[1]})
