"""All numbers of an evaluation as tables of a page, as they may be shown: what ``results.csv`` holds, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from evaltoolkit.evaluations.evaluation import Evaluation, OutcomeResult
from evaltoolkit.framework.scales import decimals_for
from evaltoolkit.reports.answers import name_of
from evaltoolkit.reports.grids import ABSENT, Grid, column_heads
from evaltoolkit.reports.groups import short_label
from evaltoolkit.reports.prose import Prose
from evaltoolkit.reports.tables import result_rows

_TIMES = ("cohort", "time")


def numbers_of(evaluation: Evaluation, prose: Prose) -> tuple[Grid, ...]:
    """Return every estimate of every outcome, one table each, with one figure more than elsewhere."""
    rows = list(result_rows(evaluation))
    periods = {f"{period.time:.10g}": short_label(period) for period in evaluation.panel.periods}
    tables = []
    for result in evaluation.outcomes:
        own = [row for row in rows if row["outcome"] == result.outcome.indicator]
        if own:
            tables.append(_table(result, own, periods, prose))
    return tuple(tables)


def _table(result: OutcomeResult, rows: Sequence[Mapping[str, Any]], periods: Mapping[str, str], prose: Prose) -> Grid:
    factor = result.scale.factor
    errors = [factor * row["std_error"] for row in rows if row["std_error"]]
    digits = decimals_for(*errors[:1], figures=3, most=result.scale.decimals + 4)
    shown = tuple(
        (
            prose.say(f"report.numbers.{row['kind']}"),
            _labels(str(row["labels"]), periods, prose),
            *(_number(row[name], factor, digits, prose) for name in ("estimate", "std_error")),
            _interval(row, "conf", factor, digits, prose),
            _interval(row, "band", factor, digits, prose),
            prose.number(row["n_treated"]),
            prose.number(row["n_comparison"]),
        )
        for row in rows
    )
    heads = (
        *column_heads(prose, "kind"),
        prose.say("report.numbers.of"),
        *column_heads(prose, "estimate"),
        prose.say("report.numbers.error"),
        *column_heads(prose, "interval", "band", "treated", "comparison"),
    )
    unit = prose.text(result.scale.difference)
    return Grid(prose.say("report.numbers.caption", name=name_of(result, prose), unit=unit), heads, shown, texts=2)


def _labels(labels: str, periods: Mapping[str, str], prose: Prose) -> str:
    """What an estimate is about; names that only tell the kind once more are left out."""
    parts = []
    for label in filter(None, labels.split(";")):
        name, _, value = label.partition("=")
        code = f"report.numbers.label.{name}"
        if prose.has(code):
            shown = periods.get(value, value) if name in _TIMES else _value(name, value, prose)
            parts.append(f"{prose.say(code)} {shown}")
    return ", ".join(parts) or ABSENT


def _value(name: str, value: str, prose: Prose) -> str:
    """A time since the start as it stands in the other tables: with its sign."""
    return prose.number(float(value), signed=True) if name == "event_time" else value


def _number(value: float | None, factor: float, digits: int, prose: Prose) -> str:
    return ABSENT if value is None else prose.number(factor * value, digits)


def _interval(row: Mapping[str, Any], name: str, factor: float, digits: int, prose: Prose) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    if low is None or high is None or not math.isfinite(low + high):
        return ABSENT
    return prose.interval(factor * low, factor * high, digits)
