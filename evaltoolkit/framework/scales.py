"""In what a measure is shown: a ratio of 0.62 as 62 %, a difference of 0.04 as 4 percentage points."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from evaltoolkit.framework.indicator import Indicator


@dataclass(frozen=True)
class Scale:
    """Factor from the stored to the shown number, the units of a difference and of a level, and the decimals shown.

    Units are facts for :class:`evaltoolkit.reports.prose.Prose`: ``@unit.percent``, ``@unit_of:GOV-08``, and
    ``@per:@unit.percentage_points|session`` for a difference per session.
    """

    factor: float
    difference: str
    level: str
    decimals: int = 2

    @property
    def percent(self) -> bool:
        """Whether levels are shown in percent, and differences in percentage points."""
        return self.level == "@unit.percent"

    def counted_per(self, dose: str) -> Scale:
        """Return the scale of a difference per unit of a dose; itself where there is none."""
        return replace(self, difference=f"@per:{self.difference}|{dose}") if dose else self


# what one unit of a dose is called where it is the hours of a roster
HOURS = {"total": "@unit.dose.hours_total", "per_period": "@unit.dose.hours_per_period"}
_SCALES = {
    "percent": Scale(100.0, "@unit.percentage_points", "@unit.percent", 1),
    "per_10000": Scale(10_000.0, "@unit.per_10000", "@unit.per_10000"),
    "number": Scale(1.0, "@unit.number", "@unit.number"),
}
# units of an own measure that are no names: 0.37 is shown as 37 %, and 37 too; a difference is in percentage points
SHARE = "share"
_PERCENT = frozenset({"%", "percent", "per cent", "procent", "pour cent", "prozent"})


def scale_of(indicator: Indicator | None, own_unit: str = "") -> Scale:
    """Return the scale of an indicator; an evaluator's own measure is shown as it is, in ``own_unit``.

    Two own units are more than a name: with ``"share"`` the numbers lie between 0 and 1 and are shown in percent; with
    ``"%"`` they are in percent already. Differences of both are percentage points.
    """
    if indicator is None and own_unit == SHARE:
        return _SCALES["percent"]
    if indicator is None and own_unit.casefold() in _PERCENT:
        return replace(_SCALES["percent"], factor=1.0)
    if indicator is not None and (indicator.scale != "number" or _is_yes_no(indicator)):
        return _SCALES["percent" if _is_yes_no(indicator) else indicator.scale]
    unit = f"@unit_of:{indicator.id}" if indicator is not None else own_unit or "@unit.number"
    # an own measure may be of any size: as many decimals as its precision asks
    decimals = _SCALES["number"].decimals if indicator is not None else 4
    return replace(_SCALES["number"], difference=unit, level=unit, decimals=decimals)


def _is_yes_no(indicator: Indicator) -> bool:
    """Whether the mean of the indicator is the share that says yes."""
    return indicator.value == "single" and indicator.parts[0].type == "yes_no"


def decimals_for(*magnitudes: float, figures: int = 2, most: int = 4) -> int:
    """Return the number of decimals that shows the largest finite magnitude with ``figures`` figures."""
    sizes = [abs(m) for m in magnitudes if math.isfinite(m) and m != 0]
    if not sizes:
        return min(1, most)
    return min(most, max(0, figures - 1 - math.floor(math.log10(max(sizes)))))
