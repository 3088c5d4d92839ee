"""The codebook: one page and one workbook per language, from the definitions that forms and rules come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evaltoolkit.framework.codebook import Row, checklist_rows, composite_rows, indicator_row, question_rows, rule_rows
from evaltoolkit.framework.indicator import Framework, Indicator
from evaltoolkit.i18n import Words, words
from evaltoolkit.reports.pages import render_page
from evaltoolkit.reports.prose import Prose
from evaltoolkit.submissions.book import draw_book
from evaltoolkit.submissions.heights import text_height
from evaltoolkit.submissions.styles import FONT, STYLES

# Widths of the columns of the workbook, in characters; others have the usual one.
_WIDTHS = {
    "name": 30,
    "part": 40,
    "sentence": 60,
    "remedy": 50,
    "formula": 50,
    "options": 50,
    "note": 70,
    "missing": 30,
}
_WIDTHS |= {"definition": 60, "question": 50, "why": 50, "where": 50, "use": 50, "seen": 50, "answer": 40, "id": 16}
_USUAL = 24
_HIGHEST = 400.0
# characters that fit on a landscape page and can still be read
_PAGE = 220


def write_codebook(framework: Framework, out_dir: str | Path, *, language: str) -> tuple[Path, Path]:
    """Write the codebook of a framework in one language.

    Parameters
    ----------
    framework : Framework
    out_dir : folder; made where it does not exist
    language : {"nl", "fr", "de", "en"}

    Returns
    -------
    page, workbook : Path
        ``codebook_<language>.html``, one file that loads nothing, and ``codebook_<language>.xlsx``; the same bytes for
        the same framework.

    Raises
    ------
    EvaltoolkitError
        If the language is not offered.
    """
    say = words(language)
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    page, book = folder / f"codebook_{language}.html", folder / f"codebook_{language}.xlsx"
    page.write_text(render_codebook(framework, language), encoding="utf-8", newline="\n")
    title = _title(framework, say)
    book.write_bytes(draw_book(lambda opened: _draw(opened, framework, say), title))
    return page, book


def render_codebook(framework: Framework, language: str) -> str:
    """Return the codebook as HTML."""
    say = words(language)
    dimensions: dict[str, list[dict[str, Any]]] = {}
    for indicator in framework.indicators:
        dimensions.setdefault(indicator.dimension, []).append(_sheet(framework, indicator, say))
    return render_page(
        "codebook.html.j2",
        Prose(say),
        title=_title(framework, say),
        simulated=False,
        dimensions=dimensions,
        rules=rule_rows(framework, say),
        composites=composite_rows(framework, say),
        checklist=checklist_rows(say),
    )


def write_checklist(path: str | Path, *, language: str) -> Path:
    """Write the checklist for data protection alone, as a page to print and answer."""
    say = words(language)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    title = say.say("codebook.checklist")
    text = render_page("checklist.html.j2", Prose(say), title=title, simulated=False, checklist=checklist_rows(say))
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def _sheet(framework: Framework, indicator: Indicator, say: Words) -> dict[str, Any]:
    row = indicator_row(framework, indicator, say)
    name = row.pop("name")
    row.pop("id")
    return {"id": indicator.id, "name": name, "row": row, "questions": question_rows(indicator, say)}


def _title(framework: Framework, say: Words) -> str:
    return say.say("codebook.title", name=framework.name, version=framework.version)


def _draw(book: Any, framework: Framework, say: Words) -> None:
    head, body = (book.add_format({**FONT, **STYLES[name]}) for name in ("head", "body"))
    questions = [row for indicator in framework.indicators for row in question_rows(indicator, say)]
    tables: dict[str, tuple[str, list[Row]]] = {
        "indicators": ("field", [indicator_row(framework, indicator, say) for indicator in framework.indicators]),
        "questions": ("field", questions),
        "rules": ("field", rule_rows(framework, say)),
        "composites": ("field", composite_rows(framework, say)),
        "checklist": ("checklist", [{**row, "answer": ""} for row in checklist_rows(say)]),
    }
    for name, (labels, rows) in tables.items():
        if rows:
            _draw_table(book.add_worksheet(say.say(f"codebook.{name}")), rows, labels, (head, body), say)


def _draw_table(sheet: Any, rows: list[Row], labels: str, formats: tuple[Any, Any], say: Words) -> None:
    head, body = formats
    columns = _in_order(rows)
    heads = {name: say.say(f"codebook.{labels}.{name}") for name in columns}
    sheet.set_row(0, max(text_height(text, _WIDTHS.get(name, _USUAL) - 3, bold=True) for name, text in heads.items()))
    for column, (name, text) in enumerate(heads.items()):
        sheet.set_column(column, column, _WIDTHS.get(name, _USUAL))
        sheet.write_string(0, column, text, head)
    for number, row in enumerate(rows, 1):
        heights = [text_height(text, _WIDTHS.get(name, _USUAL) - 2) for name, text in row.items()]
        sheet.set_row(number, min(max(heights), _HIGHEST))
        for column, name in enumerate(columns):
            sheet.write_string(number, column, row.get(name, ""), body)
    sheet.freeze_panes(1, 2)
    sheet.set_landscape()
    sheet.set_paper(9)
    # a table too wide to be read on one page goes on several, each with the first two columns
    width = sum(_WIDTHS.get(name, _USUAL) for name in columns)
    sheet.fit_to_pages(max(1, round(width / _PAGE)), 0)
    sheet.repeat_rows(0)
    if width > _PAGE:
        sheet.repeat_columns(0, 1)


def _in_order(rows: list[Row]) -> list[str]:
    """Return the columns of all rows; one that only some rows have stands after what comes before it there."""
    columns: list[str] = []
    for row in rows:
        place = 0
        for name in row:
            if name in columns:
                place = columns.index(name) + 1
            else:
                columns.insert(place, name)
                place += 1
    return columns
