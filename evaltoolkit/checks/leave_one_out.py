"""Leave one out: does the answer hang on one cluster, one cohort, one zone or one wave?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from evaltoolkit.checks._again import cluster_influence, overall_again, overall_estimate
from evaltoolkit.checks._rings import Labels, zones_of
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.designs.subset import keep_periods, keep_units
from evaltoolkit.effects.effects import Effects
from evaltoolkit.panels.panel import Panel

# clusters, and zones, re-estimated exactly: those with the largest influence to first order
EXACT = 10
ZONES = 5
# periods below which none can be spared
FEWEST_PERIODS = 4
_ASSUMPTION = "assumption.no_single_unit"


def check_leave_one_out(
    design: Design, effects: Effects, *, panel: Panel | None = None, membership: pd.DataFrame | None = None
) -> Check:
    """Re-estimate the overall effect without each of the most influential clusters and zones, cohorts and waves.

    Assumption: no single unit, cohort, zone or wave makes the result. All clusters are screened by their influence
    function; the ten with the largest are left out and estimated again exactly, and so are the five zones with the
    largest, every treated cohort and, from four periods on, every period.

    Not when: an arm has a single cluster; without it there is nothing to compare.

    Parameters
    ----------
    design : Design
    effects : Effects
        Group-time effects of the design.
    panel : Panel, optional
        Where the design came from; says whether units are cells or municipalities.
    membership : DataFrame, optional
        With a column ``zone``.

    Returns
    -------
    Check
        False where leaving one out turns the sign of an effect larger than its standard error, or where one cluster
        moves it by more than a standard error; None where the effect is smaller than its standard error. Table:
        ``dropped, what, first_order, estimate, change``, ``what`` being cluster, cohort, zone or wave; ``estimate`` is
        exact, and NaN where only the first-order change was computed.
    """
    estimate, std_error = overall_estimate(effects)
    if not math.isfinite(estimate) or _smaller_arm(design) < 2:
        return Check("leave_one_out", _ASSUMPTION, None, "check.leave_one_out.not_possible")
    zones = zones_of(design, panel, membership)
    parts = [_clusters(design, effects), _cohorts(design, effects), _zones(design, effects, zones)]
    table = pd.concat([one for one in [*parts, _waves(design, effects)] if len(one)], ignore_index=True)
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
    again = {f"{one:g}": overall_again(keep_units(design, design.cohort != one), effects) for one in cohorts}
    return _rows("cohort", again)


def _zones(design: Design, effects: Effects, zones: Labels | None) -> pd.DataFrame:
    """The zones that matter most, where they hold more than one cluster."""
    if zones is None or len(set(zones)) in (1, len(design.units)):
        return _rows("zone", {})
    first_order = pd.Series(cluster_influence(effects, replace(design, clusters=zones)), dtype=float).dropna()
    order = first_order.abs().sort_values(ascending=False, kind="stable").index[:ZONES]
    return _rows("zone", {str(name): overall_again(keep_units(design, zones != name), effects) for name in order})


def _waves(design: Design, effects: Effects) -> pd.DataFrame:
    places = np.arange(len(design.times))
    if len(places) < FEWEST_PERIODS:
        return _rows("wave", {})
    again = {
        f"{design.times[one]:g}": overall_again(keep_periods(design, places[places != one]), effects) for one in places
    }
    return _rows("wave", again)


def _rows(what: str, again: Mapping[str, float]) -> pd.DataFrame:
    return pd.DataFrame(
        {"dropped": list(again), "what": what, "first_order": math.nan, "estimate": list(again.values())},
        columns=["dropped", "what", "first_order", "estimate"],
    )
