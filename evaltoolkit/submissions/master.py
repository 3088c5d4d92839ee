"""A form drawn once and made out to many respondents.

Drawing takes xlsxwriter some 70 milliseconds, almost all of it for what is the same in every form of one language and
period. So a form is drawn once with marks in the place of what differs (name, codes, digest, known values), and
every workbook is that drawing with the marks replaced.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any
from xml.sax.saxutils import escape

from evaltoolkit.i18n import words
from evaltoolkit.submissions.answer_sheets import draw_answers, draw_earlier
from evaltoolkit.submissions.entries import build_lists
from evaltoolkit.submissions.extras import ABOUT_COLUMN, ROSTER_TOP
from evaltoolkit.submissions.grid import Grid
from evaltoolkit.submissions.layout import ANSWERS_TOP, EARLIER_TOP, Layout
from evaltoolkit.submissions.marks import Marks, draw_list, finish_list, mark_sheets
from evaltoolkit.submissions.pen import Pen
from evaltoolkit.submissions.prefill import Filling
from evaltoolkit.submissions.roster_page import draw_roster
from evaltoolkit.submissions.start_sheet import LANGUAGE_ROW, MEMBERS_HEIGHT, draw_start, members_height, members_text
from evaltoolkit.submissions.styles import FONT, Styles
from evaltoolkit.submissions.switch import LANGUAGE_CELL, LANGUAGE_LIST, NAMES, switch_labels
from evaltoolkit.submissions.titles import LISTS_SHEET, META_SHEET, is_answer_sheet, sheet_title

# A fixed date keeps the file the same, byte for byte, at every run.
_CREATED = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - xlsxwriter wants a naive date
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "in_memory": True,
    "default_format_properties": dict(FONT),
}
_A4 = 9
_GUIDE = {"format_columns": True, "format_rows": True}
_FOOTER_NAME = 100

NAME, MEMBERS, FOOTER = "⟦name⟧", "⟦members⟧", "⟦footer⟧"
_META_MARKS = {key: f"⟦meta {key}⟧" for key in ("unit", "members", "digest")}
_EMPTY_CELL = re.compile(r'<c r="([A-Z]+\d+)" s="(\d+)"/>')
_NOT_XML = re.compile("[\x00-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True)
class Master:
    """The parts of a drawn workbook, by name, and the file of each sheet by stable id."""

    parts: Mapping[str, str]
    sheets: Mapping[str, str]

    def make_out(self, layout: Layout, name: str, filling: Filling) -> bytes:
        """Return the workbook for one respondent.

        Parameters
        ----------
        layout : Layout
            Of the respondent; same form as the one drawn.
        name : str
        filling : mapping
            Known values by stable sheet id and address.
        """
        changed = dict(self.parts)
        marks = {NAME: name, MEMBERS: members_text(layout.meta)}
        metadata = layout.metadata
        marks |= {mark: metadata[key] for key, mark in _META_MARKS.items()}
        changed["xl/sharedStrings.xml"] = _replace(changed["xl/sharedStrings.xml"], marks)
        for sheet_id, part in self.sheets.items():
            text = _replace(changed[part], {FOOTER: name[:_FOOTER_NAME].replace("&", "&&")} | marks)
            if sheet_id == "start":
                text = text.replace(f'ht="{MEMBERS_HEIGHT:g}"', f'ht="{members_height(layout.meta):g}"')
            cells = {cell: value for (where, cell), value in filling.items() if where == sheet_id}
            changed[part] = _fill(text, cells) if cells else text
        return _zip(changed)


def draw_master(layout: Layout, others: Sequence[Layout] = (), marks: Marks | None = None) -> Master:
    """Draw the form of a layout, for nobody in particular.

    Parameters
    ----------
    layout : Layout
    others : sequence of Layout
        The same form in other languages; with them, the texts can be switched.
    marks : Marks, optional
        Remarks on cells of the form; they are drawn into it and listed on a sheet of their own.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    languages = [layout.meta.language, *(other.meta.language for other in others)] if others else []
    with xlsxwriter.Workbook(buffer, _OPTIONS) as book:
        book.set_properties({"created": _CREATED, "title": words(layout.meta.language).say("form.title")})
        pens = _draw_sheets(book, layout, languages)
        lists = pens[LISTS_SHEET].sheet
        _name_lists(book, layout, languages)
        if others:
            sketches = {other.meta.language: _sketch(other, layout, languages) for other in others}
            switch_labels(book, lists, {layout.meta.language: pens, **sketches})
        _write_metadata(book, layout)
        _name_cells(book, layout, languages)
        if marks:
            mark_sheets(pens, marks)
            page = Pen(book.add_worksheet(sheet_title("findings", layout.meta.language)), pens[LISTS_SHEET].styles)
            draw_list(page, marks)
            finish_list(page.sheet)
        say = words(layout.meta.language).say
        for sheet_id in layout.titles:
            _finish(pens[sheet_id].sheet, sheet_id, f"&L&8{FOOTER} – {layout.meta.period}&R&8{say('form.page')}")
    with zipfile.ZipFile(buffer) as drawn:
        parts = {entry.filename: drawn.read(entry).decode() for entry in drawn.infolist()}
    files = {sheet_id: f"xl/worksheets/sheet{number}.xml" for number, sheet_id in enumerate(layout.titles, 1)}
    return Master(parts, files)


def _sketch(other: Layout, layout: Layout, languages: Sequence[str]) -> dict[str, Pen]:
    """Draw a form in another language on a workbook that is thrown away; the titles of sheets do not switch."""
    import xlsxwriter

    book = xlsxwriter.Workbook(io.BytesIO(), _OPTIONS)
    pens = _draw_sheets(book, replace(other, titles=layout.titles), languages)
    book.close()
    return pens


def _draw_sheets(book: Any, layout: Layout, languages: Sequence[str]) -> dict[str, Pen]:
    styles = Styles(book)
    sheets = {sheet_id: book.add_worksheet(title) for sheet_id, title in layout.titles.items()}
    period = layout.meta.period
    pens: dict[str, Pen] = {}
    for sheet_id, sheet in sheets.items():
        title = f"{NAME} – {layout.titles[sheet_id]}"
        if sheet_id == "start":
            pens[sheet_id] = Pen(sheet, styles)
            draw_start(pens[sheet_id], layout, NAME, MEMBERS, languages)
        elif sheet_id == "roster":
            pens[sheet_id] = Pen(sheet, styles)
            draw_roster(pens[sheet_id], layout, title)
        else:
            pens[sheet_id] = grid = Grid(sheet, styles, layout, sheet_id)
            if is_answer_sheet(sheet_id):
                draw_answers(grid, f"{NAME} – {period}" if sheet_id == "answers" else f"{title} {period}")
            else:
                draw_earlier(grid, title)
    pens[LISTS_SHEET] = _write_lists(Pen(book.add_worksheet(LISTS_SHEET), styles), layout)
    return pens


def _finish(sheet: Any, sheet_id: str, footer: str) -> None:
    sheet.protect("", _GUIDE)
    sheet.hide_gridlines(2)
    sheet.set_paper(_A4)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer(footer)
    top = _heads(sheet_id)
    if top:
        sheet.set_landscape()
        sheet.freeze_panes(top, 2)
        sheet.repeat_rows(ANSWERS_TOP - 1, top - 1)
        sheet.set_selection(top + 1, 2, top + 1, 2)


def _heads(sheet_id: str) -> int:
    """Return the last row of the heads; the first sheet has none."""
    if is_answer_sheet(sheet_id):
        return ANSWERS_TOP
    return {"earlier": EARLIER_TOP, "roster": ROSTER_TOP}.get(sheet_id, 0)


def _write_lists(pen: Pen, layout: Layout) -> Pen:
    """Write every drop-down, one below the other, into column A of the hidden sheet of lists."""
    entries = chain.from_iterable(build_lists(layout).values())
    for row, text in enumerate(entries, 1):
        pen.text(row, 1, text, "plain")
    pen.sheet.very_hidden()
    pen.sheet.protect()
    return pen


def _name_lists(book: Any, layout: Layout, languages: Sequence[str]) -> None:
    first = 1
    for name, entries in build_lists(layout).items():
        last = first + len(entries) - 1
        book.define_name(name, f"={LISTS_SHEET}!$A${first}:$A${last}")
        first = last + 1
    if languages:
        sheet = book.get_worksheet_by_name(LISTS_SHEET)
        for row, language in enumerate(languages):
            sheet.write_string(row, 1, NAMES[language])
        book.define_name(LANGUAGE_LIST, f"={LISTS_SHEET}!$B$1:$B${len(languages)}")


def _write_metadata(book: Any, layout: Layout) -> None:
    sheet = book.add_worksheet(META_SHEET)
    for row, (key, text) in enumerate(layout.metadata.items()):
        sheet.write_string(row, 0, key)
        sheet.write_string(row, 1, _META_MARKS.get(key, text))
    sheet.very_hidden()
    sheet.protect()


def _name_cells(book: Any, layout: Layout, languages: Sequence[str]) -> None:
    cells = dict(layout.cells)
    if languages:
        cells[LANGUAGE_CELL] = (layout.titles["start"], f"{ABOUT_COLUMN}{LANGUAGE_ROW}")
    for name, (title, cell) in cells.items():
        quoted = title.replace("'", "''")
        book.define_name(name, f"='{quoted}'!${cell[0]}${cell[1:]}")


def _replace(text: str, marks: Mapping[str, str]) -> str:
    for mark, value in marks.items():
        text = text.replace(mark, _escape(value))
    return text


def _escape(text: str) -> str:
    return escape(_NOT_XML.sub(" ", text)).strip()


def _fill(sheet: str, cells: Mapping[str, str | float]) -> str:
    """Put values into empty cells; text stands in the cell itself as text, never as a formula."""

    def put(match: re.Match[str]) -> str:
        value = cells.get(match[1])
        if value is None:
            return match[0]
        if isinstance(value, str):
            return f'<c r="{match[1]}" s="{match[2]}" t="inlineStr"><is><t>{_escape(value)}</t></is></c>'
        return f'<c r="{match[1]}" s="{match[2]}"><v>{value:.15g}</v></c>'

    return _EMPTY_CELL.sub(put, sheet)


def _zip(parts: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in parts.items():
            entry = zipfile.ZipInfo(name, _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, text.encode(), compresslevel=5)
    return buffer.getvalue()
