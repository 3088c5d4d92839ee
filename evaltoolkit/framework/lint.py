"""Checks on a framework beyond its schema: can it be shown, understood and analysed?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from evaltoolkit.framework.indicator import Framework, Indicator, Label, Part
from evaltoolkit.framework.references import rule_faults
from evaltoolkit.i18n import LANGUAGES

# Longest texts that fit beside a cell of a form; an Excel prompt holds 255 characters, its title 32.
TEXT_LIMITS = {
    "name": 60,
    "definition": 400,
    "counted": 300,
    "not_counted": 300,
    "pitfalls": 300,
    "unit": 40,
    "numerator": 60,
    "denominator": 60,
    "why": 200,
    "use": 300,
}
LABEL_LIMIT = 90
OPTION_LIMIT = 60
TITLE_LIMIT = 32
# The eighteen observations about local practice that the framework started from; indicators name the ones they measure.
SEED_FACTS = frozenset(f"S{number:02d}" for number in range(1, 19))
_FILLER = re.compile(r"\b(todo|tbd|fixme|lorem ipsum|xxx+)\b|^[\s.…?–-]*$", re.IGNORECASE)
_REQUIRED = ("name", "definition", "counted", "not_counted", "pitfalls", "unit", "why")
_NEEDS_USE = ("conditional", "no")
_CONVERTS = {"ratio": ("ratio",), "count": ("single", "sum"), "mean": ("single",), "agree": ("single", "sum", "none")}


def lint_framework(framework: Framework) -> tuple[str, ...]:
    """Return what a framework's editor should mend, one English sentence each; nothing when all is well.

    Checked for every indicator: texts (present, short enough, none left untranslated), parts (distinct answers,
    limits that make sense), the seed facts named, and whether value, conversion and direction fit each other.
    Checked for the whole: ids used once and rules that refer to fields that exist.
    """
    faults = [f"{i.id}: {fault}" for i in framework.indicators for check in _CHECKS for fault in check(i)]
    ids = Counter(indicator.id for indicator in framework.indicators)
    faults += [f"{name}: this id is used {times} times; keep one." for name, times in ids.items() if times > 1]
    codes = Counter(rule.code for rule in framework.rules)
    faults += [f"{code}: this rule stands {times} times; keep one." for code, times in codes.items() if times > 1]
    return tuple(faults + rule_faults(framework.rules, framework.by_id))


def _text_faults(indicator: Indicator) -> Iterator[str]:
    for language in LANGUAGES:
        texts = indicator.text.in_(language)
        for name, limit in TEXT_LIMITS.items():
            text: str = getattr(texts, name)
            place = f"text.{language}.{name}"
            if len(text) > limit:
                yield f"{place}: {len(text)} characters, at most {limit} fit; shorten it."
            if (text or name in _needed(indicator)) and _FILLER.search(text):
                yield f"{place}: this is empty or a filler; write the text."


def _needed(indicator: Indicator) -> tuple[str, ...]:
    ratio = ("numerator", "denominator") if indicator.value == "ratio" else ()
    return (*_REQUIRED, *ratio, *(("use",) if indicator.did in _NEEDS_USE else ()))


def _translation_faults(indicator: Indicator) -> Iterator[str]:
    for name in ("definition", "counted", "not_counted", "pitfalls", "why", "use"):
        texts = {language: getattr(indicator.text.in_(language), name) for language in LANGUAGES}
        yield from _same(f"text.{name}", texts)
    for part in indicator.parts:
        yield from _same(f'part "{part.id}" label', {language: part.label.in_(language) for language in LANGUAGES})


def _same(place: str, texts: Mapping[str, str]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for language, text in texts.items():
        first = seen.setdefault(text.casefold(), language)
        if first != language and len(text) > 3:
            yield f"{place}: {first} and {language} are the same text; translate it."


def _part_faults(indicator: Indicator) -> Iterator[str]:
    if len(indicator.id) > TITLE_LIMIT:
        yield f"id: at most {TITLE_LIMIT} characters fit."
    for part in indicator.parts:
        place = f'part "{part.id}"'
        yield from _label_faults(f"{place} label", part.label, LABEL_LIMIT)
        yield from _limit_faults(place, part)
        yield from _option_faults(place, part)


def _limit_faults(place: str, part: Part) -> Iterator[str]:
    low, high = part.minimum, part.maximum
    if low is not None and high is not None and low > high:
        yield f"{place}: minimum {low:g} lies above maximum {high:g}; exchange them."
    if part.type in ("count", "number", "score"):
        if low is None or high is None:
            yield f"{place}: a {part.type} needs a minimum and a maximum, so that a slip of the finger is noticed."
    elif (low, high) != (None, None):
        yield f"{place}: a {part.type} has no minimum or maximum; take them away."


def _option_faults(place: str, part: Part) -> Iterator[str]:
    codes = [option.code for option in part.options]
    yield from (f'{place}: code "{code}" stands twice; keep one.' for code, n in Counter(codes).items() if n > 1)
    for option in part.options:
        yield from _label_faults(f'{place} option "{option.code}"', option.label, OPTION_LIMIT)
    for language in LANGUAGES:
        labels = Counter(option.label.in_(language).casefold() for option in part.options)
        for label, times in labels.items():
            if times > 1:
                yield f'{place}: two answers are both called "{label}" in {language}; a form could not tell them apart.'


def _label_faults(place: str, label: Label, limit: int) -> Iterator[str]:
    for language in LANGUAGES:
        length = len(label.in_(language))
        if length > limit:
            yield f"{place}.{language}: {length} characters, at most {limit} fit; shorten it."


def _meaning_faults(indicator: Indicator) -> Iterator[str]:
    unknown = [fact for fact in indicator.seed_facts if fact not in SEED_FACTS]
    yield from (f'seed_facts: "{fact}" is not known; write S01 to S18.' for fact in unknown)
    if indicator.value not in _CONVERTS[indicator.conversion]:
        yield f'conversion: "{indicator.conversion}" does not fit the value "{indicator.value}".'
    if indicator.conversion == "mean" and "n" not in indicator.part_ids:
        yield "conversion: a mean needs the part n to be weighted by."
    if indicator.value == "sum" and not any(part.type == "count" for part in indicator.parts):
        yield "value: a sum needs at least one part of type count."
    if indicator.reporting == "incidence_recorded" and indicator.direction != "ambiguous":
        yield "direction: what is recorded also rises when more is noticed; write ambiguous."
    if indicator.source == "form" and (indicator.sensitivity in ("small_cells", "high")) != (indicator.entry != "open"):
        yield "entry: small counts about persons are banded or need an agreement, other answers are open; write which."
    if indicator.entry == "banded" and any(part.type not in ("choice", "multi", "yes_no") for part in indicator.parts):
        yield "entry: a banded answer is a choice of bands; a number needs an agreement."
    if indicator.version != 1 + len(indicator.changes):
        yield f"version: {indicator.version} needs {indicator.version - 1} entries under changes; note each break."
    if indicator.source == "form" and indicator.measure == "outcome" and not indicator.self_recorded:
        yield "self_recorded: an outcome on the form is recorded by the body under study; write true."


_CHECKS: tuple[Callable[[Indicator], Iterator[str]], ...] = (
    _text_faults,
    _translation_faults,
    _part_faults,
    _meaning_faults,
)
