"""One form in several languages: a cell with a drop-down changes the texts, and never an answer.

The form is drawn once in each language. Where the drawings differ, a formula stands that looks the text up on the
hidden sheet of lists; what it shows until a program calculates is the text of the form's own language, so that readers
without recalculation see that one. There is no macro. What the user types or chooses is never touched: an answer
chosen from a list keeps the words of the language in which it was chosen, and the reader knows the words of all.

Titles of sheets and the help beside input cells cannot be calculated; they stay in the form's own language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaltoolkit.i18n import words
from evaltoolkit.submissions.pen import Pen
from evaltoolkit.submissions.references import write_cell
from evaltoolkit.submissions.titles import LISTS_SHEET

# what a language calls itself
NAMES = {"nl": "Nederlands", "fr": "Français", "de": "Deutsch", "en": "English"}
LANGUAGE_CELL, LANGUAGE_LIST = "etk_language", "etk_list.language"
# On the sheet of lists: drop-downs stand in column A; from this column on, one column of texts for each language.
_FIRST_COLUMN = 3
# the first row holds the number of the chosen language
_FIRST_ROW = 2


def language_rule(language: str) -> dict[str, object]:
    """Return the validation of the cell with the language."""
    say = words(language).say
    return {
        "validate": "list",
        "source": f"={LANGUAGE_LIST}",
        "error_title": say("form.error.title"),
        "error_message": say("form.error.list"),
    }


def language_label(languages: Sequence[str]) -> str:
    """Return what stands beside that cell, readable whatever language is shown."""
    return " / ".join(words(language).say("form.language") for language in languages)


def switch_labels(book: Any, lists: Any, drawings: Mapping[str, Mapping[str, Pen]]) -> None:
    """Replace every text that differs between languages by a formula.

    Parameters
    ----------
    book : xlsxwriter.Workbook
    lists : xlsxwriter worksheet
        The hidden sheet of lists.
    drawings : mapping
        Pens by sheet and language; the first language is the form's own, and only its pens are written to.
    """
    languages = list(drawings)
    own = drawings[languages[0]]
    last = write_cell(_FIRST_ROW - 1, _FIRST_COLUMN)
    place = f"${last[0]}${last[1:]}"
    rows: dict[tuple[str, ...], int] = {}
    for sheet_id, pen in own.items():
        others = [drawings[language][sheet_id] for language in languages[1:]]
        for row, height in list(pen.heights.items()):
            tallest = max([height, *(other.heights.get(row, 0.0) for other in others)])
            if tallest > height:
                pen.set_height(row, tallest)
        for (row, column), (text, _) in list(pen.written.items()):
            texts = (text, *(other.written.get((row, column), ("", ""))[0] for other in others))
            if len(set(texts)) > 1:
                line = rows.setdefault(texts, _FIRST_ROW + len(rows))
                pen.formula(row, column, f"=INDEX({_columns(line, len(languages))},{LISTS_SHEET}!{place})", text)
    for texts, line in rows.items():
        for column, text in enumerate(texts, _FIRST_COLUMN - 1):
            lists.write_string(line - 1, column, text)
    formula = f"=IFERROR(MATCH({LANGUAGE_CELL},{LANGUAGE_LIST},0),1)"
    lists.write_formula(_FIRST_ROW - 2, _FIRST_COLUMN - 1, formula, None, 1)


def _columns(row: int, count: int) -> str:
    first, last = write_cell(row, _FIRST_COLUMN), write_cell(row, _FIRST_COLUMN + count - 1)
    return f"{LISTS_SHEET}!${first[0]}${first[1:]}:${last[0]}${last[1:]}"
