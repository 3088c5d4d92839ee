"""The part of an evaluation report that puts numbers and evidence side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaltoolkit.evaluations.evaluation import Evaluation
from evaltoolkit.reports.answers import Answer
from evaltoolkit.reports.prose import Prose
from evaltoolkit.reports.worksheet_words import step_text, typed
from evaltoolkit.worksheets.joint import JointRow, NumbersRow, joint_display
from evaltoolkit.worksheets.judge import judge_worksheet
from evaltoolkit.worksheets.worksheet import Worksheet


@dataclass(frozen=True)
class JointLine:
    """One step in words: what it is about, what numbers and evidence say, and how they fit."""

    step: str
    numbers: str
    evidence: str
    fit: str
    means: str
    key: str


@dataclass(frozen=True)
class JointPart:
    """The section: a lead about the place, then a line per step."""

    lead: str
    invented: bool
    lines: tuple[JointLine, ...]


_KEYS = {"confirms": "pass", "contradicts": "fail"}


def joint_part(evaluation: Evaluation, answers: Sequence[Answer], worksheet: Worksheet, prose: Prose) -> JointPart:
    """Return the section of a report, from the answers it gives for each outcome of the evaluation."""
    numbers = [
        NumbersRow(result.outcome.indicator, result.verdict.kind, " ".join(answer.sentences), answer.certainty)
        for result, answer in zip(evaluation.outcomes, answers, strict=True)
    ]
    judgement = judge_worksheet(worksheet)
    steps = evaluation.plan.said_in(prose.language).theory_of_change
    return JointPart(
        lead=prose.say("worksheet.joint.lead", unit=typed(worksheet.unit), period=typed(worksheet.period)),
        invented=worksheet.invented,
        lines=tuple(_line(row, steps, prose) for row in joint_display(numbers, judgement)),
    )


def _line(row: JointRow, steps: Sequence[str], prose: Prose) -> JointLine:
    about = step_text(row.claim, steps, prose) if row.claim else ""
    name = prose.name(row.numbers.outcome) if row.numbers else ""
    return JointLine(
        step=" · ".join(filter(None, [about, name])),
        numbers=_numbers(row.numbers, prose),
        evidence=_evidence(row, prose),
        fit=prose.say(f"worksheet.fit.{row.fit}"),
        means=prose.say(f"worksheet.fit.{row.fit}.means"),
        key=_KEYS.get(row.fit, "info"),
    )


def _numbers(numbers: NumbersRow | None, prose: Prose) -> str:
    if numbers is None:
        return prose.say("worksheet.joint.no_numbers")
    return f"{numbers.sentence} {prose.say('worksheet.joint.grade', grade=numbers.grade)}"


def _evidence(row: JointRow, prose: Prose) -> str:
    if row.claim is None:
        return prose.say("worksheet.joint.no_claim")
    return f"{row.claim.claim.statement} – {prose.say(f'worksheet.conclusion.{row.claim.conclusion}')}."
