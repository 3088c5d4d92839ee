"""What an input cell accepts and says: drop-down, limits, prompt and error text, in the form's language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from evaltoolkit.framework.indicator import Indicator, Part
from evaltoolkit.i18n import Words, words
from evaltoolkit.submissions.extras import CONTACT_ROLES, DECIDERS, MAX_MINUTES, STATES
from evaltoolkit.submissions.layout import STATUS_CODES, Layout, status_label, yes_no

# Drop-downs are defined names on the hidden sheet of lists: an inline list may hold 255 characters and no comma.
STATUS_LIST, YES_NO_LIST = "etk_list.status", "etk_list.yes_no"
MONTH_EXAMPLE = "2025-03"
_UNBOUNDED = 1e12
_FIRST_DAY = dt.date(1990, 1, 1)


def build_lists(layout: Layout) -> dict[str, tuple[str, ...]]:
    """Return the entries of every drop-down by defined name."""
    language = layout.meta.language
    say = words(language).say
    lists: dict[str, tuple[str, ...]] = {
        STATUS_LIST: tuple(status_label(code, language) for code in STATUS_CODES),
        YES_NO_LIST: yes_no(language),
        extra_list("contact"): tuple(say(f"form.contact.{code}") for code in CONTACT_ROLES),
    }
    for block in layout.answer_blocks:
        for part in block.indicator.parts:
            if part.type == "choice":
                lists[list_name(block.indicator, part)] = tuple(option.label.in_(language) for option in part.options)
    if layout.actions:
        lists[extra_list("action")] = tuple(option.label.in_(language) for option in layout.actions)
        lists[extra_list("decided_by")] = tuple(say(f"form.roster.by.{code}") for code in DECIDERS)
        lists[extra_list("state")] = tuple(say(f"form.roster.state.{code}") for code in STATES)
    return lists


def extra_list(key: str) -> str:
    """Return the defined name of the drop-down of an extra cell."""
    return f"etk_list.form.{key}"


def list_name(indicator: Indicator, part: Part) -> str:
    """Return the defined name of a part's drop-down."""
    if part.type in ("yes_no", "multi"):
        return YES_NO_LIST
    return f"etk_list.{indicator.id.replace('-', '_')}.{part.id}"


def validate_answer(indicator: Indicator, part: Part, words: Words) -> dict[str, object]:
    """Return the data validation of an answer cell, in the terms of xlsxwriter."""
    prompt = prompt_of(part, words)
    rule: dict[str, object] = {
        "input_title": words.say("form.prompt.title"),
        "input_message": f"{prompt} {words.say('form.prompt.none')}",
        "error_title": words.say("form.error.title"),
        "error_message": words.say("form.error.list") if _is_list(part) else prompt,
    }
    if _is_list(part):
        return rule | {"validate": "list", "source": f"={list_name(indicator, part)}"}
    if part.type == "month":
        return rule | {"validate": "length", "criteria": "==", "value": len(MONTH_EXAMPLE)}
    low, high = limits(part)
    kind = "integer" if part.type == "count" else "decimal"
    return rule | {
        "validate": kind,
        "criteria": "between",
        "minimum": _plain(-_UNBOUNDED if low is None else low),
        "maximum": _plain(_UNBOUNDED if high is None else high),
    }


def validate_status(words: Words) -> dict[str, object]:
    """Return the data validation of a status cell."""
    return {
        "validate": "list",
        "source": f"={STATUS_LIST}",
        "input_title": words.say("form.prompt.status.title"),
        "input_message": words.say("form.prompt.status"),
        "error_title": words.say("form.error.title"),
        "error_message": words.say("form.error.list"),
    }


def validate_extra(key: str, words: Words) -> dict[str, object]:
    """Return the data validation of a cell that answers no question (:mod:`~evaltoolkit.submissions.extras`)."""
    prompts = {
        "minutes": "form.minutes.prompt",
        "start": "form.roster.prompt.date",
        "end": "form.roster.prompt.date",
        "hours": "form.roster.prompt.hours",
    }
    prompt = words.say(prompts.get(key, "form.roster.prompt.list"))
    rule: dict[str, object] = {
        "input_title": words.say("form.prompt.title"),
        "input_message": prompt,
        "error_title": words.say("form.error.title"),
        "error_message": prompt,
    }
    if key == "minutes":
        return rule | {"validate": "integer", "criteria": "between", "minimum": 0, "maximum": MAX_MINUTES}
    if key == "hours":
        return rule | {"validate": "decimal", "criteria": ">=", "value": 0}
    if key in ("start", "end"):
        # as text the reader takes it too, and says what it cannot read
        return rule | {"validate": "date", "criteria": ">=", "value": _FIRST_DAY, "error_type": "warning"}
    return rule | {"validate": "list", "source": f"={extra_list(key)}"}


def limits(part: Part) -> tuple[float | None, float | None]:
    """Return the lowest and highest number that a part takes; a count is never negative."""
    low = 0.0 if part.type == "count" and part.minimum is None else part.minimum
    return low, part.maximum


def unit_text(indicator: Indicator, part: Part, words: Words) -> str:
    """Return what stands beside the answer: the unit, or how to answer.

    The unit of a ratio or a score belongs to the indicator, not to its parts, which are plain numbers.
    """
    if part.type == "month":
        return words.say("form.unit.month", example=MONTH_EXAMPLE)
    if part.type in ("yes_no", "choice", "multi"):
        return words.say(f"form.unit.{part.type}")
    if indicator.value in ("single", "sum") and part.id not in ("n", "design_effect"):
        return indicator.text.in_(words.language).unit
    return words.say("form.unit.count" if part.type == "count" else "form.unit.number")


def style_of(part: Part) -> str:
    """Return the name of the style of an answer cell."""
    styles: Mapping[str, str] = {"count": "count", "number": "number", "score": "number", "month": "month"}
    return styles.get(part.type, "choice")


def _is_list(part: Part) -> bool:
    return part.type in ("yes_no", "choice", "multi")


def prompt_of(part: Part, words: Words) -> str:
    """Return what an answer must be, as help beside the cell."""
    if part.type == "month":
        return words.say("form.prompt.month", example=MONTH_EXAMPLE)
    if part.type == "choice":
        return words.say("form.prompt.choice")
    if _is_list(part):
        return words.say("form.prompt.yes_no")
    low, high = limits(part)
    bounds = {(True, True): "between", (True, False): "least", (False, True): "most", (False, False): "any"}
    kind = "count" if part.type == "count" else "number"
    facts = {name: value for name, value in (("low", low), ("high", high)) if value is not None}
    return words.say(f"form.prompt.{kind}.{bounds[low is not None, high is not None]}", **facts)


def _plain(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value
