"""Pictures of effects: how firm they are, over outcomes, under other choices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from evaltoolkit.checks.registry import Check
from evaltoolkit.evaluations.evaluation import OutcomeResult
from evaltoolkit.evaluations.specifications import PLANNED
from evaltoolkit.evaluations.verdict import better_direction
from evaltoolkit.framework.scales import decimals_for
from evaltoolkit.reports.figures import COLOURS, GREY, Array, Mark
from evaltoolkit.reports.figures_rows import Row, draw_rows
from evaltoolkit.reports.figures_shapes import Bars, draw_robust
from evaltoolkit.reports.gate import open_to_public
from evaltoolkit.reports.grids import ABSENT, Grid, column_heads
from evaltoolkit.reports.margins import headline_row
from evaltoolkit.reports.pictures import Measure, Picture, picture_of, tick
from evaltoolkit.reports.prose import Prose

_MARKERS = {"primary": "o", "secondary": "s", "guardrail": "^"}
# multiples of what matters from which a figure over outcomes shows an arrow
_FARTHEST = 6.0


def sensitivity_picture(check: Check, measure: Measure, prose: Prose) -> Picture | None:
    """Return the robust intervals over how far parallel trends may fail; None where there are none."""
    if check.name != "sensitivity" or check.table.empty:
        return None
    table, factor = check.table, measure.scale.factor
    steps = table[table["restriction"].isin(("none", "relative_magnitudes"))]
    line = table[table["restriction"] == "smoothness"]
    if steps[["low", "high"]].isna().all(axis=None):
        return None
    ends = factor * table[["low", "high"]].to_numpy(dtype=float)
    digits = digits_of(ends, measure)
    unit = prose.text(measure.scale.difference)
    amount = float(check.figure["breakdown"])
    word = prose.number(_rounded(amount), 2) if math.isfinite(amount) else ""
    drawing = draw_robust(
        Bars(*(scale * steps[name].to_numpy(dtype=float) for scale, name in _columns(factor))),
        other=Bars(np.full(len(line), -0.5), *(factor * line[side].to_numpy(dtype=float) for side in ("low", "high"))),
        words=(prose.say("report.sensitivity.steps"), prose.say("report.sensitivity.line")),
        breakdown=Mark(amount, prose.say("report.sensitivity.breakdown", times=word))
        if math.isfinite(amount) and amount <= float(steps["amount"].max())
        else None,
        x_label=prose.say("report.sensitivity.x"),
        y_label=prose.say("report.event.y", unit=unit),
        first=prose.say("report.sensitivity.usual"),
        coloured=measure.coloured,
        number=tick(prose),
    )
    found = prose.say(check.code, check.facts)
    return picture_of(
        drawing,
        name=f"{measure.anchor}-sensitivity",
        title=prose.say("report.sensitivity.alt", name=measure.name),
        description=found,
        caption=prose.say("report.sensitivity.caption", name=measure.name, unit=unit, level=round(100 * measure.level)),
        grid=Grid(
            f"{prose.say('report.outcome.sensitivity')} ({unit})",
            (prose.say("report.sensitivity.assumed"), *column_heads(prose, "interval")),
            tuple((_assumed(row, prose), _ends(row, factor, digits, prose)) for row in table.to_dict("records")),
        ),
    )


def _columns(factor: float) -> tuple[tuple[float, str], ...]:
    return ((1.0, "amount"), (factor, "low"), (factor, "high"))


def _assumed(row: Mapping[object, object], prose: Prose) -> str:
    kind = str(row["restriction"])
    return prose.say(f"report.sensitivity.assumed.{kind}", times=prose.number(float(str(row["amount"])), 1))


def _rounded(amount: float) -> float:
    """Two decimals, on the side on which the sentence of the check stays true."""
    return (math.floor if amount >= 1 else math.ceil)(100 * amount) / 100


def forest_picture(results: Sequence[OutcomeResult], prose: Prose, *, name: str = "forest") -> Picture | None:
    """Return the estimates of all outcomes, each in units of the smallest effect that matters for it.

    Checks for harm stand apart, in units of their margin; an outcome without a better direction is grey. None where
    nothing was estimated.
    """
    rows, table, clear = list[Row](), list[tuple[str, ...]](), 0
    drawn = [one for role in _MARKERS for one in results if one.outcome.role == role and one.overall is not None]
    heading = ""
    for result in drawn:
        outcome, row = result.outcome, headline_row(result)
        size = outcome.margin if outcome.role == "guardrail" else outcome.smallest_relevant
        if row is None or not size:
            continue
        estimate, low, high = (float(row[column]) / size for column in ("estimate", "conf_low", "conf_high"))
        role = prose.say(f"report.role.{outcome.role}")
        label = prose.text(outcome.name) or prose.name(outcome.indicator)
        neutral = better_direction(outcome, result.indicator) == "ambiguous"
        colour = GREY if neutral else COLOURS[0]
        rows.append(
            Row(
                label,
                estimate,
                low,
                high,
                colour,
                _MARKERS[outcome.role],
                filled=not neutral,
                heading=role[0].upper() + role[1:] if role != heading else "",
            )
        )
        heading = role
        clear += bool(low > 0 or high < 0)
        table.append((label, role, number_of(estimate, 2, prose), interval_of(low, high, 2, prose)))
    if not any(math.isfinite(row.estimate) for row in rows):
        return None
    found = prose.say("report.forest.found", clear=clear, total=len(rows))
    return picture_of(
        draw_rows(
            rows, x_label=prose.say("report.forest.x"), number=tick(prose), levels=(-1.0, 1.0), farthest=_FARTHEST
        ),
        name=name,
        title=prose.say("report.forest.alt"),
        description=found,
        caption=f"{prose.say('report.forest.caption')} {found}",
        grid=Grid(
            prose.say("report.forest.alt"),
            (prose.say("report.forest.outcome"), *column_heads(prose, "kind", "estimate", "interval")),
            tuple(table),
            texts=2,
        ),
    )


def choices_picture(table: pd.DataFrame, measure: Measure, prose: Prose) -> Picture | None:
    """Return the estimates under other choices, sorted, the planned one marked; None with fewer than two.

    Parameters
    ----------
    table : from :func:`evaltoolkit.evaluations.specifications.vary_choices`
    measure : Measure
    prose : Prose
    """
    frame = open_to_public(table, measure.indicator)
    if np.isfinite(frame["estimate"].to_numpy(dtype=float)).sum() < 2:
        return None
    factor = measure.scale.factor
    estimate, low, high = (factor * frame[name].to_numpy(dtype=float) for name in ("estimate", "conf_low", "conf_high"))
    digits = digits_of(np.column_stack([low, high]), measure, estimate)
    labels = [
        choice_label(str(change), str(to), prose) for change, to in zip(frame["change"], frame["to"], strict=True)
    ]
    planned = (frame["change"] == PLANNED).to_numpy()
    colour = COLOURS[0] if measure.coloured else GREY
    rows = [
        Row(label, *numbers, colour if own else GREY, "D" if own else "o", filled=bool(own))
        for label, numbers, own in zip(labels, zip(estimate, low, high, strict=True), planned, strict=True)
        if math.isfinite(numbers[0])
    ]
    unit = prose.text(measure.scale.difference)
    same = np.sign(estimate[np.isfinite(estimate)])
    found = prose.say(
        "report.choices.found",
        total=len(rows),
        interval=prose.interval(float(np.nanmin(estimate)), float(np.nanmax(estimate)), digits, signed=True),
        unit=unit,
        sign=prose.say("report.choices.same" if abs(same.sum()) == len(same) else "report.choices.differ"),
    )
    return picture_of(
        draw_rows(rows, x_label=prose.say("report.event.y", unit=unit), number=tick(prose)),
        name=f"{measure.anchor}-choices",
        title=prose.say("report.choices.alt", name=measure.name),
        description=found,
        caption=f"{prose.say('report.choices.caption')} {found}",
        grid=Grid(
            f"{prose.say('report.outcome.choices')} ({unit})",
            (prose.say("report.choices.choice"), *column_heads(prose, "estimate", "interval")),
            tuple(
                (label, number_of(one, digits, prose), interval_of(two, three, digits, prose))
                for label, one, two, three in zip(labels, estimate, low, high, strict=True)
            ),
        ),
    )


def choice_label(change: str, to: str, prose: Prose) -> str:
    """Say what was chosen differently."""
    if change == "method":
        return prose.say("report.choices.method", method=prose.say(f"report.method.{to}"))
    if change in ("adjust", "comparison", "anticipation"):
        return prose.say(f"report.choices.{change}.{to}")
    return prose.say(f"report.choices.{change}")


def digits_of(ends: Array, measure: Measure, estimates: Array | None = None) -> int:
    """Return the decimals that fit the widths of (k, 2) intervals, else the estimates."""
    ends = ends.reshape(-1, 2)
    widths = (ends[:, 1] - ends[:, 0]) / 4
    known = widths[np.isfinite(widths) & (widths > 0)]
    if not known.size and estimates is not None:
        known = np.abs(estimates[np.isfinite(estimates)])
    return decimals_for(*([float(np.median(known))] if known.size else []), most=measure.scale.decimals)


def number_of(value: float, digits: int, prose: Prose) -> str:
    """Write a number with its sign; a dash where undefined."""
    return prose.number(value, digits, signed=True) if math.isfinite(value) else ABSENT


def _ends(row: Mapping[object, object], factor: float, digits: int, prose: Prose) -> str:
    return interval_of(factor * float(str(row["low"])), factor * float(str(row["high"])), digits, prose)


def interval_of(low: float, high: float, digits: int, prose: Prose) -> str:
    """Write an interval, also one without end; a dash where undefined."""
    if math.isnan(low) or math.isnan(high):
        return ABSENT
    ends = [
        prose.say(f"interval.open_{side}") if math.isinf(value) else prose.number(value, digits, signed=True)
        for side, value in (("low", low), ("high", high))
    ]
    return prose.say("report.interval", low=ends[0], high=ends[1])
