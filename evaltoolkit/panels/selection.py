"""Which values go into a panel: checked rows, the indicators that have a number, and the role of each part."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, FaultsError, nearest
from evaltoolkit.framework.indicator import Framework, Indicator
from evaltoolkit.framework.periods import Period
from evaltoolkit.framework.values import ANSWERED, COLUMNS, MISSING, STATUSES, UNIT_KINDS

# From best to worst; a value takes the worst status that went into it.
STATUS_ORDER = (*ANSWERED, *MISSING)
N_ANSWERED = len(ANSWERED)
_RANK = {status: rank for rank, status in enumerate(STATUS_ORDER)}
# parts that weigh or qualify a value and are not the value itself
BESIDE = ("n", "design_effect")
_TEXT_TYPES = ("choice", "multi", "month")


def numeric_indicators(framework: Framework, indicators: Sequence[str] | None = None) -> tuple[Indicator, ...]:
    """Return the indicators that have a number, in the framework's order.

    Raises
    ------
    EvaltoolkitError
        If one asked for by id is unknown, or holds codes or text instead of a number.
    """
    numeric = tuple(i for i in framework.indicators if main_parts(i))
    if indicators is None:
        return numeric
    ids = {i.id for i in numeric}
    faults = [
        f'indicator "{name}" holds answers in words or codes, not a number: leave it out of the panel'
        if name in framework.by_id
        else f'there is no indicator "{name}".{nearest(name, framework.by_id)}'
        for name in indicators
        if name not in ids
    ]
    if faults:
        raise FaultsError(faults, "The choice of indicators")
    return tuple(i for i in numeric if i.id in set(indicators))


def main_parts(indicator: Indicator) -> dict[str, str]:
    """Return the parts the value is made of and their role (``x``, ``summand``, ``numerator``, ``n``)."""
    if indicator.value == "ratio":
        return {"numerator": "numerator", "denominator": "n"}
    if indicator.value == "sum":
        return {part.id: "summand" for part in indicator.parts if part.type == "count"}
    if indicator.value == "single":
        part = next(part for part in indicator.parts if part.id not in BESIDE)
        return {} if part.type in _TEXT_TYPES else {part.id: "x"}
    return {}


def part_roles(indicators: Iterable[Indicator]) -> pd.DataFrame:
    """Return ``indicator, part, role, required`` for every part that counts in a panel."""
    rows = []
    for indicator in indicators:
        main = main_parts(indicator)
        rows += [(indicator.id, part, role, True) for part, role in main.items()]
        if indicator.value == "single":
            rows += [(indicator.id, "n", "n", False)] if "n" in indicator.part_ids else []
        if "design_effect" in indicator.part_ids:
            rows.append((indicator.id, "design_effect", "design_effect", False))
    return pd.DataFrame(rows, columns=["indicator", "part", "role", "required"])


def select_rows(
    values: pd.DataFrame, framework: Framework, chosen: Collection[str], periods: Sequence[str | Period] | None
) -> tuple[pd.DataFrame, tuple[Period, ...]]:
    """Return the checked rows of the chosen indicators with their status rank, and the periods by date.

    Raises
    ------
    FaultsError
        With every unknown column, indicator, part, status, kind of unit and period of the table.
    """
    _check(values, framework)
    rows = values.loc[values["indicator"].isin(list(chosen)), list(COLUMNS)]
    labels = sorted(rows["period"].unique()) if periods is None else [str(p) for p in periods]
    ordered = _ordered_periods(labels)
    rows = rows[rows["period"].isin([p.label for p in ordered])]
    if rows.empty:
        raise EvaltoolkitError(
            "No value is left for the panel: none belongs to the chosen indicators and periods. "
            f"Chosen: {', '.join(sorted(chosen)[:8])}; periods {', '.join(labels[:8]) or 'none'}."
        )
    rows = rows.sort_values(["unit_kind", "unit", "period", "indicator", "part", "source"], ignore_index=True)
    rows["rank"] = rows["status"].map(_RANK).astype("int64")
    # a status without a number is no number, whatever stands beside it
    rows["value"] = rows["value"].where(rows["rank"] < N_ANSWERED)
    return rows, ordered


def _ordered_periods(labels: Iterable[str]) -> tuple[Period, ...]:
    faults, periods = [], []
    for label in dict.fromkeys(labels):
        try:
            periods.append(Period.parse(label))
        except EvaltoolkitError as fault:
            faults.append(str(fault))
    periods.sort()
    for one, other in pairwise(periods):
        if one.time == other.time:
            faults.append(
                f"periods {one.label} and {other.label} begin in the same month: one panel cannot hold both; "
                "choose with periods= or indicators="
            )
    if faults:
        raise FaultsError(faults, "The list of periods")
    return tuple(periods)


def _check(values: pd.DataFrame, framework: Framework) -> None:
    missing = [column for column in COLUMNS if column not in values.columns]
    if missing:
        known = [str(column) for column in values.columns]
        raise FaultsError(
            [f'there is no column "{name}".{nearest(name, known)}' for name in missing], "The table of values"
        )
    faults = [
        *_strangers(values["unit_kind"], UNIT_KINDS, "kind of unit"),
        *_strangers(values["status"], STATUSES, "status"),
        *_strangers(values["indicator"], framework.by_id, "indicator"),
    ]
    known_parts = {(i.id, part) for i in framework.indicators for part in i.part_ids}
    pairs = values[["indicator", "part"]].drop_duplicates()
    for indicator, part in sorted(zip(pairs["indicator"], pairs["part"], strict=True)):
        if indicator in framework.by_id and (indicator, part) not in known_parts:
            faults.append(f'{indicator} has no part "{part}".{nearest(part, framework.by_id[indicator].part_ids)}')
    if faults:
        raise FaultsError(faults, "The table of values")


def _strangers(column: pd.Series[str], known: Collection[str], what: str) -> list[str]:
    strange = sorted(set(column.astype(str)) - set(known))
    return [f'"{word}" is no {what}.{nearest(word, known)}' for word in strange]
