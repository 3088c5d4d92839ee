"""The command for the page of each respondent: own values beside those of similar ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evaltoolkit.cli.common import known_language, number_of, open_console

app = typer.Typer(rich_markup_mode=None)


@app.command()
def municipality(
    store: Annotated[Path, typer.Argument(help="folder of the store")],
    out: Annotated[Path, typer.Argument(help="folder to write the pages into")],
    unit: Annotated[
        list[str] | None, typer.Option(help="code of a respondent; may be repeated; default: everybody")
    ] = None,
    language: Annotated[
        str, typer.Option("--language", "-l", help="default: that of each respondent's form", callback=known_language)
    ] = "",
    indicator: Annotated[
        list[str] | None, typer.Option(help="what stands on the page; may be repeated; default: what was answered")
    ] = None,
    similar: Annotated[
        Path | None,
        typer.Option(help="CSV with unit and group: who is similar; default: region and number of inhabitants"),
    ] = None,
    framework: Annotated[str, typer.Option(help="livc-r or a folder of your own")] = "livc-r",
    simulated: Annotated[bool, typer.Option("--simulated", help="the data are simulated; the pages say so")] = False,
) -> None:
    """Write a page for each respondent: own values beside an anonymous band of similar ones, and no ranking."""
    from evaltoolkit.framework.load import load_framework
    from evaltoolkit.reports.municipality import Wanted, write_municipality_pages
    from evaltoolkit.reports.similar import read_groups

    wanted = Wanted(
        units=tuple(unit or ()),
        indicators=tuple(indicator or ()),
        similar=read_groups(similar) if similar else None,
        simulated=simulated,
    )
    written = write_municipality_pages(
        store, out, language=language, framework=load_framework(framework), wanted=wanted
    )
    console = open_console()
    console.print(f"{number_of(len(written), 'page')} written to {out}", soft_wrap=True)
    console.print("Each holds one respondent's own values: send it to that respondent and to nobody else.")
