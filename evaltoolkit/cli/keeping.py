"""Commands on a store: answering respondents, history, origin of a value, erasing a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evaltoolkit.cli.common import known_language, needs_ending, number_of, open_console
from evaltoolkit.findings import EvaltoolkitError

app = typer.Typer(rich_markup_mode=None)

StorePath = Annotated[Path, typer.Argument(help="folder of the store")]


@app.command()
def purge(
    store: StorePath,
    sha: Annotated[str, typer.Argument(help="SHA-256 of the file, or at least its first eight characters")],
    reason: Annotated[str, typer.Option(help="personal_data, request, mistake or agreement_ended")] = "personal_data",
    role: Annotated[
        str, typer.Option(help="who decided: controller, processor, data_protection or respondent; never a name")
    ] = "controller",
) -> None:
    """Erase a file from a store for good: original, values, findings and name; only that it happened is recorded."""
    erase(store, sha, reason, role)


def erase(store: Path, sha: str, reason: str = "personal_data", role: str = "controller") -> None:
    """Erase a file and say what else may hold the same data."""
    from evaltoolkit.submissions.erase import erase_file

    done = erase_file(store, sha, reason=reason, role=role)
    console = open_console()
    console.print(f"{done.sha256} is erased ({done.reason}, {done.role}, {done.moment}).")
    if done.others:
        kept = number_of(len(done.others), "other file")
        console.print(f"Of the same respondent and period the store keeps {kept}: {', '.join(done.others)}.")


@app.command()
def answer(
    store: StorePath,
    out: Annotated[Path, typer.Argument(help="folder for the answers")],
    framework: Annotated[str, typer.Option(help="livc-r or a folder of your own")] = "livc-r",
    language: Annotated[
        str,
        typer.Option("--language", "-l", help="nl, fr, de or en; default: of each form", callback=known_language),
    ] = "",
    everyone: Annotated[bool, typer.Option("--all", help="also for respondents without findings")] = False,
) -> None:
    """Write for each respondent with findings a new workbook and a page: own values, each finding at its cell."""
    from evaltoolkit.framework.load import load_framework
    from evaltoolkit.reports.respondent_pages import NOBODY, write_answers

    written = write_answers(store, load_framework(framework), out, language=language, everyone=everyone)
    console = open_console()
    console.print(f"{number_of(len(written), 'respondent')} answered in {out}.")
    if pages := [one.page.name for one in written if one.workbook is None]:
        console.print(f"A page without a workbook, for it is not known what was asked: {', '.join(pages)}.")
    if (out / f"{NOBODY}.html").is_file():
        console.print(f"Files that do not say whose they are: see {NOBODY}.html.")


@app.command()
def history(
    store: StorePath,
    unit: Annotated[str, typer.Argument(help="code of the respondent")],
    period: Annotated[str, typer.Argument(help="reporting period; default: all")] = "",
    out: Annotated[Path | None, typer.Option(help="write the history here (.csv) instead of showing it")] = None,
) -> None:
    """Show the revisions of a respondent: when, which file, what became of it, how many answers it changed."""
    from rich.table import Table

    from evaltoolkit.submissions.history import history as revisions_of
    from evaltoolkit.submissions.values_csv import write_values

    revisions = revisions_of(store, unit, period)
    console = open_console()
    if out is not None:
        needs_ending(out, ".csv")
        write_values(revisions, out)
        console.print(f"{number_of(len(revisions), 'revision')} written to {out}.")
        return
    table = Table()
    heads = ("period", "nr", "received", "sha256", "file", "state", "gave way to", "answers", "changes")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in revisions.astype(str).to_dict("records"):
        gave_way = f"{row['replaced_by'][:8]} ({row['reason']})" if row["replaced_by"] else ""
        changes = f"+{row['added']} ~{row['changed']} -{row['dropped']}"
        about = (row["received"][:19], row["sha256"][:8], row["file"], row["state"], gave_way)
        table.add_row(row["period"], row["revision"], *about, row["answers"], changes)
    console.print(table)


@app.command()
def export(
    store: StorePath,
    out: Annotated[Path, typer.Argument(help="CSV to write")],
    revision: Annotated[
        str, typer.Option(help="SHA-256 of a file, or its first eight characters; default: the values that count")
    ] = "",
    about: Annotated[
        bool, typer.Option("--about", help="instead of values: who filled in (a role) and the minutes of work")
    ] = False,
    framework: Annotated[str, typer.Option(help="of --about: livc-r or a folder of your own")] = "livc-r",
) -> None:
    """Write the values of a store, or of any one revision, as CSV, exact answers included: not for publication."""
    from evaltoolkit.framework.load import load_framework
    from evaltoolkit.submissions.history import revision_values
    from evaltoolkit.submissions.rosters import collect_about
    from evaltoolkit.submissions.store import load_store
    from evaltoolkit.submissions.values_csv import write_values

    needs_ending(out, ".csv")
    if about and revision:
        raise EvaltoolkitError("Give either --about or --revision: history tells role and minutes of each revision.")
    if about:
        table = collect_about(store, load_framework(framework))
        write_values(table, out)
        open_console().print(f"{number_of(len(table), 'form')} written to {out}.")
        return
    values = revision_values(store, revision) if revision else load_store(store)
    write_values(values, out)
    open_console().print(f"{number_of(len(values), 'value')} written to {out}. Not for publication: answers are exact.")


@app.command()
def choose(
    store: StorePath,
    file: Annotated[str, typer.Argument(help="the file that counts: its name, or the first characters of its SHA-256")],
) -> None:
    """Record which of two files for the same respondent and period counts; the others give way to it."""
    from evaltoolkit.submissions.versions import decide

    gave_way = decide(store, file)
    open_console().print(f"{number_of(len(gave_way), 'file')} gave way: {', '.join(gave_way) or 'none'}.")


@app.command()
def trace(
    store: StorePath,
    source: Annotated[str, typer.Argument(help="text of the column source, for example xlsx:<sha256>/Answers!C7")],
) -> None:
    """Show where a value came from: file, sheet, cell and the kept original."""
    from evaltoolkit.submissions.history import trace as trace_source

    found = trace_source(store, source)
    console = open_console()
    for name in ("file", "sheet", "cell", "unit", "period", "state", "received", "sha256", "original"):
        console.print(f"{name}: {getattr(found, name)}", soft_wrap=True)
    if not found.intact:
        console.print("Attention: the kept original is missing or no longer has this digest.")
        raise typer.Exit(1)
