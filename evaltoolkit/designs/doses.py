"""How much of the action a unit got: hours of a roster, a column of the units, or a measure over time."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import pandas as pd

from evaltoolkit.designs.cohorts import resolve_units, rows_of_action
from evaltoolkit.designs.design import Array
from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.panels.panel import Panel

DoseRule = Literal["total", "per_period"]
HOURS = "hours"


def dose_from_roster(
    panel: Panel,
    roster: pd.DataFrame,
    ran: Array,
    *,
    action: str | None = None,
    rule: DoseRule = "total",
    membership: pd.DataFrame | None = None,
) -> Array:
    """Return the hours (n,) that every unit of the panel got, by the roster.

    Parameters
    ----------
    panel, roster, action, membership : as in :func:`evaltoolkit.designs.cohorts.cohort_from_roster`
    ran : (n, T) periods in which the action ran
    rule : {"total", "per_period"}
        ``total``: the hours of all rows of the unit (and of the municipalities that make it up) that begin before the
        panel ends; ``per_period``: the same, divided by the number of periods of the panel in which the action ran.

    Returns
    -------
    array (n,)
        0 for units without a start by the end of the panel; NaN where the hours of one of the rows are not known.
    """
    check_rule(rule)
    rows = rows_of_action(roster, action)
    rows = rows[rows["start"].notna() & (rows["start"] <= pd.Timestamp(panel.periods[-1].end))]
    # a sum with something unknown in it is unknown
    hours = {str(code): float(group["hours"].sum(skipna=False)) for code, group in rows.groupby("unit")}
    codes = resolve_units(panel, dict.fromkeys(hours, 0.0), membership).codes
    found = np.array([sum(hours[code] for code in codes[unit] if code in hours) for unit in panel.unit_codes])
    named = np.array([any(code in hours for code in codes[unit]) for unit in panel.unit_codes])
    treated = (np.nan_to_num(ran) > 0).any(axis=1)
    # told through its cell only: which part of the cell's hours was for this municipality nobody knows
    found = np.where(treated & ~named, np.nan, found)
    return _by_rule(found, ran, rule)


def dose_from_column(panel: Panel, name: str, ran: Array, *, rule: DoseRule = "total") -> Array:
    """Return the dose (n,) by a fixed column of the units, or by a measure of the panel.

    A measure counts from the first period on in which the action ran (for untreated units: over all periods):
    ``total`` is its sum, ``per_period`` its mean over the periods in which the action ran. A fixed column is taken as
    it is. NaN where not known; untreated units without a value have 0.

    Raises
    ------
    EvaltoolkitError
        No such column, or it is no number.
    """
    check_rule(rule)
    treated = np.asarray((np.nan_to_num(ran) > 0).any(axis=1))
    if name in panel.units.columns:
        try:
            fixed = panel.units[name].to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError):
            raise EvaltoolkitError(f'Column "{name}" is not a number; a dose is one.') from None
        return np.where(~treated & np.isnan(fixed), 0.0, fixed)
    if name not in panel.data.columns:
        known = [*map(str, panel.units.columns), *panel.measures, HOURS]
        raise EvaltoolkitError(f'The panel has no column "{name}" for the dose.{nearest(name, known)}')
    values = panel.wide(name)
    running = np.maximum.accumulate((np.nan_to_num(ran) > 0).astype(float), axis=1) > 0
    begun = running | ~treated[:, None]
    found = np.where(begun, values, 0.0)
    lacking = np.isnan(found).any(axis=1)
    return np.where(lacking & treated, np.nan, _by_rule(np.nansum(found, axis=1), ran, rule))


def check_rule(rule: str) -> None:
    """Refuse a rule that is not known."""
    known = get_args(DoseRule)
    if rule not in known:
        raise EvaltoolkitError(f'The rule "{rule}" of a dose is not known; choose {" or ".join(known)}.')


def _by_rule(total: Array, ran: Array, rule: DoseRule) -> Array:
    if rule == "total":
        return total
    return np.asarray(total / np.maximum((np.nan_to_num(ran) > 0).sum(axis=1), 1))
