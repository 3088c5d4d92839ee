"""Results as one workbook: estimates, checks, certainty, response, and what every column holds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaltoolkit.disclosure.text import neutralise
from evaltoolkit.evaluations.evaluation import Evaluation
from evaltoolkit.reports.prose import Prose, prose_of
from evaltoolkit.submissions.book import draw_book

_LONGEST = 32_767
_WIDTHS = {"meaning": 90, "saw": 90, "assumption": 60, "why": 70, "lift": 70, "name": 36, "labels": 26, "reason": 36}
CHECKS = ("outcome", "name", "check", "passed", "assumption", "saw")
GRADES = ("outcome", "name", "role", "stamp", "verdict", "certainty", "maryland", "why", "lift")
COVERAGE = ("outcome", "arm", "period", "n_units", "n_answered", "share")
MEANINGS = ("sheet", "column", "meaning")


@dataclass(frozen=True)
class Sheet:
    """One sheet: key of its title, columns, rows."""

    key: str
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]


def results_book(evaluation: Evaluation, language: str, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the workbook in one language; no cell is a formula.

    Parameters
    ----------
    evaluation : Evaluation
    language : {"nl", "fr", "de", "en"}
    rows : every estimate, as it may be shown (:func:`evaltoolkit.reports.tables.result_rows`)
    """
    prose = prose_of(evaluation, language)
    sheets = [
        Sheet("estimates", list(rows[0]) if rows else ["outcome"], rows),
        Sheet("checks", CHECKS, list(_checks(evaluation, prose))),
        Sheet("grade", GRADES, list(_grades(evaluation, prose))),
        Sheet("coverage", COVERAGE, evaluation.coverage.to_dict("records")),  # type: ignore[arg-type]
    ]
    sheets.append(Sheet("columns", MEANINGS, list(_meanings(sheets, prose))))

    def draw(book: Any) -> None:
        head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        body = book.add_format({"text_wrap": True, "valign": "top"})
        for sheet in sheets:
            _draw(book.add_worksheet(prose.say(f"results.sheet.{sheet.key}")), sheet, head, body)

    return draw_book(draw, evaluation.plan.said_in(language).title[:255])


def _draw(page: Any, sheet: Sheet, head: Any, body: Any) -> None:
    page.freeze_panes(1, 0)
    if sheet.rows:
        page.autofilter(0, 0, len(sheet.rows), len(sheet.columns) - 1)
    for column, name in enumerate(sheet.columns):
        page.set_column(column, column, _WIDTHS.get(name, 14))
        page.write_string(0, column, name, head)
        for place, row in enumerate(sheet.rows, 1):
            _write(page, place, column, row.get(name), body)


def _write(page: Any, row: int, column: int, value: object, body: Any) -> None:
    if isinstance(value, bool):
        page.write_boolean(row, column, value, body)
    elif isinstance(value, int | float):
        if math.isfinite(value):
            page.write_number(row, column, value, body)
    elif value is not None:
        page.write_string(row, column, neutralise(str(value))[:_LONGEST], body)


def _checks(evaluation: Evaluation, prose: Prose) -> Iterator[dict[str, object]]:
    for result in evaluation.outcomes:
        for check in result.checks:
            yield {
                "outcome": result.outcome.indicator,
                "name": prose.name(result.outcome.indicator),
                "check": check.name,
                "passed": check.verdict,
                "assumption": prose.say(check.assumption),
                "saw": prose.say(check.code, check.facts),
            }


def _grades(evaluation: Evaluation, prose: Prose) -> Iterator[dict[str, object]]:
    """One row per reason, so that each stands beside what would lift it; one row where there is no reason."""
    for result in evaluation.outcomes:
        grade = result.grade
        base: dict[str, object] = {
            "outcome": result.outcome.indicator,
            "name": prose.name(result.outcome.indicator),
            "role": result.outcome.role,
            "stamp": result.stamp,
            "verdict": result.verdict.kind,
            "certainty": grade.certainty if grade else None,
            "maryland": grade.maryland if grade else None,
        }
        for reason in grade.reasons if grade else ():
            said = {
                "why": prose.say(f"grade.{reason.rule}", reason.facts),
                "lift": prose.say(f"grade.{reason.rule}.lift", reason.facts),
            }
            yield base | said
        if grade is None or not grade.reasons:
            yield base


def _meanings(sheets: Sequence[Sheet], prose: Prose) -> Iterator[dict[str, object]]:
    for sheet in (*sheets, Sheet("columns", MEANINGS, ())):
        for name in sheet.columns:
            meaning = prose.say(f"results.column.{name}")
            yield {"sheet": prose.say(f"results.sheet.{sheet.key}"), "column": name, "meaning": meaning}
