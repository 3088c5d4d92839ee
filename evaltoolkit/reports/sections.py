"""One outcome's part of the report: figures, who was compared with whom, checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.evaluations.evaluation import Evaluation, OutcomeResult
from evaltoolkit.evaluations.specifications import vary_choices
from evaltoolkit.evaluations.verdict import better_direction
from evaltoolkit.framework.periods import Period
from evaltoolkit.framework.scales import decimals_for
from evaltoolkit.reports.answers import Answer, answer_of
from evaltoolkit.reports.fidelity import Fidelity, fidelity_of
from evaltoolkit.reports.grids import Grid, excluded_grid, group_grid
from evaltoolkit.reports.groups import LEAST_UNITS, group_label, groups_of
from evaltoolkit.reports.pictures import Measure, Picture, event_picture, paths_picture
from evaltoolkit.reports.pictures_design import calendar_picture, map_picture, response_picture, states_of
from evaltoolkit.reports.pictures_dose import dose_pictures
from evaltoolkit.reports.pictures_effects import choices_picture, sensitivity_picture
from evaltoolkit.reports.prose import Prose

_VERDICTS = {True: "pass", False: "fail", None: "info"}
# last part of the codes of checks that computed nothing
_NOTHING_DONE = ("none", "not_applicable", "not_possible", "not_testable", "unknown")


@dataclass(frozen=True)
class CheckRow:
    """One check: assumption, what we did, what we saw and cannot see, verdict in words and as a key of the style."""

    assumption: str
    did: str
    saw: str
    blind: str
    verdict: str
    key: str


@dataclass(frozen=True)
class Roll:
    """A heading with names under it."""

    heading: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Compared:
    """Who was compared with whom."""

    sentences: tuple[str, ...]
    groups: Grid
    treated: tuple[Roll, ...]
    excluded: Grid | None
    left_out: tuple[Roll, ...]


@dataclass(frozen=True)
class Section:
    """Everything the report says about one outcome."""

    anchor: str
    answer: Answer
    compared: Compared | None
    checks: tuple[CheckRow, ...]
    event: Picture | None = None
    doses: tuple[Picture, ...] = ()
    paths: Picture | None = None
    calendar: Picture | None = None
    map: Picture | None = None
    same_map: str = ""
    response: Picture | None = None
    fidelity: Fidelity | None = None
    sensitivity: Picture | None = None
    choices: Picture | None = None

    @property
    def response_anchor(self) -> str:
        """Where the answers of this outcome stand."""
        return f"{self.anchor}-answers"

    @property
    def detailed(self) -> bool:
        """Whether there is an estimate, and so a part of the report of its own."""
        return self.compared is not None


def section_of(result: OutcomeResult, evaluation: Evaluation, prose: Prose) -> Section:
    """Return one outcome's part of the report."""
    answer = answer_of(result, evaluation, prose)
    anchor = anchor_of(result.outcome.indicator)
    checks = tuple(_with_numbers(check_row(check, prose), check, result, prose) for check in result.checks)
    if result.design is None:
        return Section(anchor, answer, None, checks)
    measure = measure_of(result, evaluation.plan.estimation.level, answer.name)
    design, periods = result.design, evaluation.panel.periods
    robust = next((check for check in result.checks if check.name == "sensitivity"), None)
    return Section(
        anchor=anchor,
        answer=answer,
        compared=compared_in(design, periods, prose),
        checks=checks,
        event=event_picture(result.event, measure, prose) if result.event is not None else None,
        doses=dose_pictures(result, measure, prose),
        paths=paths_picture(design, periods, measure, prose),
        calendar=calendar_picture(design, periods, measure, prose),
        map=map_picture(design, evaluation.panel, measure, prose),
        response=response_picture(coverage_of(evaluation, result.outcome.indicator), measure, prose),
        fidelity=fidelity_of(result.checks, prose),
        sensitivity=sensitivity_picture(robust, measure, prose) if robust else None,
        choices=choices_picture(vary_choices(result, evaluation.plan.estimation), measure, prose),
    )


def sections_of(evaluation: Evaluation, prose: Prose) -> list[Section]:
    """Return the parts of all outcomes; a map that stands there already is named instead of drawn again."""
    sections = list[Section]()
    seen: dict[str, str] = {}
    for result in evaluation.outcomes:
        section = section_of(result, evaluation, prose)
        places = states_of(result.design, evaluation.panel) if result.design is not None else {}
        key = repr(sorted(places.items()))
        if section.map is not None and key in seen:
            section = replace(section, map=None, same_map=prose.say("report.map.same", name=seen[key]))
        elif section.map is not None:
            seen[key] = section.answer.name
        sections.append(section)
    return sections


def measure_of(result: OutcomeResult, level: float, name: str) -> Measure:
    """Return how one outcome is written on a page."""
    return Measure(
        anchor=anchor_of(result.outcome.indicator),
        name=name,
        scale=result.scale,
        coloured=better_direction(result.outcome, result.indicator) != "ambiguous",
        level=level,
        indicator=result.indicator,
    )


def coverage_of(evaluation: Evaluation, indicator: str) -> pd.DataFrame:
    """Return who answered for one outcome, arms by periods; empty where nothing was counted."""
    table = evaluation.coverage
    return table if table.empty else table[table["outcome"].astype(str) == indicator]


def anchor_of(indicator: str) -> str:
    """Return an id for the page: letters, digits and hyphens, beginning with a letter."""
    return "outcome-" + "".join(c if c.isascii() and c.isalnum() else "-" for c in indicator).lower()


def check_row(check: Check, prose: Prose) -> CheckRow:
    """Return a check as a row: assumption, what we did, what we saw."""
    key = _VERDICTS[check.verdict]
    done = not check.code.endswith(_NOTHING_DONE)
    return CheckRow(
        assumption=prose.say(check.assumption),
        did=prose.say(check.did or f"check.{check.name}.did") if done else "–",
        saw=prose.say(check.code, check.facts),
        blind=prose.say(f"check.{check.name}.blind") if done else "",
        verdict=prose.say(f"report.check.{key}"),
        key=key,
    )


def _with_numbers(row: CheckRow, check: Check, result: OutcomeResult, prose: Prose) -> CheckRow:
    """Add the two estimates of a check that estimates again on part of the data, where they tell nobody's value."""
    table = check.table
    if list(table.get("data", ())) != ["all", "reduced"] or not table["estimate"].notna().all():
        return row
    sensitive = result.indicator is not None and result.indicator.sensitivity != "none"
    # the difference of two averages is the average of those left out
    if sensitive and int(table["left_out"].iloc[1]) < LEAST_UNITS:
        return row
    scale = result.scale
    whole, rest = (scale.factor * float(value) for value in table["estimate"])
    digits = decimals_for(whole, rest, figures=3, most=scale.decimals)
    numbers = prose.say(
        "report.check.without",
        all=prose.number(whole, digits, signed=True),
        without=prose.number(rest, digits, signed=True),
        unit=prose.text(scale.difference),
    )
    return replace(row, saw=f"{row.saw} {numbers}")


def compared_in(design: Design, periods: Sequence[Period], prose: Prose) -> Compared:
    """Return who was compared with whom, with the names of treated units and of units left out."""
    groups = [(group_label(group, design, periods, prose), group) for group in groups_of(design)]
    sentences = [prose.say(f"report.compared.{design.comparison}")]
    if design.covariate_names:
        names = ";".join(prose.covariate(name) for name in design.covariate_names)
        sentences.append(prose.say("report.compared.covariates", names=f"@list:{names}"))
    if len(set(design.clusters)) < len(design.units):
        sentences.append(prose.say("report.compared.clusters", clusters=len(set(design.clusters))))
    return Compared(
        sentences=tuple(sentences),
        groups=group_grid(prose, groups),
        treated=tuple(
            Roll(label, _names(group.units, prose)) for label, group in groups if group.cohort <= design.times[-1]
        ),
        excluded=excluded_grid(prose, design),
        left_out=_left_out(design, prose),
    )


def _names(units: Sequence[str], prose: Prose) -> tuple[str, ...]:
    return tuple(sorted(prose.place(unit) for unit in units))


def _left_out(design: Design, prose: Prose) -> tuple[Roll, ...]:
    reasons = design.excluded["reason"].astype(str)
    units = design.excluded["unit"].astype(str)
    return tuple(
        Roll(prose.say(reason), _names(list(units[reasons == reason]), prose)) for reason in sorted(set(reasons))
    )
