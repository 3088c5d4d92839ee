"""What stands on a form beside its answers: the roster of actions, the role of who filled in, minutes of work.

The roster of a form has the columns of :func:`evaltoolkit.designs.roster.read_roster`. A row says which action the
respondent had from which day; a row without a first day is *unknown*, which is not never, and no row at all says
nothing. What was typed where a list is offered is never repeated: it might be a name.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TypeVar

import pandas as pd

from evaltoolkit.findings import Finding, Severity, Where
from evaltoolkit.framework.indicator import Option
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions.extras import CONTACT_ROLES, DECIDERS, MAX_MINUTES, STATES
from evaltoolkit.submissions.form import Form, Place
from evaltoolkit.submissions.numbers import DECIMAL_MARK, NumberError, fold, parse_number
from evaltoolkit.submissions.references import write_cell
from evaltoolkit.submissions.sheets import Raw, value_at
from evaltoolkit.submissions.store_extras import About, Action, Extras, roster_rows

COLUMNS = ("unit", "action", "start", "end", "hours", "source", "decided_by", "why", "state")
_TYPES = {**dict.fromkeys(COLUMNS, "str"), "start": "datetime64[s]", "end": "datetime64[s]", "hours": "float64"}
_DAY = re.compile(r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4})$")
_ISO = re.compile(r"^(\d{4})-(\d{1,2})(?:-(\d{1,2}))?$")
_T = TypeVar("_T")
_YEARS = range(1990, 2100)


class _UnreadableError(Exception):
    """A cell that cannot be read, with the code of its finding."""


def read_about(form: Form) -> tuple[About, tuple[Finding, ...]]:
    """Return who filled in a form and, where recorded, for how long; what cannot be read is left out and told."""
    reader = _Reader(form)
    contact, minutes = "", None
    for extra in form.layout.extras:
        if extra.name in form.places and extra.key == "contact":
            contact = reader.read(extra.name, lambda raw: _code(raw, _roles(), "contact.not_a_role")) or ""
        elif extra.name in form.places and extra.key == "minutes":
            minutes = reader.read(extra.name, lambda raw: _minutes(raw, form.meta.language))
    return About(contact, minutes), tuple(reader.findings)


def read_roster_sheet(form: Form) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Return the roster of a form and what was wrong in it.

    Returns
    -------
    roster : DataFrame
        The columns of a roster: ``unit, action`` (code of the option), ``start, end`` (dates, NaT where none),
        ``hours`` (NaN where none), ``source`` (``form:<sha256>/<sheet>!<first cell>``), ``decided_by`` (a code, never a
        name), ``why`` (empty: not asked), ``state`` (treated, never, unknown). A row with a fault is left out.
    findings : tuple of Finding
    """
    actions, findings = _read_actions(form)
    return roster_table(roster_rows({"unit": form.meta.unit, "sha256": form.scan.sha256}, actions)), findings


def read_extras(form: Form) -> tuple[Extras, tuple[Finding, ...]]:
    """Return all that a form tells beside its answers, and what was wrong in it."""
    about, told = read_about(form)
    actions, findings = _read_actions(form)
    return Extras(about, actions), (*told, *findings)


def _read_actions(form: Form) -> tuple[tuple[Action, ...], tuple[Finding, ...]]:
    reader = _Reader(form)
    lines: dict[int, dict[str, str]] = {}
    for extra in form.layout.extras:
        if extra.line and extra.name in form.places:
            lines.setdefault(extra.line, {})[extra.key] = extra.name
    read = (_row(reader, line, names, form.layout.actions) for line, names in lines.items())
    actions = tuple(action for action in read if action is not None)
    return actions, tuple(reader.findings)


def roster_table(rows: Iterable[Mapping[str, object]] = ()) -> pd.DataFrame:
    """Return rows, by default none, as a roster with fixed columns and types."""
    return pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(_TYPES)


class _Reader:
    """Reads single cells and gathers findings."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.findings: list[Finding] = []

    def raw(self, name: str) -> Raw:
        sheet, cell = self.form.places[name]
        raw = value_at(self.form.rows[sheet], cell)
        return None if isinstance(raw, str) and not raw.strip() else raw

    def read(self, name: str, parse: Callable[[Raw], _T]) -> _T | None:
        """Return the parsed content, None where the cell is empty or cannot be read; the latter is reported."""
        place = self.form.places[name]
        if place[1] in self.form.scan.sheets[place[0]].errors:
            self.report("value.error_cell", place)
            return None
        raw = self.raw(name)
        if raw is None:
            return None
        try:
            return parse(raw)
        except _UnreadableError as fault:
            self.report(str(fault), place)
            return None

    def report(self, code: str, place: Place, severity: Severity = "error") -> None:
        sheet, cell = place
        meta = self.form.meta
        where = Where(self.form.scan.file, sheet, write_cell(*cell), unit=meta.unit, period=meta.period)
        self.findings.append(Finding(code, severity, where))


def _row(reader: _Reader, line: int, names: Mapping[str, str], actions: Iterable[Option]) -> Action | None:
    """Return one row of the roster; None where it is empty or has a fault."""
    if all(reader.raw(name) is None for name in names.values()):
        return None
    language = reader.form.meta.language
    before = len(reader.findings)

    def read(key: str, parse: Callable[[Raw], _T]) -> _T | None:
        return reader.read(names[key], parse) if key in names else None

    action = read("action", lambda raw: _code(raw, _option_codes(actions), "value.unknown_option"))
    start, end = read("start", _day), read("end", lambda raw: _day(raw, last=True))
    hours = read("hours", lambda raw: _hours(raw, language))
    decided_by = read("decided_by", lambda raw: _code(raw, _deciders(), "value.unknown_option"))
    state = read("state", lambda raw: _code(raw, _states(), "value.unknown_option"))
    row = {"action": action, "start": start, "end": end, "state": state}
    sheet, cell = reader.form.places[next(iter(names.values()))]
    if len(reader.findings) == before:
        _check(reader, row, names)
    if action is None or any(finding.severity == "error" for finding in reader.findings[before:]):
        return None
    hours = math.nan if hours is None else hours
    return Action(line, action, start, end, hours, decided_by or "", _state(row), sheet, write_cell(*cell))


def _state(row: Mapping[str, object]) -> str:
    """Only a first day makes an action; "received" without one is unknown: nobody can tell before from after."""
    if row.get("start") is not None:
        return "treated" if row.get("state") != "unknown" else "unknown"
    return "never" if row.get("state") == "never" else "unknown"


def _check(reader: _Reader, row: Mapping[str, object], names: Mapping[str, str]) -> None:
    place = reader.form.places
    start, end = row.get("start"), row.get("end")
    if row.get("action") is None and "action" in names:
        reader.report("roster.no_action", place[names["action"]])
    if isinstance(start, dt.date) and isinstance(end, dt.date) and end < start:
        reader.report("roster.end_before_start", place[names["end"]])
    if start is not None and row.get("state") == "never":
        reader.report("roster.never_with_start", place[names["state"]])
    if start is None and row.get("state") not in ("never", "unknown") and "start" in names:
        reader.report("roster.no_start", place[names["start"]], "question")


def _code(raw: Raw, known: Mapping[str, str], fault: str) -> str:
    code = known.get(fold(raw)) if isinstance(raw, str) else None
    if code is None:
        raise _UnreadableError(fault)
    return code


def _minutes(raw: Raw, language: str) -> int:
    minutes = _hours(raw, language)
    if minutes != round(minutes):
        raise _UnreadableError("value.not_a_number")
    if minutes > MAX_MINUTES:
        raise _UnreadableError("value.not_a_number")
    return int(minutes)


def _hours(raw: Raw, language: str) -> float:
    number = math.nan
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        number = float(raw)
    elif isinstance(raw, str):
        try:
            number = parse_number(raw, DECIMAL_MARK[language])
        except NumberError as error:
            raise _UnreadableError(error.code) from None
    if not 0 <= number < math.inf:
        raise _UnreadableError("value.not_a_number")
    return number


def _day(raw: Raw, *, last: bool = False) -> dt.date:
    """Return a day; of a month alone its first day, or its last."""
    if isinstance(raw, dt.datetime):
        raw = raw.date()
    if isinstance(raw, str):
        raw = _written_day(raw.strip(), last=last)
    if not isinstance(raw, dt.date) or raw.year not in _YEARS:
        raise _UnreadableError("roster.not_a_date")
    return raw


def _written_day(text: str, *, last: bool) -> dt.date | None:
    try:
        if match := _DAY.match(text):
            return dt.date(int(match[3]), int(match[2]), int(match[1]))
        if match := _ISO.match(text):
            if match[3]:
                return dt.date(int(match[1]), int(match[2]), int(match[3]))
            first = dt.date(int(match[1]), int(match[2]), 1)
            return (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1) if last else first
    except ValueError:
        return None
    return None


def _option_codes(options: Iterable[Option]) -> dict[str, str]:
    return {fold(option.label.in_(language)): option.code for option in options for language in LANGUAGES}


@cache
def _roles() -> dict[str, str]:
    return _word_codes("form.contact.", CONTACT_ROLES)


@cache
def _deciders() -> dict[str, str]:
    return _word_codes("form.roster.by.", DECIDERS)


@cache
def _states() -> dict[str, str]:
    return _word_codes("form.roster.state.", STATES)


def _word_codes(start: str, codes: Iterable[str]) -> dict[str, str]:
    """Return the words of all languages, folded, with their codes: the texts of a form can be switched."""
    return {fold(words(language).say(start + code)): code for language in LANGUAGES for code in codes}
