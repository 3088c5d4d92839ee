"""Who is treated from when in a panel, in which periods, and how much: from a roster, a column or labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from evaltoolkit.designs.cohorts import Rule, cohort_from_roster, excluded_table, first_treated_time
from evaltoolkit.designs.design import Array
from evaltoolkit.designs.doses import HOURS, DoseRule, dose_from_column, dose_from_roster
from evaltoolkit.designs.labels import as_number
from evaltoolkit.designs.paths import (
    between_periods,
    cohorts_of_path,
    kept_path,
    path_from_column,
    path_from_roster,
)
from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.labels import as_day, label_text
from evaltoolkit.panels.panel import Panel

# what every roster has
_ROSTER = ("unit", "action", "start", "state")
# numbered periods end below it
_FIRST_YEAR = 1000


@dataclass(frozen=True)
class Asked:
    """How treatment is read, as in :func:`evaltoolkit.designs.build.make_design`."""

    treated_from: pd.DataFrame | pd.Series | str
    action: str | None = None
    rule: Rule = "containing"
    never: object = "never"
    membership: pd.DataFrame | None = None
    reversals: bool = False
    treatment: str = ""


@dataclass(frozen=True)
class Treatment:
    """Who is treated from when.

    Attributes
    ----------
    cohort : Series by unit; ``inf`` never, NaN unknown
    excluded : columns ``unit, reason``
    info : what the design says of it
    ran : (n, T) periods in which the action ran, or None where only the start counts
    """

    cohort: pd.Series
    excluded: pd.DataFrame
    info: Mapping[str, str | int | float]
    ran: Array | None = None

    def path(self) -> Array | None:
        """Treatment by period (n, T) where it says more than the start; None otherwise."""
        if self.ran is None:
            return None
        in_use = self.cohort.notna().to_numpy() & np.isfinite(self.ran).all(axis=1)
        in_use &= ~self.cohort.index.isin(self.excluded["unit"])
        return kept_path(self.ran, in_use)


def read_treatment(panel: Panel, outcome: str, asked: Asked) -> Treatment:
    """Read who is treated from when in the periods of a panel."""
    if asked.treatment:
        return _from_path_column(panel, outcome, asked)
    if isinstance(asked.treated_from, pd.DataFrame):
        return _from_roster(panel, asked.treated_from, asked)
    return _from_labels(panel, asked.treated_from, never=asked.never, rule=asked.rule)


def read_dose(panel: Panel, outcome: str, asked: Asked, name: str, rule: DoseRule) -> Array:
    """Return the dose (n,) of every unit of the panel; 0 for units that are not treated by its end.

    ``hours`` with a roster are the roster's, over all periods of the panel; another name is a column or a measure, over
    the periods in which that was collected.
    """
    roster = asked.treated_from
    by_roster = name == HOURS and isinstance(roster, pd.DataFrame)
    dated = panel.observed(name) if name in panel.measures and not by_roster else panel
    if not dated.periods:
        raise EvaltoolkitError(f'No unit has a value of "{name}", which the plan names as the dose.')
    found = read_treatment(dated, outcome, replace(asked, reversals=True))
    after = dated.times[None, :] >= found.cohort.to_numpy(dtype=float)[:, None]
    ran = after.astype(float) if found.ran is None else found.ran
    if by_roster and isinstance(roster, pd.DataFrame):
        return dose_from_roster(dated, roster, ran, action=asked.action, rule=rule, membership=asked.membership)
    return dose_from_column(dated, name, ran, rule=rule)


def _from_path_column(panel: Panel, outcome: str, asked: Asked) -> Treatment:
    if asked.treatment not in panel.data.columns:
        known = list(panel.measures)
        raise EvaltoolkitError(
            f'The panel has no column "{asked.treatment}" with the treatment of every period.'
            f"{nearest(asked.treatment, known)}"
        )
    path = path_from_column(panel, asked.treatment, outcome)
    cohort = pd.Series(cohorts_of_path(path.ran, panel.times), index=panel.unit_codes)
    return Treatment(cohort, path.excluded, {"rule": asked.rule, "action": asked.treatment}, path.ran)


def _from_roster(panel: Panel, roster: pd.DataFrame, asked: Asked) -> Treatment:
    action, rule, membership = asked.action, asked.rule, asked.membership
    if lacking := [name for name in _ROSTER if name not in roster.columns]:
        raise EvaltoolkitError(
            f"treated_from is a table without the columns {', '.join(lacking)}: read rosters with read_roster, or give "
            "a Series of first treated periods by unit."
        )
    cohort, excluded, notes = cohort_from_roster(panel, roster, action=action, rule=rule, membership=membership)
    cohort = cohort.reindex(panel.unit_codes)
    facts = {note.code: int(note.facts["n"]) for note in notes}
    info: dict[str, str | int | float] = {"rule": rule, "action": action or str(roster["action"].iloc[0]), **facts}
    if not asked.reversals:
        return Treatment(cohort, excluded, info)
    path = path_from_roster(panel, roster, action=action, rule=rule, membership=membership)
    between = excluded_table(between_periods(panel.unit_codes, path.ran, cohort.to_numpy(dtype=float), panel.times))
    ever = (path.ran > 0).any(axis=1) & (cohort > panel.times[0]).to_numpy()
    # a start before the panel, or after it, stays what it is
    first = cohort.mask(ever, pd.Series(cohorts_of_path(path.ran, panel.times), index=cohort.index))
    left_out = pd.concat([excluded, path.excluded, between], ignore_index=True).drop_duplicates("unit")
    return Treatment(first, left_out, info, path.ran)


def _from_labels(panel: Panel, treated_from: pd.Series | str, *, never: object, rule: Rule) -> Treatment:
    if not isinstance(treated_from, pd.Series | str):
        raise EvaltoolkitError(
            "treated_from is a roster, a column of the panel, or a Series of first treated periods by unit; this is a "
            f"{type(treated_from).__name__}."
        )
    labels = _fixed_column(panel, treated_from) if isinstance(treated_from, str) else treated_from
    labels = labels.set_axis(labels.index.map(label_text))
    if not set(labels.index) & set(panel.unit_codes):
        raise EvaltoolkitError("No unit of treated_from is in the panel: its index must hold the panel's unit codes.")
    if labels.index.has_duplicates:
        raise EvaltoolkitError("treated_from has a unit twice; give one first treated period per unit.")
    labels = labels.reindex(panel.unit_codes)
    times = [_label_time(label, panel.periods, never=never, rule=rule) for label in labels]
    cohort = pd.Series(times, index=panel.unit_codes, dtype=float)
    unknown = [{"unit": unit, "reason": "excluded.unknown_treatment"} for unit in cohort.index[cohort.isna()]]
    name = treated_from if isinstance(treated_from, str) else str(labels.name or "treated_from")
    return Treatment(cohort, pd.DataFrame(unknown, columns=["unit", "reason"]), {"rule": rule, "action": name})


def _label_time(label: Any, periods: Sequence[Period], *, never: object, rule: Rule) -> float:
    """First treated time by a label of any type: a period, a date, a number of numbered periods; NaN where missing."""
    if pd.isna(label) or str(label).strip() == "":
        return math.nan
    text = label_text(label)
    if text.casefold() in (label_text(never).casefold(), "inf"):
        return math.inf
    for period in periods:
        if period.label == text:
            return period.time
    day = as_day(label)
    if day is None and (number := _numbered(text, periods)) is not None:
        return number
    try:
        start = pd.Timestamp(Period.parse(text).start) if day is None else day
    except EvaltoolkitError as problem:
        raise EvaltoolkitError(
            f'treated_from: {problem} Never treated is written "{never}"; if "{text}" means never, pass never="{text}".'
        ) from None
    return first_treated_time(start, periods, rule)


def _numbered(text: str, periods: Sequence[Period]) -> float | None:
    """The first of numbered periods from a number on, or the number where that is after the last; None otherwise."""
    number = as_number(text)
    if number is None or not number >= 1 or not all(str(int(period.time)) == period.label for period in periods):
        return None
    if not periods[-1].time < _FIRST_YEAR:
        return None
    return next((period.time for period in periods if period.time >= number), number)


def _fixed_column(panel: Panel, name: str) -> pd.Series:
    """A column of the units, or of the panel where it does not change within a unit."""
    if name in panel.units.columns:
        return panel.units[name]
    if name not in panel.data.columns:
        known = [*map(str, panel.units.columns), *panel.measures]
        raise EvaltoolkitError(f'The panel has no column "{name}".{nearest(name, known)}')
    by_unit = panel.data[name].groupby(level=0)
    changes = by_unit.agg(lambda values: len(values.dropna().unique()) > 1)
    if bool(changes.any()):
        raise EvaltoolkitError(
            f'Column "{name}" changes within a unit; the first treated period is one per unit. Make a column that '
            "repeats it in every row of the unit; units whose treatment ended again do not fit this design."
        )
    return by_unit.first()
