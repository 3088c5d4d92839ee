"""The roster: which unit had which action from when, who decided and why; unknown is not never."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import FaultsError, nearest
from evaltoolkit.submissions.tabular import read_table

COLUMNS = ("unit", "action", "start", "end", "hours", "source", "decided_by", "why", "state")
STATES = ("treated", "never", "unknown")

# Headers and states as people write them in the four languages.
_HEADERS = {
    "unit": ("unit", "eenheid", "gemeente", "unité", "commune", "einheit", "gemeinde", "nis", "livc_r", "csil_r"),
    "action": ("action", "actie", "maatregel", "aktion", "massnahme", "maßnahme"),
    "start": ("start", "begin", "beginn", "début", "debut", "startdatum", "van", "from"),
    "end": ("end", "einde", "ende", "fin", "einddatum", "tot", "until"),
    "hours": ("hours", "uren", "heures", "stunden", "uur"),
    "source": ("source", "bron", "quelle"),
    "decided_by": ("decided_by", "decided by", "beslist_door", "beslist door", "décidé par", "entschieden von"),
    "why": ("why", "waarom", "pourquoi", "warum"),
    "state": ("state", "toestand", "status", "état", "etat", "zustand"),
    "decided_on": ("decided_on", "beslist_op", "décidé_le", "decide_le", "entschieden_am"),
    "planned_hours": ("planned_hours", "geplande_uren", "heures_prévues", "heures_prevues", "geplante_stunden"),
}
_CANONICAL = {word: column for column, words in _HEADERS.items() for word in words}
_STATE_WORDS = {
    **dict.fromkeys(("treated", "behandeld", "traité", "traitée", "behandelt"), "treated"),
    **dict.fromkeys(("never", "nooit", "jamais", "nie"), "never"),
    **dict.fromkeys(("unknown", "onbekend", "inconnu", "unbekannt"), "unknown"),
}
_ISO = re.compile(r"^(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?)?$")
_DAY_FIRST = re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{4})$")


def read_roster(path: str | Path) -> pd.DataFrame:
    """Read a roster from CSV or xlsx.

    A unit may have several rows for one action; its earliest start counts. A unit without a row is *unknown*.

    Parameters
    ----------
    path : str or Path
        Columns ``unit, action, start, end, hours, source, decided_by, why, state`` in any order, in Dutch, French,
        German or English; ``unit`` and ``action`` are needed, and ``start`` or ``state`` in each row. Dates are
        ISO (2023-03-01), day first (01/03/2023) or real date cells. ``decided_on`` (day of the decision) and
        ``planned_hours`` may stand beside them.

    Returns
    -------
    DataFrame
        All nine columns, and those of ``ALSO`` that the file has; index the row in the file; ``start`` and ``end`` are
        dates (NaT where none), ``hours`` a number, ``state`` one of ``treated``, ``never``, ``unknown``.

    Raises
    ------
    FaultsError
        All faults at once, each with its row and column.
    EvaltoolkitError
        The file cannot be read.
    """
    path = Path(path)
    return parse_roster(read_table(path), what=f"The roster {path.name}")


def parse_roster(cells: pd.DataFrame, what: str = "The roster") -> pd.DataFrame:
    """Check and type the cells of a roster; see :func:`read_roster`."""
    faults: list[str] = []
    if cells.index.name != "row":
        cells = cells.set_axis(pd.RangeIndex(2, len(cells) + 2, name="row"))
    table = _named_columns(cells, faults)
    if faults:
        raise FaultsError(faults, what)
    parsed = pd.DataFrame(
        {
            "unit": _column(table, "unit", _parse_unit, faults),
            "action": _column(table, "action", _parse_text, faults),
            "start": _column(table, "start", _parse_date, faults),
            "end": _column(table, "end", _parse_date, faults),
            "hours": _column(table, "hours", _parse_hours, faults),
            "source": _column(table, "source", _parse_text, faults),
            "decided_by": _column(table, "decided_by", _parse_text, faults),
            "why": _column(table, "why", _parse_text, faults),
            "state": _column(table, "state", _parse_state, faults),
        },
        index=table.index,
    ).astype({"start": "datetime64[s]", "end": "datetime64[s]", "hours": "float64"})
    for name, (parse, kind) in _ALSO.items():
        if name in table:
            parsed[name] = pd.Series(_column(table, name, parse, faults), index=table.index, dtype=kind)
    if not faults:
        parsed = _fill_state(parsed)
        _check_rows(parsed, faults)
    if faults:
        raise FaultsError(faults, what)
    return parsed


def _named_columns(cells: pd.DataFrame, faults: list[str]) -> pd.DataFrame:
    names: dict[str, str] = {}
    for header in map(str, cells.columns):
        word = header.strip().casefold()
        column = _CANONICAL.get(word) or _CANONICAL.get(word.replace(" ", "_").replace("-", "_"))
        if column in names.values():
            faults.append(f'column "{header}": "{column}" stands twice; keep one.')
        elif column:
            names[header] = column
        elif hint := nearest(word, _CANONICAL):
            faults.append(f'column "{header}" is not known.{hint}')
    faults += [f'column "{need}" is missing.' for need in ("unit", "action") if need not in names.values()]
    if not {"start", "state"} & set(names.values()):
        faults.append('column "start" is missing: give the first day of the action (2023-03-01).')
    table = cells.rename(columns={**{c: str(c) for c in cells.columns}, **names})
    return table[list(names.values())]


def _column(table: pd.DataFrame, name: str, parse: Callable[[object], object], faults: list[str]) -> list[object]:
    if name not in table:
        return [parse("") if name not in ("unit", "action") else ""] * len(table)
    values: list[object] = []
    for row, cell in table[name].items():
        try:
            values.append(parse(cell))
        except ValueError as problem:
            faults.append(f'row {row}, column "{name}": {problem}')
            values.append(None)
    return values


def _text(cell: object) -> str:
    if cell is None or cell is pd.NaT or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _parse_text(cell: object) -> str:
    return _text(cell)


def _parse_unit(cell: object) -> str:
    if not (text := _text(cell)):
        raise ValueError("the unit is empty; give the code of the municipality or cell.")
    return text


def _parse_date(cell: object) -> pd.Timestamp | None:
    if isinstance(cell, dt.datetime | dt.date) and not pd.isna(pd.Timestamp(cell)):
        return pd.Timestamp(cell.year, cell.month, cell.day)
    if not (text := _text(cell)):
        return None
    if match := _ISO.match(text):
        year, month, day = match[1], match[2], match[3]
    elif match := _DAY_FIRST.match(text):
        year, month, day = match[3], match[2], match[1]
    else:
        raise ValueError(f'"{text[:20]}" is not a date; write 2023-03-01 or 01/03/2023.')
    try:
        return pd.Timestamp(dt.date(int(year), int(month), int(day)))
    except ValueError:
        raise ValueError(f'"{text}" is not a day of the calendar; write 2023-03-01 or 01/03/2023.') from None


def _parse_hours(cell: object) -> float:
    text = _text(cell).replace(",", ".")
    if not text:
        return math.nan
    try:
        hours = float(text)
    except ValueError:
        raise ValueError("hours must be a number; write 12 or 12.5.") from None
    if not 0 <= hours < math.inf:
        raise ValueError("hours cannot be negative.")
    return hours


def _parse_state(cell: object) -> str:
    word = _text(cell).casefold()
    if word and word not in _STATE_WORDS:
        raise ValueError(f"the state is treated, never or unknown.{nearest(word, _STATE_WORDS)}")
    return _STATE_WORDS.get(word, "")


# what a roster may also say, for the checks on anticipation and on what was delivered
_ALSO = {"decided_on": (_parse_date, "datetime64[s]"), "planned_hours": (_parse_hours, "float64")}
ALSO = tuple(_ALSO)


def _fill_state(roster: pd.DataFrame) -> pd.DataFrame:
    empty = roster["state"] == ""
    started = roster["start"].notna()
    state = roster["state"].mask(empty & started, "treated").mask(empty & ~started, "unknown")
    return roster.assign(state=state)


def _check_rows(roster: pd.DataFrame, faults: list[str]) -> None:
    started = roster["start"].notna()
    for row in roster.index[(roster["state"] == "treated") & ~started]:
        faults.append(f'row {row}: the state is treated but there is no start; give the day, or write "unknown".')
    for row in roster.index[(roster["state"] == "never") & started]:
        faults.append(f"row {row}: the state is never but a start is given; take one of them away.")
    for row in roster.index[roster["end"] < roster["start"]]:
        faults.append(f"row {row}: the end lies before the start.")
    both = roster.groupby(["unit", "action"])["state"].agg(lambda states: {"treated", "never"} <= set(states))
    faults += [f'unit "{u}": "{a}" has a row treated and a row never; keep one.' for u, a in both.index[both]]
