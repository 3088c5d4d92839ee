"""Figures and sentences for an evaluator's notebook: the same words and drawings as in the report."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import singledispatch

from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.evaluations.evaluation import Evaluation
from evaltoolkit.findings import EvaltoolkitError, Finding
from evaltoolkit.framework.indicator import Framework, Indicator
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.scales import scale_of
from evaltoolkit.i18n import words
from evaltoolkit.panels.panel import Panel
from evaltoolkit.plans.feasibility import Feasibility
from evaltoolkit.plans.power import Power
from evaltoolkit.reports.pages import render_part
from evaltoolkit.reports.pictures import Measure, Picture, event_picture, paths_picture
from evaltoolkit.reports.prose import Prose, names_of, say_answers, say_feasibility, say_finding
from evaltoolkit.reports.sections import anchor_of, check_row


class Figure:
    """A figure with its caption, its text for screen readers and the table behind it; notebooks show it as HTML.

    Attributes
    ----------
    picture : Picture
        ``svg``, ``caption`` and ``grid`` (the table).
    """

    def __init__(self, picture: Picture, prose: Prose, *, simulated: bool) -> None:
        self.picture = picture
        self._prose = prose
        self._simulated = simulated

    def _repr_html_(self) -> str:
        return render_part("figure.html.j2", self._prose, picture=self.picture, simulated=self._simulated)


def draw_event_study(
    effects: Effects,
    outcome: str,
    *,
    unit: str = "",
    framework: Framework | None = None,
    level: float = 0.95,
    language: str = "en",
    simulated: bool = False,
) -> Figure:
    """Draw effects by time since the start, with pointwise intervals and the simultaneous band.

    Parameters
    ----------
    effects : Effects
        Of kind ``group_time``, or already aggregated to ``event``.
    outcome : str
        Id of an indicator of the framework, or the name of a measure of your own.
    unit : str, optional
        Unit of a measure of your own.
    framework : Framework, optional
        The packaged one by default.
    level : float
        Of the intervals and of the band.
    language : {"nl", "fr", "de", "en"}
    simulated : bool
        Whether the data are simulated; the caption then says so.

    Returns
    -------
    Figure

    Raises
    ------
    EvaltoolkitError
        If no effect is defined, so that there is nothing to draw.
    """
    measure, prose = _measure(outcome, unit, framework, level, language)
    event = effects if effects.kind == "event" else effects.aggregate("event")
    return _figure(event_picture(event, measure, prose), measure, prose, simulated)


def draw_paths(
    design: Design,
    panel: Panel,
    outcome: str,
    *,
    unit: str = "",
    framework: Framework | None = None,
    language: str = "en",
    simulated: bool = False,
) -> Figure:
    """Draw the averages of each starting group over the periods, as measured; too small a group is not shown.

    Parameters
    ----------
    design : Design
    panel : Panel
        Names the periods of the design.
    outcome, unit, framework, language, simulated
        As in :func:`draw_event_study`.

    Returns
    -------
    Figure

    Raises
    ------
    EvaltoolkitError
        If no group is large enough to be shown.
    """
    measure, prose = _measure(outcome, unit, framework, 0.95, language)
    return _figure(paths_picture(design, panel.periods, measure, prose), measure, prose, simulated)


def _figure(picture: Picture | None, measure: Measure, prose: Prose, simulated: bool) -> Figure:
    if picture is None:
        raise EvaltoolkitError(
            f"Nothing can be drawn for {measure.name}: no effect is defined, or no group is large enough to be shown."
        )
    # two figures of one outcome may stand on one page: ids of an SVG are the page's, so each gets its own
    digest = hashlib.sha256(picture.svg.encode()).hexdigest()[:8]
    own = picture.svg.replace(measure.anchor, f"{measure.anchor}-{digest}")
    return Figure(replace(picture, svg=own), prose, simulated=simulated)


def _measure(
    outcome: str, unit: str, framework: Framework | None, level: float, language: str
) -> tuple[Measure, Prose]:
    indicator = (framework or load_framework()).by_id.get(outcome)
    prose = Prose(words(language), names_of((indicator,), language))
    measure = Measure(
        anchor=anchor_of(outcome),
        name=prose.name(outcome),
        scale=scale_of(indicator, unit),
        coloured=_has_better(indicator),
        level=level,
        indicator=indicator,
    )
    return measure, prose


def _has_better(indicator: Indicator | None) -> bool:
    return indicator is not None and indicator.direction in ("up", "down") and indicator.reporting == "none"


@singledispatch
def say(thing: object, language: str = "en") -> list[str]:
    """Say in words what a finding, a feasibility answer, a check or an evaluation holds.

    Parameters
    ----------
    thing : Finding, Feasibility, Power, Check or Evaluation
    language : {"nl", "fr", "de", "en"}

    Returns
    -------
    list of str
        A finding: what is wrong, what to do. A feasibility answer: the answer, then why and what to do instead.
        A power: the smallest effect that would be found, or why it is unknown.
        A check: the assumption, what was seen. An evaluation: the answer to each question with its certainty.

    Raises
    ------
    EvaltoolkitError
        If the thing is none of these, or the language is not offered.
    """
    raise EvaltoolkitError(
        f"There are no sentences for a {type(thing).__name__}; say() takes a Finding, a Feasibility, a Power, a Check "
        "or an Evaluation, one at a time."
    )


@say.register
def _(thing: Finding, language: str = "en") -> list[str]:
    return [sentence for sentence in say_finding(thing, language) if sentence]


@say.register
def _(thing: Feasibility, language: str = "en") -> list[str]:
    return say_feasibility(thing, language)


@say.register
def _(thing: Power, language: str = "en") -> list[str]:
    prose = Prose(words(language))
    if thing.reason:
        return [prose.say("report.feasibility.mde_unknown"), prose.say(thing.reason)]
    mde = prose.number(float(f"{thing.mde:.2g}"))
    return [prose.say("report.feasibility.mde", mde=mde, unit=prose.say("unit.number"))]


@say.register
def _(thing: Check, language: str = "en") -> list[str]:
    row = check_row(thing, Prose(words(language)))
    return [row.assumption, f"{row.verdict}: {row.saw}"]


@say.register
def _(thing: Evaluation, language: str = "en") -> list[str]:
    return say_answers(thing, language)
