"""A fault in an answer told more helpfully: what only looks like a known word or number is named, never taken."""

from __future__ import annotations

from dataclasses import replace

from evaltoolkit.framework.indicator import Part
from evaltoolkit.submissions.answers import Typed
from evaltoolkit.submissions.layout import STATUS_CODES, status_label, yes_no
from evaltoolkit.submissions.look_alikes import look_alike, show, skeleton
from evaltoolkit.submissions.numbers import DECIMAL_MARK, NumberError, parse_number
from evaltoolkit.submissions.parts import Fault
from evaltoolkit.submissions.sheets import Raw


def suggest(part: Part, raw: Raw, typed: Typed, language: str) -> Typed:
    """Return a typed answer with a better fault where there is one; an answer without a fault as it is."""
    if typed.fault is None or not isinstance(raw, str):
        return typed
    if typed.fault[0] in ("value.unknown_option", "value.not_yes_no"):
        word = look_alike(raw, _known(part, language))
        return replace(typed, fault=("value.look_alike", {"nearest": word})) if word else typed
    if typed.fault[0] == "value.not_a_number" and _shows_number(raw, language):
        return replace(typed, fault=("value.odd_characters", {}))
    return typed


def suggest_status(raw: Raw, language: str) -> Fault:
    """Return the fault of a cell that holds no status."""
    if isinstance(raw, str):
        shape = skeleton(raw)
        for code in STATUS_CODES:
            label = status_label(code, language)
            if shape in (skeleton(code), skeleton(label)):
                return "value.look_alike", {"nearest": label}
    return "status.unknown", {}


def _known(part: Part, language: str) -> list[str]:
    if part.type in ("yes_no", "multi"):
        return list(yes_no(language))
    return [option.label.in_(language) for option in part.options]


def _shows_number(text: str, language: str) -> bool:
    shown = show(text)
    if shown == text:
        return False
    try:
        parse_number(shown, DECIMAL_MARK[language])
    except NumberError as error:
        return error.code == "value.ambiguous_number"
    return True
