"""What panel, plan and definition say about an outcome, as numbers for the rules of feasibility."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.framework.indicator import Indicator
from evaltoolkit.graphs.overlap import measure_overlap
from evaltoolkit.panels.panel import Panel
from evaltoolkit.plans.plan import Outcome, Plan
from evaltoolkit.plans.statistics import (
    break_share,
    cluster_statistics,
    events_per_year,
    observed_cells,
    response_statistics,
    untreated_cells,
)

Bools = npt.NDArray[np.bool_]

# findings of the panel about values of cells that a panel of municipalities cannot hold
_UNPLACED = ("panel.livc_r_divided", "panel.livc_r_needs_membership")


def outcome_statistics(
    design: Design,
    panel: Panel,
    outcome: Outcome,
    plan: Plan,
    *,
    indicator: Indicator | None,
    cohorts: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Return every statistic of the rules but those about power; NaN where it cannot be known."""
    breaks = np.isin(np.arange(len(design.times)), break_periods(design, panel, outcome))
    return {
        **cluster_statistics(design),
        **_response(design, panel, outcome, cohorts),
        **_recording(indicator, outcome, panel),
        "outside": _outside(design),
        "outcome_moved": float(plan.treatment.started_because_outcome_moved),
        "spillover_everywhere": float(plan.treatment.spillover == "everywhere"),
        "break_share": break_share(design, breaks),
        "break_periods": float(breaks.sum()),
        "events_per_unit_year": _events(design, panel, indicator, outcome),
    }


def _outside(design: Design) -> float:
    """Per cent of the treated that no comparison unit resembles on the covariates; none where nothing is held equal."""
    treated = design.treated
    others = ~treated
    if not design.covariate_names or not treated.any() or not others.any():
        return 0.0
    return round(100 * measure_overlap(treated, design.covariates, design.covariate_names).outside)


def _recording(indicator: Indicator | None, outcome: Outcome, panel: Panel) -> dict[str, float]:
    """Who records the outcome, and at which level."""
    if indicator is None:
        return dict.fromkeys(("self_recorded", "detection_undeclared", "shared_cell_share"), np.nan)
    recorded = indicator.reporting in ("incidence_recorded", "detection")
    return {
        "self_recorded": float(indicator.self_recorded),
        "detection_undeclared": float(recorded and outcome.detection_range is None),
        "shared_cell_share": shared_cell_share(indicator, panel),
    }


def shared_cell_share(indicator: Indicator, panel: Panel) -> float:
    """Share of the sources of an outcome that are cells whose value belongs to no single municipality."""
    if indicator.level != "livc_r" or panel.unit_kind != "municipality":
        return 0.0
    lost = sum(
        int(finding.facts["count"])
        for finding in panel.findings
        if finding.code in _UNPLACED and finding.where.indicator == indicator.id
    )
    kept = int(np.isfinite(panel.wide(indicator.id)).any(axis=1).sum()) if indicator.id in panel.data.columns else 0
    return lost / (lost + kept) if lost else 0.0


def _response(design: Design, panel: Panel, outcome: Outcome, cohorts: Mapping[str, float] | None) -> dict[str, float]:
    if cohorts is None or outcome.indicator not in panel.data.columns:
        seen = observed_cells(design)
        return response_statistics(seen, design.treated)
    seen = np.isfinite(panel.wide(outcome.indicator))
    first = np.array([cohorts.get(unit, np.nan) for unit in panel.unit_codes])
    known = ~np.isnan(first)
    return response_statistics(seen[known], first[known] <= panel.times[-1])


def break_periods(design: Design, panel: Panel, outcome: Outcome) -> npt.NDArray[np.int_]:
    """Return the columns of the design from which another wording or registration holds."""
    found = set(_wording_breaks(design, panel, outcome.indicator))
    declared = [period.time for period in panel.periods if period.label == outcome.wording_break]
    found |= {int(np.searchsorted(design.times, time)) for time in declared}
    return np.array(sorted(found - {0, len(design.times)}), dtype=int)


def _wording_breaks(design: Design, panel: Panel, measure: str) -> list[int]:
    column = f"{measure}.wording"
    if column not in panel.data.columns:
        return []
    usual = _on_design(design, panel, column)
    breaks, before = [], np.nan
    for index in range(usual.shape[1]):
        seen = usual[np.isfinite(usual[:, index]), index]
        if not len(seen):
            continue
        versions, counts = np.unique(seen, return_counts=True)
        now = versions[counts.argmax()]
        if now != before and not np.isnan(before):
            breaks.append(index)
        before = now
    return breaks


def _events(design: Design, panel: Panel, indicator: Indicator | None, outcome: Outcome) -> float:
    """Events per unit and year before treatment: recorded counts, and the numerators of rates."""
    if indicator is None:
        return np.nan
    column = _count_column(indicator, outcome.indicator)
    if column not in panel.data.columns:
        return np.inf
    lengths = {period.time: ((period.end - period.start).days + 1) / 365.25 for period in panel.periods}
    years = np.array([lengths.get(time, np.nan) for time in design.times])
    return events_per_year(_on_design(design, panel, column), years, untreated_cells(design))


def _count_column(indicator: Indicator, measure: str) -> str:
    if indicator.measure != "outcome" or indicator.source in ("resident_survey", "partner_survey"):
        return ""
    if indicator.scale == "per_10000":
        return f"{measure}.numerator"
    counted = any(part.type == "count" for part in indicator.parts)
    return measure if counted and indicator.value in ("single", "sum") and indicator.scale == "number" else ""


def _on_design(design: Design, panel: Panel, column: str) -> Array:
    """Return a column of the panel on the design's units and times; NaN where the panel has none."""
    wide, out = panel.wide(column), np.full((len(design.units), len(design.times)), np.nan)
    rows = {unit: row for row, unit in enumerate(panel.unit_codes)}
    columns = {time: index for index, time in enumerate(panel.times)}
    units = [(i, rows[str(unit)]) for i, unit in enumerate(design.units) if str(unit) in rows]
    times = [(j, columns[time]) for j, time in enumerate(design.times) if time in columns]
    into = np.ix_([i for i, _ in units], [j for j, _ in times])
    out[into] = wide[np.ix_([row for _, row in units], [index for _, index in times])]
    return out
