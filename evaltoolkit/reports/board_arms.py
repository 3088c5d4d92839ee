"""Which arm a respondent is in, by the roster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from evaltoolkit.reports.board_state import Key, Participant
from evaltoolkit.territory.register import load_mergers

ARMS = ("treated", "comparison", "unknown")


def arms_of(everyone: Iterable[Participant], roster: pd.DataFrame) -> dict[Key, str]:
    """Return each respondent's arm: ``treated``, ``comparison`` (declared never treated) or ``unknown``.

    A cell that the roster does not name has the action where one of its municipalities has; it is a comparison only
    where the roster says of all of them that they never had it. The same holds for a municipality that the roster
    knows by its predecessors. Unknown is not never.

    Parameters
    ----------
    everyone : respondents
    roster : table of :func:`~evaltoolkit.designs.roster.read_roster`, of one action
    """
    states: dict[str, set[str]] = {}
    for unit, state in zip(roster["unit"].astype(str), roster["state"].astype(str), strict=True):
        states.setdefault(unit, set()).add(state)
    older: dict[str, list[str]] = {}
    for old, new in load_mergers()[["code_old", "code_new"]].itertuples(index=False, name=None):
        if old != new:
            older.setdefault(str(new), []).append(str(old))
    return {one.key: _arm(one, states, older) for one in everyone}


def _arm(one: Participant, states: Mapping[str, set[str]], older: Mapping[str, list[str]]) -> str:
    found = states.get(one.unit) or {state for code in one.members for state in _states_of(code, states, older)}
    if "treated" in found:
        return "treated"
    return "comparison" if found == {"never"} else "unknown"


def _states_of(code: str, states: Mapping[str, set[str]], older: Mapping[str, list[str]]) -> set[str]:
    if code in states:
        return states[code]
    before = older.get(code, [])
    return {state for old in before for state in _states_of(old, states, older)} if before else {"unknown"}
