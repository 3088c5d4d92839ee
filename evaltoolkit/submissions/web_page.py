"""What a web form holds besides its respondent: questions, rules and sentences in all languages, as data.

The page has no rule of its own: limits, conditions and sums come from the framework, sentences from the catalogues.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from evaltoolkit.framework.indicator import Framework, Indicator, Part, Rule
from evaltoolkit.framework.periods import Period
from evaltoolkit.framework.references import condition_of, terms_of
from evaltoolkit.framework.values import MISSING
from evaltoolkit.i18n import LANGUAGES, words
from evaltoolkit.submissions.entries import MONTH_EXAMPLE, limits, unit_text, validate_answer
from evaltoolkit.submissions.extras import CONTACT_ROLES, MAX_MINUTES
from evaltoolkit.submissions.layout import STATUS_CODES, FormMeta, asked_indicators, status_label, yes_no
from evaltoolkit.submissions.numbers import DECIMAL_MARK
from evaltoolkit.submissions.personal_words import load_words
from evaltoolkit.submissions.validate import MAX_APART, MAX_TIMES
from evaltoolkit.submissions.web_questions import MAX_TYPED, Json, asked_in, identity_of

NAMES = {"nl": "Nederlands", "fr": "Français", "de": "Deutsch", "en": "English"}
LOCALES = {"nl": "nl-BE", "fr": "fr-BE", "de": "de-BE", "en": "en-GB"}

# Sentences of the page by code, each with the names of its facts.
WORDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "form.title",
            "form.respondent",
            "form.members",
            "form.period",
            "form.earlier",
            "form.how",
            "form.privacy",
            "form.zero",
            "form.zero.zero",
            "form.zero.NAP",
            "form.zero.DK",
            "form.statuses",
            "form.status.empty",
            "form.status.empty.help",
            *(f"form.status.{code}.help" for code in STATUS_CODES),
            "form.zero.cases.key",
            "form.practical",
            "form.needed",
            "form.needed.help",
            "form.seen",
            "form.seen.text",
            "form.return",
            "form.sheet.earlier",
            "form.column.counted",
            "form.column.not_counted",
            "form.column.why",
            "form.column.seen",
            "form.contact",
            *(f"form.contact.{role}" for role in CONTACT_ROLES),
            *(
                f"web_form.{name}"
                for name in (
                    "skip",
                    "language",
                    "choose",
                    "choose.none",
                    "how.status",
                    "how.return",
                    "privacy",
                    "contents",
                    "open",
                    "save",
                    "print",
                    "print.explain",
                    "time",
                    "time.help",
                    "explain",
                    "select.none",
                    "multi.none",
                    "severity.error",
                    "severity.question",
                    "summary",
                    "summary.clean",
                    "summary.kept",
                    "not_saved",
                    "open.not_form",
                    "open.other",
                    "open.replace",
                    "no_respondent",
                    "fault.value.not_a_number",
                    "fault.value.odd_characters",
                    "fault.value.status_in_answer",
                    "fault.status.reconstructed_without_value",
                    "fault.value.blank",
                    "fault.personal",
                )
            ),
        ),
        (),
    ),
    "form.respondent.municipality": ("name", "unit"),
    "form.respondent.livc_r": ("name", "unit"),
    "form.column.answer": ("period",),
    "form.attention": ("text",),
    "form.zero.cases": ("items",),
    "web_form.how.read": ("label",),
    "web_form.how.earlier": ("label", "status"),
    "web_form.how.save": ("open",),
    "web_form.time.now": ("minutes",),
    "web_form.progress": ("done", "all", "period"),
    "web_form.status": ("period",),
    "web_form.zero_share": ("label",),
    "web_form.summary.errors": ("count",),
    "web_form.summary.questions": ("count",),
    "web_form.summary.blank": ("count",),
    "web_form.saved": ("file",),
    "web_form.opened": ("count",),
    "web_form.opened.skipped": ("count",),
    "web_form.fault.value.ambiguous_number": ("example",),
    "web_form.fault.value.not_month": ("example",),
    "web_form.fault.value.not_whole": ("value",),
    "web_form.fault.value.below_minimum": ("value", "limit"),
    "web_form.fault.value.above_maximum": ("value", "limit"),
    "web_form.fault.value.with_missing_status": ("status",),
    "web_form.fault.value.unlike_earlier": ("value", "usual"),
}
# What a unit without any case can still show: it has practised, has a procedure, has a rule for recording.
READINESS = ("CAP-04", "PREV-06", "DET-08")
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")


def page_data(framework: Framework, meta: FormMeta) -> Json:
    """Return everything that is the same for all respondents of a form and period.

    The result holds no code: texts by language, questions with type and limits, rules as their terms.
    """
    identity = identity_of(framework, meta)
    for own in ("unit_kind", "unit", "members", "language"):
        del identity[own]
    indicators = asked_indicators(framework, meta)
    cases = any(indicator.dimension == "CASE" for indicator in indicators)
    rules = _rules(framework, {key[:2] for key in asked_in(framework, meta)})
    start = Period.parse(meta.period).start
    return {
        "identity": identity,
        "languages": {language: _language(language, indicators, rules) for language in LANGUAGES},
        "statuses": list(STATUS_CODES),
        "missing": list(MISSING),
        # earlier periods that a number of the reporting period is held against
        "before": [label for label in meta.earlier if Period.parse(label).start < start],
        "unlike": {"times": MAX_TIMES, "apart": MAX_APART},
        "limits": {"typed": MAX_TYPED, "minutes": MAX_MINUTES},
        "example": MONTH_EXAMPLE,
        # words by which a date of birth is known
        "personal": {"birth": list(load_words().birth), "months": list(load_words().months)},
        "roles": list(CONTACT_ROLES),
        # what stays open where there was no case
        "ready": [indicator.id for indicator in indicators if cases and indicator.id in READINESS],
        "indicators": [_indicator(indicator) for indicator in indicators],
        "rules": [_rule(rule) for rule in rules],
    }


def _indicator(indicator: Indicator) -> Json:
    return {
        "id": indicator.id,
        "dimension": indicator.dimension,
        "parts": [_part(indicator, part) for part in indicator.parts],
    }


def _part(indicator: Indicator, part: Part) -> Json:
    low, high = limits(part)
    return {
        "id": part.id,
        "type": part.type,
        "low": low,
        "high": high,
        "earlier": part.earlier_years,
        "options": [option.code for option in part.options],
        # of this part's share the denominator is that part
        "base": "denominator" if indicator.value == "ratio" and part.id == "numerator" else None,
    }


def _rules(framework: Framework, asked: set[tuple[str, ...]]) -> list[Rule]:
    """Return the rules that a form can break: every field of theirs is asked."""
    return [rule for rule in framework.rules if all(tuple(field.split(".")) in asked for field in _fields(rule))]


def _fields(rule: Rule) -> list[str]:
    condition = condition_of(rule)
    terms = [*terms_of(rule.left), *terms_of(rule.right), *([condition[0]] if condition else [])]
    return [term for term in terms if not _NUMBER.match(term)]


def _rule(rule: Rule) -> Json:
    condition = condition_of(rule)
    return {
        "code": rule.code,
        "severity": rule.severity,
        "left": [_term(term) for term in terms_of(rule.left)],
        "op": rule.op,
        "right": [_term(term) for term in terms_of(rule.right)],
        "when": list(condition) if condition else None,
        "fields": _fields(rule),
    }


def _term(term: str) -> str | float:
    return float(term) if _NUMBER.match(term) else term


def _language(language: str, indicators: Iterable[Indicator], rules: Iterable[Rule]) -> Json:
    """Return the words of a language: sentences with their facts in braces, and the texts of every indicator."""
    said = words(language)
    sentences = {code: said.say(code, **{name: f"{{{name}}}" for name in facts}) for code, facts in WORDS.items()}
    texts = {indicator.id: _texts(indicator, language) for indicator in indicators}
    for name in sorted({indicator.dimension for indicator in indicators}):
        sentences |= {code: said.say(code) for code in (f"form.dimension.{name}", f"form.needed.{name}")}
    sentences |= {rule.code: _rule_sentence(rule, language) for rule in rules}
    return {
        "name": NAMES[language],
        "locale": LOCALES[language],
        "decimal": DECIMAL_MARK[language],
        "yes_no": list(yes_no(language)),
        "statuses": {code: status_label(code, language) for code in STATUS_CODES},
        "words": sentences,
        "texts": texts,
    }


def _rule_sentence(rule: Rule, language: str) -> str:
    """Return sentence and remedy; for a rule of somebody's own framework without a sentence, its fields."""
    said = words(language)
    sides = {"left": "{left}", "right": "{right}"}
    if said.has(rule.code):
        return f"{said.say(rule.code, **sides)} {said.say(f'{rule.code}.remedy', **sides)}"
    formula = f"{rule.left} {rule.op} {rule.right}"
    return f"{said.say('web_form.rule', rule=formula, **sides)} {said.say('web_form.rule.remedy')}"


def _texts(indicator: Indicator, language: str) -> Json:
    texts = indicator.text.in_(language)
    shown = {name: getattr(texts, name) for name in ("name", "definition", "counted", "not_counted", "pitfalls", "why")}
    shown["seen"] = words(language).say(f"seen.{indicator.sensitivity}")
    return shown | {"parts": {part.id: _part_texts(indicator, part, language) for part in indicator.parts}}


def _part_texts(indicator: Indicator, part: Part, language: str) -> Json:
    said = words(language)
    listed = part.type in ("yes_no", "choice", "multi")
    unit = "" if listed or part.type == "month" else unit_text(indicator, part, said)
    # "number" says nothing beside a hint that asks for a number
    if unit in (said.say("form.unit.count"), said.say("form.unit.number")):
        unit = ""
    # the prompt of a workbook's cell, without its last sentence about the status
    hint = said.say("web_form.multi") if part.type == "multi" else ""
    if not listed:
        hint = str(validate_answer(indicator, part, said)["error_message"])
    return {
        "label": part.label.in_(language),
        "unit": unit,
        "hint": hint,
        "options": [option.label.in_(language) for option in part.options],
    }
