"""What a plan names, read: framework, values, panel, roster and membership."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from evaltoolkit.designs.build import make_design
from evaltoolkit.designs.cohorts import cohort_from_roster, first_treated_time
from evaltoolkit.designs.design import Design
from evaltoolkit.designs.roster import read_roster
from evaltoolkit.estimators.dose_index import check_dose
from evaltoolkit.evaluations.own_table import column_faults, read_own_table
from evaltoolkit.findings import EvaltoolkitError, FaultsError, Finding, nearest
from evaltoolkit.framework.indicator import Framework
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.periods import Period
from evaltoolkit.framework.references import sources_of
from evaltoolkit.framework.values import value_table
from evaltoolkit.i18n import words
from evaltoolkit.panels.build import build_panel
from evaltoolkit.panels.panel import Panel
from evaltoolkit.plans.graph import graph_of
from evaltoolkit.plans.methods import method_of
from evaltoolkit.plans.plan import Outcome, Plan
from evaltoolkit.plans.reading import PlanFile, check_plan, read_plan
from evaltoolkit.submissions.long import read_long
from evaltoolkit.submissions.store import load_findings, load_store
from evaltoolkit.submissions.wide import read_wide
from evaltoolkit.territory.membership import read_membership
from evaltoolkit.territory.municipalities import VINTAGES, municipality_codes

# years that a start of treatment may fall in
_YEARS = range(2000, 2041)


@dataclass(frozen=True)
class Inputs:
    """Everything a plan names, read and joined."""

    file: PlanFile
    framework: Framework
    values: pd.DataFrame
    panel: Panel
    roster: pd.DataFrame | None
    membership: pd.DataFrame | None
    findings: tuple[Finding, ...]

    @property
    def plan(self) -> Plan:
        """The plan itself."""
        return self.file.plan

    def design(self, outcome: Outcome) -> Design:
        """Build the design of one outcome, as the plan says."""
        plan = self.plan
        method, _ = method_of(plan.estimation, outcome)
        dose = plan.dose if method == "dose" else None
        return make_design(
            self.panel,
            outcome.indicator,
            treated_from=self.roster if self.roster is not None else plan.data.treated_from,
            comparison=plan.estimation.comparison,
            covariates=plan.estimation.covariates,
            anticipation=plan.estimation.anticipation,
            cluster=plan.estimation.cluster or None,
            weights=plan.estimation.weights or None,
            exposure=outcome.exposure or None,
            action=plan.treatment.action if self.roster is not None else None,
            rule=plan.treatment.rule,
            never=plan.data.never,
            membership=self.membership,
            reversals=method == "switchers",
            treatment=plan.data.treatment or None,
            dose=dose.measure if dose else None,
            dose_rule=dose.rule if dose else "total",
            respondents=outcome.respondents or None,
            design_effect=outcome.design_effect,
            outcome_se=outcome.outcome_se or None,
        )

    def cohorts(self) -> dict[str, float]:
        """Return the first treated time of every unit of the panel; NaN where unknown."""
        return self._cohorts_over(self.panel)

    def starts(self) -> dict[str, float]:
        """Return the month in which treatment began, whatever has been collected so far."""
        months = tuple(Period.parse(f"{year}-{month:02d}") for year in _YEARS for month in range(1, 13))
        first = self._starts_in_roster() if self.plan.unit == "municipality" and self.membership is None else {}
        rule = self.plan.treatment.rule
        return {
            unit: first_treated_time(day, months, rule) if pd.notna(day) else math.inf for unit, day in first.items()
        } or self._cohorts_over(replace(self.panel, periods=months))

    def _starts_in_roster(self) -> dict[str, pd.Timestamp]:
        """Which municipalities stand in the panel depends on who has answered; the roster does not."""
        if self.roster is None:
            return {}
        rows = self.roster[(self.roster["action"] == self.plan.treatment.action) & (self.roster["state"] != "unknown")]
        return {str(unit): day for unit, day in rows.groupby("unit")["start"].min().items()}

    def _cohorts_over(self, panel: Panel) -> dict[str, float]:
        if self.roster is None:
            design = self.design(self.plan.outcomes[0])
            return dict(zip(design.units.tolist(), design.cohort.tolist(), strict=True))
        cohort, _, _ = cohort_from_roster(
            panel,
            self.roster,
            action=self.plan.treatment.action,
            rule=self.plan.treatment.rule,
            membership=self.membership,
        )
        return {str(unit): float(time) for unit, time in cohort.items()}


def load_inputs(path: str | Path, *, complete: bool = True, also: tuple[str, ...] = ()) -> Inputs:
    """Read a plan and everything it names.

    Parameters
    ----------
    path : path of the plan
    complete : bool
        Whether every outcome must have values; a plan is best locked before it does.
    also : tuple of str
        Further measures to read, besides the outcomes and covariates of the plan.

    Raises
    ------
    EvaltoolkitError
        With every fault of the first file that has any: what, where, what to do.
    """
    file = read_plan(path)
    plan = file.plan
    framework = framework_of(file)
    if faults := check_plan(plan, framework):
        raise FaultsError(faults, what=f'The plan "{file.path.name}"')
    refuse_dose(plan, framework)
    membership = read_membership(file.locate(plan.data.membership)) if plan.data.membership else None
    roster = read_roster(file.locate(plan.data.roster)) if plan.data.roster else None
    values, findings = (value_table(), ()) if plan.data.panel else _read_values(file, framework)
    panel = (
        read_own_table(file)
        if plan.data.panel
        else _build(plan, framework, values, membership, complete=complete, also=also)
    )
    faults = _outcome_faults(plan, panel) if complete else []
    if faults := [*faults, *(column_faults(plan, panel) if plan.data.panel else ())]:
        raise FaultsError(faults, what="The data of the plan")
    return Inputs(file, framework, values, panel, roster, membership, (*findings, *panel.findings))


def framework_of(file: PlanFile) -> Framework:
    """Return the framework that a plan names: a folder beside the plan, or a packaged framework."""
    folder = file.locate(file.plan.framework)
    return load_framework(str(folder) if folder.is_dir() else file.plan.framework)


def refuse_dose(plan: Plan, framework: Framework) -> None:
    """Refuse a dose that holds an outcome, or what lies between the action and the outcome by the plan's graph.

    Raises
    ------
    RefusedError
        With every part that must not be there, and why.
    """
    if plan.dose is None:
        return
    name, indicator = plan.dose.measure, framework.by_id.get(plan.dose.measure)
    parts = plan.dose.parts or (sources_of(indicator) if indicator else ()) or (name,)
    for outcome in plan.outcomes:
        if method_of(plan.estimation, outcome)[0] == "dose":
            check_dose(name, outcome.indicator, tuple(parts), graph=graph_of(plan))


def _read_values(file: PlanFile, framework: Framework) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    data = file.plan.data
    tables = [value_table()]
    findings: list[Finding] = []
    if data.store and file.locate(data.store).exists():
        tables.append(load_store(file.locate(data.store)))
        findings += load_findings(file.locate(data.store))
    for name in data.wide:
        tables.append(read_wide(file.locate(name), framework))
    known = {code for vintage in VINTAGES for code in municipality_codes(vintage)}
    for name in data.csv:
        table, found = read_long(file.locate(name), source=data.source or name, framework=framework, units=known)
        _refuse_columns(found)
        tables.append(table)
        findings += found
    return pd.concat(tables, ignore_index=True), tuple(findings)


def _refuse_columns(found: Sequence[Finding]) -> None:
    """Of a table with wrong columns no row can be read: nothing else is worth telling."""
    say = words("en").say
    faults = [
        f"{one.where}: {say(one.code, **one.facts)} {say(f'{one.code}.remedy', **one.facts)}"
        for one in found
        if one.code.startswith("column.")
    ]
    if faults:
        raise FaultsError(faults, what="The data of the plan")


def _build(
    plan: Plan,
    framework: Framework,
    values: pd.DataFrame,
    membership: pd.DataFrame | None,
    *,
    complete: bool,
    also: tuple[str, ...] = (),
) -> Panel:
    if plan.unit not in ("municipality", "livc_r"):
        raise EvaltoolkitError(
            f'The plan\'s unit is "{plan.unit}"; with forms and portal files it is "municipality" or "livc_r". '
            'An own unit needs an own table: give "panel" under [data].'
        )
    settings = plan.estimation
    of_outcomes = (name for one in plan.outcomes for name in _beside(one))
    dose = plan.dose.measure if plan.dose else ""
    beside = (*settings.covariates, settings.sizes, dose, *of_outcomes, *plan.treatment.concurrent, *also)
    wanted = {outcome.indicator for outcome in plan.outcomes} | {
        name for name in framework.by_id if any(name in part for part in beside)
    }
    wanted |= {source for name in wanted & set(framework.by_id) for source in sources_of(framework.by_id[name])}
    chosen = values[values["indicator"].isin(wanted)]
    if chosen.empty and not complete:
        return _empty_panel(plan, membership)
    if chosen.empty:
        held = ", ".join(sorted(set(values["indicator"]))) or "nothing yet"
        raise EvaltoolkitError(
            f"The data of the plan hold no value of {', '.join(sorted(wanted))}. They hold: {held}. "
            "Collect the forms first (evaltoolkit collect), or name the right files under [data]."
        )
    return build_panel(
        chosen,
        framework,
        unit=plan.unit,
        vintage=plan.vintage,
        membership=membership,
        periods=[Period.parse(label) for label in plan.periods] or None,
    )


def _beside(outcome: Outcome) -> tuple[str, ...]:
    """Measures that an outcome needs beside itself."""
    own = (outcome.exposure, outcome.detection, outcome.control_category, outcome.respondents, outcome.outcome_se)
    return (*own, *outcome.composition)


def _empty_panel(plan: Plan, membership: pd.DataFrame | None) -> Panel:
    """Return the panel of a plan for which nothing has been collected yet."""
    cells = sorted(set(membership["livc_r"])) if membership is not None and plan.unit == "livc_r" else []
    index = pd.MultiIndex.from_arrays([[], []], names=["unit", "period"])
    units = pd.DataFrame(index=pd.Index(cells, dtype="str", name="unit"))
    return Panel(data=pd.DataFrame(index=index), periods=(), unit_kind=plan.unit, units=units)


def _outcome_faults(plan: Plan, panel: Panel) -> list[str]:
    return [
        f"outcome {outcome.indicator}: no value was collected for it; the data hold {', '.join(panel.measures)}."
        f"{nearest(outcome.indicator, panel.measures)}"
        for outcome in plan.outcomes
        if outcome.indicator not in panel.measures and not outcome.not_measurable
    ]
