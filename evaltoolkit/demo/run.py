"""``evaltoolkit demo``: the whole way, from forms to a graded report, on a simulated Flanders."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from evaltoolkit.demo.answers import ROUNDS, VINTAGES, draw_answers, draw_respondents
from evaltoolkit.demo.faults import plant_faults
from evaltoolkit.demo.files import PLAN, respondents_of, write_cells, write_portal, write_roster
from evaltoolkit.demo.truth import compare_with_truth
from evaltoolkit.evaluations.evaluation import Evaluation
from evaltoolkit.evaluations.inputs import load_inputs
from evaltoolkit.evaluations.run import assess_plan, lock, run_plan
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.framework.load import load_framework
from evaltoolkit.i18n import LANGUAGES
from evaltoolkit.panels.simulate import WAVES, World, simulate_world
from evaltoolkit.reports.findings_page import write_findings
from evaltoolkit.reports.pages import write_report
from evaltoolkit.reports.preanalysis import write_plan_page
from evaltoolkit.reports.prose import say_answers, say_feasibility, say_finding
from evaltoolkit.reports.tables import write_results
from evaltoolkit.submissions.collect import Collection, collect_folder
from evaltoolkit.submissions.write import write_templates

if TYPE_CHECKING:
    from rich.console import Console

_BATCH = 20
_MARKER = ".evaltoolkit-demo"
# the day on which the demonstration locks its plan: fixed, so that every run gives the same files
_LOCK_DAY = dt.date(2026, 1, 15)


def run_demo(out: Path, *, seed: int, console: Console) -> Evaluation:
    """Write, collect, assess, lock, evaluate and report; everything lands in ``out``.

    Raises
    ------
    EvaltoolkitError
        ``out`` holds something that this command did not write.
    """
    _clear(out)
    console.print(f"A simulated Flanders, seed {seed}: every figure is invented. Folder: {out}", style="bold")
    framework = load_framework("livc-r")
    world = simulate_world(seed)
    plan = _write_surroundings(world, out, seed)
    lock(plan, today=_LOCK_DAY)
    console.print(f"Plan locked on {_LOCK_DAY}, before the forms came back and the later survey waves appeared.")
    for language in LANGUAGES:
        page = write_plan_page(plan, out / "plan" / f"plan_{language}.html", language=language)
        console.print(f"Plan on one page ({language}): {page}", soft_wrap=True)
    count = _write_forms(world, framework, out, console)
    planted = plant_faults(world, framework, out / "returned")
    console.print(f"{count} filled-in workbooks in {out / 'returned'}; {planted} faults planted in saved files.")
    collection = _collect(out, framework, console)
    _show_findings(collection, out, console)
    write_portal(world, out / "portal", waves=WAVES)
    console.rule("Feasibility: can a difference-in-differences answer?")
    inputs = load_inputs(plan)
    answers = assess_plan(inputs)
    for answer in answers:
        for line in say_feasibility(answer, "en", framework):
            console.print(line)
        console.print()
    console.rule("Evaluation of the locked plan")
    with console.status("estimating, checking, grading"):
        evaluation = run_plan(inputs, feasibility=answers)
    for line in say_answers(evaluation, "en"):
        console.print(line)
        console.print()
    _write_reports(evaluation, out, console)
    compare_with_truth(evaluation, world, console)
    return evaluation


def _clear(out: Path) -> None:
    if out.exists() and any(out.iterdir()):
        if not (out / _MARKER).exists():
            raise EvaltoolkitError(f'The folder "{out}" is not empty: give a new folder, for example {out}-1.')
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / _MARKER).touch()


def _write_forms(world: World, framework: Framework, out: Path, console: Console) -> int:
    returned = draw_respondents(world)
    total = sum(len(cells) for cells in returned.values())
    done = 0
    with _progress(console) as advance:
        for period, cells in returned.items():
            answers = draw_answers(world, framework, period)
            respondents = respondents_of(world, cells, period)
            for first in range(0, len(cells), _BATCH):
                paths = write_templates(
                    framework,
                    out / "returned" / period,
                    period=period,
                    language="nl",
                    form="evaluation",
                    respondents=respondents.iloc[first : first + _BATCH],
                    earlier=ROUNDS[period],
                    vintage=VINTAGES[period],
                    values=answers,
                )
                done += len(paths)
                advance(done, total, "writing workbooks")
    return done


class _progress:  # noqa: N801 - used as a function
    """A progress bar driven by (done, total)."""

    def __init__(self, console: Console) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=console)
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> Callable[[int, int, str], None]:
        self._bar.start()
        return lambda done, total, what: self._bar.update(self._task, completed=done, total=total, description=what)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def _write_surroundings(world: World, out: Path, seed: int) -> Path:
    """Write what is there at the start: roster, cells, the survey waves before coaching, and the plan."""
    write_roster(world, out / "roster.csv")
    write_cells(world, out / "cells.csv")
    write_portal(world, out / "portal", waves=WAVES[:2])
    plan = out / "evaluation.toml"
    plan.write_text(PLAN.format(seed=seed), encoding="utf-8")
    return plan


def _collect(out: Path, framework: Framework, console: Console) -> Collection:
    with _progress(console) as advance:
        return collect_folder(
            out / "returned",
            store=out / "store",
            framework=framework,
            progress=lambda done, total: advance(done, total, "collecting workbooks"),
        )


def _show_findings(collection: Collection, out: Path, console: Console) -> None:
    from rich.table import Table

    errors = [finding for finding in collection.findings if finding.severity == "error"]
    table = Table(title=f"{len(collection.values)} values; {len(errors)} errors (in the language of each form)")
    for column in ("where", "what", "what to do"):
        table.add_column(column, overflow="fold")
    for finding in errors[:12]:
        what, remedy = say_finding(finding, "nl")
        table.add_row(str(finding.where), what, remedy)
    console.print(table)
    page = write_findings(collection.findings, out / "findings.html", language="nl", simulated=True)
    others = len(collection.findings) - len(errors)
    console.print(f"Besides, {others} questions to the officers, for example numbers unlike those of earlier years.")
    console.print(f"All findings: {page}", soft_wrap=True)


def _write_reports(evaluation: Evaluation, out: Path, console: Console) -> None:
    for language in LANGUAGES:
        path = write_report(evaluation, out / "report", language=language)
        console.print(f"Report ({language}): {path}", soft_wrap=True)
    write_results(evaluation, out / "report")
