"""What a form tells beside its answers, as rows of the store: who filled in (a role), minutes of work, the roster.

Rows are added once with their reading and never changed. A reading without such a row is one of an earlier version,
which did not keep them: its original is read again (:mod:`evaltoolkit.submissions.rosters`).
"""

from __future__ import annotations

import datetime as dt
import math
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

# what a row of a roster says, wherever it stands
ACTION = ("action", "start", "end", "hours", "decided_by", "state")


@dataclass(frozen=True, slots=True)
class About:
    """Who filled in, as a role (empty: not said), and the minutes of work that somebody chose to record."""

    contact: str = ""
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One row of a roster: ``line`` from 1, days (None where none), hours (NaN where none), place of its first cell."""

    line: int
    action: str
    start: dt.date | None
    end: dt.date | None
    hours: float
    decided_by: str
    state: str
    sheet: str
    cell: str


@dataclass(frozen=True, slots=True)
class Extras:
    """All that a form tells beside its answers."""

    about: About = About()
    roster: tuple[Action, ...] = ()


def insert_extras(connection: sqlite3.Connection, reading: int, extras: Extras) -> None:
    """Add the rows of a reading, once; the caller holds the transaction."""
    about = (reading, extras.about.contact, extras.about.minutes)
    if connection.execute("INSERT INTO about VALUES (?, ?, ?) ON CONFLICT DO NOTHING", about).rowcount:
        rows = [(reading, *_as_row(action)) for action in extras.roster]
        connection.executemany("INSERT INTO roster VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _as_row(one: Action) -> tuple[object, ...]:
    start, end = ("" if day is None else day.isoformat() for day in (one.start, one.end))
    hours = None if math.isnan(one.hours) else one.hours
    return one.line, one.action, start, end, hours, one.decided_by, one.state, one.sheet, one.cell


def select_about(connection: sqlite3.Connection) -> pd.DataFrame:
    """Return one row per reading: ``reading, contact, minutes``; minutes missing where not recorded."""
    return pd.read_sql_query("SELECT * FROM about ORDER BY reading", connection).astype({"minutes": "Int64"})


def select_roster(connection: sqlite3.Connection) -> pd.DataFrame:
    """Return the rows of all rosters: ``reading, line, action, start, end, hours, decided_by, state, sheet, cell``."""
    rows = pd.read_sql_query("SELECT * FROM roster ORDER BY reading, line", connection)
    return rows.rename(columns={"first_day": "start", "last_day": "end"}).astype({"hours": "float64"})


def roster_rows(about: Mapping[str, str], actions: Iterable[Action]) -> list[dict[str, object]]:
    """Return actions with the columns of a roster; ``about`` names the ``unit`` and the ``sha256`` of the form."""
    return [
        {
            "unit": about["unit"],
            "action": one.action,
            "start": one.start,
            "end": one.end,
            "hours": one.hours,
            "source": f"form:{about['sha256']}/{one.sheet}!{one.cell}",
            "decided_by": one.decided_by,
            "why": "",
            "state": one.state,
        }
        for one in actions
    ]
