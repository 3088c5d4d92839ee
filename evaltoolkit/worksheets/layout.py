"""Where everything stands in the workbook of a worksheet, and how its words are written there.

Rows are found by the headings of their columns, so that a moved column or an inserted row does no harm; headings are
those of the language that the hidden sheet names.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from evaltoolkit.i18n import words
from evaltoolkit.worksheets.rules import scale
from evaltoolkit.worksheets.template import choices, family
from evaltoolkit.worksheets.worksheet import MAX_RIVALS

FORMAT = "evaltoolkit-worksheet"
VERSION = "1"
SHEETS = ("start", "claims", "tests")
ABOUT = ("unit", "period", "question")
RIVALS = tuple(f"rival_{number}" for number in range(1, MAX_RIVALS + 1))
CLAIM_COLUMNS = ("id", "step", "outcome", "statement", *RIVALS)
TEST_COLUMNS = (
    "claim",
    "id",
    "expectation",
    "if_true",
    "rivals",
    "if_rival",
    "kind",
    "stated_on",
    "evidence",
    "looked_on",
    "source",
    "source_group",
    "note",
)
LISTED = ("if_true", "if_rival", "kind", "evidence", "source")
DATES = ("stated_on", "looked_on")
# row of the headings, and rows to fill in at least (rows counted from 1)
HEAD_ROW = 3
CLAIM_ROWS, TEST_ROWS = 12, 60


def sheet_title(sheet: str, language: str) -> str:
    """Return the name of a sheet."""
    return words(language).say(f"worksheet.sheet.{sheet}")


def heading(sheet: str, column: str, language: str) -> str:
    """Return the heading of a column."""
    say = words(language)
    if column in RIVALS:
        return say.say("worksheet.label.rival", number=RIVALS.index(column) + 1)
    return say.say(f"worksheet.label.{sheet}.{column}")


@cache
def labels(field: str, language: str) -> Mapping[str, str]:
    """Return how each word of a list is written: code -> words, with its range where it is a likelihood."""
    say = words(language)
    listed = {}
    for code in choices(field):
        word = say.say(f"worksheet.{family(field)}.{code}")
        listed[code] = f"{word} ({percent_range(code)})" if family(field) == "scale" else word
    return listed


def percent_range(word: str) -> str:
    """Return the declared range of a likelihood: 95–99 %."""
    span = scale()[word]
    return f"{round(100 * span.low)}–{round(100 * span.high)} %"
