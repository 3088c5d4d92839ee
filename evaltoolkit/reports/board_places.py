"""Municipalities on the board's map: those of the respondents with their state, the others as ground."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evaltoolkit.findings import FaultsError
from evaltoolkit.reports.board_pictures import Place
from evaltoolkit.reports.board_state import STATES, Participant
from evaltoolkit.reports.prose import Prose
from evaltoolkit.territory.municipalities import (
    VINTAGES,
    detect_vintages,
    load_municipalities,
    municipality_codes,
    municipality_name,
)


def places_of(everyone: Sequence[Participant], wave: str, prose: Prose) -> list[Place]:
    """Return a place for every municipality that is or was asked, and for the others of its division.

    A municipality that several respondents answer for shows the state that most needs somebody.
    """
    found: dict[str, tuple[str, str]] = {}
    at = {str(code): (lon, lat) for code, lon, lat in _positions()}
    for one in everyone:
        state = one.states[wave]
        if not state:
            continue
        for code in one.members or ((one.unit,) if one.kind == "municipality" else ()):
            known = found.get(code)
            if known is None or STATES.index(state) > STATES.index(known[0]):
                found[code] = (state, one.name)
    ground = [code for code in _division(set(found)) if code not in found]
    asked = [
        Place(code, *at[code], state, _words(code, name, state, prose))
        for code, (state, name) in sorted(found.items())
        if code in at
    ]
    return [*(Place(code, *at[code], "") for code in ground), *asked]


def _positions() -> Iterator[tuple[str, float, float]]:
    register = load_municipalities()
    return zip(register.index.astype(str), register["lon"], register["lat"], strict=True)


def _division(codes: set[str]) -> tuple[str, ...]:
    try:
        vintage = detect_vintages(codes)[-1]
    except FaultsError:
        # waves of different divisions together: the newest is the ground
        vintage = VINTAGES[-1]
    return municipality_codes(vintage)


def _words(code: str, name: str, state: str, prose: Prose) -> str:
    place = municipality_name(code, prose.language)
    whose = place if place == name else f"{place} ({name})"
    return prose.say("board.pair", name=whose, value=prose.say(f"board.state.{state}"))
