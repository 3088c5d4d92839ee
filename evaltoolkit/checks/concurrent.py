"""Other programmes and shocks at the same time: does the result rest on units that had one?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from evaltoolkit.checks._again import estimate_again, overall_effects
from evaltoolkit.checks._events import began_at_the_time, flags_of
from evaltoolkit.checks._joint import Known, combine_effects, know, p_value
from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Array, Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.effects import Effects
from evaltoolkit.findings import EvaltoolkitError, Fact
from evaltoolkit.panels.panel import Panel

# events that brought tension, other programmes
CONCURRENT = ("CTX-07", "CTX-08")
# joint standard errors beyond which leaving units out is more than chance
LARGEST = 2.0
_ASSUMPTION = "assumption.nothing_else"

# where everybody is treated in the end, or nothing is known of the others, there is no share of theirs to say
_ALONE = {
    "same": "same_alone",
    "changed": "changed_alone",
    "few_clusters": "few_clusters_alone",
    "not_possible": "not_possible_alone",
}


def check_concurrent(
    design: Design,
    effects: Effects,
    *,
    panel: Panel | None = None,
    values: pd.DataFrame | None = None,
    concurrent: Sequence[str] = CONCURRENT,
) -> Check:
    """Count who had another programme or a shock at the same time, by arm, and estimate again without them.

    Assumption: nothing else that moves the outcome began with the action in one arm more than in the other.

    Not when: what else happened was not asked, or happened to everybody in one arm; then nothing can tell it from the
    action. Units that had something else may also have another effect: a difference is a reason to look, not a
    correction.

    Parameters
    ----------
    design : Design
    effects : Effects
        Group-time effects of the design.
    panel : Panel, optional
        Where the design came from.
    values : DataFrame, optional
        The long table of values, for indicators with a multiple choice.
    concurrent : sequence of str
        Measures or unit columns of the panel, or indicators of the values. What a unit had throughout before its start
        does not count: it began at another time.

    Returns
    -------
    Check
        False where the estimate without them differs by more than two joint standard errors, or where an effect larger
        than its standard error changes its sign; in a design with fewer than ten clusters in an arm, where it differs
        by more than its standard error. True where not. None where nothing is known, nobody had anything, or nothing
        can be estimated without them, or fewer than ten clusters are left in an arm. Units of which nothing is known
        stay in, and are counted. Table: ``arm, n_units, n_known, n_had, share`` (of those known).
    """
    if panel is None:
        return Check("concurrent", _ASSUMPTION, None, "check.concurrent.unknown")
    flags = flags_of(design, panel, values, concurrent)
    had = began_at_the_time(design, flags)
    table = _by_arm(design, had)
    if not np.isfinite(had).any():
        return Check("concurrent", _ASSUMPTION, None, "check.concurrent.unknown", {}, table)
    facts: dict[str, Fact] = {
        "treated": _percent(table["share"].iloc[0]),
        "comparison": _percent(table["share"].iloc[1]),
        "unknown": int(np.isnan(had).sum()),
        "left_out": int(np.nansum(had)),
    }
    figure = {"concurrent": table, "kinds": sorted(flags)}
    if not np.nansum(had):
        return Check("concurrent", _ASSUMPTION, None, "check.concurrent.none", facts, table, figure)
    if not np.isfinite(had[design.treated]).any():
        return Check("concurrent", _ASSUMPTION, None, "check.concurrent.unknown", facts, table, figure)
    code, verdict, chance = _without(design, effects, had)
    if not math.isfinite(table["share"].iloc[1]):
        code = _ALONE[code]
    return Check("concurrent", _ASSUMPTION, verdict, f"check.concurrent.{code}", facts, table, figure, p_value=chance)


def _by_arm(design: Design, had: Array) -> pd.DataFrame:
    rows = []
    for arm, inside in (("treated", design.treated), ("comparison", ~design.treated)):
        known, n_had = int(np.isfinite(had[inside]).sum()), int(np.nansum(had[inside]))
        share = n_had / known if known else math.nan
        rows.append({"arm": arm, "n_units": int(inside.sum()), "n_known": known, "n_had": n_had, "share": share})
    return pd.DataFrame(rows)


def _percent(share: float) -> float:
    return round(100 * share) if math.isfinite(share) else math.nan


def _without(design: Design, effects: Effects, had: Array) -> tuple[str, bool | None, float]:
    kept = ~(np.nan_to_num(had) > 0)
    try:
        rest = overall_effects(estimate_again(keep_units(design, kept), effects))
    except EvaltoolkitError:
        return "not_possible", None, math.nan
    whole = overall_effects(effects)
    first, second = know(whole), know(rest)
    if not math.isfinite(first.estimate) or not math.isfinite(second.estimate):
        return "not_possible", None, math.nan
    difference = combine_effects([(rest, 1.0), (whole, -1.0)])
    code, verdict = _judge(first, second, know(difference))
    # an answer that turns is no matter of chance among many checks
    turned = first.estimate * second.estimate < 0
    return code, verdict, math.nan if turned else p_value(difference)


def _judge(first: Known, second: Known, difference: Known) -> tuple[str, bool | None]:
    if first.has_interval and not second.has_interval:
        return "few_clusters", None
    scale = first.std_error if math.isfinite(first.std_error) else abs(first.estimate) / 2
    turned = first.estimate * second.estimate < 0 and abs(first.estimate) >= scale
    limit = LARGEST * difference.std_error if difference.has_interval else scale
    same = abs(difference.estimate) <= limit and not turned
    return ("same", True) if same else ("changed", False)
