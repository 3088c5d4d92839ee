"""A form as an XLSForm, for KoboToolbox and ODK: four languages, limits, statuses, rules between fields.

One XLSForm serves all respondents: the first question is for whom it is filled in. Answers come back through
:mod:`~evaltoolkit.submissions.kobo`. A rule of severity error stops the form, a question only shows its sentence. Not
in it: the roster of actions and known values of earlier collections, for which the workbook is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from evaltoolkit.framework.indicator import Framework, Indicator, Part, Rule
from evaltoolkit.i18n import Words, words
from evaltoolkit.submissions.book import draw_book
from evaltoolkit.submissions.entries import prompt_of, unit_text
from evaltoolkit.submissions.extras import MAX_MINUTES
from evaltoolkit.submissions.form_meta import FormMeta
from evaltoolkit.submissions.respondents import list_respondents
from evaltoolkit.submissions.xlsform_fields import (
    CONTACT,
    EARLIER,
    MINUTES,
    UNIT,
    Question,
    Survey,
    lay_out_survey,
)
from evaltoolkit.submissions.xlsform_rows import (
    CONTACT_LIST,
    STATUS_LIST,
    YES_NO_LIST,
    Row,
    begin,
    choices,
    language_of,
    list_name,
    said,
    texts,
)
from evaltoolkit.submissions.xpath import bearer, broken_when, limits_of, names_in, not_nothing, shown_sum, status_fits
from evaltoolkit.territory.municipalities import VINTAGES

_TYPES = {"count": "integer", "number": "decimal", "score": "decimal", "month": "text"}
_FIRST_COLUMNS = ("type", "name", "list_name")


def write_xlsform(
    framework: Framework,
    path: str | Path,
    *,
    period: str | int,
    respondents: pd.DataFrame,
    form: str = "starter",
    earlier: Sequence[str | int] = (),
    language: str = "nl",
    vintage: int = VINTAGES[-1],
    agreement: bool = False,
) -> Path:
    """Write one form as an XLSForm workbook.

    Parameters
    ----------
    framework : Framework
    path : path
        The workbook to write; an existing one is replaced. The same input gives the same bytes.
    period, form, earlier, vintage, agreement
        As for :func:`~evaltoolkit.submissions.write.write_templates`.
    respondents : DataFrame
        Who may answer: columns as for :func:`~evaltoolkit.submissions.write.write_templates`.
    language : {"nl", "fr", "de", "en"}
        The language that is shown first; all four are in it.

    Raises
    ------
    FaultsError
        Naming every fault of the table of respondents.
    EvaltoolkitError
        The framework has no such form.
    """
    asked = list_respondents(respondents, language, vintage)
    labels = tuple(str(label) for label in earlier)
    kind = asked[0].unit_kind
    meta = FormMeta(
        framework.name, framework.version, form, kind, "", (), str(vintage), str(period), labels, language, agreement
    )
    survey = lay_out_survey(framework, meta)
    sheets = {
        "survey": list(_survey(framework, survey)),
        "choices": list(choices(survey, asked)),
        "settings": [_settings(survey)],
    }
    path = Path(path)
    path.write_bytes(draw_book(lambda book: _draw(book, sheets), words(language).say("form.title")))
    return path


def _draw(book: Any, sheets: dict[str, list[Row]]) -> None:
    for title, rows in sheets.items():
        sheet = book.add_worksheet(title)
        columns = list(dict.fromkeys(key for row in rows for key in row))
        columns.sort(key=lambda name: _FIRST_COLUMNS.index(name) if name in _FIRST_COLUMNS else len(_FIRST_COLUMNS))
        for column, name in enumerate(columns):
            sheet.write_string(0, column, name)
            for number, row in enumerate(rows, 1):
                if row.get(name):
                    sheet.write_string(number, column, row[name])
        sheet.freeze_panes(1, 0)


def _settings(survey: Survey) -> Row:
    meta = survey.meta
    return {
        "form_title": words(meta.language).say("form.title"),
        "form_id": f"{meta.framework}_{meta.form}_{meta.period}".replace("/", "_"),
        "version": f"{meta.framework_version}-{survey.digest[:12]}",
        "default_language": language_of(meta.language),
    }


def _survey(framework: Framework, survey: Survey) -> Iterator[Row]:
    for name, text in survey.metadata.items():
        yield {"type": "calculate", "name": name, "calculation": f"'{text}'"}
    yield {"type": "note", "name": "etk_privacy", **texts("label", said("form.privacy.text"))}
    yield {
        "type": f"select_one {UNIT}",
        "name": UNIT,
        "required": "yes",
        "appearance": "minimal",
        **texts("label", said("xlsform.unit")),
    }
    yield {
        "type": f"select_one {CONTACT_LIST}",
        "name": CONTACT,
        **texts("label", said("form.contact")),
    }
    if survey.meta.earlier:
        periods = ", ".join(survey.meta.earlier)
        yield {
            "type": f"select_one {YES_NO_LIST}",
            "name": EARLIER,
            **texts("label", said("xlsform.earlier", periods=periods)),
        }
    rules = _rules_by_bearer(framework, survey)
    for dimension in dict.fromkeys(q.indicator.dimension for q in survey.questions):
        yield begin(f"d_{dimension}", said(f"form.dimension.{dimension}"))
        for indicator in dict.fromkeys(q.indicator.id for q in survey.questions if q.indicator.dimension == dimension):
            yield from _indicator(framework, survey, framework.by_id[indicator], rules)
        yield {"type": "end_group", "name": f"d_{dimension}"}
    yield {
        "type": "integer",
        "name": MINUTES,
        "constraint": f". >= 0 and . <= {MAX_MINUTES}",
        **texts("label", said("form.minutes")),
        **texts("hint", said("form.minutes.prompt")),
        **texts("constraint_message", said("form.minutes.prompt")),
    }


def _indicator(
    framework: Framework, survey: Survey, indicator: Indicator, rules: dict[str, list[tuple[Rule, str]]]
) -> Iterator[Row]:
    name = indicator.id.replace("-", "_")
    own = [question for question in survey.questions if question.indicator.id == indicator.id]
    yield begin(name, lambda say: indicator.text.in_(say.language).name)
    yield {"type": "note", "name": f"{name}__about", **texts("label", partial(_explain, indicator))}
    for question in own:
        if question.period == survey.meta.period:
            yield from _question(framework, question, rules.get(question.name, []), survey)
    yield {"type": "end_group", "name": name}
    earlier = [question for question in own if question.period != survey.meta.period]
    if earlier:
        yield begin(f"{name}__earlier", partial(_earlier_name, indicator)) | {"relevant": f"${{{EARLIER}}} = 'yes'"}
        for question in earlier:
            yield from _question(framework, question, rules.get(question.name, []), survey)
        yield {"type": "end_group", "name": f"{name}__earlier"}


def _earlier_name(indicator: Indicator, say: Words) -> str:
    return say.say("xlsform.earlier.group", name=indicator.text.in_(say.language).name)


def _question(framework: Framework, question: Question, rules: list[tuple[Rule, str]], survey: Survey) -> Iterator[Row]:
    relevant = {"relevant": not_nothing(question.base)} if question.base else {}
    strict = [rule for rule, _ in rules if rule.severity == "error"]
    conditions = [limits_of(question)]
    conditions += [f"not({broken_when(rule, question.period, framework, question.name)})" for rule in strict]
    constraint = " and ".join(f"({one})" for one in conditions if one)
    row = {"type": _type(question), "name": question.name, **relevant}
    row |= texts("label", partial(_label, question, survey))
    row |= texts("hint", partial(unit_text, question.indicator, question.part))
    if constraint:
        row |= {"constraint": constraint}
        row |= texts("constraint_message", partial(_message, question.part, strict))
    yield row
    yield {
        "type": f"select_one {STATUS_LIST}",
        "name": question.status,
        "appearance": "minimal",
        "constraint": status_fits(question),
        **relevant,
        **texts("label", said("xlsform.status")),
        **texts("constraint_message", said("xlsform.status.constraint")),
    }
    if question.base:
        nothing = f"${{{question.base}}} = 0"
        yield {"type": "calculate", "name": f"{question.name}__nap", "calculation": f"if({nothing}, 'NAP', '')"}
        note = {"type": "note", "name": f"{question.name}__note", "relevant": nothing}
        yield note | texts("label", said("xlsform.nap"))
    for rule, name in rules:
        note = {"type": "note", "name": name, "relevant": broken_when(rule, question.period, framework)}
        yield note | texts("label", partial(_sentence, rule, question.period))


def _rules_by_bearer(framework: Framework, survey: Survey) -> dict[str, list[tuple[Rule, str]]]:
    """Return, for each question, the rules that are checked at it, with the name of their note."""
    order = list(survey.by_name)
    found: dict[str, list[tuple[Rule, str]]] = {}
    for period in (survey.meta.period, *survey.meta.earlier):
        for rule in framework.rules:
            if all(name in survey.by_name for name in names_in(rule, period)):
                name = f"{rule.code}__{period}".replace(".", "_").replace("-", "_").replace("/", "_")
                found.setdefault(bearer(rule, period, order), []).append((rule, name))
    return found


def _type(question: Question) -> str:
    kind = question.part.type
    if kind in ("choice", "multi"):
        return f"select_{'one' if kind == 'choice' else 'multiple'} {list_name(question)}"
    return f"select_one {YES_NO_LIST}" if kind == "yes_no" else _TYPES[kind]


def _label(question: Question, survey: Survey, say: Words) -> str:
    label = question.part.label.in_(say.language)
    return label if question.period == survey.meta.period else f"{question.period}: {label}"


def _explain(indicator: Indicator, say: Words) -> str:
    own = indicator.text.in_(say.language)
    lines = [own.definition]
    lines += [say.say(f"xlsform.{name}", text=getattr(own, name)) for name in ("counted", "not_counted")]
    lines += [say.say("form.attention", text=own.pitfalls)] if own.pitfalls else []
    lines += [say.say("xlsform.why", text=own.why)] if own.why else []
    return "\n\n".join([*lines, say.say("xlsform.seen", text=say.say(f"seen.{indicator.sensitivity}"))])


def _message(part: Part, rules: list[Rule], say: Words) -> str:
    own = {"multi": "xlsform.none.constraint", "yes_no": "", "choice": ""}.get(part.type)
    first = prompt_of(part, say) if own is None else say.say(own) if own else ""
    return " ".join(text for text in [first, *(say.say(f"{rule.code}.remedy") for rule in rules)] if text)


def _sentence(rule: Rule, period: str, say: Words) -> str:
    told = say.say(rule.code, left=shown_sum(rule.left, period), right=shown_sum(rule.right, period))
    return f"{told} {say.say(f'{rule.code}.remedy')}"
