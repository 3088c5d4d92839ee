"""Periods in which an action ran, for actions that stop and start again: from a roster's start and end, or a column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.cohorts import Rule, excluded_table, resolve_units, rows_of_action
from evaltoolkit.designs.design import NEVER, Array
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.panel import Panel

# nothing is known of what the action did between two waves: such a unit is neither treated nor untreated in any
BETWEEN = "excluded.action_between_periods"


class Path(NamedTuple):
    """When the action ran in every unit of a panel.

    Attributes
    ----------
    ran : (n, T) 1 where it ran, 0 where not (or the values of a column); NaN rows where unknown
    excluded : columns ``unit, reason``
    """

    ran: Array
    excluded: pd.DataFrame


def path_from_roster(
    panel: Panel,
    roster: pd.DataFrame,
    *,
    action: str | None = None,
    rule: Rule = "containing",
    membership: pd.DataFrame | None = None,
) -> Path:
    """Say in which periods of a panel the action ran, by the start and the end of each row of the roster.

    Parameters
    ----------
    panel, roster, action, membership : as in :func:`evaltoolkit.designs.cohorts.cohort_from_roster`
    rule : {"containing", "first_full"}
        ``containing``: the action ran on some day of the period; ``first_full``: it ran on all of its days. A row
        without an end goes on.

    Returns
    -------
    Path
        Several rows of a unit add up. A unit that is made of parts with different periods is left out as mixed.
    """
    rows = rows_of_action(roster, action)
    kinds: dict[tuple[float, ...], float] = {}
    listed = {}
    for code, group in rows.groupby("unit"):
        ran = _ran(group, panel.periods, rule)
        listed[str(code)] = math.nan if ran is None else kinds.setdefault(ran, float(len(kinds)))
    found = resolve_units(panel, listed, membership)
    table = np.array([*kinds, (math.nan,) * len(panel.periods)], dtype=float)
    places = [-1 if math.isnan(found.values[unit]) else int(found.values[unit]) for unit in panel.unit_codes]
    return Path(table[places], excluded_table(found.reasons))


def _ran(rows: pd.DataFrame, periods: Sequence[Period], rule: Rule) -> tuple[float, ...] | None:
    """1 or 0 by period; None where nobody knows."""
    started = rows[rows["start"].notna()]
    if started.empty:
        return (0.0,) * len(periods) if (rows["state"] == "never").all() else None
    first = np.array([pd.Timestamp(period.start) for period in periods], dtype="datetime64[s]")
    last = np.array([pd.Timestamp(period.end) for period in periods], dtype="datetime64[s]")
    begin = started["start"].to_numpy(dtype="datetime64[s]")[:, None]
    end = started["end"].fillna(pd.Timestamp(2262, 1, 1)).to_numpy(dtype="datetime64[s]")[:, None]
    inside = (begin <= last) & (end >= first) if rule == "containing" else (begin <= first) & (end >= last)
    return tuple(inside.any(axis=0).astype(float).tolist())


def path_from_column(panel: Panel, name: str, outcome: str) -> Path:
    """Read treatment by period off a measure of the panel: 0 where nothing was done.

    Raises
    ------
    EvaltoolkitError
        It is empty where the outcome is known, or below zero.
    """
    values = panel.wide(name)
    lacking = np.isnan(values) & np.isfinite(panel.wide(outcome)) & np.isfinite(values).any(axis=1, keepdims=True)
    wrong = lacking | (values < 0)
    if wrong.any():
        units = np.array(panel.unit_codes)[wrong.any(axis=1)]
        more = f" and {len(units) - 5} more" if len(units) > 5 else ""
        raise EvaltoolkitError(
            f'"{name}" must be known and not below zero wherever {outcome} is given; it is not for '
            f"{', '.join(units[:5])}{more}: write 0 where nothing was done."
        )
    # a unit without any value is unknown; between two rows treatment stays what it was
    held = pd.DataFrame(values).ffill(axis=1).bfill(axis=1).to_numpy(dtype=float)
    unknown = np.isnan(held).any(axis=1)
    reasons = {unit: "excluded.unknown_treatment" for unit, no in zip(panel.unit_codes, unknown, strict=True) if no}
    return Path(held, excluded_table(reasons))


def cohorts_of_path(ran: Array, times: Array) -> Array:
    """First period (n,) in which the action ran; ``inf`` where it never did, NaN where that is unknown."""
    on = ran > 0
    first = np.where(on.any(axis=1), times[np.argmax(on, axis=1)], NEVER)
    return np.where(np.isnan(ran).any(axis=1), np.nan, first)


def kept_path(ran: Array, use: npt.NDArray[np.bool_]) -> Array | None:
    """Return the path where it says more than a first period: it falls, or has several levels, in a unit in use."""
    values = ran[use]
    falls = bool((np.diff(values, axis=1) < 0).any())
    return ran if falls or len(np.unique(values)) > 2 else None


def between_periods(units: Sequence[str], ran: Array, cohort: Array, times: Array) -> dict[str, str]:
    """Return the units that took part by the last period, but in no period of the panel."""
    never_on = ~(ran > 0).any(axis=1) & (cohort > times[0]) & (cohort <= times[-1])
    return {unit: BETWEEN for unit, hit in zip(units, never_on, strict=True) if hit}
