"""From roster dates to cohorts: the first treated period of each unit of a panel, by a stated rule."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, Finding, nearest
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.panel import Panel
from evaltoolkit.territory.mergers import crosswalk
from evaltoolkit.territory.register import VINTAGES, municipality_codes

Rule = Literal["containing", "first_full"]
RULES: tuple[Rule, ...] = ("containing", "first_full")


class Resolved(NamedTuple):
    """What a roster says of every unit of a panel.

    Attributes
    ----------
    values : unit -> the number that the roster gives it; NaN = unknown or mixed
    reasons : unit -> why it is NaN (``excluded.unknown_treatment``, ``excluded.mixed_by_merger``, ...)
    codes : unit -> its own code, those of its members and of the municipalities that these were made of
    older : municipality of the panel's division -> codes that became it
    members : unit -> municipality codes
    """

    values: dict[str, float]
    reasons: dict[str, str]
    codes: dict[str, frozenset[str]]
    older: Mapping[str, list[str]]
    members: Mapping[str, list[str]]


def first_treated_time(start: pd.Timestamp, periods: Sequence[Period], rule: Rule = "containing") -> float:
    """Map the first day of an action to the first treated period.

    Parameters
    ----------
    start : Timestamp
    periods : sequence of Period, increasing
    rule : {"containing", "first_full"}
        ``containing``: the first period whose last day is not before the start; ``first_full``: the first period
        that begins on or after the start.

    Returns
    -------
    float
        One of the periods' times, or a time later than the last: treated, but not within the panel.
    """
    day = start.date()
    for period in periods:
        if (period.end if rule == "containing" else period.start) >= day:
            return period.time
    if all(period.label == str(period.start.year) for period in periods):
        later = float(day.year + (rule == "first_full" and (day.month, day.day) != (1, 1)))
    else:
        later = day.year + (day.month - 1) / 12
    return max(later, periods[-1].time + 1 / 12)


def cohort_from_roster(
    panel: Panel,
    roster: pd.DataFrame,
    *,
    action: str | None = None,
    rule: Rule = "containing",
    membership: pd.DataFrame | None = None,
) -> tuple[pd.Series, pd.DataFrame, tuple[Finding, ...]]:
    """Give each unit of a panel its first treated time.

    Parameters
    ----------
    panel : Panel
    roster : DataFrame
        As :func:`evaltoolkit.designs.roster.read_roster` returns it. Unit codes are those of the panel, of an older
        municipal division (carried forward through mergers), or of the municipalities of a cell.
    action : str, optional
        Needed where the roster holds several actions.
    rule : {"containing", "first_full"}
    membership : DataFrame, optional
        Columns ``livc_r, municipality``: which municipalities make up a cell, where the panel does not say so.

    Returns
    -------
    cohort : Series by unit
        A time; ``inf`` = never treated; NaN = unknown or mixed.
    excluded : DataFrame
        Columns ``unit, reason`` (``excluded.unknown_treatment``, ``excluded.mixed_by_merger``,
        ``excluded.mixed_in_cell``).
    notes : tuple of Finding

    Raises
    ------
    EvaltoolkitError
        Unknown rule or action, or no roster unit belongs to the panel.
    """
    if rule not in RULES:
        raise EvaltoolkitError(
            f'The rule "{rule}" is not known; choose containing or first_full.{nearest(rule, RULES)}'
        )
    rows = rows_of_action(roster, action)
    listed = _times_by_code(rows, panel.periods, rule)
    found = resolve_units(panel, listed, membership)
    cohort = pd.Series(found.values, dtype=float, name="cohort")
    own = _belonging(panel, membership, found.members)
    return cohort, excluded_table(found.reasons), _notes(listed, own, found.older, cohort, panel)


def rows_of_action(roster: pd.DataFrame, action: str | None) -> pd.DataFrame:
    """Return the rows of one action; it must be named where the roster holds several."""
    return roster[roster["action"] == _the_action(roster, action)]


def resolve_units(panel: Panel, listed: Mapping[str, float], membership: pd.DataFrame | None) -> Resolved:
    """Carry one number per roster code to the units of a panel, through mergers and cells.

    Parameters
    ----------
    listed : roster code -> number; NaN = unknown. Codes that make up one unit must agree.
    """
    numbers = {**_times_from_cells(listed, panel, membership), **listed}
    members = _members(panel, membership)
    older = _predecessors(panel, numbers)
    found = {unit: _unit_time(unit, codes, numbers, older) for unit, codes in members.items()}
    return Resolved(
        values={unit: number for unit, (number, _) in found.items()},
        reasons={unit: reason for unit, (_, reason) in found.items() if reason},
        codes={
            unit: frozenset({unit, *codes, *(part for code in codes for part in older.get(code, []))})
            for unit, codes in members.items()
        },
        older=older,
        members=members,
    )


def excluded_table(reasons: Mapping[str, str]) -> pd.DataFrame:
    """Return units left out with their reasons: columns ``unit, reason``."""
    return pd.DataFrame([{"unit": unit, "reason": why} for unit, why in reasons.items()], columns=["unit", "reason"])


def _the_action(roster: pd.DataFrame, action: str | None) -> str:
    actions = sorted(set(roster["action"]))
    if action is None and len(actions) == 1:
        return str(actions[0])
    if action in actions:
        return str(action)
    listed = ", ".join(f'"{name}"' for name in actions[:8])
    if action is None:
        raise EvaltoolkitError(f"The roster holds several actions ({listed}): say which one is evaluated.")
    raise EvaltoolkitError(f'The roster has no action "{action}"; it has {listed}.{nearest(action, actions)}')


def _times_by_code(rows: pd.DataFrame, periods: Sequence[Period], rule: Rule) -> dict[str, float]:
    """First treated time by roster code; inf never, NaN unknown."""
    times = {}
    for code, group in rows.groupby("unit"):
        if group["start"].notna().any():
            times[str(code)] = first_treated_time(group["start"].min(), periods, rule)
        else:
            times[str(code)] = math.inf if (group["state"] == "never").all() else math.nan
    return times


def _times_from_cells(listed: Mapping[str, float], panel: Panel, membership: pd.DataFrame | None) -> dict[str, float]:
    """Times of municipalities whose cell stands in the roster; NaN where two of its cells differ."""
    if membership is None or panel.unit_kind == "livc_r" or "livc_r" not in membership.columns:
        return {}
    current = _current_codes(panel)
    found: dict[str, float] = {}
    for cell, code in membership[["livc_r", "municipality"]].astype(str).itertuples(index=False):
        if cell in listed:
            municipality = current.get(code, code)
            same = found.get(municipality, listed[cell]) == listed[cell]
            found[municipality] = listed[cell] if same else math.nan
    return found


def _belonging(panel: Panel, membership: pd.DataFrame | None, members: Mapping[str, list[str]]) -> set[str]:
    """Codes by which a roster can name the panel's units: units, their members, cells of the membership."""
    cells = membership["livc_r"].astype(str) if membership is not None and "livc_r" in membership.columns else ()
    return set(members) | {code for codes in members.values() for code in codes} | set(cells)


def _members(panel: Panel, membership: pd.DataFrame | None) -> dict[str, list[str]]:
    """Municipality codes of each unit; the unit itself where nothing else is said."""
    members: dict[str, list[str]] = {}
    current = _current_codes(panel)
    given = {}
    if membership is not None and panel.unit_kind == "livc_r":
        given = membership.groupby("livc_r")["municipality"].agg(list).to_dict()
    listed = panel.units["members"].astype(str) if "members" in panel.units.columns else [""] * len(panel.units)
    for unit, text in zip(panel.unit_codes, listed, strict=True):
        codes = [code for code in text.split(";") if code and code != "nan"] or [str(c) for c in given.get(unit, [])]
        members[unit] = sorted({current.get(code, code) for code in codes}) or [unit]
    return members


def _reference(panel: Panel) -> int:
    return max((v for v in VINTAGES if panel.vintage is None or v <= panel.vintage), default=VINTAGES[0])


def _current_codes(panel: Panel) -> dict[str, str]:
    """Older municipality code -> code in the panel's division."""
    reference = _reference(panel)
    steps = (crosswalk(vintage, reference) for vintage in VINTAGES if vintage <= reference)
    return {str(old): str(new) for step in steps for old, new in step.items()}


def _predecessors(panel: Panel, codes: Iterable[str]) -> dict[str, list[str]]:
    """Codes, in the division the roster was written in, that became each municipality of the panel's division.

    The roster's division is the one that knows most of its codes, the latest where several know as many: a code can
    outlive a merger (Antwerpen), so that a single code does not tell.
    """
    given, reference = set(codes), _reference(panel)
    known = {v: len(given & set(municipality_codes(v))) for v in VINTAGES if v <= reference}
    written = max(known, key=lambda vintage: (known[vintage], vintage))
    found: dict[str, list[str]] = {}
    for old, new in crosswalk(written, reference).items():
        found.setdefault(str(new), []).append(str(old))
    return {new: olds for new, olds in found.items() if olds != [new]}


def _unit_time(
    unit: str, members: list[str], times: Mapping[str, float], older: Mapping[str, list[str]]
) -> tuple[float, str]:
    """Time and, where it cannot be used, the reason."""
    if unit in times and unit not in members:
        return _agreed([times[unit]], "excluded.mixed_in_cell")
    parts = {member: _member_time(member, times, older) for member in members}
    for time, reason in parts.values():
        if reason == "excluded.mixed_by_merger":
            return time, reason
    return _agreed([time for time, _ in parts.values()], "excluded.mixed_in_cell")


def _member_time(member: str, times: Mapping[str, float], older: Mapping[str, list[str]]) -> tuple[float, str]:
    own = [times[member]] if member in times else []
    parts = older.get(member, [])
    if any(part in times for part in parts):
        own += [times.get(part, math.nan) for part in parts]
    return _agreed(own, "excluded.mixed_by_merger")


def _agreed(times: Sequence[float], mixed: str) -> tuple[float, str]:
    if not times or all(math.isnan(time) for time in times):
        return math.nan, "excluded.unknown_treatment"
    if len(set(times)) > 1 or any(math.isnan(time) for time in times):
        return math.nan, mixed
    return times[0], ""


def _notes(
    times: Mapping[str, float],
    current: set[str],
    older: Mapping[str, list[str]],
    cohort: pd.Series,
    panel: Panel,
) -> tuple[Finding, ...]:
    converted = {part for code in current for part in older.get(code, [])} & set(times)
    foreign = set(times) - current - converted
    if times and len(foreign) == len(times):
        known = list(current)
        first = sorted(times)[0]
        raise EvaltoolkitError(
            f'No unit of the roster is in the panel: the roster says "{first}", the panel has "{panel.unit_codes[0]}".'
            f" Use the same codes in both.{nearest(first, known)}"
        )
    later = int(np.sum(np.isfinite(cohort) & (cohort > panel.times[-1])))
    counts = {
        "roster.not_in_panel": len(foreign),
        "roster.carried_forward": len(converted - current),
        "roster.starts_after_panel": later,
    }
    return tuple(Finding(code, "note", facts={"n": n}) for code, n in counts.items() if n)
