"""Commands for forms: writing them, collecting what comes back, the panel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaltoolkit.cli.common import (
    Language,
    PlanPath,
    count_errors,
    known_language,
    number_of,
    open_console,
    print_findings,
)

if TYPE_CHECKING:
    pass

app = typer.Typer(rich_markup_mode=None)


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
    console = open_console()
    console.print(f"{number_of(len(paths), 'workbook')} written to {out}.")
    if earlier and not _earlier_years(period, earlier):
        console.print("Earlier years are not asked: that is possible only where the period itself is a year.")


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
            "--language", "-l", help="language of the messages; default: of each form", callback=known_language
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

    console = open_console()
    collection = collect_folder(folder, store=store, framework=load_framework(framework), keep=keep or ())
    print_findings(console, collection.findings, language, limit=40)
    if findings is not None:
        write_findings(collection.findings, findings, language=language or "en")
    errors = count_errors(collection.findings)
    console.print(
        f"{number_of(len(collection.files), 'file')}, {number_of(len(collection.values), 'value')}, "
        f"{number_of(errors, 'error')}, {len(collection.findings) - errors} questions and notes."
    )
    raise typer.Exit(1 if errors else 0)


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
    open_console().print(f"{units} units x {periods} periods written to {out}.")
