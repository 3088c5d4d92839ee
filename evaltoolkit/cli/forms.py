"""Commands for forms: writing them, collecting what comes back, the panel."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from evaltoolkit.cli import keeping
from evaltoolkit.cli.common import (
    Language,
    PlanPath,
    count_errors,
    known_language,
    needs_ending,
    number_of,
    open_console,
    print_findings,
)
from evaltoolkit.findings import EvaltoolkitError

app = typer.Typer(rich_markup_mode=None)
app.add_typer(keeping.app)

FrameworkName = Annotated[str, typer.Option(help="livc-r or a folder of your own")]
Agreement = Annotated[
    bool, typer.Option("--agreement", help="there is a processing agreement: ask exact small counts too")
]


class FormKind(StrEnum):
    """What a form is written as."""

    XLSX = "xlsx"
    HTML = "html"
    HTML_CHOICE = "html-choice"


@app.command()
def template(
    respondents: Annotated[Path, typer.Argument(help="CSV with the columns unit_kind, unit, name, members, language")],
    out: Annotated[Path, typer.Argument(help="folder for the forms")],
    period: Annotated[str, typer.Option(help="reporting period, for example 2025")],
    language: Language = "nl",
    earlier: Annotated[int, typer.Option(help="number of earlier years asked, 0 to 5", min=0, max=5)] = 5,
    form: Annotated[str, typer.Option(help="form of the framework")] = "starter",
    framework: FrameworkName = "livc-r",
    agreement: Agreement = False,
    switch: Annotated[
        bool, typer.Option("--switch", help="a cell on the first sheet switches the texts to another language")
    ] = False,
    kind: Annotated[
        FormKind, typer.Option("--as", help="workbook, web page, or one web page in which the respondent is chosen")
    ] = FormKind.XLSX,
) -> None:
    """Write one workbook or web page per respondent."""
    from evaltoolkit.framework.load import load_framework
    from evaltoolkit.i18n import LANGUAGES
    from evaltoolkit.submissions.respondents import read_respondents
    from evaltoolkit.submissions.web_form import write_blank_web_form, write_web_forms
    from evaltoolkit.submissions.write import write_templates

    chosen = load_framework(framework)
    options: dict[str, Any] = {
        "period": period,
        "language": language,
        "respondents": read_respondents(respondents, default_language=language),
        "form": form,
        "earlier": _earlier_years(period, earlier),
        "agreement": agreement,
    }
    if kind is FormKind.XLSX:
        paths = write_templates(chosen, out, languages=LANGUAGES if switch else (), **options)
    elif kind is FormKind.HTML:
        paths = write_web_forms(chosen, out, **options)
    else:
        paths = [write_blank_web_form(chosen, out, **options)]
    console = open_console()
    console.print(f"{number_of(len(paths), 'workbook' if kind is FormKind.XLSX else 'web page')} written to {out}.")
    if earlier and not _earlier_years(period, earlier):
        console.print("Earlier years are not asked: that is possible only where the period itself is a year.")


@app.command()
def xlsform(
    respondents: Annotated[Path, typer.Argument(help="CSV with the columns unit_kind, unit, name, members, language")],
    out: Annotated[Path, typer.Argument(help="workbook to write (.xlsx)")],
    period: Annotated[str, typer.Option(help="reporting period, for example 2025")],
    language: Language = "nl",
    earlier: Annotated[int, typer.Option(help="number of earlier years asked, 0 to 5", min=0, max=5)] = 0,
    form: Annotated[str, typer.Option(help="form of the framework")] = "starter",
    framework: FrameworkName = "livc-r",
    agreement: Agreement = False,
) -> None:
    """Write one form for KoboToolbox or ODK, for all respondents and in all languages."""
    from evaltoolkit.framework.load import load_framework
    from evaltoolkit.submissions.respondents import read_respondents
    from evaltoolkit.submissions.xlsform import write_xlsform

    needs_ending(out, ".xlsx")
    write_xlsform(
        load_framework(framework),
        out,
        period=period,
        respondents=read_respondents(respondents, default_language=language),
        form=form,
        earlier=_earlier_years(period, earlier),
        language=language,
        agreement=agreement,
    )
    open_console().print(f"Form written to {out}.")


@app.command()
def kobo(
    export: Annotated[Path, typer.Argument(help="export of KoboToolbox or ODK with XML values and headers")],
    out: Annotated[Path, typer.Argument(help="CSV of values to write")],
    framework: FrameworkName = "livc-r",
    language: Language = "en",
) -> None:
    """Read what was answered in KoboToolbox or ODK into a table of values; every fault with its cell."""
    from evaltoolkit.framework.load import load_framework
    from evaltoolkit.submissions.kobo import read_kobo
    from evaltoolkit.submissions.values_csv import write_values

    needs_ending(out, ".csv")
    values, findings = read_kobo(export, framework=load_framework(framework))
    console = open_console()
    print_findings(console, findings, language, limit=40)
    write_values(values, out)
    errors = count_errors(findings)
    console.print(f"{number_of(len(values), 'value')} written to {out}, {number_of(errors, 'error')}.")
    raise typer.Exit(1 if errors else 0)


@app.command()
def codebook(
    out: Annotated[Path, typer.Argument(help="folder for the codebook")] = Path("codebook"),
    framework: FrameworkName = "livc-r",
    language: Annotated[
        list[str] | None,
        typer.Option("--language", "-l", help="nl, fr, de or en; default: all", callback=known_language),
    ] = None,
) -> None:
    """Write the codebook: a page and a workbook in each language."""
    from evaltoolkit.framework.load import load_framework
    from evaltoolkit.i18n import LANGUAGES
    from evaltoolkit.reports.codebook import write_codebook

    loaded = load_framework(framework)
    for one in language or LANGUAGES:
        write_codebook(loaded, out, language=one)
    open_console().print(f"Codebook written to {out}.")


@app.command()
def datapackage(
    out: Annotated[Path, typer.Argument(help="folder for the package")] = Path("datapackage"),
    store: Annotated[Path, typer.Option(help="folder of the store")] = Path("store"),
    framework: FrameworkName = "livc-r",
) -> None:
    """Write the values of a store as a Data Package, exact answers included: not for publication."""
    from evaltoolkit.framework.load import load_framework
    from evaltoolkit.submissions.datapackage import write_data_package
    from evaltoolkit.submissions.store import load_store

    values = load_store(store)
    write_data_package(values, load_framework(framework), out)
    open_console().print(f"{number_of(len(values), 'value')} written to {out}. Not for publication: answers are exact.")


@app.command()
def roster(
    store: Annotated[Path, typer.Option(help="folder of the store")] = Path("store"),
    out: Annotated[Path, typer.Option(help="CSV to write")] = Path("roster.csv"),
    framework: FrameworkName = "livc-r",
    revision: Annotated[
        str, typer.Option(help="SHA-256 of one form, or its first eight characters; default: all forms that count")
    ] = "",
) -> None:
    """Write what the forms say about who had which action from when, for the plan."""
    from evaltoolkit.framework.load import load_framework
    from evaltoolkit.submissions.rosters import collect_roster
    from evaltoolkit.submissions.values_csv import write_values

    needs_ending(out, ".csv")
    table = collect_roster(store, load_framework(framework), revision)
    write_values(table, out)
    open_console().print(f"{number_of(len(table), 'row')} written to {out}.")


def _earlier_years(period: str, count: int) -> tuple[str, ...]:
    if not period.isdigit():
        return ()
    return tuple(str(int(period) - back) for back in range(1, count + 1))


@app.command()
def collect(
    folder: Annotated[Path | None, typer.Argument(help="folder with the returned workbooks")] = None,
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
    purge: Annotated[
        str, typer.Option(help="first erase this file (SHA-256) from the store for good; see the command purge")
    ] = "",
) -> None:
    """Read returned workbooks: every fault with its cell and what to do; nothing is lost.

    Each file is read in a process of its own, for at most twenty seconds. Its memory is limited on Linux, it cannot
    write files on Linux and macOS; on Windows there is the process of its own and the time limit only.
    """
    from evaltoolkit.framework.load import load_framework
    from evaltoolkit.reports.findings_page import write_findings
    from evaltoolkit.submissions.collect import collect_folder

    if purge:
        keeping.erase(store, purge)
    if folder is None:
        if purge:
            return
        raise EvaltoolkitError("Name the folder with the returned workbooks.")
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
