"""What may be written about people: thresholds as data, and what every column must say of itself."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Literal, get_args

from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.framework.indicator import Indicator

Kind = Literal["label", "code", "count_persons", "count_other", "share", "statistic"]
Level = Literal["municipality", "livc_r", "zone", "region", "nation"]
Sensitivity = Literal["none", "low", "small_cells", "high"]

KINDS: tuple[str, ...] = get_args(Kind)
# From the smallest to the largest.
LEVELS: tuple[str, ...] = get_args(Level)


@dataclass(frozen=True, slots=True)
class Column:
    """What a column of an output holds.

    Attributes
    ----------
    kind : str
        ``label`` (words of the toolkit's own), ``code`` (of a unit, period or answer), ``count_persons`` (small
        counts are suppressed), ``count_other`` (meetings, invitations), ``share`` of persons, or ``statistic`` over
        units.
    denominator : str
        For a share: the column with the number of persons it is a share of.
    n_units : str or int
        For a statistic: the number of units it is taken over, or the column that holds it.
    sensitivity : {"none", "low", "small_cells", "high"}
        Of the indicator; ``high`` is never written below the region.
    """

    kind: Kind
    denominator: str = ""
    n_units: str | int = 0
    sensitivity: Sensitivity = "none"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise EvaltoolkitError(
                f'A column cannot be of kind "{self.kind}": write one of {", ".join(KINDS)}.{nearest(self.kind, KINDS)}'
            )
        if self.kind == "share" and not self.denominator:
            raise EvaltoolkitError("A share must name its denominator: the column with the number of persons.")


@dataclass(frozen=True, slots=True)
class Rules:
    """Thresholds of suppression."""

    threshold: int = 5
    min_units: int = 3
    lowest_level: Mapping[str, str] = field(default_factory=lambda: {"high": "region"})

    def __post_init__(self) -> None:
        if self.threshold < 2 or self.min_units < 2:
            raise EvaltoolkitError("A threshold below 2 protects nobody: give threshold and min_units of 2 or more.")
        unknown = [level for level in self.lowest_level.values() if level not in LEVELS]
        if unknown:
            raise EvaltoolkitError(
                f'Level "{unknown[0]}" is not known: write one of {", ".join(LEVELS)}.{nearest(unknown[0], LEVELS)}'
            )

    def allows(self, sensitivity: str, level: str) -> bool:
        """Tell whether an indicator of this sensitivity may be written at a level."""
        lowest = self.lowest_level.get(sensitivity, LEVELS[0])
        return LEVELS.index(level) >= LEVELS.index(lowest)


@cache
def default_rules() -> Rules:
    """Return the rules that come with the package (``data/disclosure.toml``)."""
    source = resources.files("evaltoolkit") / "data" / "disclosure.toml"
    return Rules(**tomllib.loads(source.read_text(encoding="utf-8")))


def column_of(indicator: Indicator, *, denominator: str = "") -> Column:
    """Return what a column with an indicator's value holds.

    A count of anything sensitive is treated as a count of persons: even where events are counted, one to four of
    them can point to somebody. A ratio or a survey share needs the column with its number of persons, else it counts
    as a plain amount.
    """
    sensitive = indicator.sensitivity != "none"
    if indicator.conversion in ("ratio", "mean") and denominator:
        return Column("share", denominator=denominator, sensitivity=indicator.sensitivity)
    if indicator.conversion in ("ratio", "mean") and sensitive:
        raise EvaltoolkitError(f"{indicator.id} is a share of persons: name the column with its denominator.")
    return Column("count_persons" if sensitive else "count_other", sensitivity=indicator.sensitivity)
