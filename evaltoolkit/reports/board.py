"""The data board: one self-contained page about what came in, and never about what somebody answered."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.periods import Period
from evaltoolkit.i18n import words
from evaltoolkit.reports.areas import Areas
from evaltoolkit.reports.board_counts import MANY, SHOWN, of_respondents
from evaltoolkit.reports.board_parts import (
    arms_grid,
    bands_part,
    completeness_part,
    earlier_grid,
    people_part,
    status_name,
    waves_grid,
)
from evaltoolkit.reports.board_pictures import draw_key, draw_map, draw_part
from evaltoolkit.reports.board_places import places_of
from evaltoolkit.reports.board_points import is_telling, open_points
from evaltoolkit.reports.board_state import (
    STATES,
    Arrived,
    Participant,
    choose_wave,
    known_files,
    list_participants,
    load_arrived,
    participants,
    waves_of,
)
from evaltoolkit.reports.groups import short_label
from evaltoolkit.reports.pages import render_page
from evaltoolkit.reports.prose import Prose, names_of

PARTS = ("registered", "reconstructed", "reason", "blank")
_DIGEST_SHOWN = 12


@dataclass(frozen=True)
class Asked:
    """What the board is told besides the store.

    Attributes
    ----------
    respondents : table of :func:`~evaltoolkit.submissions.respondents.read_respondents`, or None
    roster : table of :func:`~evaltoolkit.designs.roster.read_roster` for one action, or None
    period : label of the wave to show; "" = the latest that came in
    deadline : last day for an answer to that wave (in UTC), or None
    form : form that was sent; "" = the smallest that asks all that was answered
    areas : borders of municipalities, or None
    simulated : whether the data are simulated; the page then says so
    """

    respondents: pd.DataFrame | None = None
    roster: pd.DataFrame | None = None
    period: str = ""
    deadline: dt.date | None = None
    form: str = ""
    areas: Areas | None = None
    simulated: bool = False


def write_board(
    store: str | Path,
    out: str | Path,
    *,
    language: str,
    framework: Framework | None = None,
    asked: Asked | None = None,
) -> Path:
    """Write the data board of a store.

    Parameters
    ----------
    store : folder of the store
    out : file to write, ``.html``; its folder is made where it does not exist
    language : {"nl", "fr", "de", "en"}
    framework : the packaged one by default
    asked : list of respondents, roster, wave, deadline, areas

    Returns
    -------
    Path
        One file that loads nothing and runs nothing; the same bytes for the same store.

    Raises
    ------
    EvaltoolkitError
        There is no store, another ending, a language that is not offered, a list of respondents with faults, or
        nothing came in and no period was named.
    """
    out = Path(out)
    if out.suffix.lower() != ".html":
        raise EvaltoolkitError(f'"{out}" does not end in .html: give the file to write such a name.')
    text = render_board(load_arrived(store), language, framework or load_framework(), asked or Asked())
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8", newline="\n")
    return out


def render_board(arrived: Arrived, language: str, framework: Framework, asked: Asked) -> str:
    """Return the board as HTML."""
    prose = Prose(words(language), names_of(framework.indicators, language))
    listed = list_participants(asked.respondents, arrived.files) if asked.respondents is not None else {}
    files = known_files(arrived.files, listed)
    wave = choose_wave(waves_of(files), asked.period)
    waves = sorted({*waves_of(files), wave}, key=lambda one: one.time)
    everyone = participants(files, listed, waves, language=language, wave=wave.label, deadline=asked.deadline)
    answered = {one.key for one in everyone if one.states[wave.label] in ("answered", "late")}
    values = of_respondents(arrived.values, answered)
    points = open_points(
        [*arrived.findings.get(wave.label, ()), *arrived.findings.get("", ())],
        {one.unit: one.name for one in everyone},
        framework,
        prose,
        few=sum(one.states[wave.label] not in ("", "not_yet") for one in everyone) < MANY,
    )
    return render_page(
        "board.html.j2",
        prose,
        styles=("style.css", "board.css"),
        title=prose.say("board.title", wave=short_label(wave)),
        simulated=asked.simulated,
        **_who(everyone, waves, wave, asked, prose),
        unidentified=_unknown(arrived, files),
        groups=people_part(everyone, waves, wave, _by_unit(arrived, wave, framework), prose),
        areas=asked.areas is not None,
        **_map(everyone, wave, asked, prose),
        keys={state: draw_key(state) for state in STATES},
        swatches={part: draw_part(part) for part in PARTS},
        dimensions=completeness_part(values, framework, asked.form, wave.label, len(answered), prose),
        n_answered=len(answered),
        statuses=[status_name(status, prose) for status in SHOWN],
        many=MANY,
        earlier=earlier_grid(values, wave.label, len(answered), prose),
        points=points,
        bands=bands_part(values, framework, wave.label, prose),
    )


def _who(everyone: list[Participant], waves: list[Period], wave: Period, asked: Asked, prose: Prose) -> dict[str, Any]:
    counts = Counter(one.states[wave.label] for one in everyone if one.states[wave.label])
    return {
        "everyone": sum(counts.values()),
        "counts": {state: counts[state] for state in STATES},
        "listed": asked.respondents is not None,
        "deadline": asked.deadline.isoformat() if asked.deadline else "",
        "by_wave": waves_grid(everyone, waves, prose),
        "by_arm": arms_grid(everyone, waves, asked.roster, prose) if asked.roster is not None else None,
    }


def _unknown(arrived: Arrived, known: pd.DataFrame) -> list[str]:
    """Return the beginnings of the digests of files whose sender is not known: their names could say anything."""
    others = arrived.files.loc[~arrived.files.index.isin(known.index) & ~arrived.files["replaced"]]
    return sorted(str(digest)[:_DIGEST_SHOWN] for digest in others["sha256"])


def _by_unit(arrived: Arrived, wave: Period, framework: Framework) -> Counter[tuple[str, str]]:
    """Count findings by unit and severity, without those whose respondent is not named elsewhere on the page."""
    found = arrived.findings.get(wave.label, ())
    return Counter((one.where.unit, one.severity) for one in found if not is_telling(one, framework))


def _map(everyone: list[Participant], wave: Period, asked: Asked, prose: Prose) -> dict[str, Any]:
    places = places_of(everyone, wave.label, prose)
    marked = Counter(place.state for place in places if place.state)
    if not marked:
        return {"map": None, "without_area": 0}
    facts = [prose.say("board.pair", name=prose.say(f"board.state.{one}"), value=marked[one]) for one in STATES]
    drawn = draw_map(
        places,
        title=prose.say("board.map.title", wave=short_label(wave)),
        description=prose.say("board.map.description", counts=", ".join(facts)),
        areas=asked.areas,
    )
    known = asked.areas.rings if asked.areas else {}
    lacking = sum(1 for place in places if place.state and place.code not in known) if known else 0
    return {"map": drawn, "without_area": lacking}
