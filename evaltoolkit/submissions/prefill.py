"""Known values as they stand in the cells of a form: labels for codes, words for yes and no."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.indicator import Framework, Part
from evaltoolkit.framework.values import MISSING
from evaltoolkit.submissions.layout import Field, FormMeta, Layout, status_label, yes_no

Filling = Mapping[tuple[str, str], str | float]
Answer = tuple[float, str, str]
_OWN_OR_SHARED = {"own", "shared"}


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
    meta = layout.meta
    known = known_by_membership(framework, meta)
    if values is not None and not values.empty:
        mine = (values["unit_kind"] == meta.unit_kind) & (values["unit"] == meta.unit)
        known |= _answers(values[mine], meta.unit)
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


def known_by_membership(framework: Framework, meta: FormMeta) -> dict[tuple[str, str, str], Answer]:
    """Return what the list of members already answers, by indicator, part and period: own or shared.

    A form for a LIVC-R names its municipalities, so whether it is shared need not be asked; the officer sees the answer
    and can change it. A municipality may share a LIVC-R that this form does not know of, so nothing is filled in.
    """
    if meta.unit_kind != "livc_r" or not meta.members:
        return {}
    code = "shared" if len(meta.members) > 1 else "own"
    return {
        (indicator.id, part.id, meta.period): (math.nan, code, "registered")
        for indicator in framework.form(meta.form)
        if indicator.did == "design" and indicator.level == "livc_r"
        for part in indicator.parts
        if part.type == "choice" and {option.code for option in part.options} >= _OWN_OR_SHARED
    }


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
