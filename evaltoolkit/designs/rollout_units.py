"""The units of a roll-out: read from a table, checked, sorted by their code, grouped into what is drawn."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.allocation import Array, Ints, whiten
from evaltoolkit.designs.rollout_rules import Rules, check_rules
from evaltoolkit.findings import FaultsError, nearest
from evaltoolkit.submissions.tabular import read_table

_MISSING = ("", "NA", "N/A", "NaN", "nan", "<NA>", "None")
_NUMBER = {mark: re.compile(rf"^-?\d+({re.escape(mark)}\d+)?([eE][-+]?\d+)?$", re.ASCII) for mark in ".,"}
_FORMULA = ("=", "+", "-", "@")
_MOST_NAMED = 5


@dataclass(frozen=True)
class RolloutUnits:
    """Units in the order of their codes, and the items that are drawn (units, or clusters by their first unit).

    Attributes
    ----------
    units : (n,) codes, sorted as text
    item : (n,) number of the item each unit belongs to
    clusters, strata : (n,) label of each unit; empty where there are none
    stratum : (m,) stratum of each item, numbered by first item: labels do not matter
    values : (m, p) what is balanced: means over an item's units, missing values at the column's median
    names : p names; ``<column>.missing`` is the share of values that were missing
    missing : number of missing values per column that has any
    digest : SHA-256 of all that the draw was made from
    """

    units: tuple[str, ...]
    item: Ints
    clusters: tuple[str, ...]
    strata: tuple[str, ...]
    stratum: Ints
    values: Array
    names: tuple[str, ...]
    missing: Mapping[str, int]
    digest: str


def read_units(table: pd.DataFrame | str | Path, rules: Rules) -> RolloutUnits:
    """Read and check the units of a draw.

    Raises
    ------
    FaultsError
        Every fault of settings and table at once.
    """
    frame = read_table(table) if isinstance(table, str | Path) else table.rename(columns=str)
    faults = check_rules(rules)
    if missing := _missing_columns(frame, rules):
        more = [] if rules.cluster else _total_faults(rules, len(frame))
        raise FaultsError([*faults, *missing, *more], "The roll-out")
    codes = [_text(cell) for cell in frame[rules.unit]]
    faults += _code_faults(codes)
    by_code = frame.set_axis(pd.Index(codes), axis=0).sort_index(kind="stable")
    labels = {name: [_text(cell) for cell in by_code[name]] for name in _label_columns(rules)}
    numbers, wrong = _all_numbers(by_code, rules)
    units = _group(list(by_code.index), labels, numbers, rules, faults)
    if faults := [*faults, *wrong]:
        raise FaultsError(faults, "The roll-out")
    return units


def _label_columns(rules: Rules) -> tuple[str, ...]:
    return (*rules.strata, *((rules.cluster,) if rules.cluster else ()))


def _missing_columns(frame: pd.DataFrame, rules: Rules) -> list[str]:
    wanted = dict.fromkeys((rules.unit, *_label_columns(rules), *rules.balance))
    known = list(frame.columns)
    twice = [f'column "{name}" stands more than once; keep one.' for name in wanted if known.count(name) > 1]
    absent = [name for name in wanted if name not in known]
    listed = f" Columns there: {', '.join(known)}."
    return twice + [f'the table has no column "{name}".{nearest(name, known) or listed}' for name in absent]


def _text(cell: object) -> str:
    if cell is None or cell is pd.NaT or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _code_faults(codes: list[str]) -> list[str]:
    if not codes:
        return ["the table has no rows: one per unit is needed."]
    faults = [f"row {place} of the units has no code; fill it in." for place, code in enumerate(codes, 1) if not code]
    twice = sorted((code, times) for code, times in Counter(codes).items() if code and times > 1)
    faults += [f'unit "{code}" stands {times} times; keep one row.' for code, times in twice]
    # the roster is opened in spreadsheets
    risky = [code for code in codes if code.startswith(_FORMULA)]
    return faults + [
        f'unit "{code}" would be read as a formula; give it a code of letters or digits.' for code in risky
    ]


def _all_numbers(frame: pd.DataFrame, rules: Rules) -> tuple[dict[str, Array], list[str]]:
    """Return the balance columns that can be used, and the faults of the others."""
    numbers, faults = {}, []
    for name in rules.balance:
        column, fault = _numbers(frame[name], rules.decimal)
        if fault:
            faults.append(fault)
        else:
            numbers[name] = column
    return numbers, faults


def _numbers(column: pd.Series, decimal: str) -> tuple[Array, str]:
    numbers, wrong = np.full(len(column), np.nan), {}
    for place, (unit, cell) in enumerate(column.items()):
        if (text := str(cell).strip()) in _MISSING:
            continue
        if isinstance(cell, int | float | np.number) and not isinstance(cell, bool):
            numbers[place] = float(cell)
        elif isinstance(cell, str) and _NUMBER.get(decimal, _NUMBER["."]).match(text):
            numbers[place] = float(text.replace(",", "."))
        else:
            wrong[str(unit)] = text
    return numbers, _number_fault(str(column.name), numbers, wrong, decimal)


def _number_fault(name: str, numbers: Array, wrong: Mapping[str, str], decimal: str) -> str:
    if wrong:
        other = "." if decimal == "," else ","
        hint = f' or say decimal="{other}"' if all(_NUMBER[other].match(text) for text in wrong.values()) else ""
        how = f"write 1234{decimal}5, leave it empty{hint}" if hint else f"write 1234{decimal}5 or leave it empty"
        return f'column "{name}" is not a number for {_named(wrong)}; {how}.'
    if np.isinf(numbers).any():
        return f'column "{name}" holds an infinite number; correct it or leave it empty.'
    if np.isnan(numbers).all():
        return f'column "{name}" has no value at all; leave it out of the balance.'
    return ""


def _named(units: Iterable[str]) -> str:
    names = list(dict.fromkeys(units))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ("unit " if len(names) == 1 else "units ") + ", ".join(names[:_MOST_NAMED]) + more


def _group(
    units: list[str], labels: Mapping[str, list[str]], numbers: Mapping[str, Array], rules: Rules, faults: list[str]
) -> RolloutUnits:
    clusters = labels[rules.cluster] if rules.cluster else [""] * len(units)
    # a unit without a cluster stands alone, and is never taken for a cluster of that name
    item = _number_by_first([("cluster", c) if c else ("unit", u) for c, u in zip(clusters, units, strict=True)])
    strata = _strata(units, labels, rules, faults)
    first = np.unique(item, return_index=True)[1]
    faults += _cluster_faults(clusters, strata, item, first)
    values, names = _balance(numbers, item)
    if units:
        faults += [*_total_faults(rules, len(first)), *_balance_faults(values, names)]
    return RolloutUnits(
        units=tuple(units),
        item=item,
        clusters=tuple(clusters),
        strata=tuple(strata),
        stratum=_number_by_first([strata[place] for place in first]),
        values=values,
        names=names,
        missing={name: int(np.isnan(column).sum()) for name, column in numbers.items() if np.isnan(column).any()},
        digest=_digest(units, labels, numbers),
    )


def _number_by_first(keys: list[object] | list[str] | list[tuple[str, str]]) -> Ints:
    """Number keys in the order in which they first occur."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def _strata(units: list[str], labels: Mapping[str, list[str]], rules: Rules, faults: list[str]) -> list[str]:
    for name in rules.strata:
        if empty := [unit for unit, label in zip(units, labels[name], strict=True) if not label]:
            faults.append(f'column "{name}" is empty for {_named(empty)}; fill it in, or write a word for unknown.')
    parts = [labels[name] for name in rules.strata]
    return [" | ".join(part) for part in zip(*parts, strict=True)] if parts else [""] * len(units)


def _cluster_faults(clusters: list[str], strata: list[str], item: Ints, first: npt.NDArray[np.intp]) -> list[str]:
    """A cluster gets one start, so that it must lie in one stratum."""
    astray = {clusters[place] for place in range(len(item)) if strata[place] != strata[first[item[place]]]}
    return [
        f'cluster "{name}" has units in several strata; leave out a stratum column or split the cluster.'
        for name in sorted(astray)
    ]


def _total_faults(rules: Rules, drawn: int) -> list[str]:
    # a size that is no number has been told already
    total = sum(size for size in rules.sizes.values() if isinstance(size, int))
    if total == drawn or any(not isinstance(size, int) for size in rules.sizes.values()):
        return []
    what = "clusters (what is drawn)" if rules.cluster else "units"
    gap = f"{drawn - total} too few" if total < drawn else f"{total - drawn} too many"
    return [f"the starts have {total} places for {drawn} {what}: {gap}. Change a number, or add a start such as never."]


def _balance(numbers: Mapping[str, Array], item: Ints) -> tuple[Array, tuple[str, ...]]:
    """Return what is balanced per item.

    A missing value takes the column's median and a column says that it was missing. The draw is fair whatever is
    balanced on, so that this costs no validity; dropping units or columns would cost balance.
    """
    size = np.bincount(item).astype(float)
    columns: dict[str, Array] = {}
    for name, column in numbers.items():
        gone = np.isnan(column)
        columns[name] = np.bincount(item, np.where(gone, np.nanmedian(column), column)) / size
        if gone.any():
            columns[f"{name}.missing"] = np.bincount(item, gone) / size
    if len(set(size)) > 1 and columns:
        # arms of clusters are to have about as many units
        columns["cluster.units"] = size
    values = np.column_stack(list(columns.values())) if columns else np.empty((len(size), 0))
    return values, tuple(columns)


def _balance_faults(values: Array, names: tuple[str, ...]) -> list[str]:
    if not names:
        return []
    spread = np.ptp(values, axis=0)
    flat = [name for name, width in zip(names, spread, strict=True) if width == 0]
    faults = [f'column "{name}" has the same value everywhere; leave it out of the balance.' for name in flat]
    if not flat and whiten(values).shape[1] >= len(values) - 1:
        faults.append(f"{len(names)} balance columns are too many for {len(values)} to draw; leave some out.")
    return faults


def _digest(units: list[str], labels: Mapping[str, list[str]], numbers: Mapping[str, Array]) -> str:
    """SHA-256 of the columns used, sorted by unit, ten digits: order, layout and other columns do not count."""
    columns = {name: labels[name] for name in sorted(labels)}
    columns |= {f"balance {name}": [_ten_digits(number) for number in numbers[name]] for name in sorted(numbers)}
    text = json.dumps({"units": units, **columns}, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _ten_digits(number: float) -> str:
    return "" if math.isnan(number) else f"{number + 0.0:.10g}"
