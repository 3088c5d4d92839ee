"""Parts of the board in the language of the page: groups of respondents, tables, bands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from evaltoolkit.disclosure.gate import Gate
from evaltoolkit.disclosure.rules import Column
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.framework.periods import Period
from evaltoolkit.framework.values import ANSWERED, MISSING
from evaltoolkit.reports.board_arms import ARMS, arms_of
from evaltoolkit.reports.board_counts import (
    BLANK,
    QUANTILES,
    SHOWN,
    bands,
    choose_form,
    completeness,
    earlier_answers,
    released,
)
from evaltoolkit.reports.board_pictures import draw_band, draw_bar
from evaltoolkit.reports.board_state import STATES, Participant
from evaltoolkit.reports.grids import ABSENT, Grid
from evaltoolkit.reports.groups import short_label
from evaltoolkit.reports.prose import Prose

_DIGITS = 2


@dataclass(frozen=True)
class Person:
    """One respondent's row: name, code, state in each wave, numbers of errors and questions."""

    name: str
    code: str
    listed: bool
    states: tuple[tuple[str, str, str], ...]
    errors: str
    questions: str


@dataclass(frozen=True)
class Line:
    """One indicator's row; ``cells`` is empty where too few respondents answered to tell."""

    indicator: str
    name: str
    bar: Markup
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Dimension:
    """One dimension's indicators and the share of complete answers over those that are told ("" where none is)."""

    code: str
    name: str
    share: str
    bar: Markup
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Band:
    """One composite's row; ``cells`` is empty where it is not told."""

    name: str
    note: str
    who: str
    n: str
    picture: Markup
    cells: tuple[tuple[str, str], ...]


def waves_grid(everyone: Sequence[Participant], waves: Sequence[Period], prose: Prose) -> Grid:
    """Number of respondents in each state, by wave."""
    rows = []
    for wave in waves:
        counts = Counter(one.states[wave.label] for one in everyone)
        rows.append((short_label(wave), *(prose.number(counts[state]) for state in STATES)))
    heads = (prose.say("board.column.wave"), *(prose.say(f"board.state.{state}") for state in STATES))
    return Grid(prose.say("board.who.by_wave"), heads, tuple(rows))


def arms_grid(everyone: Sequence[Participant], waves: Sequence[Period], roster: pd.DataFrame, prose: Prose) -> Grid:
    """Response by arm and wave: share and numbers of respondents."""
    arms = arms_of(everyone, roster)
    rows = []
    for arm in ARMS:
        members = [one for one in everyone if arms[one.key] == arm]
        rows.append((prose.say(f"report.arm.{arm}"), *(_response(members, wave.label, prose) for wave in waves)))
    heads = (prose.say("report.column.group"), *(short_label(wave) for wave in waves))
    return Grid(prose.say("board.who.by_arm"), heads, tuple(rows))


def _response(arm: Sequence[Participant], wave: str, prose: Prose) -> str:
    members = [one for one in arm if one.states[wave]]
    if not members:
        return ABSENT
    answered = sum(one.states[wave] in ("answered", "late") for one in members)
    share = prose.number(100 * answered / len(members), 0)
    return f"{share}\u00a0% ({prose.number(answered)}/{prose.number(len(members))})"


def people_part(
    everyone: Sequence[Participant],
    waves: Sequence[Period],
    wave: Period,
    points: Mapping[tuple[str, str], int],
    prose: Prose,
) -> dict[str, list[Person]]:
    """Respondents by state in the wave; those that need somebody first."""
    return {
        state: [_person(one, waves, points, prose) for one in everyone if one.states[wave.label] == state]
        for state in reversed(STATES)
    }


def _person(one: Participant, waves: Sequence[Period], points: Mapping[tuple[str, str], int], prose: Prose) -> Person:
    states = tuple(
        (short_label(wave), one.states[wave.label], _state_word(one.states[wave.label], prose)) for wave in waves
    )
    errors, questions = (prose.number(points.get((one.unit, kind), 0)) for kind in ("error", "question"))
    return Person(one.name, one.unit if one.name != one.unit else "", one.listed, states, errors, questions)


def _state_word(state: str, prose: Prose) -> str:
    return prose.say(f"board.state.{state}") if state else ABSENT


def status_name(status: str, prose: Prose) -> str:
    """Return the word for a status."""
    own = {"registered": "board.status.registered", BLANK: "form.status.empty"}
    return prose.say(own.get(status, f"form.status.{status}"))


def completeness_part(
    values: pd.DataFrame, framework: Framework, form: str, wave: str, n: int, prose: Prose
) -> list[Dimension]:
    """Completeness of the wave's own answers by dimension; nothing where nobody answered."""
    if not n:
        return []
    own = values.loc[values["period"] == wave]
    asked = choose_form(own, framework, form)
    table = released(completeness(own, asked, n), framework).set_index("indicator")
    parts = []
    for code in dict.fromkeys(one.dimension for one in asked):
        rows = table.loc[[one.id for one in asked if one.dimension == code]]
        told = rows.dropna(subset=["registered"])
        total = told[list(SHOWN)].sum()
        whole = float(told["n"].sum())
        complete = float(total[list(ANSWERED)].sum())
        parts.append(
            Dimension(
                code=code,
                name=prose.say(f"form.dimension.{code}"),
                share=prose.say("board.complete.share", share=round(100 * complete / whole)) if whole else "",
                bar=_bar(total, whole) if whole else Markup(""),
                lines=tuple(_line(str(name), row, prose) for name, row in rows.iterrows()),
            )
        )
    return parts


def _line(indicator: str, row: pd.Series[float], prose: Prose) -> Line:
    name = prose.name(indicator)
    if row[list(SHOWN)].isna().any():
        return Line(indicator, name, Markup(""), ())
    cells = tuple((status_name(status, prose), prose.number(int(row[status]))) for status in SHOWN)
    return Line(indicator, name, _bar(row, float(row["n"])), cells)


def _bar(row: pd.Series[float], total: float) -> Markup:
    counts = {
        "registered": float(row["registered"]),
        "reconstructed": float(row["reconstructed"]),
        "reason": float(row[list(MISSING)].sum()),
        "blank": float(row[BLANK]),
    }
    return draw_bar(counts, total)


def earlier_grid(values: pd.DataFrame, wave: str, n: int, prose: Prose) -> Grid | None:
    """Answers that came for other periods; None where there are none or too few respondents."""
    table = earlier_answers(values, wave, n)
    if table.empty:
        return None
    statuses = (*ANSWERED, *MISSING)
    kinds = dict.fromkeys(statuses, Column("count_other")) | {"period": Column("label")}
    shown = Gate().release("answers for other periods", table, kinds, level="region").data
    rows = [
        (short_label(Period.parse(str(row["period"]))), *(prose.number(int(row[name])) for name in statuses))
        for row in shown.to_dict("records")
    ]
    heads = (prose.say("board.column.period"), *(status_name(name, prose) for name in statuses))
    return Grid(prose.say("board.complete.earlier"), heads, tuple(rows))


def bands_part(values: pd.DataFrame, framework: Framework, wave: str, prose: Prose) -> list[Band]:
    """Composites of the wave as anonymous bands."""
    table = bands(values.loc[values["period"] == wave], framework)
    named = {one.id: one for one in framework.composites}
    parts = []
    for row in table.to_dict("records"):
        composite = named[str(row["composite"])]
        numbers = {name: float(row[name]) for name in QUANTILES}
        told = numbers["median"] == numbers["median"]
        cells = tuple((prose.say(f"board.band.{name}"), _number(value, prose)) for name, value in numbers.items())
        parts.append(
            Band(
                name=composite.name.in_(prose.language),
                note=composite.note.in_(prose.language),
                who=prose.say(f"board.kind.{row['unit_kind']}"),
                n=prose.number(int(row["n"])) if told else "",
                picture=draw_band(*numbers.values()) if told else Markup(""),
                cells=cells if told else (),
            )
        )
    return parts


def _number(value: float, prose: Prose) -> str:
    return prose.number(value, _DIGITS) if value == value else prose.say("report.hidden")
