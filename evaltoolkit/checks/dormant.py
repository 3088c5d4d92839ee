"""Where there was nothing to measure: attendance of meetings that nobody held, and what the action wakes."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.checks._again import overall_estimate
from evaltoolkit.checks._bounds import as_percent, has_no_sign, judge_bounds, likely_as_percent
from evaltoolkit.checks._status import not_applicable
from evaltoolkit.checks._trimmed import trimming_bounds
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.findings import Fact
from evaltoolkit.panels.panel import Panel

_ASSUMPTION = "assumption.same_units_active"
_Mask = npt.NDArray[np.bool_]


def check_dormant(design: Design, effects: Effects, *, panel: Panel | None = None) -> Check:
    """Bound the overall effect on units that would have been active either way.

    A value with status NAP does not exist: a share of nothing, as attendance where nobody met. The action can wake
    units; then it decides who is measured.

    Estimand: bounds of the overall effect on units active in both periods of a comparison whether treated or not (the
    always-active). Among units active before the start, the share still active is compared between the arms, and the
    surplus is cut off the top or the bottom of the changes of the arm that has it. Units that were dormant before the
    start have no change, and are in no estimate.

    Assumption: the action wakes and keeps awake, and puts none to sleep (or the reverse); without it both arms would
    have fallen dormant to the same degree.

    Not when: a missing value means that nobody answered: see ``missing_answers``. A measure that is 0 where nothing
    happened, as the number of meetings, needs no bound and is the better outcome.

    Parameters
    ----------
    design : Design
    effects : Effects
        Group-time effects of the design.
    panel : Panel, optional
        Where the design came from; its column ``<outcome>.status`` says where a value does not exist.

    Returns
    -------
    Check
        True where the 95 % interval around the bounds keeps the sign of the estimate (where there is none, below ten
        clusters: where the bounds do), False where the bounds themselves do not; None between the two (``unsure``),
        where the measure exists everywhere, where the estimate is smaller than its standard error, or where there is no
        group-time estimate. Table: ``period, treated, comparison`` (share active among those who answered) ``estimate,
        low, high, std_error_low, std_error_high, conf_low, conf_high`` (in the last row, without period). The fact
        ``woken`` counts treated units dormant before the start and active later.

    References
    ----------
    Frangakis and Rubin (2002), https://doi.org/10.1111/j.0006-341X.2002.00021.x; Lee (2009),
    https://doi.org/10.1111/j.1467-937X.2009.00536.x; Imbens and Manski (2004),
    https://doi.org/10.1111/j.1468-0262.2004.00555.x
    """
    dormant = not_applicable(design, panel)
    if not dormant.any():
        return Check("dormant", _ASSUMPTION, None, "check.dormant.none")
    active = np.isfinite(design.outcome)
    estimate, std_error = overall_estimate(effects)
    table = _shares(design, active, dormant)
    after = design.times >= np.where(design.treated, design.cohort, np.inf)[:, None]
    woken = (dormant & ~after).any(axis=1) & (active & after).any(axis=1) & design.treated
    facts: dict[str, Fact] = {
        "percent": max(round(100 * dormant.sum() / (dormant | active).sum()), 1),
        "woken": int(woken.sum()),
        "treated": int(design.treated.sum()),
    }
    if effects.kind != "group_time" or not math.isfinite(estimate):
        return Check("dormant", _ASSUMPTION, None, "check.dormant.not_possible", facts, table)

    def counted(now: int, base: int) -> _Mask:
        # awake before the start, and known to be awake or dormant later
        return np.asarray(active[:, base] & (active[:, now] | dormant[:, now]))

    bounds = trimming_bounds(design, effects, counted)
    last = pd.DataFrame([{"period": math.nan, "estimate": estimate, **bounds._asdict()}])
    table = pd.concat([table, last], ignore_index=True)
    facts |= as_percent(bounds, estimate) | likely_as_percent(bounds, estimate)
    code, verdict = ("small", None) if has_no_sign(estimate, std_error) else judge_bounds(estimate, bounds)
    return Check("dormant", _ASSUMPTION, verdict, f"check.dormant.{code}", facts, table, {"dormant": table})


def _shares(design: Design, active: _Mask, dormant: _Mask) -> pd.DataFrame:
    known = active | dormant
    shares = []
    for arm in (design.treated, ~design.treated):
        n = known[arm].sum(axis=0)
        shares.append(np.divide(active[arm].sum(axis=0), n, out=np.full(len(n), np.nan), where=n > 0))
    return pd.DataFrame({"period": design.times, "treated": shares[0], "comparison": shares[1]})
