"""Sheets of a form: their stable ids, their titles, and when the answers take more than one.

Ids are ``start``, ``answers`` or ``answers.<dimension>``, ``earlier`` and ``roster``; a form that goes
back with remarks has a sheet ``findings`` as well.
"""

from __future__ import annotations

from functools import cache
from typing import get_args

from evaltoolkit.framework.indicator import Dimension, Indicator
from evaltoolkit.i18n import LANGUAGES, words

META_SHEET = "_etk"
LISTS_SHEET = "_lists"
HIDDEN_SHEETS = (META_SHEET, LISTS_SHEET)
# a form of more topics has a sheet for each dimension
MANY = 20


def split_sheets(indicators: tuple[Indicator, ...]) -> dict[str, tuple[Indicator, ...]]:
    """Return the indicators by sheet id, in form order.

    A form of more than ``MANY`` topics has one sheet of answers for each dimension: as one sheet it would be some
    hundred rows in which nobody finds the way back, and several people can each take their sheets. A shorter form
    keeps one sheet, so that nobody forgets to turn the page. Earlier years stay on one sheet: they are worked out from
    the same papers at one go.
    """
    if len(indicators) <= MANY:
        return {"answers": indicators}
    dimensions = dict.fromkeys(indicator.dimension for indicator in indicators)
    return {f"answers.{name}": tuple(i for i in indicators if i.dimension == name) for name in dimensions}


def is_answer_sheet(sheet_id: str) -> bool:
    """Tell whether a sheet asks about the reporting period."""
    return sheet_id.partition(".")[0] == "answers"


def sheet_title(sheet_id: str, language: str) -> str:
    """Return the title of a sheet, at most 31 characters, as spreadsheets want it."""
    kind, _, dimension = sheet_id.partition(".")
    return words(language).say(f"form.dimension.{dimension}" if dimension else f"form.sheet.{kind}")


@cache
def known_titles() -> frozenset[str]:
    """Return every title that a sheet of a form can have, in any language, hidden sheets included."""
    names = ("start", "answers", "earlier", "roster", "findings", *(f"answers.{code}" for code in get_args(Dimension)))
    return frozenset({*HIDDEN_SHEETS, *(sheet_title(name, lang) for lang in LANGUAGES for name in names)})
