"""The first sheet: for whom, how to fill in, what the statuses mean, and what must not be written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evaltoolkit.i18n import Words, words
from evaltoolkit.submissions.entries import validate_extra
from evaltoolkit.submissions.extras import ABOUT_ROWS
from evaltoolkit.submissions.heights import text_height
from evaltoolkit.submissions.layout import STATUS_CODES, FormMeta, Layout, status_label
from evaltoolkit.submissions.pen import Pen
from evaltoolkit.submissions.switch import NAMES, language_label, language_rule
from evaltoolkit.territory.municipalities import municipality_name

# Column widths in characters: margin, key, text.
WIDTHS = (2, 34, 82)
# less the indent
_TEXT_ROOM = WIDTHS[2] - 2
_TITLE_HEIGHT, _HEADING_HEIGHT, _GAP_HEIGHT, _LEAST_HEIGHT = 34.0, 30.0, 8.0, 18.0
_KEY, _TEXT = 2, 3
# the row of the switch of languages, below what every form has
LANGUAGE_ROW = max(ABOUT_ROWS.values()) + 1
# What a unit without any case can still show: it has practised, has a procedure, has a rule for recording.
_READINESS = ("CAP-04", "PREV-06", "DET-08")

# Stands for the height of the row of members until they are known.
MEMBERS_HEIGHT = 399.75

# Style of the key, style of the text, key, text; a heading has no text.
Row = tuple[str, str, str, str]


def draw_start(pen: Pen, layout: Layout, name: str, members: str, languages: Sequence[str] = ()) -> None:
    """Draw the first sheet for a respondent's name and members; their row gets ``MEMBERS_HEIGHT``.

    With ``languages``, there is a cell to choose one of them.
    """
    say = words(layout.meta.language)
    pen.set_widths(WIDTHS)
    pen.text(1, _KEY, say.say("form.title"), "title")
    pen.set_height(1, _TITLE_HEIGHT)
    respondent = say.say(f"form.respondent.{layout.meta.unit_kind}", name=name, unit=layout.meta.unit)
    _draw_row(pen, 2, ("key", "strong", say.say("form.respondent"), respondent), members)
    for key, row in ABOUT_ROWS.items():
        _draw_entry(pen, row, say.say(f"form.{key}"))
        pen.entry(row, _TEXT, "count" if key == "minutes" else "choice", key, validate_extra(key, say))
    first = LANGUAGE_ROW
    if languages:
        _draw_language(pen, languages, say)
        first += 2
    for number, row_of in enumerate(_rows(layout, members, say), first):
        _draw_row(pen, number, row_of, members)
    pen.validate()


def _draw_language(pen: Pen, languages: Sequence[str], words: Words) -> None:
    _draw_entry(pen, LANGUAGE_ROW, language_label(languages))
    pen.entry(LANGUAGE_ROW, _TEXT, "choice", "language", language_rule(languages[0]))
    pen.sheet.write_string(LANGUAGE_ROW - 1, _TEXT - 1, NAMES[languages[0]], pen.styles["choice"])
    _draw_row(pen, LANGUAGE_ROW + 1, ("key", "text", "", words.say("form.language.help")), "")


def _draw_entry(pen: Pen, row: int, label: str) -> None:
    pen.text(row, _KEY, label, "key")
    pen.set_height(row, max(_LEAST_HEIGHT, text_height(label, WIDTHS[_KEY - 1] - 1, bold=True)))


def _draw_row(pen: Pen, row: int, row_of: Row, members: str) -> None:
    key_style, text_style, key, text = row_of
    for column, cell, style in ((_KEY, key, key_style), (_TEXT, text, text_style)):
        pen.text(row, column, cell, style)
    pen.set_height(row, MEMBERS_HEIGHT if text and text == members else _height(key_style, key, text))


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


def _rows(layout: Layout, members: str, words: Words) -> Iterator[Row]:
    yield from _about(layout, members, words)
    yield "gap", "gap", "", ""
    yield "privacy", "privacy", words.say("form.privacy"), words.say("form.privacy.text")
    yield _heading(words, "form.how")
    for number, text in enumerate(_steps(layout, words), 1):
        yield "step", "text", f"{number}.", text
    yield _heading(words, "form.zero")
    yield from _zeros(layout, words)
    yield _heading(words, "form.statuses")
    yield "key", "text", words.say("form.status.empty"), words.say("form.status.empty.help")
    for code in STATUS_CODES:
        yield "key", "text", status_label(code, words.language), words.say(f"form.status.{code}.help")
    yield _heading(words, "form.needed")
    for dimension in dict.fromkeys(block.indicator.dimension for block in layout.answer_blocks):
        yield "key", "text", words.say(f"form.dimension.{dimension}"), words.say(f"form.needed.{dimension}")
    yield "key", "text", "", words.say("form.needed.help")
    yield _heading(words, "form.practical")
    for topic in ("seen", "return"):
        yield "key", "text", words.say(f"form.{topic}"), words.say(f"form.{topic}.text")


def _heading(words: Words, code: str) -> Row:
    return "heading", "heading", words.say(code), ""


def _about(layout: Layout, members: str, words: Words) -> Iterator[Row]:
    meta = layout.meta
    if meta.unit_kind == "livc_r":
        yield "key", "text", words.say("form.members"), members
    yield "key", "strong", words.say("form.period"), meta.period
    if "earlier" in layout.titles:
        yield "key", "text", words.say("form.earlier"), ", ".join(meta.earlier)
    topics = words.say("form.size.text", n=len(layout.answer_blocks))
    yield "key", "text", words.say("form.size"), topics


def _steps(layout: Layout, words: Words) -> Iterator[str]:
    sheets = [layout.titles[sheet] for sheet in layout.answer_sheets]
    if len(sheets) == 1:
        yield words.say("form.how.read", sheet=sheets[0])
    else:
        yield words.say("form.how.sheets", first=sheets[0], last=sheets[-1])
    for step in ("cells", "status", "red", "grey"):
        yield words.say(f"form.how.{step}")
    if "earlier" in layout.titles:
        label = status_label("reconstructed", words.language)
        yield words.say("form.how.earlier", sheet=layout.titles["earlier"], label=label)
    if "roster" in layout.titles:
        unknown = words.say("form.roster.state.unknown")
        yield words.say("form.how.roster", sheet=layout.titles["roster"], unknown=unknown)


def _zeros(layout: Layout, words: Words) -> Iterator[Row]:
    for code in ("zero", "NAP", "DK"):
        yield "sample", "text", "0" if code == "zero" else code, words.say(f"form.zero.{code}")
    ready = {block.indicator.id: block for block in layout.answer_blocks if block.indicator.id in _READINESS}
    items = [f"{block.number}. {block.indicator.text.in_(words.language).name}" for block in ready.values()]
    if items and any(block.indicator.dimension == "CASE" for block in layout.answer_blocks):
        yield "sample", "text", words.say("form.zero.cases.key"), words.say("form.zero.cases", items="; ".join(items))
