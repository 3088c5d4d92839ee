"""Commands of ``evaltoolkit plan``: before the start."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaltoolkit.cli.common import (
    Language,
    PlanPath,
    count_errors,
    needs_ending,
    number_of,
    open_console,
    print_findings,
    warn_of_errors,
)
from evaltoolkit.findings import EvaltoolkitError

if TYPE_CHECKING:
    from evaltoolkit.plans.study import Study

app = typer.Typer(no_args_is_help=True, help="Check, assess and lock an evaluation plan.", rich_markup_mode=None)


@app.command("new")
def new_plan(
    path: PlanPath,
    language: Language = "en",
    blank: Annotated[bool, typer.Option("--blank", help="ask nothing; write an example to change")] = False,
) -> None:
    """Ask for a plan and write it as a commented file; without a terminal, an example to change."""
    from evaltoolkit.framework.load import load_framework
    from evaltoolkit.plans.dialogue import ask_plan
    from evaltoolkit.plans.template import plan_template, plan_text

    if path.exists():
        raise EvaltoolkitError(f'"{path}" exists already; give another name, so that nothing is overwritten.')
    if not path.parent.is_dir():
        # told before the questions, not after them
        raise EvaltoolkitError(f'The folder "{path.parent}" does not exist: make it first, or give another path.')
    if blank or not (sys.stdin.isatty() and sys.stdout.isatty()):
        text = plan_template(language)
    else:
        framework = load_framework()
        text = plan_text(ask_plan(_ask, language=language, framework=framework), language, framework)
    path.write_text(text, encoding="utf-8", newline="\n")
    open_console().print(f"Written: {path}. Fill it in, then: evaltoolkit plan check {path}", soft_wrap=True)


def _ask(prompt: str) -> str:
    """Show a text and return what is typed behind its last line."""
    head, _, last = prompt.rpartition("\n")
    print(head)
    try:
        return input(last)
    except EOFError:
        raise EvaltoolkitError("The answers ended before the plan was complete: nothing was written.") from None


@app.command("schema")
def plan_schema(
    out: Annotated[Path, typer.Argument(help="JSON file to write; a new plan names ./plan.schema.json")],
) -> None:
    """Write the JSON Schema of a plan, so that an editor can help while a plan is typed."""
    from evaltoolkit.plans.schema import schema_text

    needs_ending(out, ".json")
    out.write_text(schema_text(), encoding="utf-8", newline="\n")
    open_console().print(f"Written: {out}", soft_wrap=True)


@app.command("page")
def plan_page(
    path: PlanPath,
    language: Language = "",
    out: Annotated[Path | None, typer.Option(help="HTML file to write; default: beside the plan")] = None,
) -> None:
    """Write the plan as one page to print: the pre-analysis plan."""
    from evaltoolkit.reports.preanalysis import write_plan_page

    if out is not None:
        needs_ending(out, ".html")
    open_console().print(f"Written: {write_plan_page(path, out, language=language)}", soft_wrap=True)


@app.command("check")
def check_plan(path: PlanPath, language: Language = "") -> None:
    """Report every fault of a plan and of the data it names, with its place and remedy."""
    from evaltoolkit.evaluations.causal import refuse_covariates
    from evaltoolkit.evaluations.inputs import load_inputs

    console = open_console()
    inputs = load_inputs(path)
    refuse_covariates(inputs.plan)
    asked = [finding for finding in inputs.findings if finding.severity != "note"]
    print_findings(console, asked, language or inputs.plan.language, limit=40)
    errors = count_errors(asked)
    questions = number_of(len(asked) - errors, "question")
    console.print(f"{path}: no faults in the plan; {number_of(errors, 'error')} and {questions} in its data.")
    raise typer.Exit(1 if errors else 0)


@app.command("feasibility")
def plan_feasibility(path: PlanPath, language: Language = "") -> None:
    """Say, before any estimate, whether a difference-in-differences can answer each question."""
    from evaltoolkit.evaluations.inputs import load_inputs
    from evaltoolkit.evaluations.run import assess_plan
    from evaltoolkit.reports.prose import say_feasibility

    console = open_console()
    inputs = load_inputs(path)
    warn_of_errors(console, inputs.findings, path)
    answers = assess_plan(inputs)
    for answer in answers:
        for line in say_feasibility(answer, language or inputs.plan.language, inputs.framework, inputs.plan):
            console.print(line)
        console.print()
    raise typer.Exit(1 if all(answer.decision == "do_not_run" for answer in answers) else 0)


@app.command("graph")
def plan_graph(
    path: PlanPath,
    out: Annotated[
        Path | None, typer.Option(help="SVG to write; default: beside the plan, with the language in its name")
    ] = None,
    language: Language = "",
) -> None:
    """Ask the causal graph of a plan whether the comparison can answer the question, and draw it."""
    from evaltoolkit.evaluations.causal import assess_graph
    from evaltoolkit.reports.causal import say_graph
    from evaltoolkit.reports.graph_figure import write_graph

    console = open_console()
    answer = assess_graph(path)
    warn_of_errors(console, answer.inputs.findings, path)
    spoken = language or answer.inputs.plan.language
    for line in say_graph(answer, spoken):
        console.print(line)
    place = out or path.with_name(f"{path.stem}.graph.{spoken}.svg")
    console.print(f"Written: {write_graph(answer, place, language=spoken)}", soft_wrap=True)
    raise typer.Exit(0 if answer.sound else 1)


@app.command("power")
def plan_power(
    path: Annotated[Path, typer.Argument(help="the study in declared numbers, for example study.toml")],
    draws: Annotated[int, typer.Option(help="number of simulated studies", min=100)] = 2000,
    seed: Annotated[int, typer.Option(help="seed of the simulation")] = 1,
    page: Annotated[
        Path | None, typer.Option(help="also write this HTML page, with curves over units and waves")
    ] = None,
    language: Annotated[str, typer.Option(help="nl, fr, de or en, for the page")] = "en",
    jobs: Annotated[int, typer.Option(help="number of processes for the curves", min=1)] = 1,
) -> None:
    """Say what a study that does not exist yet would find; every number is the one in the file."""
    from rich.table import Table

    from evaltoolkit.plans.declared import power_from_study
    from evaltoolkit.plans.study import read_study
    from evaltoolkit.reports.notebook import say

    console = open_console()
    study = read_study(path)
    found = power_from_study(study, draws=draws, seed=seed)
    for line in say(found, "en"):
        console.print(line)
    if len(found.table):
        table = Table("true effect", "found in")
        for effect, power in found.table.itertuples(index=False):
            table.add_row(f"{effect:.4g}", f"{power:.0%}")
        console.print(table)
    if page is not None:
        _write_power_page(study, page, language, draws=draws, seed=seed, jobs=jobs)
    raise typer.Exit(1 if found.reason else 0)


def _write_power_page(study: Study, page: Path, language: str, *, draws: int, seed: int, jobs: int) -> None:
    from rich.progress import Progress

    from evaltoolkit.i18n import words
    from evaltoolkit.reports.power_page import steps_of, study_power, write_power_page

    # a wrong language is told before the simulation, not after
    words(language)
    with Progress(console=open_console(), transient=True) as bar:
        task = bar.add_task("curves", total=steps_of(study))
        found = study_power(study, draws=draws, seed=seed, jobs=jobs, advance=lambda: bar.advance(task))
    open_console().print(f"Page: {write_power_page(found, page, language=language)}", soft_wrap=True)


@app.command("lock")
def plan_lock(path: PlanPath) -> None:
    """Lock the plan: digests of plan, framework and the data from before the start."""
    from evaltoolkit.evaluations.run import lock

    written = lock(path, today=dt.datetime.now(tz=dt.UTC).date())
    open_console().print(f"Locked: {written}", soft_wrap=True)
    open_console().print("Keep this file with the plan; later changes are named in the report.")


@app.command("draw")
def plan_draw(
    units: Annotated[Path, typer.Argument(help="CSV or xlsx, one row per unit")],
    out: Annotated[Path, typer.Argument(help="folder for roster.csv, balance.csv and rollout.json")],
    unit: Annotated[str, typer.Option(help="column with the unit's code")],
    start: Annotated[list[str], typer.Option(help="2027-01=10, waiting=5 or never=10; repeat for each start")],
    action: Annotated[str, typer.Option(help="what starts, as the roster names it")],
    seed: Annotated[int, typer.Option(help="whole number, fixed in public before the draw")],
    stratum: Annotated[list[str] | None, typer.Option(help="column to draw within; may be repeated")] = None,
    balance: Annotated[list[str] | None, typer.Option(help="column of numbers to balance; may be repeated")] = None,
    cluster: Annotated[str | None, typer.Option(help="column; units with the same entry start together")] = None,
    candidates: Annotated[int, typer.Option(help="number of allocations that set the threshold of balance")] = 1000,
    accept: Annotated[float, typer.Option(help="share of allocations balanced well enough")] = 0.1,
    decimal: Annotated[str, typer.Option(help="decimal mark of the file")] = ".",
    language: Language = "",
) -> None:
    """Draw by lot who starts when, stratified and balanced; writes what is needed to draw it again."""
    from evaltoolkit.designs.rollout import draw_rollout
    from evaltoolkit.designs.rollout_files import write_rollout
    from evaltoolkit.designs.rollout_rules import parse_sizes

    rollout = draw_rollout(
        units,
        unit=unit,
        action=action,
        cohorts=parse_sizes(start),
        seed=seed,
        strata=stratum or (),
        balance=balance or (),
        cluster=cluster,
        candidates=candidates,
        accept=accept,
        decimal=decimal,
    )
    paths = write_rollout(rollout, out)
    console = open_console()
    print_findings(console, rollout.findings, language, limit=40)
    for path in paths:
        console.print(f"Written: {path}", soft_wrap=True)
    console.print("Keep all three files; evaltoolkit plan verify-draw draws again and compares.")


@app.command("verify-draw")
def plan_verify_draw(
    folder: Annotated[Path, typer.Argument(help="folder that plan draw wrote")],
    units: Annotated[Path, typer.Argument(help="the table of units that was drawn from")],
    language: Language = "",
) -> None:
    """Draw a roll-out again from its record and name every unit that differs."""
    from evaltoolkit.designs.rollout_files import verify_rollout

    console = open_console()
    findings = verify_rollout(folder, units)
    print_findings(console, findings, language, limit=1000)
    errors = count_errors(findings)
    console.print(f"{number_of(errors, 'difference')} between the draw, its record and the roster.")
    raise typer.Exit(1 if errors else 0)
