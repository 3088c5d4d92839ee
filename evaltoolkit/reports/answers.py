"""The answer to one question in words: result, estimate, certainty, and what stands in its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaltoolkit.evaluations.evaluation import Evaluation, Grade, OutcomeResult
from evaltoolkit.evaluations.verdict import better_direction
from evaltoolkit.findings import Fact
from evaltoolkit.framework.scales import Scale
from evaltoolkit.plans.feasibility import Feasibility, Trigger
from evaltoolkit.reports.margins import estimate_sentence, margin_sentences
from evaltoolkit.reports.prose import Prose, say_mde

# Kinds of verdict that may carry a colour; everything else stays neutral.
_TONES = {"improved": "better", "worsened": "worse", "harm_possible": "worse"}


@dataclass(frozen=True)
class Why:
    """A reason for a lower grade, how far it lowers it, and what would lift it."""

    text: str
    cap: str
    lift: str


@dataclass(frozen=True)
class Hurdle:
    """What speaks against a design and what to do instead."""

    text: str
    instead: str
    stops: bool


@dataclass(frozen=True)
class Answer:
    """The answer for one outcome, every sentence in the language of the report."""

    name: str
    role: str
    stamp: str
    tone: str
    sentences: tuple[str, ...]
    estimate: str
    margin: tuple[str, ...]
    certainty: str
    certainty_means: str
    certainty_level: int
    reasons: tuple[Why, ...]
    maryland: str
    hurdles: tuple[Hurdle, ...]
    alternatives: tuple[str, ...]
    prospects: tuple[str, ...]
    refused: bool
    override: str


def answer_of(result: OutcomeResult, evaluation: Evaluation, prose: Prose) -> Answer:
    """Return the answer for one outcome."""
    certainty = result.grade.certainty if result.grade else "none"
    refused = result.verdict.kind == "refused"
    # advice on how to go on does not belong beside "do not run"
    triggers = tuple(t for t in result.feasibility.triggers if t.weight == "stop" or not refused)
    reason = evaluation.plan.overrides.get(result.outcome.indicator, "")
    return Answer(
        name=name_of(result, prose),
        role=prose.say(f"report.role.{result.outcome.role}"),
        stamp="" if refused else prose.say(f"report.stamp.{result.stamp}"),
        tone=tone_of(result),
        sentences=tuple(prose.say(code, facts) for code, facts in result.verdict.sentences),
        estimate=estimate_sentence(result, prose),
        margin=margin_sentences(result, prose),
        certainty=prose.say(f"report.certainty.{certainty}"),
        certainty_means=prose.say(f"report.certainty.{certainty}.means"),
        certainty_level=("none", "very_low", "low", "moderate", "high").index(certainty),
        reasons=reasons_of(result.grade, prose) if result.grade else (),
        maryland=maryland_sentence(result.grade, prose) if result.grade else "",
        hurdles=tuple(_hurdle(trigger, prose) for trigger in triggers),
        alternatives=_alternatives(triggers, prose),
        prospects=prospects_of(result.feasibility, result, prose),
        refused=refused,
        override=prose.say("report.overridden", reason=reason) if reason and not refused else "",
    )


def name_of(result: OutcomeResult, prose: Prose) -> str:
    """Return an outcome's name."""
    return prose.name(result.outcome.indicator)


def tone_of(result: OutcomeResult) -> str:
    """Return ``better``, ``worse`` or nothing; an outcome without a better direction never has a tone."""
    if better_direction(result.outcome, result.indicator) == "ambiguous":
        return ""
    return _TONES.get(result.verdict.kind, "")


def reasons_of(grade: Grade, prose: Prose) -> tuple[Why, ...]:
    """Return each reason why the grade is not higher."""
    return tuple(
        Why(
            text=prose.say(f"grade.{reason.rule}", reason.facts),
            cap=_cap(reason.cap, prose) if reason.cap else "",
            lift=prose.say(f"grade.{reason.rule}.lift", reason.facts),
        )
        for reason in grade.reasons
    )


def _cap(certainty: str, prose: Prose) -> str:
    word = prose.say(f"report.certainty.{certainty}")
    return prose.say("report.grade.cap", certainty=word[0].lower() + word[1:])


def maryland_sentence(grade: Grade, prose: Prose) -> str:
    """Say the Maryland level of the design."""
    return " ".join(
        (prose.say("report.maryland", level=grade.maryland), prose.say(f"report.maryland.{grade.maryland}"))
    )


def _hurdle(trigger: Trigger, prose: Prose) -> Hurdle:
    return Hurdle(
        text=prose.say(f"feasibility.{trigger.rule}", trigger.facts),
        instead=prose.say(f"feasibility.{trigger.rule}.instead", trigger.facts),
        stops=trigger.weight == "stop",
    )


def _alternatives(triggers: Sequence[Trigger], prose: Prose) -> tuple[str, ...]:
    """Return every alternative once, in the order in which the hurdles name them."""
    named = {name: trigger.facts for trigger in reversed(triggers) for name in trigger.alternatives}
    order = dict.fromkeys(name for trigger in triggers for name in trigger.alternatives)
    return tuple(prose.say(f"alternative.{name}", named[name]) for name in order)


def prospects_of(feasibility: Feasibility, result: OutcomeResult, prose: Prose) -> tuple[str, ...]:
    """Say what the design could find, beside what would matter."""
    scale = result.scale
    lines = [say_mde(feasibility, scale, prose)]
    name = "margin" if result.outcome.role == "guardrail" else "relevant"
    value = result.outcome.margin if name == "margin" else feasibility.smallest_relevant
    if value is not None:
        lines.append(_size(f"report.feasibility.{name}", name, value, scale, prose))
    return tuple(lines)


def _size(code: str, name: str, value: float, scale: Scale, prose: Prose) -> str:
    shown = scale.factor * value
    facts: dict[str, Fact] = {
        name: prose.number(float(f"{shown:.3g}")),
        "unit": prose.text(scale.difference),
    }
    return prose.say(code, facts)
