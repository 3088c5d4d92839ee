"""Did something change between the decision and the start?"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.checks._again import estimate_again, overall_effects
from evaltoolkit.checks._joint import Known, combine_effects, know, p_value
from evaltoolkit.checks._roster import rows_by_unit
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.influence import combine
from evaltoolkit.findings import EvaltoolkitError, Fact
from evaltoolkit.panels.panel import Panel

_ASSUMPTION = "assumption.no_anticipation"


def check_anticipation(
    design: Design,
    effects: Effects,
    *,
    roster: pd.DataFrame | None = None,
    panel: Panel | None = None,
    smallest_relevant: float | None = None,
    level: float = 0.95,
) -> Check:
    """Measure the effect between decision and start, and estimate again from before the decision.

    Estimand: the average of ATT(g,t) over the periods between decision and start, weighted by the size of the cohort,
    against the last period before the decision; and the overall effect from the start on against that same period.

    Assumption: who is to take part does nothing differently before the start. Where the roster gives days of decision
    (``decided_on``), the periods between are those that end on or after the day, at the median over the treated units;
    else one period is looked at.

    Not when: cohorts moved apart long before: a trend looks the same as acting early, see ``pretrends``; people knew
    before anybody decided.

    Parameters
    ----------
    design : Design
        Anticipation that it already allows for lies before the periods looked at.
    effects : Effects
        Group-time effects of the design.
    roster : DataFrame, optional
        With ``decided_on``.
    panel : Panel, optional
        Says when periods end, and which municipalities make up a unit.
    smallest_relevant : float, optional
        Yardstick for a quiet result; else the size of the overall effect.
    level : float

    Returns
    -------
    Check
        False where the interval of the effect before the start excludes zero. True where it does not, and excludes an
        effect as large as the yardstick. None where it does not exclude that, below ten clusters in an arm, where no
        cohort has a period before the decision, or where the estimator does not measure from the last period before
        treatment. Table: ``quantity, estimate, std_error, conf_low, conf_high`` for ``before_start``, ``overall``,
        ``overall_earlier`` (measured from before the decision) and ``difference`` of the last two.

    References
    ----------
    Callaway and Sant'Anna (2021), https://doi.org/10.1016/j.jeconom.2020.12.001, assumption 3
    """
    if effects.kind != "group_time" or effects.info.get("base") not in ("varying", "universal"):
        return Check("anticipation", _ASSUMPTION, None, "check.anticipation.not_applicable")
    lead, known = _lead(design, roster, panel)
    facts: dict[str, Fact] = {"periods": lead, "known": known}
    if lead == 0:
        return Check("anticipation", _ASSUMPTION, None, "check.anticipation.none", facts)
    try:
        earlier = _from_before_decision(design, effects, lead)
    except EvaltoolkitError:
        return Check("anticipation", _ASSUMPTION, None, "check.anticipation.not_possible", facts)
    early = _before_start(design, earlier, lead)
    if early is None:
        return Check("anticipation", _ASSUMPTION, None, "check.anticipation.not_possible", facts)
    first, second = overall_effects(effects), overall_effects(earlier)
    seen = {
        "before_start": know(early, level, few=True),
        "overall": know(first, level),
        "overall_earlier": know(second, level),
        "difference": know(combine_effects([(second, 1.0), (first, -1.0)]), level),
    }
    table = pd.DataFrame([{"quantity": name, **one._asdict()} for name, one in seen.items()])
    table = table.rename(columns={"low": "conf_low", "high": "conf_high"})
    code, verdict = _judge(seen["before_start"], seen["overall"], smallest_relevant)
    if not math.isfinite(seen["before_start"].estimate):
        code, verdict = "not_possible", None
    return Check(
        "anticipation",
        _ASSUMPTION,
        verdict,
        f"check.anticipation.{code}",
        facts,
        table,
        {"anticipation": table},
        p_value=p_value(early, few=True),
    )


def _judge(early: Known, overall: Known, relevant: float | None) -> tuple[str, bool | None]:
    if early.excludes_zero:
        return "early", False
    if not early.has_interval:
        return "few_clusters", None
    yardstick = relevant if relevant is not None else abs(overall.estimate)
    quiet = max(abs(early.low), abs(early.high)) < yardstick
    return ("quiet", True) if quiet else ("no_power", None)


def _lead(design: Design, roster: pd.DataFrame | None, panel: Panel | None) -> tuple[int, int]:
    """Number of periods between decision and start, and of how many units the day of the decision is known."""
    if roster is None or panel is None or "decided_on" not in roster.columns:
        return 1, 0
    decided = rows_by_unit(design, roster, panel).groupby("unit")["decided_on"].min().dropna()
    if decided.empty:
        return 1, 0
    ends = [period.end for period in panel.periods if period.time in set(design.times.tolist())]
    start = dict(zip(design.units.tolist(), np.searchsorted(design.times, design.cohort).tolist(), strict=True))
    leads = [max(start[str(unit)] - sum(end < day.date() for end in ends), 0) for unit, day in decided.items()]
    # the upper of two middle ones: looking one period too far back costs precision, too near hides the effect
    return int(sorted(leads)[len(leads) // 2]), len(leads)


def _from_before_decision(design: Design, effects: Effects, lead: int) -> Effects:
    """The same effects, all measured from the last period before the decision: a varying base moves along."""
    fixed = replace(effects, info={**effects.info, "base": "universal"})
    return estimate_again(replace(design, anticipation=design.anticipation + lead), fixed)


def _before_start(design: Design, earlier: Effects, lead: int) -> Effects | None:
    """Average effect over the periods between decision and start, weighted by the size of the cohort."""
    cohorts = earlier.labels["cohort"].to_numpy(float)
    at = np.searchsorted(design.times, earlier.labels["time"].to_numpy(float))
    gap = np.searchsorted(design.times, cohorts) - design.anticipation - at
    inside: npt.NDArray[np.bool_] = (gap >= 1) & (gap <= lead) & np.isfinite(earlier.estimate)
    if not inside.any():
        return None
    size = np.array([earlier.weights[earlier.cohort == one].sum() for one in cohorts])
    weights: Array = np.where(inside, size, 0.0) / size[inside].sum()
    counts = earlier.labels.loc[inside, ["n_treated", "n_comparison"]]
    treated = counts["n_treated"].groupby(cohorts[inside]).max().sum()
    # shares count as fixed: without an early effect they move nothing
    return replace(
        earlier,
        kind="overall",
        labels=pd.DataFrame({"n_treated": [int(treated)], "n_comparison": [int(counts["n_comparison"].min())]}),
        estimate=np.array([float(weights @ np.where(inside, earlier.estimate, 0.0))]),
        influence=combine(earlier.influence, weights[:, None]),
        reasons=(),
        overall=None,
    )
