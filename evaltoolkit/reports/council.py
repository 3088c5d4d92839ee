"""One page for the council: at most 400 words, one A4, for somebody who has five minutes.

What does not fit is left to the full report, in a fixed order; the answer, its certainty, harm and what was compared
always stay.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evaltoolkit.evaluations.evaluation import Evaluation, OutcomeResult
from evaltoolkit.reports.answers import Answer, Why, answer_of
from evaltoolkit.reports.council_picture import LinePicture, line_picture
from evaltoolkit.reports.council_words import (
    capitalised,
    counted_words,
    headline_words,
    line_of,
    shown_row,
    told_of,
)
from evaltoolkit.reports.pages import render_page, scope_sentence
from evaltoolkit.reports.prose import Prose, prose_of

MOST_WORDS = 400
_MOST_LINES = 3
_MOST_REASONS = 2
# hyphens, apostrophes and decimals do not make two words of one
_WORD = re.compile(r"\w+(?:[-’'.,\u202f]\w+)*")
_NO_TEXT = re.compile(r"<(style|title|desc)\b.*?</\1>|<head>.*?</head>|<[^>]+>", re.DOTALL)


@dataclass(frozen=True)
class Council:
    """What stands on the page, every sentence in its language.

    Attributes
    ----------
    answer : answer to the first main outcome
    headline, told, counted : its result in a few words, the sentences under it, what is counted per hundred
    reasons : the one or two that decide the certainty, with what would lift them
    others, left : other outcomes in a line each, and how many are left to the full report
    harm : checks for harm in a line each
    rules, rules_told : the plan's decision rule, or where to find it
    """

    answer: Answer
    headline: str
    told: tuple[str, ...]
    counted: str
    picture: LinePicture | None
    reasons: tuple[Why, ...]
    others: tuple[str, ...]
    left: str
    harm: tuple[str, ...]
    compared: tuple[str, ...]
    not_said: tuple[str, ...]
    rules: tuple[str, ...]
    rules_told: str
    instead: tuple[str, ...]


def write_council(evaluation: Evaluation, out_dir: str | Path, *, language: str) -> Path:
    """Write the page for the council as ``council_<language>.html`` in a folder.

    Parameters
    ----------
    evaluation : Evaluation
    out_dir : folder of the report, which the page links to; made where it does not exist
    language : {"nl", "fr", "de", "en"}

    Raises
    ------
    EvaltoolkitError
        If the language is not offered, or a sentence is missing from its catalogue.
    """
    folder = Path(out_dir)
    text = render_council(evaluation, language)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"council_{language}.html"
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def render_council(evaluation: Evaluation, language: str) -> str:
    """Return the page as HTML."""
    return council_page(evaluation, prose_of(evaluation, language))


def council_page(evaluation: Evaluation, prose: Prose) -> str:
    """Return the page as HTML, in words that are there already."""
    page = council_of(evaluation, prose)
    text = _render(page, evaluation, prose)
    for leaner in _leaner(evaluation, prose):
        if count_words(text) <= MOST_WORDS:
            break
        page = leaner(page)
        text = _render(page, evaluation, prose)
    return text


def count_words(text: str) -> int:
    """Return how many words a page shows: not its head, nor what only a screen reader hears of a figure."""
    return len(_WORD.findall(html.unescape(_NO_TEXT.sub(" ", text))))


def council_of(evaluation: Evaluation, prose: Prose) -> Council:
    """Return what the page says when there is room for all of it."""
    first, others, guardrails = _in_order(evaluation.outcomes)
    answer = answer_of(first, evaluation, prose)
    said = evaluation.plan.said_in(prose.language)
    return Council(
        answer=answer,
        headline=capitalised(headline_words(first, prose)),
        told=told_of(first, prose),
        counted=counted_words(first, prose) if shown_row(first) is not None else "",
        picture=line_picture(first, answer, prose),
        reasons=_decisive(first, answer),
        others=tuple(line_of(result, prose) for result in others[:_MOST_LINES]),
        left=_left(len(others) - _MOST_LINES, prose),
        harm=tuple(line_of(result, prose) for result in guardrails),
        compared=_compared(first, evaluation, prose),
        not_said=_not_said(first, evaluation, prose),
        rules=said.decision_rule,
        rules_told="",
        instead=_instead(answer),
    )


def _in_order(
    results: Sequence[OutcomeResult],
) -> tuple[OutcomeResult, list[OutcomeResult], list[OutcomeResult]]:
    """Return the outcome that the page answers, the others, and the checks for harm; primary first, as planned."""
    ranks = ("primary", "secondary", "guardrail")
    first, *rest = sorted(results, key=lambda result: ranks.index(result.outcome.role))
    return (
        first,
        [result for result in rest if result.outcome.role != "guardrail"],
        [result for result in rest if result.outcome.role == "guardrail"],
    )


def _decisive(result: OutcomeResult, answer: Answer) -> tuple[Why, ...]:
    """Return the reasons that hold the certainty where it is; those with a higher cap decide nothing."""
    if result.grade is None:
        return ()
    pairs = zip(result.grade.reasons, answer.reasons, strict=True)
    return tuple(why for reason, why in pairs if reason.cap == result.grade.certainty)[:_MOST_REASONS]


def _left(number: int, prose: Prose) -> str:
    return prose.say("council.others.more", n=number) if number > 0 else ""


def _compared(result: OutcomeResult, evaluation: Evaluation, prose: Prose) -> tuple[str, ...]:
    told = [scope_sentence(evaluation, prose)]
    if result.design is not None and result.overall is not None:
        code = f"council.compared.{result.design.comparison}"
        counts = {arm: int(result.overall.labels[f"n_{arm}"].iloc[0]) for arm in ("treated", "comparison")}
        told.append(prose.say(code, dict(counts)))
    return (*told, prose.say(f"report.plan.assigned.{evaluation.plan.treatment.assignment}"))


def _not_said(result: OutcomeResult, evaluation: Evaluation, prose: Prose) -> tuple[str, ...]:
    if result.overall is None:
        return (prose.say("council.not_said.nothing"),)
    limits = ["elsewhere", "persons"]
    if evaluation.plan.treatment.assignment != "randomised":
        limits.insert(0, "cause")
    return tuple(prose.say(f"council.not_said.{limit}") for limit in limits)


def _instead(answer: Answer) -> tuple[str, ...]:
    """Return what can be done where the question was refused."""
    if not answer.refused:
        return ()
    return (answer.alternatives or tuple(hurdle.instead for hurdle in answer.hurdles))[:_MOST_REASONS]


def _leaner(evaluation: Evaluation, prose: Prose) -> list[Callable[[Council], Council]]:
    """Return what is left to the full report where the page is too long, in order."""
    first, others, _ = _in_order(evaluation.outcomes)

    def rules(page: Council) -> Council:
        return replace(page, rules=(), rules_told=prose.say("council.next.plan.long")) if page.rules else page

    def lines(most: int) -> Callable[[Council], Council]:
        return lambda page: replace(page, others=page.others[:most], left=_left(len(others) - most, prose))

    return [
        lambda page: replace(page, not_said=page.not_said[:2]),
        lambda page: replace(page, instead=page.instead[:1]),
        lines(2),
        # its numbers stand in the sentences, and all of them in the full report
        lambda page: replace(page, picture=page.picture and replace(page.picture, grid=None)),
        lambda page: replace(page, reasons=page.reasons[:1]),
        lines(1),
        lambda page: replace(page, counted=""),
        rules,
        lines(0),
        lambda page: replace(page, told=told_of(first, prose, brief=True)),
        lambda page: replace(page, not_said=page.not_said[:1]),
        lambda page: replace(page, compared=page.compared[1:]),
    ]


def _render(page: Council, evaluation: Evaluation, prose: Prose) -> str:
    said = evaluation.plan.said_in(prose.language)
    return render_page(
        "council.html.j2",
        prose,
        styles=("style.css", "council.css"),
        title=said.title,
        said=said,
        simulated=evaluation.plan.data.simulated,
        harm_examined=evaluation.harm_examined,
        report=f"report_{prose.language}.html",
        page=page,
    )
