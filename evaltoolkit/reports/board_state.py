"""Who answered, late, not yet, or with a file that was refused: from a store and the list of respondents."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, Finding
from evaltoolkit.framework.periods import Period
from evaltoolkit.submissions.respondents import list_respondents
from evaltoolkit.submissions.store import load_store, open_store
from evaltoolkit.submissions.versions import conflict_findings
from evaltoolkit.territory.municipalities import (
    VINTAGES,
    load_municipalities,
    municipality_codes,
    municipality_name,
    vintage_on,
)

# in the order in which they are shown; "" stands for who was not asked in a wave
STATES = ("answered", "late", "refused", "not_yet")
Key = tuple[str, str]
_VINTAGES = {str(one) for one in VINTAGES}
# a cell's code as the toolkit's own lists write it; longer text could be anything
_CELL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,19}")


@dataclass(frozen=True)
class Arrived:
    """What a store holds.

    Attributes
    ----------
    values : table of values that count
    files : one row per file: ``sha256, state, unit_kind, unit, period, members, vintage, received, replaced``
    findings : by period of the form ("" where a file tells none), of files that were not replaced; two of them for one
        respondent and period are a conflict that a person must decide
    """

    values: pd.DataFrame
    files: pd.DataFrame
    findings: Mapping[str, tuple[Finding, ...]]


@dataclass(frozen=True)
class Participant:
    """One respondent and the state of its answer in every wave; ``listed`` where the list of respondents has it."""

    kind: str
    unit: str
    name: str
    members: tuple[str, ...]
    listed: bool
    states: Mapping[str, str]

    @property
    def key(self) -> Key:
        """Kind and code together: a cell may bear a municipality's number."""
        return self.kind, self.unit


def load_arrived(folder: str | Path) -> Arrived:
    """Read a store; the one place of the board that knows how it is kept.

    Raises
    ------
    EvaltoolkitError
        There is no store in the folder.
    """
    values = load_store(folder)
    with open_store(folder) as store:
        files = store.readings()
        files = files.assign(replaced=files["sha256"].isin(store.replaced()))
        waves = files.loc[~files["replaced"]].groupby("period")
        findings = {str(period): (*store.findings(some), *conflict_findings(store, some)) for period, some in waves}
    return Arrived(values, files, findings)


def list_participants(table: pd.DataFrame, files: pd.DataFrame) -> dict[Key, tuple[str, tuple[str, ...]]]:
    """Return name and members of every respondent on the list, checked at the newest division that the files use."""
    used = [int(text) for text in files["vintage"].astype(str) if text in _VINTAGES]
    vintage = max(used, default=VINTAGES[-1])
    found = list_respondents(table, "en", vintage)
    return {(one.unit_kind, one.unit): (one.name, one.members) for one in found}


def known_files(files: pd.DataFrame, listed: Mapping[Key, object]) -> pd.DataFrame:
    """Return the files whose sender is known; of the others a form's own text must not reach a page."""
    register = load_municipalities().index
    keep = []
    for kind, unit, state, period in files[["unit_kind", "unit", "state", "period"]].itertuples(index=False, name=None):
        cell = kind == "livc_r" and state != "refused" and _CELL.fullmatch(unit) is not None
        known = (kind, unit) in listed or (kind == "municipality" and unit in register) or cell
        keep.append(known and _parsed(period) is not None)
    return files.loc[keep]


def _parsed(label: str) -> Period | None:
    try:
        return Period.parse(label)
    except EvaltoolkitError:
        return None


def waves_of(files: pd.DataFrame) -> list[Period]:
    """Return the periods of the forms that came in, in order."""
    return sorted({Period.parse(str(label)) for label in files["period"]}, key=lambda one: one.time)


def choose_wave(waves: Sequence[Period], period: str) -> Period:
    """Return the period asked for, else the latest that came in.

    Raises
    ------
    EvaltoolkitError
        Nothing came in and no period was named, or what was named is no period.
    """
    if period:
        return Period.parse(period)
    if not waves:
        raise EvaltoolkitError("The store holds no form that was recognised: name the period to show.")
    return waves[-1]


def participants(
    files: pd.DataFrame,
    listed: Mapping[Key, tuple[str, tuple[str, ...]]],
    waves: Sequence[Period],
    *,
    language: str,
    wave: str,
    deadline: dt.date | None = None,
) -> list[Participant]:
    """Return every respondent of the list and of the files, by name.

    Parameters
    ----------
    files : files whose sender is known, see :func:`known_files`
    listed : name and members by kind and code; empty where there is no list
    waves : waves to tell the state in
    language : of the names of municipalities
    wave, deadline : the wave that had a deadline, and its last day (in UTC)
    """
    by_wave = {one.label: _states(files, one.label, deadline if one.label == wave else None) for one in waves}
    divisions = {one.label: _division(files, one) for one in waves}
    members = _members(files)
    known: list[Key] = list({**members, **dict.fromkeys(listed, ())})

    def state(key: Key, label: str) -> str:
        # the list says who was asked in the wave it was made for
        asked = key in listed if listed and label == wave else key[0] != "municipality" or key[1] in divisions[label]
        return by_wave[label].get(key, "not_yet" if asked else "")

    everyone = [
        Participant(
            kind=key[0],
            unit=key[1],
            name=listed.get(key, ("", ()))[0] or _name(*key, language),
            members=listed[key][1] if key in listed else members[key],
            listed=key in listed,
            states={one.label: state(key, one.label) for one in waves},
        )
        for key in known
    ]
    return sorted(everyone, key=lambda one: (one.name.casefold(), one.unit))


def _division(files: pd.DataFrame, wave: Period) -> set[str]:
    """Return the municipalities that existed for a wave: by its forms, else by its last day."""
    told = {int(text) for text in files.loc[files["period"] == wave.label, "vintage"] if text in _VINTAGES}
    return {code for vintage in told or {vintage_on(wave.end)} for code in municipality_codes(vintage)}


def _states(files: pd.DataFrame, wave: str, deadline: dt.date | None) -> dict[Key, str]:
    read: dict[Key, list[str]] = {}
    for key, state, received in _rows(files.loc[files["period"] == wave], "state", "received"):
        # a correction that came later does not make an answer late, nor a broken copy one refused
        read.setdefault(key, []).extend([received] if state != "refused" else [])
    return {key: _state(moments, deadline) for key, moments in read.items()}


def _rows(files: pd.DataFrame, *columns: str) -> Iterator[Any]:
    for kind, unit, *others in files[["unit_kind", "unit", *columns]].astype(str).itertuples(index=False, name=None):
        yield (kind, unit), *others


def _state(received: Sequence[str], deadline: dt.date | None) -> str:
    if not received:
        return "refused"
    return "late" if deadline and all(_is_after(moment, deadline) for moment in received) else "answered"


def _is_after(received: str, deadline: dt.date) -> bool:
    return dt.datetime.fromisoformat(received).astimezone(dt.UTC).date() > deadline


def _members(files: pd.DataFrame) -> dict[Key, tuple[str, ...]]:
    """Return the municipalities that each sender answers for, as its latest file tells them."""
    register = set(load_municipalities().index)
    told = dict(_rows(files, "members"))
    return {key: tuple(code for code in members.split(";") if code in register) for key, members in told.items()}


def _name(kind: str, unit: str, language: str) -> str:
    return municipality_name(unit, language) if kind == "municipality" else unit
