"""A plan's estimates, held against those of independent packages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from evaltoolkit.audit.audit import AuditTable, audit_design
from evaltoolkit.designs.design import Design
from evaltoolkit.estimators.registry import fits, list_estimators
from evaltoolkit.evaluations.causal import refuse_covariates
from evaltoolkit.evaluations.inputs import Inputs, load_inputs
from evaltoolkit.findings import EvaltoolkitError, RefusedError, nearest
from evaltoolkit.plans.methods import method_of
from evaltoolkit.plans.plan import Estimation, Outcome
from evaltoolkit.plans.statistics import drop_short_cohorts


@dataclass(frozen=True)
class PlanAudit:
    """Audits by outcome, and why an outcome has none."""

    tables: dict[str, AuditTable]
    refused: dict[str, str]

    @property
    def sound(self) -> bool:
        """Whether every outcome that could be estimated was compared, and no difference is unexplained."""
        return bool(self.tables) and all(table.sound for table in self.tables.values())

    def write(self, path: Path) -> None:
        """Write every row as CSV, numbers with ten significant digits."""
        rows = [table.rows.assign(outcome=name) for name, table in self.tables.items()]
        every = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
        columns = ["outcome", *(column for column in every.columns if column != "outcome")] if rows else []
        every[columns].to_csv(path, index=False, float_format="%.10g", lineterminator="\n")


def audit_plan(path: str | Path | Inputs, outcome: str = "") -> PlanAudit:
    """Re-estimate the outcomes of a plan with every engine that is installed.

    The plan's own method runs with the plan's options, every other method that fits the design with its defaults.

    Parameters
    ----------
    path : path of the plan, or what :func:`evaltoolkit.evaluations.inputs.load_inputs` made of it
    outcome : str, optional
        Only this outcome.

    Raises
    ------
    EvaltoolkitError
        The plan or its data have faults; there is no such outcome.
    """
    inputs = path if isinstance(path, Inputs) else load_inputs(path)
    refuse_covariates(inputs.plan)
    tables, refused = {}, {}
    for one in _choose(inputs.plan.outcomes, outcome):
        try:
            design = drop_short_cohorts(inputs.design(one))
        except RefusedError as refusal:
            refused[one.indicator] = str(refusal)
            continue
        tables[one.indicator] = audit_design(design, _methods(design, inputs.plan.estimation, one))
    return PlanAudit(tables, refused)


def _choose(outcomes: tuple[Outcome, ...], wanted: str) -> list[Outcome]:
    known = [one.indicator for one in outcomes if not one.not_measurable]
    if wanted and wanted not in known:
        raise EvaltoolkitError(
            f'The plan has no measurable outcome "{wanted}". It has: {", ".join(known) or "none"}.'
            f"{nearest(wanted, known)}"
        )
    return [one for one in outcomes if one.indicator in ([wanted] if wanted else known)]


def _methods(design: Design, settings: Estimation, outcome: Outcome) -> dict[str, dict[str, Any]]:
    method, options = method_of(settings, outcome)
    others: dict[str, dict[str, Any]] = {
        name: {} for name, one in list_estimators().items() if fits(one, design) and name != method
    }
    return {method: options} | others
