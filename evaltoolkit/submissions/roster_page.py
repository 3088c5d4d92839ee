"""The sheet of the roster: which action from when to when, how many hours, and who decided; never a name."""

from __future__ import annotations

from evaltoolkit.i18n import Words, words
from evaltoolkit.submissions.entries import build_lists, extra_list, validate_extra
from evaltoolkit.submissions.extras import ROSTER_COLUMNS, ROSTER_ROWS, ROSTER_TOP
from evaltoolkit.submissions.heights import text_height
from evaltoolkit.submissions.layout import Layout
from evaltoolkit.submissions.pen import Pen
from evaltoolkit.submissions.references import parse_cell

# Column widths in characters: number, then as in ROSTER_COLUMNS.
WIDTHS = (5, 42, 16, 18, 13, 34, 22)
_STYLES = {"start": "date", "end": "date", "hours": "number"}
_LEAST_HEIGHT, _HEAD_HEIGHT = 22.0, 32.0


def draw_roster(pen: Pen, layout: Layout, title: str) -> None:
    """Draw heads and empty rows."""
    say = words(layout.meta.language)
    pen.set_widths(WIDTHS)
    pen.text(1, 1, title, "sheet_title")
    pen.text(2, 1, say.say("form.roster.hint"), "hint")
    pen.set_height(1, 28)
    pen.set_height(2, 18)
    pen.set_height(ROSTER_TOP, _HEAD_HEIGHT)
    pen.text(ROSTER_TOP, 1, say.say("form.column.number"), "head")
    for key, column in _columns().items():
        pen.text(ROSTER_TOP, column, say.say(f"form.roster.{key}"), "head")
    height = _row_height(layout)
    for row in range(ROSTER_TOP + 1, ROSTER_TOP + ROSTER_ROWS + 1):
        pen.set_height(row, height)
        pen.text(row, 1, str(row - ROSTER_TOP), "note")
        _draw_row(pen, row, say)
    pen.validate()


def _draw_row(pen: Pen, row: int, say: Words) -> None:
    for key, column in _columns().items():
        pen.entry(row, column, _STYLES.get(key, "choice"), key, validate_extra(key, say))


def _row_height(layout: Layout) -> float:
    lists = build_lists(layout)
    heights = [_LEAST_HEIGHT]
    for key, column in _columns().items():
        heights += [text_height(text, WIDTHS[column - 1] - 3) for text in lists.get(extra_list(key), ())]
    return max(heights)


def _columns() -> dict[str, int]:
    return {key: cell[1] for key, letter in ROSTER_COLUMNS.items() if (cell := parse_cell(f"{letter}1"))}
