"""Commands of ``evaltoolkit worksheet``: where numbers cannot answer."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaltoolkit.cli.common import (
    Language,
    count_errors,
    number_of,
    open_console,
    print_findings,
)

if TYPE_CHECKING:
    pass

app = typer.Typer(
    no_args_is_help=True, help="Where numbers cannot answer: claims, rivals and tests.", rich_markup_mode=None
)

WorksheetPath = Annotated[Path, typer.Argument(help="the worksheet, .toml or .xlsx")]


@app.command("new")
def new_worksheet(
    path: WorksheetPath,
    plan: Annotated[Path | None, typer.Option(help="take steps and rival explanations from this plan")] = None,
    language: Language = "",
) -> None:
    """Write a worksheet to fill in, as a commented file (.toml) or a workbook (.xlsx)."""
    from evaltoolkit.plans.reading import load_plan
    from evaltoolkit.worksheets import files

    given = load_plan(plan) if plan else None
    spoken = language or (given.language if given else "en")
    said = given.said_in(spoken) if given else None
    steps, rivals = (said.theory_of_change, said.rival_explanations) if said else ((), ())
    files.new_worksheet(path, language=spoken, steps=steps, rivals=rivals)
    open_console().print(f"Written: {path}. Fill it in, then: evaltoolkit worksheet check {path}", soft_wrap=True)


@app.command("check")
def check_worksheet(path: WorksheetPath, language: Language = "") -> None:
    """Report every fault of a worksheet with its place and remedy; without faults, its conclusions."""
    from evaltoolkit.reports.worksheet_page import say_worksheet
    from evaltoolkit.worksheets.files import inspect_worksheet
    from evaltoolkit.worksheets.judge import judge_worksheet

    console = open_console()
    found = inspect_worksheet(path, today=dt.datetime.now(tz=dt.UTC).date())
    spoken = language or found.language
    print_findings(console, found.findings, spoken, limit=100)
    if found.worksheet is None:
        console.print(f"{path}: {number_of(count_errors(found.findings), 'fault')}.")
        raise typer.Exit(1)
    for line in say_worksheet(judge_worksheet(found.worksheet), spoken):
        console.print(line)


@app.command("report")
def report_worksheet(
    path: WorksheetPath,
    out: Annotated[Path, typer.Argument(help="HTML file to write")],
    plan: Annotated[Path | None, typer.Option(help="plan whose steps the claims name by number")] = None,
    language: Language = "",
) -> None:
    """Write a worksheet with its conclusions as one page."""
    from evaltoolkit.plans.reading import load_plan
    from evaltoolkit.reports.worksheet_page import write_worksheet_page
    from evaltoolkit.worksheets.files import read_worksheet

    worksheet = read_worksheet(path)
    spoken = language or worksheet.language
    steps = load_plan(plan).said_in(spoken).theory_of_change if plan else ()
    open_console().print(
        f"Written: {write_worksheet_page(worksheet, out, language=spoken, steps=steps)}", soft_wrap=True
    )
