"""Leave one out: does the answer hang on one cluster or one cohort?"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from evaltoolkit.checks._again import cluster_influence, overall_again, overall_estimate
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.effects import Effects

# clusters re-estimated exactly: those with the largest influence to first order
EXACT = 10
_ASSUMPTION = "assumption.no_single_unit"


def check_leave_one_out(design: Design, effects: Effects) -> Check:
    """Re-estimate the overall effect without each of the most influential clusters and without each cohort.

    Assumption: no single unit makes the result. All clusters are screened by their influence function; the ten with
    the largest are left out and estimated again exactly, as is every treated cohort.

    Not when: an arm has a single cluster; without it there is nothing to compare.

    Parameters
    ----------
    design : Design
    effects : Effects
        Group-time effects of the design.

    Returns
    -------
    Check
        False where leaving one out turns the sign of an effect larger than its standard error, or where one cluster
        moves it by more than a standard error; None where the effect is smaller than its standard error. Table:
        ``dropped, what, first_order, estimate, change``; ``estimate`` is exact, and NaN where only the first-order
        change was computed.
    """
    estimate, std_error = overall_estimate(effects)
    if not math.isfinite(estimate) or _smaller_arm(design) < 2:
        return Check("leave_one_out", _ASSUMPTION, None, "check.leave_one_out.not_possible")
    table = pd.concat([_clusters(design, effects), _cohorts(design, effects)], ignore_index=True)
    table["change"] = table["estimate"] - estimate
    exact = table[table["estimate"].notna()]
    if exact.empty:
        return Check("leave_one_out", _ASSUMPTION, None, "check.leave_one_out.not_possible", {}, table)
    # without a standard error (few clusters) half of the estimate stands in for it
    scale = std_error if math.isfinite(std_error) else abs(estimate) / 2
    turned = bool((np.sign(exact["estimate"]) != np.sign(estimate)).any()) and abs(estimate) >= scale
    clusters = exact[exact["what"] == "cluster"]
    moved = float(clusters["change"].abs().max()) if len(clusters) else 0.0
    facts = {
        "repeats": len(exact),
        "percent": round(100 * moved / abs(estimate)) if estimate else 0,
        "low": float(exact["estimate"].min()),
        "high": float(exact["estimate"].max()),
    }
    code = "turned" if turned else "moved" if moved > scale else "stable" if abs(estimate) >= scale else "small"
    figure = {"leave_one_out": exact[["dropped", "what", "estimate"]], "estimate": estimate}
    # an estimate within its own error has no sign that one unit could turn
    verdict = None if code == "small" else code == "stable"
    return Check("leave_one_out", _ASSUMPTION, verdict, f"check.leave_one_out.{code}", facts, table, figure)


def _smaller_arm(design: Design) -> int:
    """Clusters of the smaller arm: the only one of its arm cannot be left out."""
    treated = design.treated
    # where all are treated in the end, later cohorts compare
    later = ~treated if design.comparison == "never_treated" or not treated.all() else treated
    return min(len(set(design.clusters[arm])) for arm in (treated, later))


def _clusters(design: Design, effects: Effects) -> pd.DataFrame:
    first_order = pd.Series(cluster_influence(effects, design), dtype=float).dropna()
    order = first_order.abs().sort_values(ascending=False, kind="stable").index
    table = pd.DataFrame({"dropped": order, "what": "cluster", "first_order": first_order[order].to_numpy()})
    exact = [overall_again(keep_units(design, design.clusters != name), effects) for name in order[:EXACT]]
    table["estimate"] = [*exact, *[math.nan] * (len(table) - len(exact))]
    return table


def _cohorts(design: Design, effects: Effects) -> pd.DataFrame:
    cohorts = design.cohorts if len(design.cohorts) > 1 else design.cohorts[:0]
    rows = [
        {
            "dropped": f"{cohort:g}",
            "what": "cohort",
            "first_order": math.nan,
            "estimate": overall_again(keep_units(design, design.cohort != cohort), effects),
        }
        for cohort in cohorts
    ]
    return pd.DataFrame(rows, columns=["dropped", "what", "first_order", "estimate"])
