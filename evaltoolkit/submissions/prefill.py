"""Known values as they stand in the cells of a form: labels for codes, words for yes and no."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.indicator import Framework, Part
from evaltoolkit.framework.values import MISSING
from evaltoolkit.submissions.layout import Field, Layout, status_label, yes_no

Filling = Mapping[tuple[str, str], str | float]
Answer = tuple[float, str, str]


def fill_cells(framework: Framework, layout: Layout, values: pd.DataFrame | None) -> dict[tuple[str, str], str | float]:
    """Return what stands in the input cells, by stable sheet id and address.

    Parameters
    ----------
    framework : Framework
    layout : Layout
    values : DataFrame, optional
        A table of values; rows of other units, periods or indicators are left aside.

    Raises
    ------
    EvaltoolkitError
        The table answers one question of this form twice.
    """
    if values is None or values.empty:
        return {}
    meta = layout.meta
    known = _answers(values[(values["unit_kind"] == meta.unit_kind) & (values["unit"] == meta.unit)], meta.unit)
    cells: dict[tuple[str, str], str | float] = {}
    for field in layout.fields:
        answer = known.get((field.indicator, field.part, field.period))
        if answer is None:
            continue
        shown = _shown(framework.by_id[field.indicator].part(field.part), field, answer, meta.language)
        if shown is not None:
            cells[field.sheet, field.value_cell] = shown
        if answer[2] != "registered":
            cells[field.sheet, field.status_cell] = status_label(answer[2], meta.language)
    return cells


def _answers(values: pd.DataFrame, unit: str) -> dict[tuple[str, str, str], Answer]:
    known: dict[tuple[str, str, str], Answer] = {}
    columns = ["indicator", "part", "period", "value", "text", "status"]
    for indicator, part, period, value, text, status in values[columns].itertuples(index=False, name=None):
        key = (indicator, part, period)
        if key in known:
            raise EvaltoolkitError(f"The values for {unit} hold {' '.join(key)} twice. Keep one of them.")
        known[key] = (value, text, status)
    return known


def _shown(part: Part, field: Field, answer: Answer, language: str) -> str | float | None:
    value, text, status = answer
    if status in MISSING:
        return None
    if part.type == "multi":
        return yes_no(language)[0 if field.option in text.split(";") else 1]
    if part.type == "choice":
        labels = {option.code: option.label.in_(language) for option in part.options}
        return labels.get(text)
    if part.type == "month":
        return text or None
    if not math.isfinite(value):
        return None
    if part.type == "yes_no":
        return yes_no(language)[0 if value == 1 else 1]
    return value
