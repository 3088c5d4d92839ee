"""Build a design from a panel: outcome, treatment, comparison, covariates, clusters and weights."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.cohorts import RULES, Rule, cohort_from_roster, first_treated_time
from evaltoolkit.designs.design import Comparison, Design
from evaltoolkit.designs.finish import Parts, check_choices, finish_design
from evaltoolkit.findings import EvaltoolkitError, RefusedError, nearest
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.groups import arrondissements
from evaltoolkit.panels.panel import Array, Panel

GROUPINGS = ("livc_r", "zone")


@dataclass(frozen=True)
class _Treatment:
    cohort: pd.Series
    excluded: pd.DataFrame
    info: Mapping[str, str | int | float]


def make_design(
    panel: Panel,
    outcome: str,
    *,
    treated_from: pd.DataFrame | pd.Series | str,
    comparison: Comparison = "never_treated",
    covariates: Sequence[str] = (),
    anticipation: int = 0,
    cluster: str | None = None,
    weights: str | None = None,
    exposure: str | None = None,
    action: str | None = None,
    rule: Rule = "containing",
    never: str = "never",
    membership: pd.DataFrame | None = None,
) -> Design:
    """Say who is treated from when, compared with whom, on which outcome.

    Assumption: the dates of treatment are known. Units whose treatment is unknown, mixed (parts treated at
    different dates) or older than the panel are left out and listed, never counted as untreated.

    Parameters
    ----------
    panel : Panel
    outcome : str
        A measure of the panel.
    treated_from : DataFrame, Series or str
        A roster (:func:`evaltoolkit.designs.roster.read_roster`); or first treated periods by unit; or the name of
        a column of the panel that holds them. A missing value is unknown.
    comparison : {"never_treated", "not_yet_treated"}
    covariates : sequence of str
        Fixed columns of ``panel.units``, or measures, of which the first value is taken; ``log(...)`` of either.
    anticipation : int
        Number of periods before treatment in which it may already act.
    cluster : str, optional
        Column of ``panel.units``, ``livc_r`` or ``zone`` of ``membership``, or ``arrondissement`` by the register: the
        level at which treatment was decided or shocks are shared. Default: the unit.
    weights : str, optional
        Column of ``panel.units`` or a measure (first period); scaled to mean 1.
    exposure : str, optional
        What a count is counted in: a measure, or a column of ``panel.units``; above zero wherever the outcome is known.
        A measure holds on from each of its values to the next.
    action, rule
        For a roster: the action evaluated, and how its date becomes a period.
    never : str
        The word for never treated in a column or Series (``inf`` always is).
    membership : DataFrame, optional
        Columns ``livc_r, municipality`` and, where known, ``zone``.

    Returns
    -------
    Design

    Raises
    ------
    EvaltoolkitError
        Unknown outcome, column, comparison, rule or action, with the nearest valid word.
    RefusedError
        No unit is left.
    """
    _check_choices(panel, outcome, comparison=comparison, rule=rule, anticipation=anticipation)
    # the periods in which the outcome was collected: years for one measure, survey waves for another
    waves = panel.observed(outcome)
    if not waves.periods:
        raise RefusedError(f"No unit has a value of {outcome}. Collect it, or choose another outcome.")
    treatment = (
        _from_roster(waves, treated_from, action=action, rule=rule, membership=membership)
        if isinstance(treated_from, pd.DataFrame)
        else _from_labels(waves, treated_from, never=never, rule=rule)
    )
    values = waves.wide(outcome)
    baseline = np.column_stack(
        [np.empty((len(panel.units), 0)), *(baseline_values(panel, name) for name in covariates)]
    )
    return finish_design(
        Parts(
            units=np.array(panel.unit_codes),
            times=waves.times,
            outcome=values,
            cohort=treatment.cohort.to_numpy(dtype=float),
            covariates=baseline,
            covariate_names=tuple(covariates),
            weights=None if weights is None else baseline_values(panel, weights),
            clusters=None if cluster is None else _clusters(panel, cluster, membership),
            sampling_se=waves.wide(f"{outcome}.se") if f"{outcome}.se" in panel.data.columns else None,
            exposure=None if exposure is None else _exposure(panel, waves, exposure, values),
        ),
        outcome_name=outcome,
        comparison=comparison,
        anticipation=anticipation,
        info={**treatment.info, "cluster": cluster or "unit"},
        left_out=treatment.excluded,
    )


def _exposure(panel: Panel, waves: Panel, name: str, values: Array) -> Array:
    """What a count is counted in: a measure, or a fixed column of the units; positive wherever the count is known.

    A measure that is not there for every period, such as a yearly population, holds on until the next value.
    """
    if name in panel.data.columns:
        held = pd.DataFrame(panel.wide(name)).ffill(axis=1).bfill(axis=1).to_numpy()
        found = held[:, np.isin(panel.times, waves.times)]
    else:
        found = np.broadcast_to(baseline_values(panel, name)[:, None], values.shape)
    lacking = np.isfinite(values) & ~(found > 0)
    if lacking.any():
        units = np.array(panel.unit_codes)[lacking.any(axis=1)]
        more = f" and {len(units) - 5} more" if len(units) > 5 else ""
        raise EvaltoolkitError(
            f'The exposure "{name}" must be above zero wherever the outcome is known; it is not for '
            f"{', '.join(units[:5])}{more}."
        )
    return np.array(found, dtype=float)


def _check_choices(panel: Panel, outcome: str, *, comparison: str, rule: str, anticipation: int) -> None:
    if outcome not in panel.measures:
        raise EvaltoolkitError(f'The panel has no measure "{outcome}".{nearest(outcome, panel.measures)}')
    check_choices(comparison, anticipation)
    if rule not in RULES:
        raise EvaltoolkitError(f'The rule "{rule}" is not known; choose {" or ".join(RULES)}.{nearest(rule, RULES)}')


def _from_roster(
    panel: Panel, roster: pd.DataFrame, *, action: str | None, rule: Rule, membership: pd.DataFrame | None
) -> _Treatment:
    cohort, excluded, notes = cohort_from_roster(panel, roster, action=action, rule=rule, membership=membership)
    name = action or str(roster["action"].iloc[0])
    facts = {note.code: int(note.facts["n"]) for note in notes}
    return _Treatment(cohort.reindex(panel.unit_codes), excluded, {"rule": rule, "action": name, **facts})


def _from_labels(panel: Panel, treated_from: pd.Series | str, *, never: str, rule: Rule) -> _Treatment:
    labels = _fixed_column(panel, treated_from) if isinstance(treated_from, str) else treated_from
    labels = labels.set_axis(labels.index.astype(str))
    if not set(labels.index) & set(panel.unit_codes):
        raise EvaltoolkitError("No unit of treated_from is in the panel: its index must hold the panel's unit codes.")
    if labels.index.has_duplicates:
        raise EvaltoolkitError("treated_from has a unit twice; give one first treated period per unit.")
    labels = labels.reindex(panel.unit_codes)
    times = [_label_time(label, panel.periods, never=never, rule=rule) for label in labels]
    cohort = pd.Series(times, index=panel.unit_codes, dtype=float)
    unknown = [{"unit": unit, "reason": "excluded.unknown_treatment"} for unit in cohort.index[cohort.isna()]]
    name = treated_from if isinstance(treated_from, str) else str(labels.name or "treated_from")
    return _Treatment(cohort, pd.DataFrame(unknown, columns=["unit", "reason"]), {"rule": rule, "action": name})


def _label_time(label: object, periods: Sequence[Period], *, never: str, rule: Rule) -> float:
    if label is None or label is pd.NaT or (isinstance(label, float) and math.isnan(label)) or str(label).strip() == "":
        return math.nan
    text = str(int(label)) if isinstance(label, float) and math.isfinite(label) and label.is_integer() else str(label)
    if text.strip().casefold() in (never.strip().casefold(), "inf"):
        return math.inf
    for period in periods:
        if period.label == text.strip():
            return period.time
    try:
        start = Period.parse(text).start
    except EvaltoolkitError as problem:
        raise EvaltoolkitError(
            f'treated_from: {problem} Never treated is written "{never}"; if "{text}" means never, pass never="{text}".'
        ) from None
    return first_treated_time(pd.Timestamp(start), periods, rule)


def _fixed_column(panel: Panel, name: str) -> pd.Series:
    """A column of the units, or of the panel where it does not change within a unit."""
    if name in panel.units.columns:
        return panel.units[name]
    if name not in panel.data.columns:
        known = [*map(str, panel.units.columns), *panel.measures]
        raise EvaltoolkitError(f'The panel has no column "{name}".{nearest(name, known)}')
    by_unit = panel.data[name].groupby(level=0)
    changes = by_unit.agg(lambda values: len(values.dropna().unique()) > 1)
    if bool(changes.any()):
        raise EvaltoolkitError(
            f'Column "{name}" changes within a unit; the first treated period is one per unit. Make a column that '
            "repeats it in every row of the unit; units whose treatment ended again do not fit this design."
        )
    return by_unit.first()


def baseline_values(panel: Panel, name: str) -> Array:
    """Return one number per unit: a fixed column of the units, or the measure's first value; ``log(...)`` of either."""
    if inner := re.fullmatch(r"log\((.+)\)", name):
        inside = baseline_values(panel, inner[1].strip())
        if bool((inside <= 0).any()):
            raise EvaltoolkitError(f'"{name}" is not defined: {inner[1]} is zero or negative for some units.')
        return np.log(inside)
    if name in panel.units.columns:
        try:
            return panel.units[name].to_numpy(dtype=float)
        except (TypeError, ValueError):
            raise EvaltoolkitError(f'Column "{name}" is not a number; covariates and weights are numbers.') from None
    if name not in panel.data.columns:
        known = [*map(str, panel.units.columns), *panel.measures]
        raise EvaltoolkitError(f'The panel has no column "{name}".{nearest(name, known)}')
    values = panel.wide(name)
    seen = np.isfinite(values).any(axis=0)
    # a measure may be collected in other periods than the outcome: its first one is the baseline
    return values[:, int(np.argmax(seen))]


def _clusters(panel: Panel, cluster: str | None, membership: pd.DataFrame | None) -> npt.NDArray[np.str_]:
    units = np.array(panel.unit_codes)
    if cluster is None or cluster == panel.unit_kind or (cluster == "unit" and "unit" not in panel.units.columns):
        return units
    if cluster in panel.units.columns:
        labels = panel.units[cluster]
    elif membership is not None and cluster in GROUPINGS and cluster in membership.columns:
        labels = _group_of(panel, membership, cluster)
    elif cluster == "arrondissement" and (groups := arrondissements(panel)) is not None:
        labels = groups
    else:
        known = [*map(str, panel.units.columns), *GROUPINGS, "arrondissement"]
        more = " It comes from the membership file." if cluster in GROUPINGS else ""
        raise EvaltoolkitError(f'There is no column "{cluster}" to cluster by.{more}{nearest(cluster, known)}')
    text = labels.astype("string").fillna("").to_numpy(dtype=str)
    # a unit without a group stands alone
    return np.where(text == "", units, text)


def _group_of(panel: Panel, membership: pd.DataFrame, cluster: str) -> pd.Series:
    """The group of each unit; a unit in several groups belongs to the first, by code."""
    key = "livc_r" if panel.unit_kind == "livc_r" else "municipality"
    groups = membership.dropna(subset=[cluster]).groupby(key)[cluster].min()
    return groups.set_axis(groups.index.astype(str)).reindex(panel.unit_codes)
