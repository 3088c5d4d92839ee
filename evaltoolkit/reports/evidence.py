"""The evidence card: every outcome on one line, with its estimate and how far it can be relied on."""

from __future__ import annotations

from collections.abc import Sequence

from evaltoolkit.evaluations.evaluation import Evaluation
from evaltoolkit.reports.answers import Answer
from evaltoolkit.reports.grids import ABSENT, Grid
from evaltoolkit.reports.prose import Prose


def evidence_of(evaluation: Evaluation, answers: Sequence[Answer], prose: Prose) -> Grid:
    """Return outcome, role, estimate with its interval, certainty, level of the design and whether it was planned."""
    rows = tuple(
        (
            answer.name,
            answer.role,
            answer.estimate,
            answer.certainty if result.grade else ABSENT,
            prose.number(result.grade.maryland) if result.grade else ABSENT,
            answer.stamp or ABSENT,
        )
        for result, answer in zip(evaluation.outcomes, answers, strict=True)
    )
    heads = (
        prose.say("report.evidence.outcome"),
        prose.say("report.evidence.role"),
        prose.say("report.answer.estimate"),
        prose.say("report.answer.grade"),
        prose.say("report.evidence.design"),
        prose.say("report.evidence.planned"),
    )
    return Grid(prose.say("report.evidence"), heads, rows, texts=len(heads))
