"""Commands that evaluate: a plan, or the demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaltoolkit.cli.bundled import check_bundle, keep_bundle, print_verification
from evaltoolkit.cli.common import (
    PlanPath,
    known_language,
    needs_ending,
    open_console,
    warn_of_errors,
)
from evaltoolkit.cli.printed import paper_of
from evaltoolkit.cli.tabled import keep_tables, keep_word, known_format
from evaltoolkit.findings import EvaltoolkitError

if TYPE_CHECKING:
    pass

app = typer.Typer(rich_markup_mode=None)


@app.command()
def evaluate(
    path: Annotated[
        Path | None, typer.Argument(help="the plan, for example evaluation.toml; may be left out with --verify")
    ] = None,
    out: Annotated[Path, typer.Option(help="folder for reports and results")] = Path("results"),
    language: Annotated[
        list[str] | None,
        typer.Option("--language", "-l", help="one of nl, fr, de, en; may be repeated", callback=known_language),
    ] = None,
    worksheet: Annotated[Path | None, typer.Option(help="worksheet to put beside the numbers (.toml or .xlsx)")] = None,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="also print the report and the page for the council to PDF")
    ] = False,
    browser: Annotated[str, typer.Option(help="Chromium, Chrome or Edge that makes the PDF: its path")] = "",
    word: Annotated[
        bool, typer.Option("--word", help="also write the report and the page for the council as Word files")
    ] = False,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format", help="also write parquet, xlsx, tex or html (tables); may be repeated", callback=known_format
        ),
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="also write everything needed to do it again, values too (.zip)")
    ] = None,
    publication: Annotated[
        bool, typer.Option("--publication", help="the bundle holds no values, and may be published")
    ] = False,
    verify: Annotated[
        Path | None, typer.Option(help="do the evaluation of a bundle again, and name everything that differs")
    ] = None,
) -> None:
    """Run a plan: estimates, checks, grade, verdict; writes the reports and the results."""
    check_bundle(bundle, publication=publication, verify=verify)
    if verify is not None:
        raise typer.Exit(0 if print_verification(open_console(), verify, path) else 1)
    if path is None:
        raise EvaltoolkitError("Name the plan: evaltoolkit evaluate evaluation.toml")
    from evaltoolkit.evaluations.run import run_plan
    from evaltoolkit.reports.pages import write_report
    from evaltoolkit.reports.prose import say_answers
    from evaltoolkit.worksheets.files import read_worksheet

    if out.exists() and not out.is_dir():
        # told before the work, not after it
        raise NotADirectoryError(20, "Not a directory", str(out))
    console = open_console()
    put_on_paper = paper_of(console, pdf=pdf, browser=browser)
    # its faults are told before the work, not after it
    evidence = read_worksheet(worksheet) if worksheet else None
    evaluation = run_plan(path)
    languages = language or [evaluation.plan.language]
    warn_of_errors(console, evaluation.findings, path)
    for line in say_answers(evaluation, languages[0]):
        console.print(line)
    for one in languages:
        # a path stays in one piece, however narrow the terminal
        report = write_report(evaluation, out, language=one, worksheet=evidence)
        console.print(f"Report: {report}", soft_wrap=True)
        put_on_paper(report)
        if word:
            keep_word(console, evaluation, out, one, evidence)
    keep_tables(console, evaluation, out, formats or [], languages)
    if bundle is not None:
        keep_bundle(console, path, bundle, evaluation, publication=publication)
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
