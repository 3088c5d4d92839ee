"""What makes each kind of figure from what a result holds; None where it does not hold it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.evaluations.causal import GraphAnswer
from evaltoolkit.evaluations.evaluation import Evaluation, OutcomeResult
from evaltoolkit.evaluations.specifications import vary_choices
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.panel import Panel
from evaltoolkit.plans.plan import Plan
from evaltoolkit.plans.power import Power
from evaltoolkit.reports.causal import graph_prose, say_decision
from evaltoolkit.reports.graph_figure import draw_graph
from evaltoolkit.reports.grids import Grid
from evaltoolkit.reports.groups import period_labels
from evaltoolkit.reports.pictures import Measure, Picture, event_picture, paths_picture
from evaltoolkit.reports.pictures_design import calendar_picture, map_picture, response_picture
from evaltoolkit.reports.pictures_dose import dose_picture, dose_pictures
from evaltoolkit.reports.pictures_effects import (
    choices_picture,
    forest_picture,
    sensitivity_picture,
)
from evaltoolkit.reports.power_page import power_picture
from evaltoolkit.reports.prose import Prose
from evaltoolkit.reports.sections import coverage_of
from evaltoolkit.reports.theory import theory_picture


@dataclass(frozen=True)
class Subject:
    """What a result holds that a figure may need; None for what it does not."""

    prose: Prose
    measure: Measure
    evaluation: Evaluation | None = None
    result: OutcomeResult | None = None
    design: Design | None = None
    panel: Panel | None = None
    effects: Effects | None = None
    check: Check | None = None
    power: Power | None = None
    plan: Plan | None = None
    graph: GraphAnswer | None = None

    @property
    def periods(self) -> tuple[Period, ...]:
        """Periods with their names; without a panel the times are their own names."""
        return self.panel.periods if self.panel is not None else ()


def event_study(subject: Subject) -> Picture | None:
    """Effects by time since the start."""
    event = subject.result.event if subject.result is not None else None
    if event is None and subject.effects is not None:
        event = subject.effects if subject.effects.kind == "event" else subject.effects.aggregate("event")
    return event_picture(event, subject.measure, subject.prose) if event is not None else None


def paths(subject: Subject) -> Picture | None:
    """Averages by group."""
    if subject.design is None:
        return None
    return paths_picture(subject.design, subject.periods, subject.measure, subject.prose)


def calendar(subject: Subject) -> Picture | None:
    """Who had the action when."""
    if subject.design is None:
        return None
    return calendar_picture(subject.design, subject.periods, subject.measure, subject.prose)


def places(subject: Subject) -> Picture | None:
    """Where they are."""
    if subject.design is None or subject.panel is None:
        return None
    return map_picture(subject.design, subject.panel, subject.measure, subject.prose)


def response(subject: Subject) -> Picture | None:
    """Who answered; of a design alone, the units that are in it."""
    if subject.evaluation is not None and subject.result is not None:
        table = coverage_of(subject.evaluation, subject.result.outcome.indicator)
        return response_picture(table, subject.measure, subject.prose)
    if subject.design is None:
        return None
    return response_picture(_answered(subject.design, subject.periods), subject.measure, subject.prose)


def _answered(design: Design, periods: tuple[Period, ...]) -> pd.DataFrame:
    seen = np.isfinite(design.outcome)
    arms = (("treated", design.treated), ("comparison", ~design.treated))
    rows = [
        {"arm": arm, "period": label, "n_units": int(rows.sum()), "n_answered": int(count)}
        for arm, rows in arms
        for label, count in zip(period_labels(design, periods), seen[rows].sum(axis=0), strict=True)
    ]
    return pd.DataFrame(rows)


def sensitivity(subject: Subject) -> Picture | None:
    """Robust intervals."""
    if subject.check is None:
        return None
    return sensitivity_picture(subject.check, subject.measure, subject.prose)


def specifications(subject: Subject) -> Picture | None:
    """The estimate under other choices."""
    if subject.result is None or subject.plan is None:
        return None
    table = vary_choices(subject.result, subject.plan.estimation)
    return choices_picture(table, subject.measure, subject.prose) if len(table) else None


def dose(subject: Subject) -> Picture | None:
    """Effect by dose."""
    return _dose(subject, 0, "level")


def dose_slope(subject: Subject) -> Picture | None:
    """What more of the dose does."""
    return _dose(subject, 1, "slope")


def _dose(subject: Subject, place: int, part: str) -> Picture | None:
    if subject.result is not None:
        pictures = dose_pictures(subject.result, subject.measure, subject.prose)
        return pictures[place] if len(pictures) > place else None
    if subject.effects is None:
        return None
    return dose_picture(subject.effects, subject.measure, subject.prose, part=part)


def forest(subject: Subject) -> Picture | None:
    """All outcomes."""
    return forest_picture(subject.evaluation.outcomes, subject.prose) if subject.evaluation is not None else None


def power(subject: Subject) -> Picture | None:
    """Chance of finding an effect."""
    if subject.power is None or subject.power.reason:
        return None
    return power_picture(subject.power, subject.measure.scale, subject.prose)


def theory(subject: Subject) -> Picture | None:
    """Theory of change, or a causal graph with it."""
    if subject.graph is not None:
        return _graph(subject.graph, subject.prose)
    return theory_picture(subject.plan, subject.prose) if subject.plan is not None else None


def _graph(answer: GraphAnswer, prose: Prose) -> Picture:
    names = graph_prose(answer, prose.language)
    rows = tuple((names.node(cause), names.node(effect)) for cause, effect in answer.graph.edges)
    heads = (prose.say("report.theory.cause"), prose.say("report.theory.effect"))
    caption = " ".join(say_decision(answer.identification, names))
    return Picture(draw_graph(answer, prose.language), caption, Grid(names.said.title, heads, rows, texts=2))
