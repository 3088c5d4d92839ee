"""Cells of a form that answer no question: who fills in (a role), minutes of work, and the roster.

They have names as input cells have (``etk.about.form.minutes.v``, ``etk.roster.r3.start.v``), so that they are found
wherever a program has moved them. None of them is needed, and none takes free text: a role, a deciding body and an
action are chosen from lists, so that no name of a person can be kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evaltoolkit.framework.indicator import Indicator, Option

CONTACT_ROLES = ("prevention", "information", "chair", "police", "social", "other")
DECIDERS = ("municipality", "livc_r", "provider", "authority", "lot", "unknown")
STATES = ("treated", "never", "unknown")
MAX_MINUTES = 100_000
# Rows of the sheets, counted from 1: below the title of the first, and below the heads of the roster.
ABOUT_ROWS = {"contact": 3, "minutes": 4}
ABOUT_COLUMN = "C"
ROSTER_TOP, ROSTER_ROWS = 3, 15
# Columns of the roster in the order in which they are asked.
ROSTER_COLUMNS = {"action": "B", "start": "C", "end": "D", "hours": "E", "decided_by": "F", "state": "G"}
# the option that says that there was no action: the state says it in a roster
_NO_ACTION = "none"


@dataclass(frozen=True, slots=True)
class Extra:
    """One such cell: its name, stable sheet id, address, what it holds and, in the roster, its row from 1."""

    name: str
    sheet: str
    cell: str
    key: str
    line: int = 0


def about_cells() -> tuple[Extra, ...]:
    """Return the cells about whoever fills in."""
    return tuple(
        Extra(f"etk.about.form.{key}.v", "start", f"{ABOUT_COLUMN}{row}", key) for key, row in ABOUT_ROWS.items()
    )


def roster_cells() -> tuple[Extra, ...]:
    """Return the cells of the roster, row by row."""
    return tuple(
        Extra(f"etk.roster.r{line}.{key}.v", "roster", f"{column}{ROSTER_TOP + line}", key, line)
        for line in range(1, ROSTER_ROWS + 1)
        for key, column in ROSTER_COLUMNS.items()
    )


def actions_of(indicators: Iterable[Indicator]) -> tuple[Option, ...]:
    """Return what a roster can name: the kinds of action that the form asks about; none means no roster."""
    kinds = (part for i in indicators if i.did == "treatment" for part in i.parts if part.type == "multi")
    return tuple(option for option in next((part.options for part in kinds), ()) if option.code != _NO_ACTION)
