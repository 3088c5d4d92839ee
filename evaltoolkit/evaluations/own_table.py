"""An evaluator's own table: read for the periods of the plan, and every column that the plan names looked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from evaltoolkit.designs.build import GROUPINGS
from evaltoolkit.findings import FaultsError, nearest
from evaltoolkit.framework.periods import Period
from evaltoolkit.framework.scales import SHARE
from evaltoolkit.panels.panel import Panel
from evaltoolkit.panels.read import read_panel
from evaltoolkit.plans.plan import Outcome, Plan, measure_in
from evaltoolkit.plans.reading import PlanFile


def read_own_table(file: PlanFile) -> Panel:
    """Read the table of a plan, the periods that count; all of them where the plan names none.

    Raises
    ------
    FaultsError
        The table has faults, or holds nothing for a period that the plan names.
    """
    data = file.plan.data
    # codes are held against the register only where the plan says that its units are municipalities
    kind = file.plan.unit if "unit" in file.plan.model_fields_set else "unit"
    panel = read_panel(file.locate(data.panel), unit=data.panel_unit, period=data.panel_period, unit_kind=kind)
    if not file.plan.periods:
        return panel
    wanted = [Period.parse(label).label for label in file.plan.periods]
    held = [period.label for period in panel.periods]
    if absent := [label for label in wanted if label not in held]:
        raise FaultsError(
            [f'periods: the table holds nothing for "{label}".{nearest(label, held)}' for label in absent],
            what="The data of the plan",
        )
    rows = panel.data.index.get_level_values(1).isin(wanted)
    kept = tuple(period for period in panel.periods if period.label in wanted)
    return replace(panel, data=panel.data[rows], periods=kept)


def column_faults(plan: Plan, panel: Panel) -> list[str]:
    """Return every column that a plan names and its own table has not, and values that are not what the plan says."""
    fixed = [str(name) for name in panel.units.columns]
    known = list(dict.fromkeys([*map(str, panel.data.columns), *fixed]))
    listed = f" Columns there: {', '.join(known)}."
    faults = [
        f'{place}: the table has no column "{name}".{nearest(name, known) or listed}'
        for place, name in _named(plan)
        if name and name not in known
    ]
    cluster, beside = plan.estimation.cluster, GROUPINGS if plan.data.membership else ()
    if cluster and cluster not in (*fixed, panel.unit_kind, "unit", "arrondissement", *beside):
        faults.append(
            f'[estimation] cluster: the table has no column "{cluster}" that stays the same for a unit.'
            f"{nearest(cluster, fixed)}"
        )
    return [*faults, *_start_faults(plan, panel), *_share_faults(plan, panel)]


def _named(plan: Plan) -> Iterator[tuple[str, str]]:
    """Return the places of a plan that name a column, with the name."""
    data, settings = plan.data, plan.estimation
    yield "[data] treated_from", data.treated_from
    yield "[data] treatment", data.treatment
    yield from (("[treatment] concurrent", name) for name in plan.treatment.concurrent)
    yield from (("[estimation] covariates", measure_in(name)) for name in settings.covariates)
    yield "[estimation] sizes", measure_in(settings.sizes)
    yield "[estimation] weights", measure_in(settings.weights)
    if plan.dose is not None and plan.dose.measure != "hours":
        yield "[dose] measure", plan.dose.measure
    for number, outcome in enumerate(plan.outcomes, 1):
        yield from ((f"[[outcomes]] {number} {field}", name) for field, name in _beside(outcome))


def _beside(outcome: Outcome) -> Iterator[tuple[str, str]]:
    for field in ("exposure", "detection", "control_category", "respondents", "outcome_se"):
        yield field, getattr(outcome, field)
    yield from (("composition", name) for name in outcome.composition)


def _start_faults(plan: Plan, panel: Panel) -> list[str]:
    """A word among the starts that is not the plan's word for never."""
    name, never = plan.data.treated_from, plan.data.never
    if name not in panel.units.columns or pd.api.types.is_numeric_dtype(panel.units[name]):
        return []
    words = sorted({str(value) for value in panel.units[name].dropna()} - {never})
    return [
        f'[data] never: column "{name}" holds "{word}", which is no period and not the word for never, "{never}". '
        f'If it means never, write never = "{word}"; if it is a fault, mend the table.'
        for word in words
        if not any(sign.isdigit() for sign in word)
    ]


def _share_faults(plan: Plan, panel: Panel) -> list[str]:
    """Values that are no shares where the plan says they are."""
    faults = []
    for number, outcome in enumerate(plan.outcomes, 1):
        if outcome.unit != SHARE or outcome.indicator not in panel.data.columns:
            continue
        values = panel.data[outcome.indicator].to_numpy(dtype=float)
        outside = values[np.isfinite(values) & ((values < 0) | (values > 1))]
        if outside.size:
            faults.append(
                f'[[outcomes]] {number} ({outcome.indicator}) unit: "{SHARE}" means values from 0 to 1, and the table '
                f'holds {outside[0]:.10g}. Of percentages from 0 to 100 say unit = "%".'
            )
    return faults
