"""The first sheet: for whom, how to fill in, what the statuses mean, and what must not be written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evaltoolkit.i18n import Words, words
from evaltoolkit.submissions.heights import text_height
from evaltoolkit.submissions.layout import STATUS_CODES, FormMeta, Layout, status_label
from evaltoolkit.submissions.styles import Styles
from evaltoolkit.territory.municipalities import municipality_name

# Column widths in characters: margin, key, text.
WIDTHS = (2, 30, 82)
# less the indent
_TEXT_ROOM = WIDTHS[2] - 2
_TITLE_HEIGHT, _HEADING_HEIGHT, _GAP_HEIGHT, _LEAST_HEIGHT = 34.0, 30.0, 8.0, 18.0

# Stands for the height of the row of members until they are known.
MEMBERS_HEIGHT = 399.75

# Style of the key, style of the text, key, text; a heading has no text.
Row = tuple[str, str, str, str]


def draw_start(sheet: Any, styles: Styles, layout: Layout, name: str, members: str) -> None:
    """Draw the first sheet for a respondent's name and members; their row gets ``MEMBERS_HEIGHT``."""
    for column, width in enumerate(WIDTHS):
        sheet.set_column(column, column, width)
    say = words(layout.meta.language)
    sheet.write_string(0, 1, say.say("form.title"), styles["title"])
    sheet.set_row(0, _TITLE_HEIGHT)
    for row, (key_style, text_style, key, text) in enumerate(_rows(layout, name, members, say), 1):
        for column, cell, style in ((1, key, key_style), (2, text, text_style)):
            if cell:
                sheet.write_string(row, column, cell, styles[style])
            else:
                sheet.write_blank(row, column, None, styles[style])
        sheet.set_row(row, MEMBERS_HEIGHT if text == members else _height(key_style, key, text))


def members_text(meta: FormMeta) -> str:
    """Return names and codes of the member municipalities."""
    return ", ".join(f"{municipality_name(code, meta.language)} ({code})" for code in meta.members)


def members_height(meta: FormMeta) -> float:
    """Return the height that shows all members."""
    return max(_LEAST_HEIGHT, text_height(members_text(meta), _TEXT_ROOM))


def _height(key_style: str, key: str, text: str) -> float:
    if key_style == "heading":
        return _HEADING_HEIGHT
    if key_style == "gap":
        return _GAP_HEIGHT
    return max(
        _LEAST_HEIGHT,
        text_height(key, WIDTHS[1] - 1, bold=True),
        text_height(text, _TEXT_ROOM, bold=key_style == "privacy"),
    )


def _rows(layout: Layout, name: str, members: str, words: Words) -> Iterator[Row]:
    yield from _about(layout, name, members, words)
    yield "gap", "gap", "", ""
    yield "privacy", "privacy", words.say("form.privacy"), words.say("form.privacy.text")
    yield _heading(words, "form.how")
    for number, text in enumerate(_steps(layout, words), 1):
        yield "step", "text", f"{number}.", text
    yield _heading(words, "form.zero")
    for code in ("zero", "NAP", "DK"):
        yield "sample", "text", "0" if code == "zero" else code, words.say(f"form.zero.{code}")
    yield _heading(words, "form.statuses")
    yield "key", "text", words.say("form.status.empty"), words.say("form.status.empty.help")
    for code in STATUS_CODES:
        yield "key", "text", status_label(code, words.language), words.say(f"form.status.{code}.help")
    yield _heading(words, "form.practical")
    for topic in ("needed", "seen", "return"):
        yield "key", "text", words.say(f"form.{topic}"), words.say(f"form.{topic}.text")


def _heading(words: Words, code: str) -> Row:
    return "heading", "heading", words.say(code), ""


def _about(layout: Layout, name: str, members: str, words: Words) -> Iterator[Row]:
    meta = layout.meta
    respondent = words.say(f"form.respondent.{meta.unit_kind}", name=name, unit=meta.unit)
    yield "key", "strong", words.say("form.respondent"), respondent
    if meta.unit_kind == "livc_r":
        yield "key", "text", words.say("form.members"), members
    yield "key", "strong", words.say("form.period"), meta.period
    if "earlier" in layout.titles:
        yield "key", "text", words.say("form.earlier"), ", ".join(meta.earlier)
    topics = words.say("form.size.text", n=len(layout.blocks["answers"]))
    yield "key", "text", words.say("form.size"), topics


def _steps(layout: Layout, words: Words) -> Iterator[str]:
    yield words.say("form.how.read", sheet=layout.titles["answers"])
    yield words.say("form.how.cells")
    yield words.say("form.how.status")
    yield words.say("form.how.red")
    if "earlier" in layout.titles:
        label = status_label("reconstructed", words.language)
        yield words.say("form.how.earlier", sheet=layout.titles["earlier"], label=label)
