"""The figure of the page for the council: one effect on a line, with the numbers behind it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from evaltoolkit.evaluations.evaluation import OutcomeResult
from evaltoolkit.framework.scales import Scale
from evaltoolkit.reports.answers import Answer
from evaltoolkit.reports.council_words import (
    digits_of,
    effect_sentence,
    is_recorded,
    range_words,
    shown_row,
    sign_of,
)
from evaltoolkit.reports.grids import Grid
from evaltoolkit.reports.number_line import Effect, LineWords, draw_line
from evaltoolkit.reports.prose import Prose


@dataclass(frozen=True)
class LinePicture:
    """The figure of the page, its caption and the table behind it, where there is room for one."""

    svg: Markup
    caption: str
    grid: Grid | None


def line_picture(result: OutcomeResult, answer: Answer, prose: Prose) -> LinePicture | None:
    """Return the effect on a line; None where there is no interval that may be shown."""
    row = shown_row(result)
    if row is None or result.headline is None:
        return None
    scale, outcome = result.scale, result.outcome
    guardrail = outcome.role == "guardrail"
    relevant = outcome.margin if guardrail else outcome.smallest_relevant
    limit = "council.figure.margin" if guardrail else "council.figure.relevant"
    effect = Effect(
        estimate=scale.factor * float(row["estimate"]),
        low=scale.factor * float(row["conf_low"]),
        high=scale.factor * float(row["conf_high"]),
        relevant=scale.factor * relevant if relevant else math.nan,
    )
    said = [prose.say("council.range", range=range_words(result, row, prose))]
    if sign_of(row):
        said.insert(0, effect_sentence(result, row, prose))
    title = prose.say("council.figure", name=answer.name)
    along = (prose.say(code) for code in ("council.same", "council.figure.less", "council.figure.more"))
    number = _number(effect, digits_of(result), prose)
    # what was recorded has no good side by itself, whatever the verdict rests on
    tone = "" if is_recorded(result) else answer.tone
    unit = prose.text(scale.difference)
    return LinePicture(
        svg=draw_line(effect, LineWords(title, " ".join(said), *along), tone=tone, number=number),
        caption=_caption(result.headline.interval.level, scale, prose),
        grid=_grid(title, effect, number, (unit, limit), prose),
    )


def _caption(level: float, scale: Scale, prose: Prose) -> str:
    told = prose.say("council.figure.caption", level=round(100 * level))
    # differences of shares are said per hundred
    if scale.percent:
        return told
    return f"{told} {prose.say('council.figure.unit', unit=prose.text(scale.difference))}"


def _number(effect: Effect, digits: int, prose: Prose) -> Callable[[float], str]:
    """Return what writes a number; what was declared beforehand is written as it was declared."""

    def number(value: float) -> str:
        if math.isinf(value):
            return prose.say("interval.open_low" if value < 0 else "interval.open_high")
        if abs(value) == effect.relevant or value == 0:
            return prose.number(float(f"{value:.10g}") + 0.0, signed=True)
        return prose.number(value, digits, signed=True)

    return number


def _grid(title: str, effect: Effect, number: Callable[[float], str], words: tuple[str, str], prose: Prose) -> Grid:
    unit, limit = words
    named = {
        "report.column.estimate": effect.estimate,
        "council.figure.low": effect.low,
        "council.figure.high": effect.high,
        limit: effect.relevant,
    }
    rows = tuple((prose.say(code), number(value)) for code, value in named.items() if not math.isnan(value))
    return Grid(title, (prose.say("report.answer.result"), unit), rows)
