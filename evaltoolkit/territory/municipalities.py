"""Municipalities: codes, names in three languages, and the vintage a set of codes belongs to."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from evaltoolkit.findings import EvaltoolkitError, FaultsError, nearest
from evaltoolkit.territory.register import (
    VINTAGES,
    check_vintage,
    load_mergers,
    load_municipalities,
    municipality_codes,
    vintage_on,
    vintage_start,
)

__all__ = [
    "VINTAGES",
    "assign_vintages",
    "code_of_name",
    "detect_vintages",
    "load_municipalities",
    "municipality_codes",
    "municipality_name",
    "vintage_on",
]

_NAME_LANGUAGES = ("nl", "fr", "de")
_NOTE = re.compile(r"^(?P<name>.+?)\s*\((?P<note>[^()]+)\)\s*$")


def municipality_name(code: str, language: str | None = None) -> str:
    """Return the name of a municipality.

    Parameters
    ----------
    code : str
    language : {"nl", "fr", "de", "en"}, optional
        Without it, and for English, the name in the municipality's own (first) official language. German falls
        back on that name too where no German one is official.
    """
    names = _names()
    if code not in names:
        raise EvaltoolkitError(f'"{code}" is no municipality code.{_hint(code)}')
    own = names[code]["own"]
    return names[code].get(language or "own", "") or own


def code_of_name(name: str, vintage: int | None = None, *, language: str | None = None) -> str:
    """Return the code of a municipality's name.

    Capitals, accents, hyphens, apostrophes and spaces do not matter. A note as statistical files write it,
    ``Saint-Nicolas (Liège)``, is compared with arrondissement and province.

    Parameters
    ----------
    name : str
        Dutch, French or German name.
    vintage : {2018, 2019, 2025}, optional
        Division in which the name must exist; without it all three are searched.
    language : {"nl", "fr", "de"}, optional
        Look at the names in this language only.

    Raises
    ------
    EvaltoolkitError
        If the name is unknown (with the nearest known name), or means more than one code (with the codes).
    """
    if vintage is not None:
        check_vintage(vintage)
    index = _name_index(vintage, language)
    codes = index.get(_key(name), frozenset())
    if not codes and (match := _NOTE.match(name)):
        codes = frozenset(c for c in index.get(_key(match["name"]), ()) if _key(match["note"]) in _places(c))
    if len(codes) == 1:
        return next(iter(codes))
    where = f" of {vintage}" if vintage else ""
    if not codes:
        raise EvaltoolkitError(f'No municipality{where} is called "{name}".{nearest(name, _all_names(vintage))}')
    listed = "; ".join(_describe(code) for code in sorted(codes))
    raise EvaltoolkitError(
        f'"{name}" means more than one municipality{where}: {listed}. Write the code, or give the vintage.'
    )


def detect_vintages(codes: Iterable[str]) -> tuple[int, ...]:
    """Return the vintages that hold all of these codes.

    A set without any changed code fits several vintages; 11002 Antwerpen keeps its code in 2025 although it
    absorbs Borsbeek, and so is evidence for none.

    Raises
    ------
    FaultsError
        Naming every unknown code with the nearest known one, or, where no vintage holds all codes, every code in
        conflict with the merger it belongs to.
    """
    given = {str(code) for code in codes}
    _refuse_unknown(given)
    fitting = _fitting(given)
    if not fitting:
        raise FaultsError(_conflicts(given), "The set of municipality codes mixes vintages and")
    return fitting


def assign_vintages(
    codes: Sequence[str], day: dt.date, *, retrospective: npt.ArrayLike | None = None
) -> npt.NDArray[np.int64]:
    """Return for each code the vintage in which it is meant.

    All codes should come from one vintage. Where several fit, the one nearest to the day is taken. Two exceptions
    allow a code ahead of the others: Bastogne (in force from 2024-12-02, a month before its vintage), and values
    given in retrospect by a municipality that did not yet exist.

    Parameters
    ----------
    codes : sequence of str
    day : date
        Last day of the period the codes speak of.
    retrospective : (n,) bool, optional
        Values that a later form gave for this period.

    Raises
    ------
    FaultsError
        As :func:`detect_vintages`.
    """
    given = np.asarray([str(code) for code in codes], dtype=object)
    _refuse_unknown(set(given))
    late = np.zeros(len(given), dtype=bool) if retrospective is None else np.asarray(retrospective, dtype=bool)
    result = np.empty(len(given), dtype=np.int64)
    ahead = np.zeros(len(given), dtype=bool)
    if not _fitting(set(given)):
        ahead = np.array([_is_ahead(c, day, retro) for c, retro in zip(given, late, strict=True)], dtype=bool)
    for group in (ahead, ~ahead):
        if group.any():
            result[group] = _nearest_vintage(detect_vintages(set(given[group])), vintage_on(day))
    return result


def _is_ahead(code: str, day: dt.date, retrospective: bool) -> bool:
    first = next(v for v in VINTAGES if code in _code_set(v))
    if vintage_start(first) <= day:
        return False
    begins = _valid_from().get(code, "")
    return retrospective or (begins != "" and dt.date.fromisoformat(begins) <= day)


def _nearest_vintage(fitting: tuple[int, ...], wanted: int) -> int:
    return min(fitting, key=lambda vintage: (abs(VINTAGES.index(vintage) - VINTAGES.index(wanted)), vintage))


def _fitting(codes: set[str]) -> tuple[int, ...]:
    return tuple(vintage for vintage in VINTAGES if codes <= _code_set(vintage))


def _refuse_unknown(codes: set[str]) -> None:
    strangers = sorted(codes - set(_names()))
    if strangers:
        raise FaultsError(
            [f'"{code}" is no municipality code.{_hint(code)}' for code in strangers], "The set of municipality codes"
        )


def _hint(code: str) -> str:
    """Help with a code that is a name, a code without its zero, or a slip of the pen."""
    matches = _name_index(None, None).get(_key(code), frozenset()) if not code.isdigit() else frozenset()
    if matches:
        return f" This is a name; write the code ({', '.join(sorted(matches))})."
    return nearest(code, _names())


def _conflicts(codes: set[str]) -> list[str]:
    """Say of every code that lacks in some vintage which merger it belongs to."""
    partial = sorted(code for code in codes if any(code not in _code_set(v) for v in VINTAGES))
    mergers = load_mergers()
    faults = []
    for code in partial:
        rows = mergers[(mergers["code_old"] == code) | (mergers["code_new"] == code)]
        events = [
            f"{' + '.join(mergers.loc[mergers['code_new'] == new, 'code_old'])} became {new} on {date}"
            for new, date in rows[["code_new", "date"]].drop_duplicates().itertuples(index=False)
        ]
        years = ", ".join(str(v) for v in VINTAGES if code in _code_set(v))
        faults.append(f"{code} {municipality_name(code)} exists in {years} only: {'; '.join(events)}.")
    return faults


def _key(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold().replace("œ", "oe"))
    return "".join(letter for letter in letters if letter.isalnum() and letter.isascii())


def _describe(code: str) -> str:
    years = ", ".join(str(v) for v in VINTAGES if code in _code_set(v))
    return f"{code} {municipality_name(code)} ({years})"


@cache
def _code_set(vintage: int) -> frozenset[str]:
    return frozenset(municipality_codes(vintage))


@cache
def _valid_from() -> dict[str, str]:
    return {str(code): str(day) for code, day in load_municipalities()["valid_from"].items()}


@cache
def _names() -> dict[str, dict[str, str]]:
    register = load_municipalities()
    columns = [register[column].astype(str) for column in ("name_nl", "name_fr", "name_de", "languages")]
    names = {}
    for code, dutch, french, german, languages in zip(register.index.astype(str), *columns, strict=True):
        by_language = {"nl": dutch, "fr": french, "de": german}
        # bilingual Brussels: the register lists French first
        names[code] = {**by_language, "own": by_language[languages.split("+")[0]]}
    return names


@cache
def _all_names(vintage: int | None) -> tuple[str, ...]:
    wanted = set(_names()) if vintage is None else set(_code_set(vintage))
    return tuple({names[lang] for code, names in _names().items() if code in wanted for lang in _NAME_LANGUAGES} - {""})


@cache
def _name_index(vintage: int | None, language: str | None) -> dict[str, frozenset[str]]:
    wanted = set(_names()) if vintage is None else set(_code_set(vintage))
    index: dict[str, set[str]] = {}
    for code, names in _names().items():
        for lang in _NAME_LANGUAGES if language is None else (language,):
            if code in wanted and names.get(lang):
                index.setdefault(_key(names[lang]), set()).add(code)
    return {key: frozenset(codes) for key, codes in index.items()}


def _places(code: str) -> set[str]:
    row = load_municipalities().loc[code]
    columns = ("province_nl", "province_fr", "arrondissement_nl", "arrondissement_fr")
    return {_key(str(row[column])) for column in columns}
