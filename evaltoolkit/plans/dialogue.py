"""The questions of ``plan new``: from the answers of a person to the content of a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_args

from evaltoolkit.framework.indicator import Framework, Indicator
from evaltoolkit.framework.scales import scale_of
from evaltoolkit.i18n import words
from evaltoolkit.plans.plan import Outcome, Treatment
from evaltoolkit.plans.talk import Option, Talk
from evaltoolkit.plans.template import default_estimation, example, unit_words

# harm is asked about in every plan: people's rights, complaints about them, and trust
_GUARDRAILS = ("RGT-07", "RGT-01", "TRU-01")
_SUITABLE = ("yes", "conditional")
_NOT_HERE = ("-", "–", "—")


def ask_plan(ask: Callable[[str], str], *, language: str, framework: Framework) -> dict[str, Any]:
    """Ask a person for a plan and return its content, as ``tomllib.loads`` would give it.

    Nothing is read or written but through ``ask``. What is not asked (where the data are, the theory of change, what
    the council will do) has a usual value or stands in the written file as a comment to fill in.

    Parameters
    ----------
    ask : shows a text and returns what the person typed
    language : {"nl", "fr", "de", "en"}
        Of the questions and of the plan.
    framework : whose indicators can be chosen as outcomes
    """
    talk = Talk(words(language), ask)
    content = {
        "title": talk.text(_with_example("title", talk), before=talk.say("ask.intro")),
        "question": talk.text(_with_example("question", talk)),
        "language": language,
        "unit": talk.choose(talk.say("ask.unit"), _choices("unit", ("municipality", "livc_r"), talk), default="livc_r"),
    }
    treatment = _ask_treatment(talk)
    outcomes = _ask_outcomes(framework, talk)
    outcomes += _ask_guardrails([outcome["indicator"] for outcome in outcomes], framework, talk)
    data = {"store": "store", "roster": "roster.csv"}
    if content["unit"] == "livc_r":
        data["membership"] = "cells.csv"
    seed = talk.whole(talk.say("ask.seed"), default=1)
    return {
        **content,
        "data": data,
        "treatment": treatment,
        "outcomes": outcomes,
        "estimation": default_estimation(seed),
    }


def suitable_outcomes(framework: Framework) -> tuple[Indicator, ...]:
    """Return the indicators that can be an outcome: comparable over time between places, and a number."""
    return tuple(one for one in framework.indicators if one.did in _SUITABLE and one.value != "none")


def _with_example(name: str, talk: Talk) -> str:
    return f"{talk.say(f'ask.{name}')}\n({talk.say('ask.example', example=example(name, talk.words))})"


def _choices(place: str, codes: Sequence[str], talk: Talk) -> list[Option]:
    return [(code, talk.say(f"choice.{place}.{code}")) for code in codes]


def _words_of(model: type[Treatment] | type[Outcome], name: str) -> tuple[str, ...]:
    allowed: tuple[str, ...] = get_args(model.model_fields[name].annotation)
    return allowed


def _ask_treatment(talk: Talk) -> dict[str, Any]:
    assignments = _choices("treatment.assignment", _words_of(Treatment, "assignment"), talk)
    spillovers = _choices("treatment.spillover", _words_of(Treatment, "spillover"), talk)
    return {
        "action": talk.text(_with_example("action", talk)),
        "assignment": talk.choose(talk.say("ask.assignment"), assignments, default="voluntary"),
        "decided_by": talk.text(_with_example("decided_by", talk)),
        "why_then": talk.text(_with_example("why_then", talk)),
        "rule": "containing",
        "started_because_outcome_moved": talk.yes_or_no(talk.say("ask.moved"), default=False),
        "spillover": talk.choose(talk.say("ask.spillover"), spillovers, default="unknown"),
    }


def _ask_outcomes(framework: Framework, talk: Talk) -> list[dict[str, Any]]:
    """Ask for outcomes from the list, one by one, until a person goes on; one of them must answer the question."""
    options = [(one.id, _name(one, talk)) for one in suitable_outcomes(framework)]
    listed = "\n".join([talk.say("ask.outcome"), *talk.listed(options)])
    outcomes: list[dict[str, Any]] = []
    while chosen := _ask_indicator(listed if not outcomes else talk.say("ask.another"), options, outcomes, talk):
        indicator = framework.by_id[chosen]
        roles = _choices("outcomes.role", _words_of(Outcome, "role"), talk)
        prompt = talk.say("ask.role", name=_name(indicator, talk))
        role = talk.choose(prompt, roles, default="secondary" if _has_primary(outcomes) else "primary")
        size = _ask_margin(indicator, talk) if role == "guardrail" else _ask_relevant(indicator, talk)
        outcomes.append({"indicator": chosen, "role": role, **size, **_ask_detection(indicator, size, talk)})
    return outcomes


def _ask_indicator(prompt: str, options: Sequence[Option], outcomes: Sequence[dict[str, Any]], talk: Talk) -> str:
    taken = {outcome["indicator"] for outcome in outcomes}

    def read(typed: str) -> str:
        if not typed and outcomes:
            if not _has_primary(outcomes):
                raise talk.wrong("no_primary")
            return ""
        code = talk.pick(typed, options)
        if code in taken:
            raise talk.wrong("twice", name=dict(options)[code])
        return code

    return talk.answer(prompt, read)


def _has_primary(outcomes: Sequence[dict[str, Any]]) -> bool:
    return any(outcome["role"] == "primary" for outcome in outcomes)


def _ask_guardrails(taken: Sequence[str], framework: Framework, talk: Talk) -> list[dict[str, Any]]:
    asked = [framework.by_id[name] for name in _GUARDRAILS if name in framework.by_id and name not in taken]
    outcomes = []
    for number, indicator in enumerate(asked):
        size = _ask_margin(indicator, talk, before="" if number else talk.say("ask.guardrails"))
        detection = _ask_detection(indicator, size, talk)
        outcomes.append({"indicator": indicator.id, "role": "guardrail", **size, **detection})
    return outcomes


def _ask_relevant(indicator: Indicator, talk: Talk) -> dict[str, Any]:
    prompt = talk.say("ask.relevant", name=_name(indicator, talk), unit=unit_words(indicator, talk.words))
    return {"smallest_relevant": talk.answer(prompt, lambda typed: _size(typed, indicator, talk))}


def _ask_margin(indicator: Indicator, talk: Talk, before: str = "") -> dict[str, Any]:
    prompt = talk.say("ask.margin", name=_name(indicator, talk), unit=unit_words(indicator, talk.words))

    def read(typed: str) -> dict[str, Any]:
        return {"not_measurable": True} if typed in _NOT_HERE else {"margin": _size(typed, indicator, talk)}

    return talk.answer(prompt, read, before=before)


def _size(typed: str, indicator: Indicator, talk: Talk) -> float:
    """Return a size as the data have it: 2 percentage points are 0.02."""
    scale = scale_of(indicator)
    most = 100 if scale.difference == "@unit.percentage_points" else None
    return round(talk.number(typed, most=most) / scale.factor, 12)


def _ask_detection(indicator: Indicator, size: dict[str, Any], talk: Talk) -> dict[str, Any]:
    """Ask how much detection can change where more records can mean that more is noticed."""
    if indicator.reporting == "none" or "not_measurable" in size:
        return {}
    name = _name(indicator, talk)
    low = talk.answer(talk.say("ask.detection_low", name=name), lambda typed: talk.number(typed) if typed else None)
    if low is None:
        return {}

    def read(typed: str) -> float:
        high = talk.number(typed)
        if high < low:
            raise talk.wrong("order", low=low)
        return high

    return {"detection_range": [low, talk.answer(talk.say("ask.detection_high", name=name), read)]}


def _name(indicator: Indicator, talk: Talk) -> str:
    return indicator.text.in_(talk.words.language).name
