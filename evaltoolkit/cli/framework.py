"""Commands of ``evaltoolkit framework``: for whoever writes indicators."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from evaltoolkit.cli.common import Language, needs_ending, number_of, open_console

app = typer.Typer(no_args_is_help=True, help="For whoever writes indicators.", rich_markup_mode=None)


@app.command("lint")
def lint_command(
    folder: Annotated[str, typer.Argument(help="folder with framework.toml and a folder indicators, or livc-r")],
) -> None:
    """Name every fault of a framework with its file, its entry and what to do."""
    from evaltoolkit.framework.lint_folder import lint_folder

    console = open_console()
    faults = lint_folder(folder)
    for fault in faults:
        console.print(fault, soft_wrap=True)
    console.print(f"{number_of(len(faults), 'fault')} found.")
    raise typer.Exit(1 if faults else 0)


@app.command("schema")
def schema_command(
    kind: Annotated[str, typer.Argument(help="indicator, rules or composites")] = "indicator",
    out: Annotated[Path | None, typer.Option(help="file to write (.json); default: the screen")] = None,
) -> None:
    """Write the JSON Schema of a file, so that an editor can complete and check it."""
    from evaltoolkit.framework.schema import framework_schema

    text = json.dumps(framework_schema(kind), ensure_ascii=False, indent=2) + "\n"
    if out is None:
        typer.echo(text, nl=False)
        return
    needs_ending(out, ".json")
    out.write_text(text, encoding="utf-8")
    open_console().print(f"Schema written to {out}.")


@app.command("checklist")
def checklist_command(
    out: Annotated[Path, typer.Argument(help="page to write (.html)")] = Path("checklist.html"),
    language: Language = "nl",
) -> None:
    """Write the checklist for the assessment of data protection, to print and answer."""
    from evaltoolkit.reports.codebook import write_checklist

    needs_ending(out, ".html")
    write_checklist(out, language=language)
    open_console().print(f"Checklist written to {out}.")
