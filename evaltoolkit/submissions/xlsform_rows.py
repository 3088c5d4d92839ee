"""Rows of an XLSForm: lists of choices, groups, and a text in four languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from evaltoolkit.findings import Fact
from evaltoolkit.framework.indicator import Label
from evaltoolkit.i18n import LANGUAGES, Words, words
from evaltoolkit.submissions.extras import CONTACT_ROLES
from evaltoolkit.submissions.layout import STATUS_CODES, status_label
from evaltoolkit.submissions.respondents import Respondent
from evaltoolkit.submissions.switch import NAMES
from evaltoolkit.submissions.xlsform_fields import NONE_CODE, UNIT, Question, Survey, unit_code
from evaltoolkit.territory.municipalities import municipality_name

Row = dict[str, str]
Text = Callable[[Words], str]
STATUS_LIST, YES_NO_LIST, CONTACT_LIST = "etk_status", "etk_yes_no", "etk_role"


def choices(survey: Survey, asked: list[Respondent]) -> Iterator[Row]:
    """Return the entries of every list."""
    for code in STATUS_CODES:
        yield _choice(STATUS_LIST, code, _status(code))
    for code in ("yes", "no"):
        yield _choice(YES_NO_LIST, code, said(f"form.{code}"))
    for code in CONTACT_ROLES:
        yield _choice(CONTACT_LIST, code, said(f"form.contact.{code}"))
    for one in asked:
        yield _choice(UNIT, unit_code(one.unit_kind, one.unit), _name(one))
    for question in survey.questions:
        if question.period == survey.meta.period:
            for option in question.part.options:
                yield _choice(list_name(question), option.code, labelled(option.label))
            if question.part.type == "multi":
                yield _choice(list_name(question), NONE_CODE, said("xlsform.none"))


def list_name(question: Question) -> str:
    """Return the name of the list of a question's options; the same in every period."""
    return f"{question.indicator.id.replace('-', '_')}__{question.part.id}"


def begin(name: str, text: Text) -> Row:
    """Return the row that begins a group."""
    return {"type": "begin_group", "name": name, **texts("label", text)}


def texts(column: str, text: Text) -> Row:
    """Return a text in every language, each in its column."""
    return {f"{column}::{language_of(language)}": text(words(language)) for language in LANGUAGES}


def language_of(language: str) -> str:
    """Return how XLSForm writes a language: ``Français (fr)``."""
    return f"{NAMES[language]} ({language})"


def said(code: str, **facts: Fact) -> Text:
    """Return the text of a message."""
    return lambda say: say.say(code, **facts)


def labelled(label: Label) -> Text:
    """Return the text of a label."""
    return lambda say: label.in_(say.language)


def _status(code: str) -> Text:
    return lambda say: status_label(code, say.language)


def _name(one: Respondent) -> Text:
    def say_name(say: Words) -> str:
        name = one.name or (municipality_name(one.unit, say.language) if one.unit_kind == "municipality" else "")
        return f"{name} ({one.unit})" if name else one.unit

    return say_name


def _choice(listed: str, code: str, text: Text) -> Row:
    return {"list_name": listed, "name": code, **texts("label", text)}
