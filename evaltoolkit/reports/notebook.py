"""Sentences for an evaluator's notebook: the same words as in the report."""

from __future__ import annotations

from functools import singledispatch

from evaltoolkit.checks.registry import Check
from evaltoolkit.evaluations.evaluation import Evaluation
from evaltoolkit.findings import EvaltoolkitError, Finding
from evaltoolkit.i18n import words
from evaltoolkit.plans.feasibility import Feasibility
from evaltoolkit.plans.power import Power
from evaltoolkit.reports.prose import Prose, say_answers, say_feasibility, say_finding
from evaltoolkit.reports.sections import check_row


@singledispatch
def say(thing: object, language: str = "en") -> list[str]:
    """Say in words what a finding, a feasibility answer, a check or an evaluation holds.

    Parameters
    ----------
    thing : Finding, Feasibility, Power, Check or Evaluation
    language : {"nl", "fr", "de", "en"}

    Returns
    -------
    list of str
        A finding: what is wrong, what to do. A feasibility answer: the answer, then why and what to do instead.
        A power: the smallest effect that would be found, or why it is unknown.
        A check: the assumption, what was seen. An evaluation: the answer to each question with its certainty.

    Raises
    ------
    EvaltoolkitError
        If the thing is none of these, or the language is not offered.
    """
    raise EvaltoolkitError(
        f"There are no sentences for a {type(thing).__name__}; say() takes a Finding, a Feasibility, a Power, a Check "
        "or an Evaluation, one at a time."
    )


@say.register
def _(thing: Finding, language: str = "en") -> list[str]:
    return [sentence for sentence in say_finding(thing, language) if sentence]


@say.register
def _(thing: Feasibility, language: str = "en") -> list[str]:
    return say_feasibility(thing, language)


@say.register
def _(thing: Power, language: str = "en") -> list[str]:
    prose = Prose(words(language))
    if thing.reason:
        return [prose.say("report.feasibility.mde_unknown"), prose.say(thing.reason)]
    mde = prose.number(float(f"{thing.mde:.2g}"))
    return [prose.say("report.feasibility.mde", mde=mde, unit=prose.say("unit.number"))]


@say.register
def _(thing: Check, language: str = "en") -> list[str]:
    row = check_row(thing, Prose(words(language)))
    return [row.assumption, f"{row.verdict}: {row.saw}"]


@say.register
def _(thing: Evaluation, language: str = "en") -> list[str]:
    return say_answers(thing, language)
