"""A table for a publication: outcomes in columns, effects with their intervals in rows, and what was done below."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from evaltoolkit.effects.effects import Effects
from evaltoolkit.evaluations.evaluation import Evaluation, OutcomeResult
from evaltoolkit.findings import Fact
from evaltoolkit.framework.scales import decimals_for
from evaltoolkit.reports.gate import HIDDEN, open_to_public
from evaltoolkit.reports.grids import ABSENT, time_words
from evaltoolkit.reports.groups import group_label, groups_of
from evaltoolkit.reports.margins import headline_row
from evaltoolkit.reports.prose import Prose

Cells = tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """Rows under one heading; the heading of the first block is empty."""

    heading: str
    rows: tuple[tuple[str, Cells], ...]


@dataclass(frozen=True)
class PublicationTable:
    """A table in one language: no stars, no p-values, infinite and absent ends in words.

    Attributes
    ----------
    caption : str
    head : heading of the first column
    columns : names of the outcomes that were estimated
    blocks : overall effect, effects by start and by time since the start, numbers of units, how it was estimated
    notes : what the brackets hold, what is absent and why
    """

    caption: str
    head: str
    columns: Cells
    blocks: tuple[Block, ...]
    notes: Cells


@dataclass(frozen=True)
class _Column:
    """One outcome: effect and interval by row, how they are written, and whether anything was hidden or absent."""

    result: OutcomeResult
    prose: Prose
    level: float

    def rows_of(self, kind: str) -> dict[object, tuple[str, str]]:
        """Return effect and interval by cohort or event time, as they may be shown."""
        effects = self.result.event if kind == "event" else _by_cohort(self.result)
        if effects is None:
            return {}
        frame = open_to_public(effects.to_frame(level=self.level), self.result.indicator)
        name = "event_time" if kind == "event" else "cohort"
        if name not in frame.columns:
            return {}
        return {row[name]: self._written(row) for _, row in frame.iterrows()}

    def overall(self) -> tuple[str, str]:
        """Return the effect and interval that the verdict rests on."""
        row = headline_row(self.result)
        return (ABSENT, "") if row is None else self._written(row)

    def _written(self, row: Mapping[str, object] | pd.Series) -> tuple[str, str]:
        value, low, high = (float(str(row[name])) for name in ("estimate", "conf_low", "conf_high"))
        if str(row["reason"]) == HIDDEN:
            return self.prose.say("report.hidden"), ""
        if not math.isfinite(value):
            return ABSENT, ""
        return self._number(value), self._interval(low, high)

    def _interval(self, low: float, high: float) -> str:
        if math.isnan(low) or math.isnan(high) or (math.isinf(low) and math.isinf(high)):
            return self.prose.say("publication.no_interval")
        ends: dict[str, Fact] = {
            "low": self.prose.say("interval.open_low") if math.isinf(low) else self._number(low),
            "high": self.prose.say("interval.open_high") if math.isinf(high) else self._number(high),
        }
        return f"[{self.prose.say('publication.interval', ends)}]"

    def _number(self, value: float) -> str:
        scale = self.result.scale
        assert self.result.headline is not None
        digits = decimals_for(scale.factor * self.result.headline.interval.spread, most=scale.decimals)
        return self.prose.number(scale.factor * value, digits, signed=True)


def _by_cohort(result: OutcomeResult) -> Effects | None:
    effects = result.effects
    return effects.aggregate("cohort") if effects is not None and effects.kind == "group_time" else None


def publication_table(evaluation: Evaluation, prose: Prose) -> PublicationTable | None:
    """Return the table of an evaluation; None where nothing was estimated.

    Effects are in the units that readers see (percentage points for shares). What rests on too few units of a
    sensitive indicator is hidden, with a word for it.
    """
    level = evaluation.plan.estimation.level
    columns = [_Column(result, prose, level) for result in evaluation.outcomes if result.headline is not None]
    if not columns:
        return None
    blocks = (
        Block("", _pair(prose.say("publication.overall"), [column.overall() for column in columns])),
        _effects(columns, "cohort", prose, lambda time: _start(time, evaluation, columns, prose)),
        _effects(columns, "event", prose, lambda time: prose.number(float(str(time)), None, signed=True)),
        Block(prose.say("publication.basis"), tuple(_basis(columns, prose))),
    )
    return PublicationTable(
        caption=prose.say("publication.caption", title=evaluation.plan.said_in(prose.language).title),
        head=prose.say("publication.head"),
        columns=tuple(prose.name(column.result.outcome.indicator) for column in columns),
        blocks=tuple(block for block in blocks if block.rows),
        notes=_notes(evaluation, columns, blocks, prose),
    )


def _effects(columns: list[_Column], kind: str, prose: Prose, label: Callable[[object], str]) -> Block:
    told = [column.rows_of(kind) for column in columns]
    times = sorted({float(str(time)) for one in told for time in one})
    rows = [row for time in times for row in _pair(label(time), [one.get(time, (ABSENT, "")) for one in told])]
    heading = f"publication.{kind}"
    return Block(time_words(heading, times, prose) if kind == "event" else prose.say(heading), tuple(rows))


def _pair(label: str, cells: list[tuple[str, str]]) -> tuple[tuple[str, Cells], ...]:
    """Return two rows: effects, and their intervals below."""
    return (label, tuple(effect for effect, _ in cells)), ("", tuple(interval for _, interval in cells))


def _start(time: object, evaluation: Evaluation, columns: list[_Column], prose: Prose) -> str:
    for column in columns:
        design = column.result.design
        for group in groups_of(design) if design is not None else ():
            if design is not None and group.cohort == time:
                return group_label(group, design, evaluation.panel.periods, prose)
    return prose.number(float(str(time)))


def _basis(columns: list[_Column], prose: Prose) -> Iterator[tuple[str, Cells]]:
    rows = [headline_row(column.result) for column in columns]
    for name in ("treated", "comparison"):
        counts = [ABSENT if row is None else prose.number(int(row[f"n_{name}"])) for row in rows]
        yield prose.say(f"publication.n_{name}"), tuple(counts)
    yield prose.say("publication.unit"), tuple(prose.text(column.result.scale.difference) for column in columns)
    yield prose.say("publication.estimator"), tuple(_estimator(column, prose) for column in columns)
    yield prose.say("publication.margin"), tuple(_margin(column, prose) for column in columns)


def _estimator(column: _Column, prose: Prose) -> str:
    info = column.result.effects.info if column.result.effects is not None else {}
    code = f"report.method.{info.get('method', '')}"
    return prose.say(code) if prose.has(code) else str(info.get("method", ABSENT))


def _margin(column: _Column, prose: Prose) -> str:
    assert column.result.headline is not None
    code = f"publication.margin.{column.result.headline.method or 'none'}"
    return prose.say(code) if prose.has(code) else column.result.headline.method


def _notes(evaluation: Evaluation, columns: list[_Column], blocks: Sequence[Block], prose: Prose) -> Cells:
    level = prose.number(100 * evaluation.plan.estimation.level)
    notes = [prose.say("publication.note.brackets", level=level)]
    clusters = {len(set(c.result.design.clusters)) < len(c.result.design.units) for c in columns if c.result.design}
    notes.append(prose.say("publication.note.clusters" if True in clusters else "publication.note.units"))
    notes.append(prose.say("publication.note.absent"))
    hidden = prose.say("report.hidden")
    if any(hidden in cells for block in blocks for _, cells in block.rows):
        notes.append(prose.say("publication.note.hidden"))
    if not evaluation.harm_examined:
        notes.append(prose.say("report.harm.not_examined"))
    if evaluation.plan.data.simulated:
        notes.append(f"{prose.say('report.simulated')}. {prose.say('report.simulated.explained')}")
    return tuple(notes)
