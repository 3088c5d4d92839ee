"""Results and reports in further formats: which are offered, how they are written in every language asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from evaltoolkit.evaluations.evaluation import Evaluation
    from evaltoolkit.worksheets.worksheet import Worksheet

# written at every evaluation
_ALWAYS = ("csv", "json")
# the same in every language
_PLAIN = (*_ALWAYS, "parquet")


def known_format(value: list[str] | None) -> list[str] | None:
    """Refuse a format that is not offered before any work is done."""
    from evaltoolkit.reports.tables import check_formats

    check_formats(value or [])
    return value


def keep_tables(
    console: Console, evaluation: Evaluation, out: Path, formats: Sequence[str], languages: Sequence[str]
) -> None:
    """Write the results: always as CSV and JSON, and in the formats asked for."""
    from evaltoolkit.reports.tables import write_results

    write_results(evaluation, out)
    for name in dict.fromkeys(formats):
        if name in _ALWAYS:
            continue
        for one in languages[:1] if name in _PLAIN else languages:
            for path in write_results(evaluation, out, formats=(name,), language=one):
                console.print(f"Table: {path}", soft_wrap=True)


def keep_word(console: Console, evaluation: Evaluation, out: Path, language: str, worksheet: Worksheet | None) -> None:
    """Write the report and the page for the council as Word files."""
    from evaltoolkit.reports.word import write_word

    for path in write_word(evaluation, out, language=language, worksheet=worksheet):
        console.print(f"Word: {path}", soft_wrap=True)
