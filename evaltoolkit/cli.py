"""Commands. Exit status: 0 done, 1 findings that need a person, 2 wrong use. No arithmetic here."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaltoolkit.findings import EvaltoolkitError, Finding, RefusedError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from evaltoolkit.plans.study import Study

app = typer.Typer(
    name="evaltoolkit",
    help="Find out whether local action against radicalisation and polarisation works.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
plan_app = typer.Typer(no_args_is_help=True, help="Check, assess and lock an evaluation plan.", rich_markup_mode=None)
app.add_typer(plan_app, name="plan")
worksheet_app = typer.Typer(
    no_args_is_help=True, help="Where numbers cannot answer: claims, rivals and tests.", rich_markup_mode=None
)
app.add_typer(worksheet_app, name="worksheet")


def _known_language(value: str | list[str] | None) -> str | list[str] | None:
    """Refuse a language that is not offered before any work is done; no language is no fault."""
    from evaltoolkit.i18n import LANGUAGES

    for one in [value] if isinstance(value, str) else value or []:
        if one and one not in LANGUAGES:
            raise EvaltoolkitError(
                f'The language "{one}" is not offered: write {", ".join(LANGUAGES[:-1])} or {LANGUAGES[-1]}.'
                f"{nearest(one, LANGUAGES)}"
            )
    return value


Language = Annotated[str, typer.Option("--language", "-l", help="nl, fr, de or en", callback=_known_language)]
PlanPath = Annotated[Path, typer.Argument(help="the plan, for example evaluation.toml")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a user's fault is a message, never a traceback."""
    try:
        app(args=list(arguments) if arguments is not None else None, prog_name="evaltoolkit")
    except EvaltoolkitError as error:
        print(error, file=sys.stderr)
        sys.exit(1 if isinstance(error, RefusedError) else 2)
    except (FileExistsError, NotADirectoryError) as error:
        print(f"{error.filename} is a file where a folder is needed. Give another path.", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(
            f"{error.filename or 'A file'}: {error.strerror or error}. Check the path and try again.", file=sys.stderr
        )
        sys.exit(2)


def _console() -> Console:
    from rich.console import Console

    # file names and sentences may hold brackets and colons: nothing in them is markup
    return Console(highlight=False, markup=False, emoji=False)


@app.command()
def template(
    respondents: Annotated[Path, typer.Argument(help="CSV with the columns unit_kind, unit, name, members, language")],
    out: Annotated[Path, typer.Argument(help="folder for the workbooks")],
    period: Annotated[str, typer.Option(help="reporting period, for example 2025")],
    language: Language = "nl",
    earlier: Annotated[int, typer.Option(help="number of earlier years asked, 0 to 5", min=0, max=5)] = 5,
    form: Annotated[str, typer.Option(help="form of the framework")] = "starter",
    framework: Annotated[str, typer.Option(help="livc-r or a folder of your own")] = "livc-r",
) -> None:
    """Write one workbook per respondent."""
    from evaltoolkit.framework.load import load_framework
    from evaltoolkit.submissions.respondents import read_respondents
    from evaltoolkit.submissions.write import write_templates

    paths = write_templates(
        load_framework(framework),
        out,
        period=period,
        language=language,
        respondents=read_respondents(respondents, default_language=language),
        form=form,
        earlier=_earlier_years(period, earlier),
    )
    console = _console()
    console.print(f"{_number_of(len(paths), 'workbook')} written to {out}.")
    if earlier and not _earlier_years(period, earlier):
        console.print("Earlier years are not asked: that is possible only where the period itself is a year.")


def _number_of(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _earlier_years(period: str, count: int) -> tuple[str, ...]:
    if not period.isdigit():
        return ()
    return tuple(str(int(period) - back) for back in range(1, count + 1))


@app.command()
def collect(
    folder: Annotated[Path, typer.Argument(help="folder with the returned workbooks")],
    store: Annotated[Path, typer.Option(help="folder that keeps values, findings and originals")] = Path("store"),
    framework: Annotated[str, typer.Option(help="livc-r or a folder of your own")] = "livc-r",
    findings: Annotated[Path | None, typer.Option(help="also write the findings here (.csv or .html)")] = None,
    language: Annotated[
        str,
        typer.Option(
            "--language", "-l", help="language of the messages; default: of each form", callback=_known_language
        ),
    ] = "",
    keep: Annotated[
        list[str] | None, typer.Option(help="the file that counts, where two files disagree; may be repeated")
    ] = None,
) -> None:
    """Read returned workbooks: every fault with its cell and what to do; nothing is lost."""
    from evaltoolkit.framework.load import load_framework
    from evaltoolkit.reports.findings_page import write_findings
    from evaltoolkit.submissions.collect import collect_folder

    console = _console()
    collection = collect_folder(folder, store=store, framework=load_framework(framework), keep=keep or ())
    _print_findings(console, collection.findings, language, limit=40)
    if findings is not None:
        write_findings(collection.findings, findings, language=language or "en")
    errors = _count_errors(collection.findings)
    console.print(
        f"{_number_of(len(collection.files), 'file')}, {_number_of(len(collection.values), 'value')}, "
        f"{_number_of(errors, 'error')}, {len(collection.findings) - errors} questions and notes."
    )
    raise typer.Exit(1 if errors else 0)


def _print_findings(console: Console, findings: Sequence[Finding], language: str, *, limit: int) -> None:
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


@plan_app.command("new")
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
    _console().print(f"Written: {path}. Fill it in, then: evaltoolkit plan check {path}", soft_wrap=True)


def _ask(prompt: str) -> str:
    """Show a text and return what is typed behind its last line."""
    head, _, last = prompt.rpartition("\n")
    print(head)
    try:
        return input(last)
    except EOFError:
        raise EvaltoolkitError("The answers ended before the plan was complete: nothing was written.") from None


@plan_app.command("schema")
def plan_schema(
    out: Annotated[Path, typer.Argument(help="JSON file to write; a new plan names ./plan.schema.json")],
) -> None:
    """Write the JSON Schema of a plan, so that an editor can help while a plan is typed."""
    from evaltoolkit.plans.schema import schema_text

    _needs_ending(out, ".json")
    out.write_text(schema_text(), encoding="utf-8", newline="\n")
    _console().print(f"Written: {out}", soft_wrap=True)


@plan_app.command("page")
def plan_page(
    path: PlanPath,
    language: Language = "",
    out: Annotated[Path | None, typer.Option(help="HTML file to write; default: beside the plan")] = None,
) -> None:
    """Write the plan as one page to print: the pre-analysis plan."""
    from evaltoolkit.reports.preanalysis import write_plan_page

    if out is not None:
        _needs_ending(out, ".html")
    _console().print(f"Written: {write_plan_page(path, out, language=language)}", soft_wrap=True)


def _needs_ending(out: Path, ending: str) -> None:
    """Refuse a file of another kind: it could be the plan itself, which must not be overwritten."""
    if out.suffix.lower() != ending:
        raise EvaltoolkitError(f'"{out}" does not end in {ending}: give the file to write such a name.')


@plan_app.command("check")
def check_plan(path: PlanPath, language: Language = "") -> None:
    """Report every fault of a plan and of the data it names, with its place and remedy."""
    from evaltoolkit.evaluations.causal import refuse_covariates
    from evaltoolkit.evaluations.inputs import load_inputs

    console = _console()
    inputs = load_inputs(path)
    refuse_covariates(inputs.plan)
    asked = [finding for finding in inputs.findings if finding.severity != "note"]
    _print_findings(console, asked, language or inputs.plan.language, limit=40)
    errors = _count_errors(asked)
    questions = _number_of(len(asked) - errors, "question")
    console.print(f"{path}: no faults in the plan; {_number_of(errors, 'error')} and {questions} in its data.")
    raise typer.Exit(1 if errors else 0)


def _count_errors(findings: Sequence[Finding]) -> int:
    return sum(finding.severity == "error" for finding in findings)


def _warn_of_errors(console: Console, findings: Sequence[Finding], path: Path) -> None:
    """Say that data were left out, where they were; a person must know before reading the answer."""
    if errors := _count_errors(findings):
        console.print(
            f"Attention: {_number_of(errors, 'error')} in the data; what is wrong is left out here. "
            f"See: evaltoolkit plan check {path}"
        )


@plan_app.command("feasibility")
def plan_feasibility(path: PlanPath, language: Language = "") -> None:
    """Say, before any estimate, whether a difference-in-differences can answer each question."""
    from evaltoolkit.evaluations.inputs import load_inputs
    from evaltoolkit.evaluations.run import assess_plan
    from evaltoolkit.reports.prose import say_feasibility

    console = _console()
    inputs = load_inputs(path)
    _warn_of_errors(console, inputs.findings, path)
    answers = assess_plan(inputs)
    for answer in answers:
        for line in say_feasibility(answer, language or inputs.plan.language, inputs.framework, inputs.plan):
            console.print(line)
        console.print()
    raise typer.Exit(1 if all(answer.decision == "do_not_run" for answer in answers) else 0)


@plan_app.command("graph")
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

    console = _console()
    answer = assess_graph(path)
    _warn_of_errors(console, answer.inputs.findings, path)
    spoken = language or answer.inputs.plan.language
    for line in say_graph(answer, spoken):
        console.print(line)
    place = out or path.with_name(f"{path.stem}.graph.{spoken}.svg")
    console.print(f"Written: {write_graph(answer, place, language=spoken)}", soft_wrap=True)
    raise typer.Exit(0 if answer.sound else 1)


@plan_app.command("power")
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

    console = _console()
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
    with Progress(console=_console(), transient=True) as bar:
        task = bar.add_task("curves", total=steps_of(study))
        found = study_power(study, draws=draws, seed=seed, jobs=jobs, advance=lambda: bar.advance(task))
    _console().print(f"Page: {write_power_page(found, page, language=language)}", soft_wrap=True)


@plan_app.command("lock")
def plan_lock(path: PlanPath) -> None:
    """Lock the plan: digests of plan, framework and the data from before the start."""
    from evaltoolkit.evaluations.run import lock

    written = lock(path, today=dt.datetime.now(tz=dt.UTC).date())
    _console().print(f"Locked: {written}", soft_wrap=True)
    _console().print("Keep this file with the plan; later changes are named in the report.")


@plan_app.command("draw")
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
    console = _console()
    _print_findings(console, rollout.findings, language, limit=40)
    for path in paths:
        console.print(f"Written: {path}", soft_wrap=True)
    console.print("Keep all three files; evaltoolkit plan verify-draw draws again and compares.")


@plan_app.command("verify-draw")
def plan_verify_draw(
    folder: Annotated[Path, typer.Argument(help="folder that plan draw wrote")],
    units: Annotated[Path, typer.Argument(help="the table of units that was drawn from")],
    language: Language = "",
) -> None:
    """Draw a roll-out again from its record and name every unit that differs."""
    from evaltoolkit.designs.rollout_files import verify_rollout

    console = _console()
    findings = verify_rollout(folder, units)
    _print_findings(console, findings, language, limit=1000)
    errors = _count_errors(findings)
    console.print(f"{_number_of(errors, 'difference')} between the draw, its record and the roster.")
    raise typer.Exit(1 if errors else 0)


WorksheetPath = Annotated[Path, typer.Argument(help="the worksheet, .toml or .xlsx")]


@worksheet_app.command("new")
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
    _console().print(f"Written: {path}. Fill it in, then: evaltoolkit worksheet check {path}", soft_wrap=True)


@worksheet_app.command("check")
def check_worksheet(path: WorksheetPath, language: Language = "") -> None:
    """Report every fault of a worksheet with its place and remedy; without faults, its conclusions."""
    from evaltoolkit.reports.worksheet_page import say_worksheet
    from evaltoolkit.worksheets.files import inspect_worksheet
    from evaltoolkit.worksheets.judge import judge_worksheet

    console = _console()
    found = inspect_worksheet(path, today=dt.datetime.now(tz=dt.UTC).date())
    spoken = language or found.language
    _print_findings(console, found.findings, spoken, limit=100)
    if found.worksheet is None:
        console.print(f"{path}: {_number_of(_count_errors(found.findings), 'fault')}.")
        raise typer.Exit(1)
    for line in say_worksheet(judge_worksheet(found.worksheet), spoken):
        console.print(line)


@worksheet_app.command("report")
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
    _console().print(f"Written: {write_worksheet_page(worksheet, out, language=spoken, steps=steps)}", soft_wrap=True)


@app.command()
def evaluate(
    path: PlanPath,
    out: Annotated[Path, typer.Option(help="folder for reports and results")] = Path("results"),
    language: Annotated[
        list[str] | None,
        typer.Option("--language", "-l", help="one of nl, fr, de, en; may be repeated", callback=_known_language),
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
    console = _console()
    # its faults are told before the work, not after it
    evidence = read_worksheet(worksheet) if worksheet else None
    evaluation = run_plan(path)
    languages = language or [evaluation.plan.language]
    _warn_of_errors(console, evaluation.findings, path)
    for line in say_answers(evaluation, languages[0]):
        console.print(line)
    for one in languages:
        # a path stays in one piece, however narrow the terminal
        console.print(f"Report: {write_report(evaluation, out, language=one, worksheet=evidence)}", soft_wrap=True)
    write_results(evaluation, out)
    refused = [result for result in evaluation.outcomes if result.verdict.kind == "refused"]
    raise typer.Exit(1 if len(refused) == len(evaluation.outcomes) else 0)


@app.command()
def panel(
    path: PlanPath, out: Annotated[Path, typer.Option(help="CSV to write, counts 1-4 suppressed")] = Path("panel.csv")
) -> None:
    """Build the panel of a plan and write it, small counts suppressed."""
    from evaltoolkit.evaluations.inputs import load_inputs
    from evaltoolkit.reports.tables import write_panel

    inputs = load_inputs(path)
    write_panel(inputs.panel, inputs.framework, out)
    units, periods = len(inputs.panel.units), len(inputs.panel.periods)
    _console().print(f"{units} units x {periods} periods written to {out}.")


@app.command()
def demo(
    out: Annotated[Path, typer.Argument(help="folder to write into")] = Path("demo"),
    seed: Annotated[int, typer.Option(help="seed of the simulated world")] = 1,
) -> None:
    """Walk the whole way on a simulated Flanders with a known truth."""
    from evaltoolkit.demo.run import run_demo

    run_demo(out, seed=seed, console=_console())


if __name__ == "__main__":
    main()
