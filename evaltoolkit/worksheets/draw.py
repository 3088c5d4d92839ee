"""The workbook of a worksheet: a page of guidance, a sheet of claims, a sheet of tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evaltoolkit.i18n import Words, words
from evaltoolkit.submissions.book import draw_book
from evaltoolkit.submissions.heights import text_height
from evaltoolkit.submissions.layout import LISTS_SHEET, META_SHEET
from evaltoolkit.submissions.references import write_cell
from evaltoolkit.submissions.styles import Styles
from evaltoolkit.worksheets.layout import (
    ABOUT,
    CLAIM_COLUMNS,
    CLAIM_ROWS,
    DATES,
    FORMAT,
    HEAD_ROW,
    LISTED,
    RIVALS,
    TEST_COLUMNS,
    TEST_ROWS,
    VERSION,
    heading,
    labels,
    percent_range,
    sheet_title,
)
from evaltoolkit.worksheets.rules import scale

_START_WIDTHS = (2, 32, 92)
_WIDTHS = {
    "claims": (12, 20, 12, 44, *(26,) * len(RIVALS)),
    "tests": (13, 13, 40, 17, 13, 17, 14, 12, 12, 12, 16, 16, 34),
}
_COLUMNS = {"claims": CLAIM_COLUMNS, "tests": TEST_COLUMNS}
_ROWS = {"claims": CLAIM_ROWS, "tests": TEST_ROWS}
_LEAST_HEIGHT, _ENTRY_HEIGHT, _TITLE_HEIGHT, _HEADING_HEIGHT = 18.0, 42.0, 34.0, 28.0
_A4 = 9
_DATE_FORMAT = "yyyy-mm-dd"
_KINDS = ("straw", "hoop", "smoking_gun", "doubly_decisive")
_STEPS = ("claims", "rivals", "tests", "date", "look", "sources")
# style of the key, style of the text, key, text
Row = tuple[str, str, str, str]


def draw_worksheet(content: Mapping[str, Any]) -> bytes:
    """Return the workbook of a worksheet's tables (:func:`evaltoolkit.worksheets.template.content_of`)."""
    language = content["language"]
    say = words(language)

    def draw(book: Any) -> None:
        styles = Styles(book)
        sheets = {name: book.add_worksheet(sheet_title(name, language)) for name in ("start", "claims", "tests")}
        _draw_start(sheets["start"], styles, content, say)
        # a date is a number with a format of its own
        date_style = book.add_format({**_entry_properties(), "num_format": _DATE_FORMAT, "align": "left"})
        text_style = book.add_format({**_entry_properties(), "num_format": "@"})
        for name, rows in (("claims", _claim_rows(content)), ("tests", _test_rows(content, language))):
            _draw_table(sheets[name], name, rows, styles, (text_style, date_style), say)
        _write_lists(book, language)
        _write_metadata(book, content)
        for name, sheet in sheets.items():
            _finish(sheet, name, say)

    return draw_book(draw, say.say("worksheet.title"))


def _entry_properties() -> dict[str, Any]:
    from evaltoolkit.submissions.styles import FONT, STYLES

    return {**FONT, **STYLES["choice"], "valign": "top"}


def _draw_start(sheet: Any, styles: Styles, content: Mapping[str, Any], say: Words) -> None:
    for column, width in enumerate(_START_WIDTHS):
        sheet.set_column(column, column, width)
    sheet.write_string(0, 1, say.say("worksheet.title"), styles["title"])
    sheet.set_row(0, _TITLE_HEIGHT)
    for row, (key_style, text_style, key, text) in enumerate(_start_rows(content, say), 1):
        for column, cell, style in ((1, key, key_style), (2, text, text_style)):
            if cell:
                sheet.write_string(row, column, cell, styles[style])
            else:
                sheet.write_blank(row, column, None, styles[style])
        sheet.set_row(row, _start_height(key_style, key, text))


def _start_height(style: str, key: str, text: str) -> float:
    if style == "heading":
        return _HEADING_HEIGHT
    bold = style == "privacy"
    heights = (text_height(key, _START_WIDTHS[1] - 1, bold=True), text_height(text, _START_WIDTHS[2] - 2, bold=bold))
    return max(_LEAST_HEIGHT, *heights)


def _start_rows(content: Mapping[str, Any], say: Words) -> Iterator[Row]:
    if content.get("invented"):
        yield "privacy", "privacy", say.say("worksheet.invented"), say.say("worksheet.invented.explained")
    yield "text", "text", "", say.say("worksheet.lead")
    for name in ABOUT:
        yield "key", "month", say.say(f"worksheet.label.{name}"), content.get(name, "")
    yield "privacy", "privacy", say.say("form.privacy"), say.say("worksheet.privacy.text")
    yield "heading", "heading", say.say("form.needed"), ""
    for topic in ("needed", "time"):
        yield "text", "text", "", say.say(f"worksheet.guide.{topic}")
    yield "heading", "heading", say.say("worksheet.guide.how"), ""
    for number, step in enumerate(_STEPS, 1):
        yield "step", "text", f"{number}.", say.say(f"worksheet.guide.{step}")
    yield "heading", "heading", say.say("worksheet.guide.kinds"), ""
    for kind in _KINDS:
        told = f"{say.say(f'worksheet.kind.{kind}.means')} {say.say(f'worksheet.kind.{kind}.example')}"
        yield "key", "text", say.say(f"worksheet.kind.{kind}"), told
    yield "heading", "heading", say.say("worksheet.guide.scale"), ""
    for word in scale():
        told = say.say("worksheet.guide.range", range=percent_range(word))
        yield "key", "text", say.say(f"worksheet.scale.{word}"), told
    yield "text", "text", "", say.say("worksheet.guide.own_choice")


def _claim_rows(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for claim in content["claims"]:
        plain = {name: claim[name] for name in CLAIM_COLUMNS if name in claim}
        rows.append(plain | dict(zip(RIVALS, claim["rivals"], strict=False)))
    return rows


def _test_rows(content: Mapping[str, Any], language: str) -> list[dict[str, Any]]:
    rows = []
    for claim in content["claims"]:
        for test in claim["tests"]:
            row = dict(test) | {"claim": claim["id"], "rivals": ", ".join(str(number) for number in test["rivals"])}
            rows.append(row | {name: labels(name, language)[row[name]] for name in LISTED if name in row})
    return rows


def _draw_table(
    sheet: Any, name: str, rows: Sequence[Mapping[str, Any]], styles: Styles, entry: tuple[Any, Any], say: Words
) -> None:
    columns, widths = _COLUMNS[name], _WIDTHS[name]
    count = max(_ROWS[name], len(rows) + 5)
    sheet.write_string(0, 0, sheet_title(name, say.language), styles["sheet_title"])
    sheet.set_row(0, _TITLE_HEIGHT)
    sheet.write_string(1, 0, say.say(f"worksheet.hint.{name}"), styles["hint"])
    heads = [heading(name, column, say.language) for column in columns]
    sheet.set_row(
        HEAD_ROW - 1, max(text_height(head, width - 2, bold=True) for head, width in zip(heads, widths, strict=True))
    )
    for column, (key, head, width) in enumerate(zip(columns, heads, widths, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(HEAD_ROW - 1, column, head, styles["head"])
        for number in range(count):
            value = rows[number].get(key) if number < len(rows) else None
            _write(sheet, HEAD_ROW + number, column, value, entry[key in DATES])
        _validate(sheet, name, key, column, HEAD_ROW + count - 1, say)
    for number in range(count):
        row = rows[number] if number < len(rows) else {}
        texts = [(str(row.get(key) or ""), width) for key, width in zip(columns, widths, strict=True)]
        sheet.set_row(HEAD_ROW + number, max(_ENTRY_HEIGHT, *(text_height(text, width - 2) for text, width in texts)))


def _write(sheet: Any, row: int, column: int, value: Any, style: Any) -> None:
    if isinstance(value, dt.date):
        sheet.write_datetime(row, column, dt.datetime(value.year, value.month, value.day), style)  # noqa: DTZ001
    elif value in (None, ""):
        sheet.write_blank(row, column, None, style)
    else:
        sheet.write_string(row, column, str(value), style)


def _validate(sheet: Any, name: str, key: str, column: int, last: int, say: Words) -> None:
    """Give the cells of a column their list, their dates, or a word on what belongs there."""
    rule: dict[str, Any] = {"validate": "any"}
    if key in LISTED:
        rule = {"validate": "list", "source": f"=etk_list.{key}", "error_message": say.say("form.error.list")}
    elif key in DATES:
        rule = {
            "validate": "date",
            "criteria": ">=",
            "value": dt.date(2000, 1, 1),
            "error_message": say.say("worksheet.not_a_date.remedy"),
        }
    elif key == "claim":
        title = sheet_title("claims", say.language).replace("'", "''")
        first, final = f"$A${HEAD_ROW + 1}", f"$A${HEAD_ROW + CLAIM_ROWS}"
        rule = {
            "validate": "list",
            "source": f"='{title}'!{first}:{final}",
            "error_type": "warning",
            "error_message": say.say("worksheet.test_without_claim.remedy"),
        }
    # the explanations share one text
    code = f"worksheet.field.{name}.{'rivals' if key in RIVALS else key}"
    sheet.data_validation(
        HEAD_ROW,
        column,
        last,
        column,
        {**rule, "error_title": say.say("form.error.title"), "input_message": say.say(code)},
    )


def _write_lists(book: Any, language: str) -> None:
    sheet = book.add_worksheet(LISTS_SHEET)
    first = 1
    for field in LISTED:
        entries = list(labels(field, language).values())
        sheet.write_column(first - 1, 0, entries)
        last = first + len(entries) - 1
        book.define_name(f"etk_list.{field}", f"={LISTS_SHEET}!${write_cell(first, 1)[0]}${first}:$A${last}")
        first = last + 1
    sheet.very_hidden()
    sheet.protect()


def _write_metadata(book: Any, content: Mapping[str, Any]) -> None:
    sheet = book.add_worksheet(META_SHEET)
    facts = {"format": FORMAT, "layout": VERSION, "language": content["language"]}
    facts["invented"] = "yes" if content.get("invented") else "no"
    for row, (key, text) in enumerate(facts.items()):
        sheet.write_string(row, 0, key)
        sheet.write_string(row, 1, text)
    sheet.very_hidden()
    sheet.protect()


def _finish(sheet: Any, name: str, say: Words) -> None:
    # protection without a password guides; the reader checks everything again
    sheet.protect("", {"format_columns": True, "format_rows": True, "insert_rows": True, "delete_rows": True})
    sheet.hide_gridlines(2)
    sheet.set_paper(_A4)
    sheet.set_landscape()
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer(f"&L&8{say.say('worksheet.title')}&R&8{say.say('form.page')}")
    if name != "start":
        sheet.freeze_panes(HEAD_ROW, 2)
        sheet.repeat_rows(HEAD_ROW - 1)
