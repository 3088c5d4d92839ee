"""Which units are alike, and what may be said of many of them without telling of one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.disclosure.rules import default_rules
from evaltoolkit.findings import EvaltoolkitError, FaultsError, nearest
from evaltoolkit.panels.panel import Panel
from evaltoolkit.territory.municipalities import load_municipalities

Array = npt.NDArray[np.float64]

# others with a value, besides the one that is compared: below this there is no band
LEAST_OTHERS = 10
# inhabitants; the usual Belgian classes
SIZES = (0, 5_000, 10_000, 20_000, 50_000, float("inf"))
INHABITANTS = "CTX-01"


@dataclass(frozen=True)
class Group:
    """Units that are alike, the compared one among them.

    Attributes
    ----------
    kind : ``declared``, ``size`` (of one region and size class) or ``region``
    facts : what they share: ``group`` (declared), ``region`` (code), ``low`` and ``high`` inhabitants
    units : codes
    """

    kind: str
    facts: Mapping[str, str | float]
    units: tuple[str, ...]


def read_groups(path: str | Path) -> pd.DataFrame:
    """Read which units are declared to be alike: a CSV with the columns ``unit`` and ``group``.

    Raises
    ------
    EvaltoolkitError
        The file is not there or is no table in UTF-8.
    FaultsError
        A column is missing, or a unit stands twice.
    """
    path = Path(path)
    try:
        table = pd.read_csv(path, sep=None, engine="python", dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except OSError as error:
        raise EvaltoolkitError(f'The file "{path.name}" cannot be opened: {error.strerror}.') from error
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError):
        raise EvaltoolkitError(f'"{path.name}" is no CSV table in UTF-8. Save it as "CSV UTF-8".') from None
    known = [str(name) for name in table.columns]
    faults = [f'there is no column "{name}".{nearest(name, known)}' for name in ("unit", "group") if name not in known]
    if not faults:
        twice = table.loc[table["unit"].duplicated(), "unit"]
        faults = [f'unit "{unit}" stands twice: keep one row.' for unit in sorted(set(twice))]
    if faults:
        raise FaultsError(faults, f'"{path.name}"')
    return table[["unit", "group"]]


@dataclass(frozen=True)
class Likeness:
    """What tells of every unit whom it is like: declared group, region, last known number of inhabitants."""

    units: tuple[str, ...]
    declared: Mapping[str, str]
    regions: Mapping[str, str]
    sizes: Mapping[str, float]

    def groups_of(self, unit: str) -> list[Group]:
        """Return the groups that a unit belongs to, the narrowest first; where one is declared, that alone."""
        if name := self.declared.get(unit, ""):
            alike = tuple(code for code in self.units if self.declared.get(code) == name)
            return [Group("declared", {"group": name}, alike)]
        region = self.regions.get(unit, "")
        if not region:
            return []
        same = tuple(code for code in self.units if self.regions.get(code) == region)
        wide = Group("region", {"region": region}, same)
        size = self.sizes.get(unit, np.nan)
        bounds = next(((low, high) for low, high in pairwise(SIZES) if low <= size < high), None)
        if bounds is None:
            return [wide]
        close = tuple(code for code in same if bounds[0] <= self.sizes.get(code, np.nan) < bounds[1])
        return [Group("size", {"region": region, "low": bounds[0], "high": bounds[1]}, close), wide]


def likeness_of(panel: Panel, declared: pd.DataFrame | None = None) -> Likeness:
    """Return who is like whom among the units of a panel.

    Parameters
    ----------
    panel : tells the members of cells and, where it holds them, inhabitants
    declared : table of :func:`read_groups`
    """
    groups = {} if declared is None else dict(zip(declared["unit"], declared["group"], strict=True))
    return Likeness(tuple(panel.unit_codes), groups, _regions(panel), _sizes(panel))


def _regions(panel: Panel) -> dict[str, str]:
    """Return the region of every unit; a cell whose members lie in several has none."""
    register = load_municipalities()["region_code"].to_dict()
    members = panel.units["members"] if "members" in panel.units.columns else panel.units.index.to_series()
    found = {}
    for unit, codes in members.items():
        regions = {register.get(code, "") for code in str(codes).split(";") if code}
        if len(regions) == 1:
            found[str(unit)] = str(regions.pop())
    return found


def _sizes(panel: Panel) -> dict[str, float]:
    if INHABITANTS not in panel.data.columns:
        return {}
    last = panel.data[INHABITANTS].dropna().groupby(level="unit").last()
    return {str(unit): float(value) for unit, value in last.items()}


def choose_group(groups: Sequence[Group], seen: Collection[str]) -> Group | None:
    """Return the narrowest group in which enough units have a value (``seen``: their codes); None where none has."""
    seen = set(seen)
    return next((group for group in groups if len(seen & set(group.units)) > LEAST_OTHERS), None)


def quartile_band(values: Array) -> tuple[float, float] | None:
    """Return the band that holds the middle half of a group, or None where it could tell of one unit.

    Each end is the mean of the three values around the quartile, so that no end is any unit's own value. The band is
    taken over the whole group, the compared unit included: everybody in it sees the same band, and two pages
    together tell no more than one. There is none for fewer than eleven values, and none where nearly all are equal
    (all but one or two), since it would then tell of everyone.

    Parameters
    ----------
    values : (n,) array; NaN where a unit has none
    """
    known = np.sort(values[np.isfinite(values)])
    few = default_rules().min_units
    if len(known) <= LEAST_OTHERS or _most_common(known) > len(known) - few:
        return None
    ends = []
    for share in (0.25, 0.75):
        middle = round(share * (len(known) - 1))
        ends.append(float(known[middle - few // 2 : middle + few // 2 + 1].mean()))
    return ends[0], ends[1]


def share_of(values: Array) -> float | None:
    """Return the share of ones, in tenths; None where so few say one of the two that they could be told apart."""
    known = values[np.isfinite(values)]
    few = default_rules().min_units
    ones = int((known > 0.5).sum())
    if len(known) <= LEAST_OTHERS or min(ones, len(known) - ones) < few:
        return None
    return round(ones / len(known), 1)


def _most_common(known: Array) -> int:
    return int(np.unique(known, return_counts=True)[1].max())
