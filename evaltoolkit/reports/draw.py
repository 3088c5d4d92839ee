"""One function for every figure: those of the report, from a result, for a notebook or for axes of one's own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.evaluations.causal import GraphAnswer
from evaltoolkit.evaluations.evaluation import Evaluation, OutcomeResult
from evaltoolkit.findings import EvaltoolkitError, nearest
from evaltoolkit.framework.indicator import Framework, Indicator
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.scales import scale_of
from evaltoolkit.i18n import words
from evaltoolkit.panels.panel import Panel
from evaltoolkit.plans.plan import Plan
from evaltoolkit.plans.power import Power
from evaltoolkit.reports import draw_kinds as kinds
from evaltoolkit.reports.draw_kinds import Subject
from evaltoolkit.reports.pages import render_part
from evaltoolkit.reports.pictures import Measure, Picture
from evaltoolkit.reports.power_page import StudyPower, study_scale
from evaltoolkit.reports.prose import Prose, names_of, own_names, prose_of
from evaltoolkit.reports.sections import anchor_of, measure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Kind:
    """A kind of figure: what makes it, from which results."""

    picture: Callable[[Subject], Picture | None]
    results: tuple[type, ...]


_OF_DESIGN: tuple[type, ...] = (Design, OutcomeResult, Evaluation)
_OF_EFFECTS: tuple[type, ...] = (Effects, OutcomeResult, Evaluation)
KINDS = {
    "event_study": Kind(kinds.event_study, _OF_EFFECTS),
    "paths": Kind(kinds.paths, _OF_DESIGN),
    "calendar": Kind(kinds.calendar, _OF_DESIGN),
    "map": Kind(kinds.places, _OF_DESIGN),
    "response": Kind(kinds.response, _OF_DESIGN),
    "sensitivity": Kind(kinds.sensitivity, (Check, OutcomeResult, Evaluation)),
    "specifications": Kind(kinds.specifications, (Evaluation,)),
    "dose": Kind(kinds.dose, _OF_EFFECTS),
    "dose_slope": Kind(kinds.dose_slope, _OF_EFFECTS),
    "forest": Kind(kinds.forest, (Evaluation,)),
    "power": Kind(kinds.power, (Power, StudyPower)),
    "theory": Kind(kinds.theory, (Plan, Evaluation, GraphAnswer)),
}


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


def draw_figure(
    kind: str,
    result: object,
    *,
    outcome: str = "",
    unit: str = "",
    panel: Panel | None = None,
    framework: Framework | None = None,
    level: float | None = None,
    language: str = "en",
    simulated: bool | None = None,
    axes: Axes | None = None,
) -> Figure | Axes:
    """Draw a figure of the report from a result.

    ============== ============================================= ================================
    kind           shows                                         drawn from
    ============== ============================================= ================================
    event_study    effects by time since the start, with both    Effects, OutcomeResult,
                   intervals                                     Evaluation
    paths          averages by starting group, as measured       Design, OutcomeResult, Evaluation
    calendar       who had the action when, without names        Design, OutcomeResult, Evaluation
    map            places with the action, their neighbours,     Evaluation; the others with
                   others, left out                              ``panel``
    response       who answered, by arm and period               Design, OutcomeResult, Evaluation
    sensitivity    robust intervals and the breakdown value      Check, OutcomeResult, Evaluation
    specifications the estimate under other choices              Evaluation
    dose           effect by dose, with its band                 Effects, OutcomeResult, Evaluation
    dose_slope     what more of the dose does                    Effects, OutcomeResult, Evaluation
    forest         all outcomes, in multiples of what matters    Evaluation
    power          chance of finding an effect, by its size      Power, StudyPower
    theory         theory of change; causal graph (Graphviz)     Plan, Evaluation; GraphAnswer
    ============== ============================================= ================================

    Parameters
    ----------
    kind : str
        One of the table.
    result : object
        One of those that the table names.
    outcome : str, optional
        Id of an indicator, or the name of a measure of your own. An Evaluation shows its first estimated outcome; a
        Design and Effects know the name of theirs.
    unit : str, optional
        Unit of a measure of your own.
    panel : Panel, optional
        Names the periods and places of a Design or OutcomeResult.
    framework : Framework, optional
        The packaged one by default.
    level : float, optional
        Of intervals and bands; the plan's for an Evaluation, else 0.95.
    language : {"nl", "fr", "de", "en"}
    simulated : bool, optional
        Whether the data are simulated; the caption then says so. An Evaluation knows.
    axes : matplotlib Axes, optional
        To draw into; the caption and the table are then yours to give.

    Returns
    -------
    Figure or Axes
        A figure that a notebook shows; with ``axes`` those axes.

    Raises
    ------
    EvaltoolkitError
        Unknown kind (with the nearest), a result that this kind is not drawn from, or nothing that may be drawn: no
        effect defined, no group large enough to be shown.
    """
    if kind not in KINDS:
        raise EvaltoolkitError(f'There is no figure "{kind}"; choose from {", ".join(KINDS)}.{nearest(kind, KINDS)}')
    wanted = KINDS[kind]
    if not isinstance(result, wanted.results):
        names = ", ".join(one.__name__ for one in wanted.results)
        raise EvaltoolkitError(f'The figure "{kind}" is drawn from {names}; this is a {type(result).__name__}.')
    subject = _subject(result, outcome, unit, panel, framework or load_framework(), level, language)
    picture = wanted.picture(subject)
    if picture is None:
        raise EvaltoolkitError(
            f"Nothing can be drawn for {subject.measure.name}: no effect is defined, no group is large enough "
            "to be shown, or the result does not hold what this figure shows."
        )
    if axes is not None:
        if picture.drawing is None:
            raise EvaltoolkitError(f'The figure "{kind}" is drawn by Graphviz and cannot be drawn into axes.')
        return picture.drawing.on(axes)
    if simulated is None:
        simulated = subject.evaluation is not None and subject.evaluation.plan.data.simulated
    return Figure(_own_ids(picture, subject.measure.anchor), subject.prose, simulated=simulated)


def _own_ids(picture: Picture, anchor: str) -> Picture:
    """Two figures of one outcome may stand on one page: ids of an SVG are the page's, so each gets its own."""
    digest = hashlib.sha256(picture.svg.encode()).hexdigest()[:8]
    return replace(picture, svg=picture.svg.replace(anchor, f"{anchor}-{digest}")) if anchor else picture


def _subject(
    result: object,
    outcome: str,
    unit: str,
    panel: Panel | None,
    framework: Framework,
    level: float | None,
    language: str,
) -> Subject:
    if isinstance(result, Evaluation):
        return _of_evaluation(result, outcome, level, language)
    if isinstance(result, OutcomeResult):
        own = {f"indicator:{result.outcome.indicator}": result.outcome.name} if result.outcome.name else {}
        prose = Prose(words(language), names_of((result.indicator,), language) | own)
        return _of_outcome(result, panel, level or 0.95, prose)
    if isinstance(result, Plan):
        prose = Prose(words(language), names_of(framework.indicators, language) | own_names(result, language))
        return Subject(prose, _measure("theory", None, prose, unit, 0.95), plan=result)
    name = outcome or _name_in(result)
    indicator = framework.by_id.get(name)
    prose = Prose(words(language), names_of((indicator,), language))
    measure = _measure(name, indicator, prose, unit, level or 0.95)
    if isinstance(result, StudyPower):
        return Subject(prose, replace(measure, scale=study_scale(result.study)), power=result.power)
    return Subject(
        prose,
        measure,
        panel=panel,
        design=result if isinstance(result, Design) else None,
        effects=result if isinstance(result, Effects) else None,
        check=result if isinstance(result, Check) else None,
        power=result if isinstance(result, Power) else None,
        graph=result if isinstance(result, GraphAnswer) else None,
    )


def _of_evaluation(evaluation: Evaluation, outcome: str, level: float | None, language: str) -> Subject:
    known = {one.outcome.indicator: one for one in evaluation.outcomes}
    if outcome and outcome not in known:
        raise EvaltoolkitError(
            f'The evaluation has no outcome "{outcome}"; it has {", ".join(known)}.{nearest(outcome, known)}'
        )
    estimated = [one for one in evaluation.outcomes if one.overall is not None]
    result = known[outcome] if outcome else (estimated or list(evaluation.outcomes))[0]
    prose = prose_of(evaluation, language)
    subject = _of_outcome(result, evaluation.panel, level or evaluation.plan.estimation.level, prose)
    return replace(subject, evaluation=evaluation, plan=evaluation.plan)


def _of_outcome(result: OutcomeResult, panel: Panel | None, level: float, prose: Prose) -> Subject:
    return Subject(
        prose,
        measure_of(result, level, prose.name(result.outcome.indicator)),
        result=result,
        panel=panel,
        design=result.design,
        effects=result.effects,
        check=next((check for check in result.checks if check.name == "sensitivity"), None),
    )


def _name_in(result: object) -> str:
    if isinstance(result, Design):
        return result.outcome_name
    return str(result.info.get("outcome", "")) if isinstance(result, Effects) else ""


def _measure(name: str, indicator: Indicator | None, prose: Prose, unit: str, level: float) -> Measure:
    # without a plan only the indicator says which way is better, and a recorded figure has no better way
    coloured = indicator is not None and indicator.direction in ("up", "down") and indicator.reporting == "none"
    return Measure(
        anchor=anchor_of(name or "figure"),
        name=prose.name(name) or prose.say("report.outcome.unnamed"),
        scale=scale_of(indicator, unit),
        coloured=coloured,
        level=level,
        indicator=indicator,
    )
