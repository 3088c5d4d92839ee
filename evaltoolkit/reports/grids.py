"""Tables of a page: cells already written in the language of the report."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pandas as pd

from evaltoolkit.designs.design import Design
from evaltoolkit.findings import Finding
from evaltoolkit.framework.scales import Scale
from evaltoolkit.reports.groups import Group, period_column
from evaltoolkit.reports.prose import Prose

ABSENT = "–"


@dataclass(frozen=True)
class Grid:
    """A table: caption, column heads, rows of text; the first ``texts`` columns are words, the others numbers."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int = 1


def column_heads(prose: Prose, *names: str) -> tuple[str, ...]:
    """Return the heads of columns by their codes."""
    return tuple(prose.say(f"report.column.{name}") for name in names)


def event_grid(prose: Prose, frame: pd.DataFrame, band: pd.DataFrame, scale: Scale, digits: int) -> Grid:
    """Effects by time since the start, with the numbers of units behind each."""
    rows = []
    for row, wide in zip(frame.to_dict("records"), band.to_dict("records"), strict=True):
        rows.append(
            (
                prose.number(float(row["event_time"]), None, signed=True),
                _written(prose, row["estimate"], scale, digits),
                _interval(prose, row, scale, digits),
                _interval(prose, wide, scale, digits),
                prose.number(int(row["n_treated"])),
                prose.number(int(row["n_comparison"])),
            )
        )
    caption = f"{prose.say('report.outcome.event')} ({prose.text(scale.difference)})"
    head = time_words("report.column.time", frame["event_time"], prose)
    heads = column_heads(prose, "estimate", "interval", "band", "treated", "comparison")
    return Grid(caption, (head, *heads), tuple(rows))


def time_words(code: str, times: Iterable[float], prose: Prose) -> str:
    """Return the name of a time since the start; where a step is not one year (quarters, two years), with the word."""
    label, known = prose.say(code), sorted(set(map(float, times)))
    whole = all(time.is_integer() for time in known)
    step = min((after - before for before, after in pairwise(known)), default=1.0)
    return label if whole and step == 1 else prose.say("report.event.years", label=label)


def _written(prose: Prose, value: float, scale: Scale, digits: int) -> str:
    return prose.number(scale.factor * value, digits, signed=True) if math.isfinite(value) else ABSENT


def _interval(prose: Prose, row: Mapping[Any, Any], scale: Scale, digits: int) -> str:
    low, high = row["conf_low"], row["conf_high"]
    if not (math.isfinite(low) and math.isfinite(high)):
        return ABSENT
    return prose.interval(scale.factor * low, scale.factor * high, digits, signed=True)


def path_grid(
    prose: Prose, groups: Sequence[tuple[str, Group]], periods: Sequence[str], scale: Scale, digits: int
) -> Grid:
    """Averages of each group by period; averages of too few units are hidden."""
    rows = []
    for label, group in groups:
        cells = [
            prose.number(scale.factor * mean, digits)
            if math.isfinite(mean)
            else prose.say("report.hidden")
            if count
            else ABSENT
            for mean, count in zip(group.means, group.counts, strict=True)
        ]
        rows.append((label, *cells))
    caption = f"{prose.say('report.outcome.paths')} ({prose.text(scale.level)})"
    return Grid(caption, (*column_heads(prose, "group"), *periods), tuple(rows))


def group_grid(prose: Prose, groups: Sequence[tuple[str, Group]]) -> Grid:
    """Number of units in each group."""
    rows = tuple((label, prose.number(len(group.units))) for label, group in groups)
    return Grid(prose.say("report.outcome.compared"), column_heads(prose, "group", "units"), rows)


def excluded_grid(prose: Prose, design: Design) -> Grid | None:
    """Units left out, counted by reason; None where nobody was."""
    if design.excluded.empty:
        return None
    counted = design.excluded["reason"].astype(str).value_counts().sort_index()
    rows = tuple((prose.say(str(reason)), prose.number(int(count))) for reason, count in counted.items())
    return Grid(prose.say("report.compared.excluded"), column_heads(prose, "reason", "units"), rows)


def coverage_grid(prose: Prose, coverage: pd.DataFrame, caption: str) -> Grid:
    """Share of units with a value, arms by periods."""
    table = coverage.assign(arm=coverage["arm"].astype(str), period=coverage["period"].astype(str))
    periods = list(dict.fromkeys(table["period"]))
    cells = {(row.arm, row.period): _answered(prose, row) for row in table.itertuples(index=False)}
    rows = tuple(
        (arm_of(prose, arm), *(cells.get((arm, period), ABSENT) for period in periods))
        for arm in dict.fromkeys(table["arm"])
    )
    heads = tuple(period_column(period) for period in periods)
    return Grid(caption, (*column_heads(prose, "group"), *heads), rows)


def _answered(prose: Prose, row: object) -> str:
    answered, asked = int(getattr(row, "n_answered")), int(getattr(row, "n_units"))  # noqa: B009
    if asked == 0:
        return ABSENT
    return f"{prose.number(100 * answered / asked, 0)} % ({prose.number(answered)}/{prose.number(asked)})"


def arm_of(prose: Prose, arm: str) -> str:
    """Return an arm in words; an evaluator's own word as it is."""
    code = f"report.arm.{arm}"
    return prose.say(code) if prose.has(code) else arm


def findings_grid(prose: Prose, findings: Iterable[Finding]) -> Grid | None:
    """Findings counted by code and severity, errors first; None where there are none."""
    order = {"error": 0, "question": 1, "note": 2}
    counted = Counter((finding.severity, finding.code) for finding in findings)
    if not counted:
        return None
    rows = tuple(
        (topic_of(prose, code), prose.say(f"report.severity.{severity}"), prose.number(count))
        for (severity, code), count in sorted(counted.items(), key=lambda item: (order[item[0][0]], item[0][1]))
    )
    return Grid(prose.say("report.quality.findings"), column_heads(prose, "remark", "kind", "count"), rows, texts=2)


def topic_of(prose: Prose, code: str) -> str:
    """Return what a kind of finding is about, with its code; the code alone where the catalogues have no words."""
    topic = f"report.topic.{code.partition('.')[0]}"
    return f"{prose.say(topic)} ({code})" if prose.has(topic) else code
