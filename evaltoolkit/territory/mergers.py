"""Mergers and recodes: how the codes of one vintage become those of a later one.

No municipality was split between 2018 and 2025, so every map is N:1 and conversion forward is exact for counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import cache
from typing import Literal, cast

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, FaultsError, RefusedError, nearest
from evaltoolkit.territory.register import VINTAGES, check_vintage, load_mergers, municipality_codes

__all__ = [
    "Nature",
    "base_codes",
    "convert_codes",
    "crosswalk",
    "load_mergers",
    "merger_dates",
    "nature",
    "natures",
    "predecessors",
]

Nature = Literal["unchanged", "recode", "merger"]


def crosswalk(from_vintage: int, to_vintage: int) -> pd.Series[str]:
    """Return the code in the later vintage for every code of the earlier one.

    Parameters
    ----------
    from_vintage, to_vintage : {2018, 2019, 2025}

    Returns
    -------
    Series
        Index ``code_<from>``, all codes of ``from_vintage``; values codes of ``to_vintage``. Total and N:1.

    Raises
    ------
    RefusedError
        If ``to_vintage`` is earlier: one municipality would have to be split into several.
    """
    check_vintage(from_vintage)
    check_vintage(to_vintage)
    if to_vintage < from_vintage:
        raise RefusedError(
            f"Codes of {from_vintage} cannot be converted back to {to_vintage}: a merged municipality's value would "
            f"have to be divided. Convert the older data forward to {from_vintage} instead."
        )
    return _crosswalk(from_vintage, to_vintage).copy()


def convert_codes(codes: Iterable[str], from_vintage: int, to_vintage: int) -> pd.Series[str]:
    """Return the codes in the later vintage, in the order given (index = position).

    Raises
    ------
    FaultsError
        Listing every code that does not exist in ``from_vintage``.
    RefusedError
        If ``to_vintage`` is earlier than ``from_vintage``.
    """
    given = pd.Series([str(code) for code in codes], dtype="str")
    forward = crosswalk(from_vintage, to_vintage)
    strangers = sorted(set(given) - set(forward.index))
    if strangers:
        faults = [
            f'"{code}" is no municipality code of {from_vintage}.{nearest(code, forward.index)}' for code in strangers
        ]
        raise FaultsError(faults, "The list of codes")
    return given.map(forward).astype("str")


def natures(from_vintage: int, to_vintage: int) -> pd.Series[str]:
    """Return what happened to each code of ``to_vintage`` since ``from_vintage``.

    Returns
    -------
    Series
        Index code of ``to_vintage``; ``unchanged``, ``recode`` (the same municipality under another code) or
        ``merger``. Antwerpen (11002) is a merger in 2025 although it keeps its code: Borsbeek joined it.
    """
    forward = crosswalk(from_vintage, to_vintage)
    counts = forward.value_counts()
    result = pd.Series("unchanged", index=pd.Index(sorted(counts.index), name="code"), dtype="str", name="nature")
    renamed = forward[forward != forward.index]
    result.loc[list(renamed)] = "recode"
    result.loc[list(counts.index[counts > 1])] = "merger"
    return result


def nature(code: str, from_vintage: int, to_vintage: int) -> Nature:
    """Return what happened to one code of ``to_vintage`` since ``from_vintage``."""
    _check_member(code, to_vintage)
    return cast("Nature", natures(from_vintage, to_vintage)[code])


def predecessors(code: str, from_vintage: int, to_vintage: int) -> tuple[str, ...]:
    """Return the codes of ``from_vintage`` that make up ``code`` of ``to_vintage``, sorted (itself if unchanged)."""
    forward = crosswalk(from_vintage, to_vintage)
    _check_member(code, to_vintage)
    return tuple(sorted(forward.index[forward == code]))


def base_codes(vintage: int) -> pd.Series[str]:
    """Return the code in ``vintage`` for each of the 589 municipalities of 2018.

    These 589 are the smallest pieces of territory the register knows; every code of every vintage is a set of
    them, so that "the same territory" and "complete" can be decided exactly.
    """
    return crosswalk(VINTAGES[0], vintage)


def merger_dates() -> dict[str, dt.date]:
    """Return the day on which each merged municipality came into being, by its code; recodes are left out.

    Bastogne (82039) began on 2024-12-02, all others of the second round on 2025-01-01.
    """
    mergers = load_mergers()
    merged = mergers[mergers["type"] == "merger"].drop_duplicates("code_new").sort_values("code_new")
    return {code: dt.date.fromisoformat(day) for code, day in zip(merged["code_new"], merged["date"], strict=True)}


@cache
def _crosswalk(from_vintage: int, to_vintage: int) -> pd.Series[str]:
    codes = list(municipality_codes(from_vintage))
    current = pd.Series(
        codes, index=pd.Index(codes, name=f"code_{from_vintage}"), dtype="str", name=f"code_{to_vintage}"
    )
    mergers = load_mergers()
    steps = [v for v in VINTAGES if from_vintage < v <= to_vintage]
    for vintage in steps:
        step = mergers[mergers["to_vintage"] == vintage].set_index("code_old")["code_new"]
        current = current.map(step).fillna(current).astype("str")
    _check_closure(current, to_vintage)
    return current


def _check_closure(forward: pd.Series[str], to_vintage: int) -> None:
    if set(forward) != set(municipality_codes(to_vintage)):
        raise EvaltoolkitError(
            f"The register does not close: mergers.csv and municipalities.csv disagree on the codes of {to_vintage}."
        )


def _check_member(code: str, vintage: int) -> None:
    known = municipality_codes(vintage)
    if code not in known:
        raise EvaltoolkitError(f'"{code}" is no municipality code of {vintage}.{nearest(code, known)}')
