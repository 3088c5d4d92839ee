"""The command for the data board: what came in, on one page."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evaltoolkit.cli.common import Language, needs_ending, open_console
from evaltoolkit.findings import EvaltoolkitError, nearest

if TYPE_CHECKING:
    import pandas as pd

    from evaltoolkit.plans.reading import PlanFile

app = typer.Typer(rich_markup_mode=None)


@app.command()
def board(
    store: Annotated[Path, typer.Argument(help="folder of the store")],
    out: Annotated[Path, typer.Argument(help="page to write (.html)")],
    language: Language = "nl",
    respondents: Annotated[
        Path | None, typer.Option(help="CSV of everybody who was asked: unit_kind, unit, name, members, language")
    ] = None,
    period: Annotated[str, typer.Option(help="wave to show; default: the latest that came in")] = "",
    deadline: Annotated[str, typer.Option(help="last day for an answer to that wave, for example 2026-03-31")] = "",
    plan: Annotated[Path | None, typer.Option(help="plan whose roster tells the groups")] = None,
    roster: Annotated[Path | None, typer.Option(help="roster that tells the groups, where there is no plan")] = None,
    action: Annotated[str, typer.Option(help="action of the roster, where it names several")] = "",
    areas: Annotated[Path | None, typer.Option(help="GeoJSON or TopoJSON with the borders of municipalities")] = None,
    area_code: Annotated[str, typer.Option(help="property of that file with the NIS code")] = "",
    area_layer: Annotated[str, typer.Option(help="layer of that file, where it has several")] = "",
    form: Annotated[str, typer.Option(help="form that was sent; default: the smallest that fits the answers")] = "",
    framework: Annotated[str, typer.Option(help="livc-r or a folder of your own; default: the plan's, or livc-r")] = "",
    simulated: Annotated[bool, typer.Option("--simulated", help="the data are simulated; the page says so")] = False,
) -> None:
    """Write one page about what came in: who answered, how completely, what is still open."""
    from evaltoolkit.evaluations.inputs import framework_of
    from evaltoolkit.framework.load import load_framework
    from evaltoolkit.plans.reading import read_plan
    from evaltoolkit.reports.areas import read_areas
    from evaltoolkit.reports.board import Asked, write_board
    from evaltoolkit.submissions.respondents import read_respondents

    needs_ending(out, ".html")
    if plan and roster:
        raise EvaltoolkitError("Give either --plan or --roster: a plan names its own roster.")
    file = read_plan(plan) if plan else None
    asked = Asked(
        respondents=read_respondents(respondents, default_language=language) if respondents else None,
        roster=_roster(file, roster, action),
        period=period,
        deadline=_day(deadline),
        form=form,
        areas=read_areas(areas, code=area_code, layer=area_layer) if areas else None,
        simulated=simulated or bool(file and file.plan.data.simulated),
    )
    loaded = framework_of(file) if file and not framework else load_framework(framework or "livc-r")
    written = write_board(store, out, language=language, framework=loaded, asked=asked)
    open_console().print(f"Board: {written}", soft_wrap=True)


def _roster(file: PlanFile | None, path: Path | None, action: str) -> pd.DataFrame | None:
    """Return the rows of one action; None where no roster is named."""
    from evaltoolkit.designs.roster import read_roster

    if file is not None:
        path = file.locate(file.plan.data.roster) if file.plan.data.roster else None
        action = action or file.plan.treatment.action
    if path is None:
        return None
    rows = read_roster(path)
    actions = sorted(set(rows["action"]))
    if action and action not in actions:
        raise EvaltoolkitError(f'The roster has no action "{action}".{nearest(action, actions)}')
    if not action and len(actions) > 1:
        raise EvaltoolkitError(f"The roster names several actions; choose one with --action: {', '.join(actions)}.")
    return rows.loc[rows["action"] == action] if action else rows


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise EvaltoolkitError(f'"{text}" is not a day: write it as 2026-03-31.') from None
