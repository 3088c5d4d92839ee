"""One outcome's part of the report: figures, who was compared with whom, checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Design
from evaltoolkit.evaluations.evaluation import Evaluation, OutcomeResult
from evaltoolkit.evaluations.verdict import better_direction
from evaltoolkit.framework.periods import Period
from evaltoolkit.framework.scales import scale_of
from evaltoolkit.reports.answers import Answer, answer_of
from evaltoolkit.reports.grids import Grid, excluded_grid, group_grid
from evaltoolkit.reports.groups import group_label, groups_of
from evaltoolkit.reports.pictures import Measure, Picture, event_picture, paths_picture
from evaltoolkit.reports.prose import Prose

_VERDICTS = {True: "pass", False: "fail", None: "info"}
# last part of the codes of checks that computed nothing
_NOTHING_DONE = ("none", "not_applicable", "not_possible", "not_testable", "unknown")


@dataclass(frozen=True)
class CheckRow:
    """One check: assumption, what we did, what we saw, verdict in words and as a key for the style sheet."""

    assumption: str
    did: str
    saw: str
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
    event: Picture | None
    paths: Picture | None
    compared: Compared | None
    checks: tuple[CheckRow, ...]

    @property
    def detailed(self) -> bool:
        """Whether there is an estimate, and so a part of the report of its own."""
        return self.compared is not None


def section_of(result: OutcomeResult, evaluation: Evaluation, prose: Prose) -> Section:
    """Return one outcome's part of the report."""
    answer = answer_of(result, evaluation, prose)
    anchor = anchor_of(result.outcome.indicator)
    measure = Measure(
        anchor=anchor,
        name=answer.name,
        scale=scale_of(result.indicator, result.outcome.unit),
        coloured=better_direction(result.outcome, result.indicator) != "ambiguous",
        level=evaluation.plan.estimation.level,
        indicator=result.indicator,
    )
    design, periods = result.design, evaluation.panel.periods
    return Section(
        anchor=anchor,
        answer=answer,
        event=event_picture(result.event, measure, prose) if result.event is not None else None,
        paths=paths_picture(design, periods, measure, prose) if design is not None else None,
        compared=compared_in(design, periods, prose) if design is not None else None,
        checks=tuple(check_row(check, prose) for check in result.checks),
    )


def anchor_of(indicator: str) -> str:
    """Return an id for the page: letters, digits and hyphens, beginning with a letter."""
    return "outcome-" + "".join(c if c.isascii() and c.isalnum() else "-" for c in indicator).lower()


def check_row(check: Check, prose: Prose) -> CheckRow:
    """Return a check as a row: assumption, what we did, what we saw."""
    key = _VERDICTS[check.verdict]
    return CheckRow(
        assumption=prose.say(check.assumption),
        did="–" if check.code.endswith(_NOTHING_DONE) else prose.say(f"check.{check.name}.did"),
        saw=prose.say(check.code, check.facts),
        verdict=prose.say(f"report.check.{key}"),
        key=key,
    )


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
