"""The form that goes back to a respondent: written anew, with the own values and a remark at each cell in question.

The submitted file is read, never saved again: whatever else it holds stays where it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, Finding
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.framework.values import value_table
from evaltoolkit.i18n import words
from evaltoolkit.submissions.form import Form, RefusedFormError, open_form
from evaltoolkit.submissions.guard import guard_bytes
from evaltoolkit.submissions.layout import FormMeta, Layout, layout_form, yes_no
from evaltoolkit.submissions.marks import Mark, Marks
from evaltoolkit.submissions.master import draw_master
from evaltoolkit.submissions.personal import mask_personal
from evaltoolkit.submissions.prefill import fill_cells
from evaltoolkit.submissions.read import AnswerReader
from evaltoolkit.submissions.references import parse_cell, write_cell
from evaltoolkit.submissions.scan import FORM_CELLS
from evaltoolkit.submissions.sheets import Raw, value_at
from evaltoolkit.submissions.store import StoredValue
from evaltoolkit.territory.municipalities import municipality_name

Place = tuple[str, str]
_FIRST_DAY = dt.date(1899, 12, 30)
_LONGEST = 200
_ROWS, _COLUMNS = 1000, 26


@dataclass(frozen=True)
class Returned:
    """What is known of a submitted form, laid out in the language of the answer.

    Attributes
    ----------
    layout : Layout
    cells : mapping
        Own values by stable sheet id and address, as they stand in the new form.
    moved : mapping
        Stable sheet id and address in the new form, by title of the sheet and address in the submitted one.
    """

    layout: Layout
    cells: Mapping[Place, str | float]
    moved: Mapping[Place, Place] = field(default_factory=dict)


def read_returned(content: bytes, framework: Framework, language: str) -> Returned | None:
    """Read a kept workbook again; None where it is none that can be read, such as what a web form saved.

    Parameters
    ----------
    content : bytes
        The kept original.
    framework : Framework
    language : {"nl", "fr", "de", "en"} or ""
        Of the answer; empty for that of the form.
    """
    scan = guard_bytes(content, "", cells=FORM_CELLS)
    try:
        form = open_form(scan, framework)
    except RefusedFormError:
        return None
    layout = layout_form(framework, replace(form.meta, language=language or form.meta.language))
    slots = slots_of(layout)
    moved = {(sheet, write_cell(*cell)): slots[name] for name, (sheet, cell) in form.places.items()}
    cells = {slots[name]: shown for name in form.places if (shown := _as_sent(form, name, layout)) is not None}
    if layout.meta.language != form.meta.language:
        reader = AnswerReader(form, framework)
        reader.read()
        # labels of lists are said in the other language
        cells |= fill_cells(framework, layout, _table(form.meta, reader.answers))
    return Returned(layout, cells, moved)


def lay_out(framework: Framework, meta: FormMeta, answers: Sequence[StoredValue] = ()) -> Returned:
    """Return the form of a respondent of whom no workbook is kept, with the values that the store has."""
    layout = layout_form(framework, meta)
    return Returned(layout, fill_cells(framework, layout, _table(meta, answers)))


def place_of(finding: Finding, returned: Returned, *, own: bool) -> Place | None:
    """Return stable sheet id and address in the new form for a finding; None where it is about the whole file.

    ``own`` says that the finding is about the file that was read again, in which cells may have moved.
    """
    where, layout = finding.where, returned.layout
    moved = returned.moved.get((where.sheet, where.cell))
    if own and moved:
        return moved
    ids = {title: sheet_id for sheet_id, title in layout.titles.items()}
    as_written = (ids[where.sheet], where.cell) if where.sheet in ids and _is_near(where.cell) else None
    if as_written and (as_written in slots_of(layout).values() or not where.indicator):
        return as_written
    mine = [f for f in layout.fields if f.indicator == where.indicator and f.period == where.period]
    # a web form names the answer instead of a cell
    named = [f for f in mine if f"{f.indicator}.{f.part}.{f.period}" == where.cell]
    return next(((f.sheet, f.value_cell) for f in named or mine), as_written)


def write_answer_form(returned: Returned, marks: Marks) -> bytes:
    """Return the new workbook."""
    drawn = draw_master(returned.layout, marks=marks)
    return drawn.make_out(returned.layout, _name_of(returned.layout.meta), returned.cells)


def _name_of(meta: FormMeta) -> str:
    if meta.unit_kind != "municipality":
        return words(meta.language).say("form.livc_r")
    try:
        return municipality_name(meta.unit, meta.language)
    except EvaltoolkitError:
        # metadata that were changed may name a place that does not exist
        return meta.unit


def slots_of(layout: Layout) -> dict[str, Place]:
    """Return stable sheet id and address of every named cell."""
    ids = {title: sheet_id for sheet_id, title in layout.titles.items()}
    return {name: (ids[title], cell) for name, (title, cell) in layout.cells.items()}


def mark_cells(
    findings: Sequence[tuple[Finding, bool]],
    returned: Returned,
    framework: Framework,
    say: Callable[[Finding, str], tuple[str, str, str]],
) -> tuple[Mark, ...]:
    """Return a mark for each finding, those about the whole file first, then in the order of the form.

    Parameters
    ----------
    findings : sequence of (Finding, bool)
        The second says whether it is about the file that was read again.
    returned : Returned
    framework : Framework
    say : callable
        Gives severity, what is wrong and what to do in a language.
    """
    layout = returned.layout
    language = layout.meta.language
    marks = []
    for finding, own in findings:
        sheet_id, cell = place_of(finding, returned, own=own) or ("", "")
        kind, message, remedy = (mask_personal(text) for text in say(finding, language))
        indicator = framework.by_id.get(finding.where.indicator)
        question = f"{indicator.id} – {indicator.text.in_(language).name}" if indicator else ""
        title = layout.titles.get(sheet_id, "")
        marks.append(Mark(sheet_id, title, cell, finding.severity, kind, question, message, remedy))
    order = list(layout.titles)
    return tuple(sorted(marks, key=lambda m: (order.index(m.sheet_id) + 1 if m.sheet_id else 0, _row_column(m.cell))))


def _row_column(cell: str) -> tuple[int, int]:
    return parse_cell(cell) or (0, 0)


def _is_near(cell: str) -> bool:
    """Tell whether a cell lies where a form is drawn: a note far away would never be seen."""
    place = parse_cell(cell)
    return place is not None and place[0] <= _ROWS and place[1] <= _COLUMNS


def _as_sent(form: Form, name: str, layout: Layout) -> str | float | None:
    """Return what stands in a cell of the submitted form, as it can stand in the new one."""
    sheet, cell = form.places[name]
    raw: Raw = value_at(form.rows[sheet], cell)
    if cell in form.scan.sheets[sheet].errors or raw is None:
        return None
    if isinstance(raw, bool):
        return yes_no(layout.meta.language)[0 if raw else 1]
    if isinstance(raw, int | float):
        return float(raw)
    if isinstance(raw, dt.date):
        day = raw.date() if isinstance(raw, dt.datetime) else raw
        return float((day - _FIRST_DAY).days)
    return mask_personal(raw)[:_LONGEST] if isinstance(raw, str) and raw.strip() else None


def _table(meta: FormMeta, answers: Sequence[StoredValue]) -> pd.DataFrame:
    columns = ("period", "indicator", "part", "value", "text", "status", "wording")
    about = {"unit_kind": meta.unit_kind, "unit": meta.unit, "source": "own"}
    return value_table([about | {name: getattr(answer, name) for name in columns} for answer in answers])
