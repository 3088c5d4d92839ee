"""Commands that evaluate: a plan, or the demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaltoolkit.cli.common import (
    PlanPath,
    known_language,
    needs_ending,
    open_console,
    warn_of_errors,
)

if TYPE_CHECKING:
    pass

app = typer.Typer(rich_markup_mode=None)


@app.command()
def evaluate(
    path: PlanPath,
    out: Annotated[Path, typer.Option(help="folder for reports and results")] = Path("results"),
    language: Annotated[
        list[str] | None,
        typer.Option("--language", "-l", help="one of nl, fr, de, en; may be repeated", callback=known_language),
    ] = None,
    worksheet: Annotated[Path | None, typer.Option(help="worksheet to put beside the numbers (.toml or .xlsx)")] = None,
) -> None:
    """Run a plan: estimates, checks, grade, verdict; writes the reports and the results."""
    from evaltoolkit.evaluations.run import run_plan
    from evaltoolkit.reports.pages import write_report
    from evaltoolkit.reports.prose import say_answers
    from evaltoolkit.reports.tables import write_results
    from evaltoolkit.worksheets.files import read_worksheet

    if out.exists() and not out.is_dir():
        # told before the work, not after it
        raise NotADirectoryError(20, "Not a directory", str(out))
    console = open_console()
    # its faults are told before the work, not after it
    evidence = read_worksheet(worksheet) if worksheet else None
    evaluation = run_plan(path)
    languages = language or [evaluation.plan.language]
    warn_of_errors(console, evaluation.findings, path)
    for line in say_answers(evaluation, languages[0]):
        console.print(line)
    for one in languages:
        # a path stays in one piece, however narrow the terminal
        console.print(f"Report: {write_report(evaluation, out, language=one, worksheet=evidence)}", soft_wrap=True)
    write_results(evaluation, out)
    refused = [result for result in evaluation.outcomes if result.verdict.kind == "refused"]
    raise typer.Exit(1 if len(refused) == len(evaluation.outcomes) else 0)


@app.command()
def audit(
    path: PlanPath,
    outcome: Annotated[str, typer.Option(help="only this outcome of the plan")] = "",
    out: Annotated[Path | None, typer.Option(help="CSV file for every number that was compared")] = None,
) -> None:
    """Re-estimate a plan's outcomes with the independent packages that are installed, and explain every difference."""
    from evaltoolkit.cli.audited import print_audit
    from evaltoolkit.evaluations.audited import audit_plan

    if out is not None:
        needs_ending(out, ".csv")
    console = open_console()
    found = audit_plan(path, outcome)
    for name, table in found.tables.items():
        print_audit(console, name, table)
    for name, reason in found.refused.items():
        console.print(f"{name}: {reason}")
    if out is not None:
        found.write(out)
        console.print(f"Written: {out}", soft_wrap=True)
    raise typer.Exit(0 if found.sound else 1)


@app.command()
def demo(
    out: Annotated[Path, typer.Argument(help="folder to write into")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="seed of the simulated world")] = 1,
) -> None:
    """Walk the whole way on a simulated Flanders with a known truth."""
    from evaltoolkit.demo.run import run_demo

    run_demo(out, seed=seed, console=open_console())
