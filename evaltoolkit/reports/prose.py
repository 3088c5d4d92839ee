"""Sentences of a report: message ids with facts, in one language.

The convention for facts (:data:`evaltoolkit.findings.Fact`), for every room that hands sentences to the reports:

- a text that begins with ``@`` is looked up: ``@indicator:COMP-09`` is the outcome's name, ``@unit_of:COMP-09`` what
  the indicator is counted in, ``@numerator:COMP-02`` and ``@denominator:COMP-02`` what its share is made of,
  ``@place:11002`` a unit's name, ``@date:2024-03-01`` a date, ``@list:a;b`` a list of texts (each may begin with
  ``@``), and anything else, such as ``@unit.percentage_points``, is itself a message id;
- ``@per:unit|session`` is a unit per unit of a dose (each may begin with ``@``);
- a float is written with ``digits`` decimals where the facts hold ``digits`` (for one fact alone:
  ``<its name>_digits``), else with at most three decimals;
- an int is written as a whole number; the int ``n`` chooses the plural form;
- the fact ``indicator`` is an indicator's id, written as its name; a date (2024-03-01) is written in full;
- any other text stands as it is.

Numbers come already in the unit they are shown in (percentage points, not shares).
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evaltoolkit.evaluations.evaluation import Evaluation
from evaltoolkit.findings import Fact, Finding
from evaltoolkit.framework.indicator import Framework, Indicator
from evaltoolkit.framework.load import is_packaged, load_framework
from evaltoolkit.framework.scales import Scale, scale_of
from evaltoolkit.i18n import Words, words
from evaltoolkit.plans.feasibility import Feasibility
from evaltoolkit.plans.methods import dose_unit
from evaltoolkit.plans.plan import Plan

# a blank before a high sign, or inside quotation marks
_FRENCH = re.compile(r" (?=[:;?!»])|(?<=«) ")
# a unit that somebody wrote with a blank: per 1 000 residents
_THOUSANDS = re.compile(r"(?<=\d) (?=000\b)")
_LOG = re.compile(r"log\((.+)\)")
_INDICATOR = re.compile(r"\b[A-Z]{3,4}-\d{2}\b")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


@dataclass(frozen=True)
class Prose:
    """The words of one language, with the names that facts refer to.

    ``names`` holds what ``@indicator:``, ``@unit_of:``, ``@place:`` and the like look up: the text after the ``@``.
    """

    words: Words
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def language(self) -> str:
        """Language code."""
        return self.words.language

    def say(self, code: str, facts: Mapping[str, Fact] | None = None, **more: Fact) -> str:
        """Return the sentence of a message id, its facts resolved."""
        facts = {**(facts or {}), **more}
        if "indicator" in facts:
            facts["indicator"] = self.name(str(facts["indicator"]).removeprefix("@indicator:"))
        written = {name: self._resolve(value, _decimals(name, facts)) for name, value in facts.items()}
        return self._unbroken(self.words.say(code, **written))

    def has(self, code: str) -> bool:
        """Tell whether the language has this sentence."""
        return self.words.has(code)

    def text(self, reference: str) -> str:
        """Return what a text of a fact stands for: an ``@`` reference resolved, any other text as it is."""
        return self._unbroken(self._look_up(reference))

    def name(self, indicator: str) -> str:
        """Return an outcome's name."""
        return self.names.get(f"indicator:{indicator}", indicator)

    def covariate(self, term: str) -> str:
        """Return a covariate's name, every indicator in it by its name; ``log(...)`` in words."""
        if inside := _LOG.fullmatch(term):
            return self.words.say("report.covariate.log", name=self.covariate(inside[1]))
        return _INDICATOR.sub(lambda found: self.name(found[0]), term)

    def place(self, unit: str) -> str:
        """Return a unit's name."""
        return self.names.get(f"place:{unit}", unit)

    def number(self, value: float, digits: int | None = None, *, signed: bool = False) -> str:
        """Return a number; never a negative zero; with its sign where asked."""
        if digits is not None:
            value = round(float(value), digits) + 0.0
        text = self.words.number(value, digits)
        return f"+{text}" if signed and value > 0 else text

    def interval(self, low: float, high: float, digits: int | None = None, *, signed: bool = False) -> str:
        """Return "from a to b"."""
        return self.words.say(
            "report.interval",
            low=self.number(low, digits, signed=signed),
            high=self.number(high, digits, signed=signed),
        )

    def _unbroken(self, text: str) -> str:
        """Keep a sign on the line of its word: 95 %, and in French also before : ; ? ! and inside « »."""
        text = _THOUSANDS.sub("\u00a0", text.replace(" %", "\u00a0%"))
        return _FRENCH.sub("\u00a0", text) if self.language == "fr" else text

    def _resolve(self, value: Fact, digits: int | None) -> Fact:
        if isinstance(value, str):
            return self.words.date(dt.date.fromisoformat(value)) if _DATE.match(value) else self._look_up(value)
        return value if isinstance(value, int) else self.number(value, digits)

    def _look_up(self, text: str) -> str:
        if not text.startswith("@"):
            # a plan may say its own names and units in other languages too
            return self.names.get(f"text:{text}", text)
        kind, colon, rest = text[1:].partition(":")
        if not colon:
            return self.words.say(kind)
        if kind == "date":
            return self.words.date(dt.date.fromisoformat(rest))
        if kind == "list":
            return self._list(rest.split(";"))
        if kind == "per":
            unit, _, dose = rest.rpartition("|")
            return self.words.say("unit.per", unit=self._look_up(unit), dose=self._look_up(dose))
        return self.names.get(text[1:], rest)

    def _list(self, parts: list[str]) -> str:
        items = [self._look_up(part) for part in parts if part]
        if len(items) < 2:
            return "".join(items)
        return self.words.say("report.list", first=", ".join(items[:-1]), last=items[-1])


def _decimals(name: str, facts: Mapping[str, Fact]) -> int | None:
    digits = facts.get(f"{name}_digits", facts.get("digits"))
    return digits if isinstance(digits, int) else None


def say(
    language: str, code: str, facts: Mapping[str, Fact] | None = None, names: Mapping[str, str] | None = None
) -> str:
    """Return the sentence of a message id in a language, with facts by the convention of this module.

    Parameters
    ----------
    language : {"nl", "fr", "de", "en"}
    code : message id
    facts : numbers, texts and ``@`` references
    names : what ``@indicator:``, ``@unit_of:`` and ``@place:`` stand for; without it the code itself is shown

    Raises
    ------
    EvaltoolkitError
        If the language is not offered or has no such sentence.
    """
    return Prose(words(language), names or {}).say(code, facts)


def prose_of(evaluation: Evaluation, language: str) -> Prose:
    """Return the words of a language with the names of an evaluation's outcomes and units."""
    catalogue = words(language)
    packaged = is_packaged(evaluation.plan.framework)
    known = load_framework(evaluation.plan.framework).indicators if packaged else ()
    names = names_of((*known, *(result.indicator for result in evaluation.outcomes)), language)
    names |= own_names(evaluation.plan, language)
    if "name" in evaluation.panel.units.columns:
        names |= {f"place:{code}": str(name) for code, name in evaluation.panel.units["name"].items()}
    return Prose(catalogue, names)


def names_of(indicators: Iterable[Indicator | None], language: str) -> dict[str, str]:
    """Return the names and units of indicators in a language, as facts refer to them."""
    names: dict[str, str] = {}
    for indicator in indicators:
        if indicator is not None:
            texts = indicator.text.in_(language)
            names |= {
                f"indicator:{indicator.id}": texts.name,
                f"unit_of:{indicator.id}": texts.unit,
                f"numerator:{indicator.id}": texts.numerator,
                f"denominator:{indicator.id}": texts.denominator,
            }
    return names


def own_names(plan: Plan, language: str) -> dict[str, str]:
    """Names that a plan gives to measures of an own table, and its translations of them and of their units."""
    words = plan.said_in(language).words
    names = {f"indicator:{one.indicator}": words.get(one.name, one.name) for one in plan.outcomes if one.name}
    return names | {f"text:{text}": translated for text, translated in words.items()}


def say_finding(finding: Finding, language: str) -> tuple[str, str]:
    """Return what is wrong and what to do about it; the second is empty where nothing needs doing.

    A rule of an own framework may have no sentence: then its fields are named.
    """
    prose = Prose(words(language))
    code = said_code(finding.code, prose)
    unknown = {} if code == finding.code else {"left": "–", "right": "–", "rule": finding.code}
    facts = {**unknown, **finding.facts}
    remedy = f"{code}.remedy"
    return prose.say(code, facts), prose.say(remedy, facts) if prose.has(remedy) else ""


def said_code(code: str, prose: Prose) -> str:
    """Return the message id under which a finding is said: a general one for a rule without a sentence of its own."""
    return "value.rule_broken" if code.startswith("rule.") and not prose.has(code) else code


def say_feasibility(
    answer: Feasibility, language: str, framework: Framework | None = None, plan: Plan | None = None
) -> list[str]:
    """Return the answer to "can this be studied?" as lines of text.

    Parameters
    ----------
    answer : Feasibility
    language : {"nl", "fr", "de", "en"}
    framework : gives the outcome's name and unit; the packaged one by default
    plan : gives the names and units of measures of an own table
    """
    indicator = (framework or load_framework()).by_id.get(answer.outcome)
    prose = Prose(words(language), names_of((indicator,), language) | (own_names(plan, language) if plan else {}))
    units = {outcome.indicator: outcome.unit for outcome in plan.outcomes} if plan else {}
    scale = scale_of(indicator, units.get(answer.outcome, "")).counted_per(_per(answer, plan))
    lines = [f"{prose.name(answer.outcome)}: {prose.say(f'decision.{answer.decision}')}"]
    lines.append(f"  {say_mde(answer, scale, prose)}")
    for trigger in answer.triggers:
        lines.append(f"  - {prose.say(f'feasibility.{trigger.rule}', trigger.facts)}")
        lines.append(f"    {prose.say(f'feasibility.{trigger.rule}.instead', trigger.facts)}")
        lines += [f"    · {prose.say(f'alternative.{name}', trigger.facts)}" for name in trigger.alternatives]
    return lines


def _per(answer: Feasibility, plan: Plan | None) -> str:
    """What the smallest effect is counted per, where the plan asks about a dose."""
    named = [outcome for outcome in plan.outcomes if outcome.indicator == answer.outcome] if plan else []
    return dose_unit(plan, named[0]) if plan and named else ""


def say_mde(feasibility: Feasibility, scale: Scale, prose: Prose) -> str:
    """Say the smallest effect that the design would find, or why it is unknown."""
    if math.isfinite(feasibility.mde):
        shown = prose.number(float(f"{scale.factor * feasibility.mde:.2g}"))
        return prose.say("report.feasibility.mde", mde=shown, unit=prose.text(scale.difference))
    unknown = prose.say("report.feasibility.mde_unknown")
    return f"{unknown} {prose.say(feasibility.mde_reason)}" if prose.has(feasibility.mde_reason) else unknown


def say_answers(evaluation: Evaluation, language: str) -> list[str]:
    """Return each outcome's answer as a line of text, with its certainty."""
    prose = prose_of(evaluation, language)
    lines = []
    for result in evaluation.outcomes:
        sentences = [prose.say(code, facts) for code, facts in result.verdict.sentences]
        if result.grade is not None:
            certainty = prose.say(f"report.certainty.{result.grade.certainty}")
            sentences.append(prose.say("report.answer.with_certainty", certainty=certainty.lower()))
        lines.append(" ".join(sentences))
    if not evaluation.harm_examined:
        lines.append(prose.say("report.harm.not_examined"))
    return lines
