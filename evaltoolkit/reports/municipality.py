"""One respondent's own values beside an anonymous band of similar ones: never a rank, never a name of others."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from evaltoolkit.findings import EvaltoolkitError, Fact, nearest
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.values import UNIT_KINDS
from evaltoolkit.i18n import words
from evaltoolkit.panels.build import build_panel
from evaltoolkit.panels.panel import Panel
from evaltoolkit.reports.board_state import known_files, load_arrived
from evaltoolkit.reports.municipality_cards import KEPT_OUT, Measured, card_of, measured_in
from evaltoolkit.reports.pages import render_page
from evaltoolkit.reports.prose import Prose, names_of
from evaltoolkit.reports.similar import INHABITANTS, LEAST_OTHERS, Group, Likeness, likeness_of
from evaltoolkit.territory.municipalities import municipality_name

# what fits on two sheets of paper
MOST_CARDS = 20
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True)
class Wanted:
    """What the pages are told besides the store.

    Attributes
    ----------
    units : codes of the respondents to write a page for; all that sent something where none is named
    indicators : what stands on the page, in this order; else what was answered, in the order of the form, at most
        twenty
    similar : table of :func:`~evaltoolkit.reports.similar.read_groups`, or None: region and number of inhabitants
    simulated : whether the data are simulated; the page then says so
    """

    units: Sequence[str] = ()
    indicators: Sequence[str] = ()
    similar: pd.DataFrame | None = None
    simulated: bool = False


def write_municipality_pages(
    store: str | Path,
    out_dir: str | Path,
    *,
    language: str = "",
    framework: Framework | None = None,
    wanted: Wanted | None = None,
) -> list[Path]:
    """Write a page for each respondent: own values, and beside them where the middle half of similar ones lies.

    A page holds one respondent's own values: it goes to that respondent, and to nobody else without its consent. It
    names no other respondent and gives no rank. There is no band where fewer than ten others have a value, where
    nearly all say the same, or of an indicator that may not be shown below the region.

    Parameters
    ----------
    store : folder of the store
    out_dir : folder; made where it does not exist
    language : {"nl", "fr", "de", "en"} or ""
        Empty for that of each respondent's form.
    framework : the packaged one by default
    wanted : Wanted, optional
        Which respondents and indicators, who is similar.

    Returns
    -------
    list of Path
        ``municipality_<code>_<language>.html`` or ``livc_r_<code>_<language>.html``: files that load nothing, the
        same bytes for the same store.

    Raises
    ------
    EvaltoolkitError
        There is no store, a language that is not offered, or a respondent or indicator that is not there.
    """
    framework, wanted = framework or load_framework(), wanted or Wanted()
    if language:
        words(language)
    _check_indicators(wanted.indicators, framework)
    asked = _choose(_kinds(store, framework, wanted), wanted.units)
    folder = Path(out_dir)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for kind, unit in asked:
        spoken = language or kind.languages.get(unit, "nl")
        path = folder / f"{kind.name}_{_UNSAFE.sub('-', unit)}_{spoken}.html"
        text = render_municipality(kind, unit, spoken, framework, simulated=wanted.simulated)
        path.write_text(text, encoding="utf-8", newline="\n")
        written.append(path)
    return written


@dataclass(frozen=True)
class Kind:
    """Everything that respondents of one kind sent.

    Attributes
    ----------
    name : ``municipality`` or ``livc_r``
    likeness : who is like whom
    languages : of the last form of each respondent
    measured : what may stand on a page, in order
    kept_out : number of indicators that may not be shown below the region
    most : how many fit on a page
    """

    name: str
    likeness: Likeness
    languages: Mapping[str, str]
    measured: tuple[Measured, ...]
    kept_out: int
    most: int


def _kinds(store: str | Path, framework: Framework, wanted: Wanted) -> list[Kind]:
    arrived = load_arrived(store)
    files = known_files(arrived.files, {})
    files = files.loc[(files["state"] != "refused") & ~files["replaced"]]
    found = []
    for name in UNIT_KINDS:
        own = files.loc[files["unit_kind"] == name]
        rows = arrived.values.loc[(arrived.values["unit_kind"] == name) & arrived.values["unit"].isin(set(own["unit"]))]
        if rows["value"].notna().any():
            found.append(_kind(build_panel(rows, framework, unit=name), own, framework, wanted))
    return found


def _kind(panel: Panel, files: pd.DataFrame, framework: Framework, wanted: Wanted) -> Kind:
    members, languages = (
        {str(unit): str(text) for unit, text in zip(files["unit"], files[column], strict=True)}
        for column in ("members", "language")
    )
    known = panel.units["members"].where(panel.units["members"] != "", panel.units.index.map(members))
    panel = replace(panel, units=panel.units.assign(members=known.fillna("")))
    chosen = wanted.indicators or [one.id for one in framework.indicators if one.id != INHABITANTS]
    held = [framework.by_id[name] for name in chosen if name in panel.measures]
    return Kind(
        name=panel.unit_kind,
        likeness=likeness_of(panel, wanted.similar),
        languages=languages,
        measured=tuple(measured_in(panel, one) for one in held if one.sensitivity != KEPT_OUT),
        kept_out=sum(one.sensitivity == KEPT_OUT for one in held),
        most=len(held) if wanted.indicators else MOST_CARDS,
    )


def _choose(kinds: Sequence[Kind], wanted: Sequence[str]) -> list[tuple[Kind, str]]:
    """Return the respondents to write a page for, or say that one of those asked for sent nothing."""
    everyone = [(kind, unit) for kind in kinds for unit in kind.likeness.units]
    known = {unit for _, unit in everyone}
    if absent := [unit for unit in wanted if unit not in known]:
        raise EvaltoolkitError(
            f'The store holds no number of "{absent[0]}": give the code of a respondent that sent a form.'
            f"{nearest(absent[0], known)}"
        )
    return [(kind, unit) for kind, unit in everyone if not wanted or unit in wanted]


def _check_indicators(wanted: Sequence[str], framework: Framework) -> None:
    if unknown := [name for name in wanted if name not in framework.by_id]:
        raise EvaltoolkitError(
            f'"{unknown[0]}" is no indicator of {framework.name}.{nearest(unknown[0], framework.by_id)}'
        )


def render_municipality(kind: Kind, unit: str, language: str, framework: Framework, *, simulated: bool) -> str:
    """Return one respondent's page as HTML."""
    prose = Prose(words(language), names_of(framework.indicators, language))
    groups = kind.likeness.groups_of(unit)
    found = (card_of(measured, unit, groups, prose) for measured in kind.measured)
    everything = [card for card in found if card is not None]
    cards = everything[: kind.most]
    used = {card.group for card in cards}
    return render_page(
        "municipality.html.j2",
        prose,
        styles=("style.css", "municipality.css"),
        title=prose.say("municipality.title", name=_name(unit, kind.name, prose)),
        simulated=simulated,
        alike=[describe_group(group, prose) for group in groups if group.kind in used],
        cards=cards,
        banded=bool(used - {""}),
        left=len(everything) - len(cards),
        kept_out=kind.kept_out,
        others=LEAST_OTHERS,
    )


def describe_group(group: Group, prose: Prose) -> str:
    """Say which units are similar, with their number."""
    facts: dict[str, Fact] = {"count": len(group.units)}
    if group.kind == "declared":
        return prose.say("municipality.similar.declared", facts, group=str(group.facts["group"]))
    facts["region"] = prose.say(f"municipality.region.{group.facts['region']}")
    if group.kind == "region":
        return prose.say("municipality.similar.region", facts)
    low, high = float(group.facts["low"]), float(group.facts["high"])
    size = "largest" if math.isinf(high) else "smallest" if low == 0 else "between"
    facts |= {name: int(value) for name, value in (("low", low), ("high", high)) if math.isfinite(value)}
    return prose.say(f"municipality.similar.{size}", facts)


def _name(unit: str, kind: str, prose: Prose) -> str:
    if kind == "municipality":
        return municipality_name(unit, prose.language)
    return prose.say("municipality.cell", unit=unit)
