"""Remarks on a form: a coloured cell with a note, and a sheet that lists them with links to their cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaltoolkit.findings import Severity
from evaltoolkit.submissions.heights import text_height
from evaltoolkit.submissions.pen import Pen
from evaltoolkit.submissions.references import parse_cell

_WIDTHS = (12, 22, 9, 38, 58, 58)
_TOP = 3
_SIZE = {"width": 320, "height": 140, "font_size": 9}


@dataclass(frozen=True)
class Mark:
    """One remark; without a sheet it is about the whole file."""

    sheet_id: str
    title: str
    cell: str
    severity: Severity
    kind: str
    question: str
    message: str
    remedy: str


@dataclass(frozen=True)
class Marks:
    """All remarks on one form, with the words of the sheet that lists them: title, explanation and six heads."""

    marks: Sequence[Mark]
    title: str
    hint: str
    heads: Sequence[str]


def mark_sheets(pens: Mapping[str, Pen], marks: Marks) -> None:
    """Colour the cells in question and put a note on each; a cell with several remarks has them in one note."""
    by_cell: dict[tuple[str, str], list[Mark]] = {}
    for mark in marks.marks:
        by_cell.setdefault((mark.sheet_id, mark.cell), []).append(mark)
    for (sheet_id, cell), some in by_cell.items():
        place = parse_cell(cell)
        if place is None:
            continue
        pen = pens[sheet_id]
        style = pen.inputs.get(place)
        if style:
            worst = "error" if any(mark.severity == "error" for mark in some) else "question"
            pen.text(*place, "", f"{style}!{worst}")
        text = "\n\n".join(f"{mark.kind}: {mark.message}\n{mark.remedy}".strip() for mark in some)
        pen.sheet.write_comment(place[0] - 1, place[1] - 1, text, _SIZE)


def draw_list(pen: Pen, marks: Marks) -> None:
    """Draw the sheet of remarks; a link leads to each cell."""
    pen.set_widths(_WIDTHS)
    pen.text(1, 1, marks.title, "sheet_title")
    pen.text(2, 1, marks.hint, "hint")
    pen.set_height(1, 28)
    for column, head in enumerate(marks.heads, 1):
        pen.text(_TOP, column, head, "head")
    for row, mark in enumerate(marks.marks, _TOP + 1):
        texts = (mark.kind, mark.title, "", mark.question, mark.message, mark.remedy)
        for column, text in enumerate(texts, 1):
            pen.text(row, column, text, "body")
        if mark.cell:
            _link(pen, row, mark)
        pairs = zip(texts, _WIDTHS, strict=True)
        pen.set_height(row, max(18.0, *(text_height(text, width - 2) for text, width in pairs)))


def finish_list(sheet: Any) -> None:
    """Protect the sheet, and show it first when the workbook is opened."""
    sheet.protect("", {"format_columns": True, "format_rows": True})
    sheet.hide_gridlines(2)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.freeze_panes(_TOP, 0)
    sheet.repeat_rows(_TOP - 1)
    sheet.activate()


def _link(pen: Pen, row: int, mark: Mark) -> None:
    quoted = mark.title.replace("'", "''")
    pen.sheet.write_url(row - 1, 2, f"internal:'{quoted}'!{mark.cell}", pen.styles["link"], mark.cell)
