"""Which units had something else happening to them from the start on, that was not there before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.framework.periods import Period
from evaltoolkit.framework.values import ANSWERED
from evaltoolkit.panels.panel import Panel

# the answer to a multiple choice that says that there was nothing
_NOTHING = "none"
# one flag per unit and period: 1 there, 0 not there, NaN nobody knows
Flags = dict[str, Array]


def flags_of(design: Design, panel: Panel, values: pd.DataFrame | None, names: Sequence[str]) -> Flags:
    """Return a flag (n, T) per kind of event, on the units and periods of the design.

    A name is a measure of the panel (there where above zero), a fixed column of its units (there from the start on, as
    a mark says that a unit had something at the same time), or an indicator of the long table of values, whose multiple
    choice gives one kind per option.
    """
    found: Flags = {}
    for name in names:
        if name in panel.data.columns:
            found[name] = _from_measure(design, panel, name)
        elif name in panel.units.columns:
            fixed = panel.units[name].reindex(design.units).to_numpy(dtype=float)
            mark = np.where(np.isnan(fixed), np.nan, fixed > 0)[:, None]
            found[name] = np.where(_after(design), mark, np.nan)
        elif values is not None:
            found |= _from_answers(design, panel, values[values["indicator"] == name])
    return {kind: flag for kind, flag in found.items() if np.isfinite(flag).any()}


def began_at_the_time(design: Design, flags: Flags) -> Array:
    """Return (n,) whether a unit had a kind of event from the start on that it had not had throughout before.

    The start is the unit's own, for untreated units that of the first cohort. What was always there is no event: the
    difference takes it out. NaN where nothing is known of a unit from the start on.
    """
    after = _after(design)
    had = np.zeros(len(design.units), dtype=bool)
    known = np.zeros(len(design.units), dtype=bool)
    for flag in flags.values():
        seen = np.isfinite(flag)
        known |= (seen & after).any(axis=1)
        always = np.where(seen & ~after, flag, 1.0).min(axis=1) > 0
        # nobody knows of the time before: it may have begun with the action
        always &= (seen & ~after).any(axis=1)
        had |= ((np.nan_to_num(flag) > 0) & after).any(axis=1) & ~always
    return np.where(known, had, np.nan)


def _after(design: Design) -> npt.NDArray[np.bool_]:
    """(n, T) from the own start on, for untreated units from that of the first cohort on."""
    first = np.where(design.treated, design.cohort, design.cohorts[0])
    return np.asarray(design.times[None, :] >= first[:, None])


def _from_measure(design: Design, panel: Panel, name: str) -> Array:
    rows, columns = _places(design, panel)
    known = (rows[:, None] >= 0) & (columns[None, :] >= 0)
    values = np.where(known, panel.wide(name)[np.ix_(rows, columns)], np.nan)
    return np.where(np.isfinite(values), values > 0, np.nan)


def _places(design: Design, panel: Panel) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Rows and columns of the panel where the design's units and periods stand, by code and date."""
    rows = pd.Index(panel.unit_codes).get_indexer(pd.Index(design.units))
    return rows, pd.Index(panel.times).get_indexer(pd.Index(design.times))


def _from_answers(design: Design, panel: Panel, rows: pd.DataFrame) -> Flags:
    """One flag per option of a multiple choice; an answer holds for the periods that it overlaps."""
    rows = rows[rows["status"].isin(ANSWERED) & (rows["text"] != "")]
    home = {str(unit): place for place, unit in enumerate(design.units)}
    if "members" in panel.units.columns:
        listed = panel.units["members"].astype("str").reindex(design.units)
        members = {code: home[str(unit)] for unit, text in listed.items() for code in str(text).split(";")}
        home = members | home
    periods = {period.time: period for period in panel.periods}
    dated = [periods.get(float(time)) for time in design.times]
    answers = [
        (home[unit], columns, set(text.split(";")))
        for unit, label, text in rows[["unit", "period", "text"]].astype("str").itertuples(index=False)
        if unit in home and (columns := _overlapping(dated, label))
    ]
    shape = (len(design.units), len(design.times))
    options = sorted({option for _, _, chosen in answers for option in chosen} - {_NOTHING})
    # who answers "none" is known to have had nothing
    flags: Flags = {option: np.full(shape, np.nan) for option in options or [_NOTHING] if answers}
    for place, columns, chosen in answers:
        for option, flag in flags.items():
            flag[place, columns] = np.fmax(flag[place, columns], float(option in chosen and option != _NOTHING))
    return flags


def _overlapping(periods: Sequence[Period | None], label: str) -> list[int]:
    asked = Period.parse(label)
    return [
        place
        for place, period in enumerate(periods)
        if period is not None and period.start <= asked.end and period.end >= asked.start
    ]
