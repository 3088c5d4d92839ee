"""Was the action carried out? Planned against delivered, and what that means for the result."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from evaltoolkit.checks._again import overall_effects
from evaltoolkit.checks._joint import Known, know
from evaltoolkit.checks._roster import rows_by_unit, sum_by_unit
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.findings import Fact
from evaltoolkit.panels.panel import Panel

# share of what was planned from which an action counts as carried out
LEAST_DELIVERED = 0.5
_ASSUMPTION = "assumption.carried_out"


def check_fidelity(
    design: Design,
    effects: Effects,
    *,
    roster: pd.DataFrame | None = None,
    panel: Panel | None = None,
    smallest_relevant: float | None = None,
    least_delivered: float = LEAST_DELIVERED,
    level: float = 0.95,
) -> Check:
    """Compare the hours delivered to every treated unit with those planned, and read the result in that light.

    Assumption: what is evaluated took place. The effect is one of *starting*; where little was delivered it says little
    about the action (implementation failure). Where the action was carried out and an effect that matters is excluded,
    the idea behind it is in doubt (theory failure).

    Not when: hours are no measure of the action. Units that got much or little differ in other ways too: the effects of
    both are not compared here, see the estimator ``dose``.

    Parameters
    ----------
    design : Design
        Its ``dose`` is what was delivered, where the roster does not say.
    effects : Effects
        Group-time effects of the design.
    roster : DataFrame, optional
        ``hours`` are those delivered, ``planned_hours`` those planned; several rows of a unit add up.
    panel : Panel, optional
        Says which municipalities make up a unit.
    smallest_relevant : float, optional
        Smallest relevant effect, in units of the outcome: what an absent effect is held against.
    least_delivered : float
        Share from which an action counts as carried out, declared beforehand.
    level : float

    Returns
    -------
    Check
        False where a smaller share than ``least_delivered`` was delivered, True where not; None where nobody knows what
        was delivered, or nobody what was planned and most units got something. A unit counts with at most what was
        planned for it: more hours for one do not make up for none for another. Table: ``unit, planned, delivered,
        share``.
    """
    units = design.units[design.treated]
    planned, delivered = _hours(design, roster, panel, units)
    table = pd.DataFrame({"unit": units, "planned": planned, "delivered": delivered})
    known = table["delivered"].notna()
    both = known & (table["planned"] > 0)
    table["share"] = np.where(both, table["delivered"] / table["planned"].where(both, 1.0), np.nan)
    if not known.any():
        return Check("fidelity", _ASSUMPTION, None, "check.fidelity.unknown")
    if both.any():
        share = float(table.loc[both, ["planned", "delivered"]].min(axis=1).sum() / table.loc[both, "planned"].sum())
    else:
        share = float((table.loc[known, "delivered"] > 0).mean())
    # never rounded up to the share that is asked
    facts: dict[str, Fact] = {
        "percent": math.floor(100 * share + 1e-9),
        "without": int((table["delivered"] == 0).sum()),
        "known": int((both if both.any() else known).sum()),
        "units": len(units),
    }
    seen = _seen(know(overall_effects(effects), level), smallest_relevant)
    code, verdict = _judge(share >= least_delivered, seen, planned=bool(both.any()))
    return Check("fidelity", _ASSUMPTION, verdict, f"check.fidelity.{code}", facts, table, {"fidelity": table})


def _hours(
    design: Design,
    roster: pd.DataFrame | None,
    panel: Panel | None,
    units: np.ndarray[tuple[int], np.dtype[np.str_]],
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Hours planned and delivered by treated unit; NaN where not known."""
    nothing = np.full(len(units), np.nan)
    planned, delivered = nothing, nothing
    if roster is not None:
        rows = rows_by_unit(design, roster, panel)
        planned = sum_by_unit(rows, "planned_hours", units).to_numpy(dtype=float)
        delivered = sum_by_unit(rows, "hours", units).to_numpy(dtype=float)
    if design.dose is not None and np.isnan(delivered).all():
        delivered = design.dose[design.treated]
    return planned, delivered


def _seen(effect: Known, relevant: float | None) -> str:
    """Whether an effect is seen, excluded, or neither."""
    if effect.excludes_zero:
        return "clear"
    bounded = effect.has_interval and relevant is not None and max(abs(effect.low), abs(effect.high)) < relevant
    return "none" if bounded else "unclear"


def _judge(carried_out: bool, seen: str, *, planned: bool) -> tuple[str, bool | None]:
    if not planned:
        return ("no_plan", None) if carried_out else ("few_reached", False)
    if carried_out:
        whole = {"clear": "delivered_clear", "none": "delivered_none", "unclear": "delivered_unclear"}
        return whole[seen], True
    return "little_clear" if seen == "clear" else "little_none", False
