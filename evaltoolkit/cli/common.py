"""What the commands share: languages, the console, how findings are printed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaltoolkit.findings import EvaltoolkitError, Finding, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console


def known_language(value: str | list[str] | None) -> str | list[str] | None:
    """Refuse a language that is not offered before any work is done; no language is no fault."""
    from evaltoolkit.i18n import LANGUAGES

    for one in [value] if isinstance(value, str) else value or []:
        if one and one not in LANGUAGES:
            raise EvaltoolkitError(
                f'The language "{one}" is not offered: write {", ".join(LANGUAGES[:-1])} or {LANGUAGES[-1]}.'
                f"{nearest(one, LANGUAGES)}"
            )
    return value


Language = Annotated[str, typer.Option("--language", "-l", help="nl, fr, de or en", callback=known_language)]


PlanPath = Annotated[Path, typer.Argument(help="the plan, for example evaluation.toml")]


def open_console() -> Console:
    """Return the console: what is printed is text, never markup."""
    from rich.console import Console

    # file names and sentences may hold brackets and colons: nothing in them is markup
    return Console(highlight=False, markup=False, emoji=False)


def number_of(count: int, what: str) -> str:
    """Return "1 workbook", "3 workbooks"."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def print_findings(console: Console, findings: Sequence[Finding], language: str, *, limit: int) -> None:
    """Print findings as a table, errors first, at most ``limit``."""
    from rich.table import Table

    from evaltoolkit.reports.prose import say_finding

    if not findings:
        return
    order = {"error": 0, "question": 1, "note": 2}
    table = Table(show_lines=False)
    for column in ("where", "what", "what to do"):
        table.add_column(column, overflow="fold")
    for finding in sorted(findings, key=lambda f: order[f.severity])[:limit]:
        what, remedy = say_finding(finding, language or str(finding.facts.get("language", "en")))
        table.add_row(str(finding.where), what, remedy)
    console.print(table)
    if len(findings) > limit:
        console.print(f"... and {len(findings) - limit} more; write them all with --findings findings.csv")


def count_errors(findings: Sequence[Finding]) -> int:
    """Return how many findings are errors."""
    return sum(finding.severity == "error" for finding in findings)


def warn_of_errors(console: Console, findings: Sequence[Finding], path: Path) -> None:
    """Say that data were left out, where they were; a person must know before reading the answer."""
    if errors := count_errors(findings):
        console.print(
            f"Attention: {number_of(errors, 'error')} in the data; what is wrong is left out here. "
            f"See: evaltoolkit plan check {path}"
        )


def needs_ending(out: Path, ending: str) -> None:
    """Refuse a file of another kind: it could be the plan itself, which must not be overwritten."""
    if out.suffix.lower() != ending:
        raise EvaltoolkitError(f'"{out}" does not end in {ending}: give the file to write such a name.')
