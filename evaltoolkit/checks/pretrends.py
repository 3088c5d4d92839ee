"""Trends before treatment, with the power of looking at them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.checks._again import estimate_again, overall_effects
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.aggregate import aggregation_matrix
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import (
    FEW_TREATED,
    MIN_CLUSTERS,
    NOTHING_TO_TEST,
    SINGULAR,
    SMALL_COHORTS,
    inference_table,
    joint_wald,
)
from evaltoolkit.effects.pretest import (
    SIZE,
    Trend,
    few_cluster_covariance,
    joint_tail,
    noncentrality_for,
    precision_of,
    rejection_power,
)

# a quiet test that would miss a relevant violation more often than this says little
ENOUGH_POWER = 0.5
_ASSUMPTION = "assumption.parallel_trends"


def check_pretrends(design: Design, effects: Effects, *, smallest_relevant: float | None = None) -> Check:
    """Test jointly whether the arms moved apart before treatment, and say how much the test could have seen.

    Assumption: without treatment, the arms would have changed alike. The violation considered for the power grows
    linearly and would bias the overall effect by half of, or by as much as, the smallest relevant effect.

    Not when: there are fewer than two periods before treatment, or fewer than ten clusters in an arm. A quiet test is
    never a reason to trust the assumption more.

    Parameters
    ----------
    design : Design
    effects : Effects
        Group-time effects of the design, or effects by time since treatment with an overall effect of their own.
    smallest_relevant : float, optional
        Smallest relevant effect, in units of the outcome.

    Returns
    -------
    Check
        False where the test rejects at 5 % (Hotelling's T-squared with a covariance and degrees of freedom that count
        an average for every cohort); True where it does not and would have found a violation as large as the smallest
        relevant effect with probability 0.5 or more; None where it would not, where no smallest relevant effect is
        given, below ten clusters in an arm (no p-value), without two periods before treatment, where the estimator has
        no effects by period, or chose its comparison by how it moved before (synthetic controls). Estimates that rest
        on fewer than ten clusters of an arm are left out of the test: those furthest from the start often rest on one
        small cohort.
        Table: ``test, left_out, statistic, df, p_value, power_half, power_full, detectable_bias`` (number of estimates
        left out; bias of the overall effect that the test finds with probability 0.8).

    References
    ----------
    Roth (2022), doi:10.1257/aeri.20210236.
    """
    if effects.info.get("before") == "fitted":
        # what was chosen for being alike before cannot fail a test of being alike before
        return Check("pretrends", _ASSUMPTION, None, "check.pretrends.fitted")
    if effects.kind not in ("group_time", "event"):
        return Check("pretrends", _ASSUMPTION, None, "check.pretrends.not_applicable")
    event = effects.aggregate("event")
    pre, gap, horizon = _trend(design, effects)
    before = _used(event, pre)
    behind = event.labels[["n_treated", "n_comparison"]].to_numpy(dtype=float).min(axis=1)
    used = before[behind[before] >= MIN_CLUSTERS]
    wald = joint_wald(event, used if len(used) else before)
    known, freedom = few_cluster_covariance(event, used)
    # small cohorts cost degrees of freedom here, and no normal limit is used
    reason = "" if wald.reason == SMALL_COHORTS else wald.reason
    statistic, p_value = wald.statistic, math.nan
    if not reason:
        statistic = float(event.estimate[used] @ np.linalg.solve(known, event.estimate[used]))
        p_value = joint_tail(statistic, wald.df, freedom)
    reason = reason or ("" if math.isfinite(p_value) else FEW_TREATED)
    precision = precision_of(Trend(gap[used], horizon), known) if len(used) else 0.0
    powers = _powers(precision, wald.df, horizon, smallest_relevant, freedom)
    numbers = {"left_out": len(before) - len(used), "statistic": statistic, "df": wald.df, "p_value": p_value}
    table = pd.DataFrame([{"test": "event", **numbers, **powers}])
    facts = {
        "estimates": len(used),
        "power": _percent(powers["power_full"]),
        "power_half": _percent(powers["power_half"]),
        "p": round(p_value, 3) if math.isfinite(p_value) else math.nan,
    }
    code = _code(reason, p_value, powers["power_full"])
    verdict = {"seen": False, "none_seen": True}.get(code)
    figure = {"event_study": inference_table(event), "pre": np.flatnonzero(pre)}
    return Check("pretrends", _ASSUMPTION, verdict, f"check.pretrends.{code}", facts, table, figure)


def _code(reason: str, p_value: float, power: float) -> str:
    if reason in (NOTHING_TO_TEST, SINGULAR):
        return "not_possible" if reason == NOTHING_TO_TEST else "not_testable"
    if reason:
        return "few_clusters"
    if p_value < SIZE:
        return "seen"
    if math.isnan(power):
        return "no_yardstick"
    return "none_seen" if power >= ENOUGH_POWER else "no_power"


def _trend(design: Design, effects: Effects) -> tuple[npt.NDArray[np.bool_], Array, float]:
    """Event rows before treatment, the drift per unit of trend in each event row, and in the overall effect.

    The drift is what the estimator itself makes of treated units that move away by one per unit of time.
    """
    if effects.kind == "event":
        return _event_trend(design, effects)
    current = np.searchsorted(design.times, effects.labels["time"].to_numpy(float))
    first = np.searchsorted(design.times, effects.labels["cohort"].to_numpy(float))
    matrix = aggregation_matrix(effects, "event")
    late = matrix @ (current >= first - design.anticipation).astype(float)
    pre = (matrix.sum(axis=1) > 0) & (late == 0)
    drift = estimate_again(_moving_apart(design), effects)
    gaps = np.where(np.isfinite(drift.estimate), drift.estimate, 0.0)
    return pre, np.asarray(matrix @ gaps), float((aggregation_matrix(effects, "overall") @ gaps).item())


def _event_trend(design: Design, effects: Effects) -> tuple[npt.NDArray[np.bool_], Array, float]:
    """The same for a method that gives effects by time since treatment at once."""
    step = 1.0 if effects.info.get("event_clock") == "periods" else float(np.diff(design.times).min())
    early = effects.labels["event_time"].to_numpy(float) < -design.anticipation * step - 1e-9
    drift = estimate_again(_moving_apart(design), effects)
    gaps = np.where(np.isfinite(drift.estimate), drift.estimate, 0.0)
    return early & np.isfinite(effects.estimate), gaps, float(overall_effects(drift).estimate[0])


def _moving_apart(design: Design) -> Design:
    """Treated units that move away by one per unit of time; where doses differ, by one per unit of dose and time."""
    size = 1.0 if design.dose is None else design.dose
    moved = np.where(design.treated, size, 0.0)[:, None] * (design.times[None, :] - design.times[0])
    return replace(design, outcome=np.where(np.isfinite(design.outcome), moved, np.nan))


def _used(event: Effects, pre: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Rows that the joint test uses: reference periods carry no information."""
    moving = np.nan_to_num(np.abs(event.influence)).any(axis=0)
    return np.flatnonzero(pre & np.isfinite(event.estimate) & moving)


def _powers(precision: float, df: int, horizon: float, relevant: float | None, freedom: float) -> dict[str, float]:
    """Power against a linear violation; ``precision`` is the noncentrality per squared unit of trend."""
    if df == 0 or not precision > 0 or not horizon > 0 or not freedom >= df:
        return dict.fromkeys(("power_half", "power_full", "detectable_bias"), math.nan)
    full = math.nan if relevant is None else rejection_power(df, precision * (relevant / horizon) ** 2, freedom=freedom)
    half = (
        math.nan
        if relevant is None
        else rejection_power(df, precision * (relevant / horizon / 2) ** 2, freedom=freedom)
    )
    return {
        "power_half": half,
        "power_full": full,
        "detectable_bias": horizon * math.sqrt(noncentrality_for(df, 0.8, freedom=freedom) / precision),
    }


def _percent(share: float) -> float:
    return round(100 * share) if math.isfinite(share) else math.nan
