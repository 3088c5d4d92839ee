"""One indicator of one respondent: the own value in words, where similar ones lie, how it went over the years."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from evaltoolkit.disclosure.rules import default_rules
from evaltoolkit.findings import Fact
from evaltoolkit.framework.indicator import Indicator
from evaltoolkit.framework.periods import Period
from evaltoolkit.framework.scales import Scale, decimals_for, scale_of
from evaltoolkit.framework.values import MISSING
from evaltoolkit.panels.panel import Panel
from evaltoolkit.reports.board_parts import status_name
from evaltoolkit.reports.grids import ABSENT, Grid
from evaltoolkit.reports.groups import short_label
from evaltoolkit.reports.municipality_picture import Point, draw_trend
from evaltoolkit.reports.prose import Prose
from evaltoolkit.reports.similar import Array, Group, choose_group, quartile_band, share_of

# of these nothing is shown below the region, not even to the respondent: the page may be passed on
KEPT_OUT = "high"


@dataclass(frozen=True)
class Card:
    """What stands on the page about one indicator; sentences in the language of the page.

    ``group`` is the kind of likeness behind the band, empty where there is no band.
    """

    anchor: str
    dimension: str
    name: str
    sentences: tuple[str, ...]
    svg: Markup
    grid: Grid
    group: str
    ambiguous: bool


@dataclass(frozen=True)
class _Row:
    """One period: the own value (NaN where hidden or absent), its status, the band of the group."""

    period: Period
    value: float
    status: str
    hidden: bool
    band: tuple[float, float] | None


@dataclass(frozen=True)
class Measured:
    """One indicator of every unit, made once for all pages.

    Attributes
    ----------
    indicator : Indicator
    periods : (T,) tuple
    values, totals, parts : (n, T) arrays; denominator and numerator, NaN where there is none
    statuses : (n, T) array of text
    rows : place of every unit
    """

    indicator: Indicator
    periods: tuple[Period, ...]
    values: Array
    totals: Array
    parts: Array
    statuses: npt.NDArray[np.str_]
    rows: Mapping[str, int]

    def of(self, group: Group, period: int) -> Array:
        """Return a group's values in one period."""
        return self.values[[self.rows[code] for code in group.units if code in self.rows], period]


def measured_in(panel: Panel, indicator: Indicator) -> Measured:
    """Return what a panel holds of one indicator."""
    name, shape = indicator.id, (len(panel.units), len(panel.periods))
    beside = [f"{name}.n", f"{name}.numerator"]
    totals, parts = (panel.wide(one) if one in panel.data.columns else np.full(shape, np.nan) for one in beside)
    statuses = panel.data[f"{name}.status"].to_numpy(dtype=str).reshape(shape)
    rows = {code: place for place, code in enumerate(panel.unit_codes)}
    return Measured(indicator, panel.periods, panel.wide(name), totals, parts, statuses, rows)


def card_of(measured: Measured, unit: str, groups: Sequence[Group], prose: Prose) -> Card | None:
    """Return what is shown of one indicator; None where the respondent said nothing about it in any period."""
    indicator, own = measured.indicator, measured.rows[unit]
    told = np.flatnonzero(measured.statuses[own] != "")
    if not len(told):
        return None
    seen = [code for code, row in measured.rows.items() if math.isfinite(measured.values[row, told[-1]])]
    group = choose_group(groups, seen)
    rows = [_row(measured, own, int(period), group) for period in told]
    writer = _Writer(indicator, scale_of(indicator), prose)
    sentences = [writer.own(rows[-1]), *writer.beside(rows[-1], group), *writer.trend(rows)]
    ambiguous = indicator.direction not in ("up", "down")
    anchor = "indicator-" + indicator.id.lower()
    return Card(
        anchor=anchor,
        dimension=indicator.dimension,
        name=prose.name(indicator.id),
        sentences=tuple(sentences),
        svg=_picture(rows, writer, anchor, sentences, coloured=not ambiguous),
        grid=writer.grid(rows),
        group=group.kind if group is not None and rows[-1].band is not None else "",
        ambiguous=ambiguous,
    )


def _row(measured: Measured, own: int, period: int, group: Group | None) -> _Row:
    value, status = float(measured.values[own, period]), str(measured.statuses[own, period])
    hidden = math.isfinite(value) and _is_small(measured, own, period)
    band = None if group is None else _band(measured.of(group, period), measured.indicator)
    return _Row(measured.periods[period], math.nan if hidden else value, status, hidden, band)


def _band(values: Array, indicator: Indicator) -> tuple[float, float] | None:
    if not _is_yes_no(indicator):
        return quartile_band(values)
    share = share_of(values)
    return None if share is None else (share, share)


def _is_small(measured: Measured, own: int, period: int) -> bool:
    """Whether a number of a sensitive indicator stands for one to four persons, or for the few that are left over."""
    if measured.indicator.sensitivity == "none":
        return False
    least = default_rules().threshold
    value, total, part = (float(one[own, period]) for one in (measured.values, measured.totals, measured.parts))
    if measured.indicator.conversion not in ("ratio", "mean"):
        return 0 < value < least
    part = value * total if math.isnan(part) and 0 <= value <= 1 else part
    return not total >= least or any(0.5 < number < least - 0.5 for number in (part, total - part))


def _is_yes_no(indicator: Indicator) -> bool:
    return indicator.value == "single" and indicator.parts[0].type == "yes_no"


@dataclass(frozen=True)
class _Writer:
    """Numbers of one indicator in words."""

    indicator: Indicator
    scale: Scale
    prose: Prose

    def number(self, value: float) -> str:
        """Return a value with its unit, or yes and no."""
        if _is_yes_no(self.indicator):
            return self.prose.say("form.yes" if value > 0.5 else "form.no")
        return self.prose.say("municipality.value", value=self.bare(value), unit=self.prose.text(self.scale.level))

    def bare(self, value: float) -> str:
        """Return a value without its unit, with three figures at most."""
        shown = self.scale.factor * value
        digits = 0 if float(shown).is_integer() else decimals_for(shown, figures=3, most=self.scale.decimals)
        return self.prose.number(shown, digits)

    def own(self, row: _Row) -> str:
        """Say the own value with its status, or the reason why there is none."""
        facts: dict[str, Fact] = {"period": short_label(row.period), "status": status_name(row.status, self.prose)}
        if row.hidden:
            return self.prose.say("municipality.own.hidden", facts)
        if math.isnan(row.value):
            known = row.status in MISSING
            return self.prose.say("municipality.own.reason" if known else "municipality.own.incomplete", facts)
        return self.prose.say("municipality.own", facts, value=self.number(row.value))

    def beside(self, row: _Row, group: Group | None) -> list[str]:
        """Say where the middle half of similar ones lies, and whether the own value lies in it."""
        if row.band is None:
            return [self.prose.say("municipality.band.none" if group is None else "municipality.band.too_alike")]
        low, high = row.band
        if _is_yes_no(self.indicator):
            return [self.prose.say("municipality.band.share", share=round(100 * low))]
        facts: dict[str, Fact] = {"low": self.bare(low), "high": self.number(high)}
        if facts["low"] == self.bare(high):
            return [self.prose.say("municipality.band.point", facts)]
        said = [self.prose.say("municipality.band", facts)]
        if math.isfinite(row.value):
            place = "below" if row.value < low else "above" if row.value > high else "within"
            said.append(self.prose.say(f"municipality.place.{place}"))
        return said

    def trend(self, rows: Sequence[_Row]) -> list[str]:
        """Say the first and the last own value; nothing where there is only one."""
        known = [row for row in rows if math.isfinite(row.value)]
        if len(known) < 2:
            return []
        facts: dict[str, Fact] = {
            "first": self.number(known[0].value),
            "start": short_label(known[0].period),
            "last": self.number(known[-1].value),
            "end": short_label(known[-1].period),
        }
        return [self.prose.say("municipality.trend", facts)]

    def grid(self, rows: Sequence[_Row]) -> Grid:
        """Return the numbers behind the picture."""
        heads = tuple(self.prose.say(f"municipality.column.{name}") for name in ("period", "own", "status", "similar"))
        return Grid(self.prose.name(self.indicator.id), heads, tuple(self._cells(row) for row in rows), texts=4)

    def _cells(self, row: _Row) -> tuple[str, ...]:
        own = self.prose.say("report.hidden") if row.hidden else ABSENT
        own = self.number(row.value) if math.isfinite(row.value) else own
        similar = ABSENT
        if row.band is not None and _is_yes_no(self.indicator):
            similar = self.prose.say("municipality.share", share=round(100 * row.band[0]))
        elif row.band is not None:
            similar = self.prose.say("publication.interval", low=self.bare(row.band[0]), high=self.bare(row.band[1]))
        return short_label(row.period), own, status_name(row.status, self.prose), similar


def _picture(rows: Sequence[_Row], writer: _Writer, anchor: str, sentences: Sequence[str], *, coloured: bool) -> Markup:
    """Draw the own values and the bands; nothing where there is no number to draw, or only yes and no."""
    if _is_yes_no(writer.indicator) or not any(math.isfinite(row.value) for row in rows):
        return Markup()
    factor = writer.scale.factor
    points = [
        Point(
            row.period.time,
            short_label(row.period),
            factor * row.value,
            (factor * row.band[0], factor * row.band[1]) if row.band else (math.nan, math.nan),
        )
        for row in rows
    ]
    return draw_trend(
        points,
        name=anchor,
        title=writer.prose.say("municipality.figure", name=writer.prose.name(writer.indicator.id)),
        description=" ".join(sentences),
        number=lambda value: writer.bare(value / factor),
        coloured=coloured,
    )
