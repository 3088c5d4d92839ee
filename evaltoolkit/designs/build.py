"""Build a design from a panel: outcome, treatment, comparison, covariates, clusters and weights."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.cohorts import RULES, Rule
from evaltoolkit.designs.design import Comparison, Design
from evaltoolkit.designs.doses import DoseRule
from evaltoolkit.designs.finish import Parts, check_choices, finish_design
from evaltoolkit.designs.labels import listed
from evaltoolkit.designs.survey import survey_errors
from evaltoolkit.designs.treatments import Asked, read_dose, read_treatment
from evaltoolkit.findings import EvaltoolkitError, RefusedError, nearest
from evaltoolkit.panels.groups import arrondissements
from evaltoolkit.panels.measures import DEFAULT_DESIGN_EFFECT
from evaltoolkit.panels.panel import Array, Panel

GROUPINGS = ("livc_r", "zone")


def make_design(
    panel: Panel,
    outcome: str,
    *,
    treated_from: pd.DataFrame | pd.Series | str = "",
    comparison: Comparison = "never_treated",
    covariates: Sequence[str] = (),
    anticipation: int = 0,
    cluster: str | None = None,
    weights: str | None = None,
    exposure: str | None = None,
    action: str | None = None,
    rule: Rule = "containing",
    never: object = "never",
    membership: pd.DataFrame | None = None,
    reversals: bool = False,
    treatment: str | None = None,
    dose: str | None = None,
    dose_rule: DoseRule = "total",
    respondents: str | None = None,
    design_effect: float = DEFAULT_DESIGN_EFFECT,
    outcome_se: str | None = None,
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
        A roster (:func:`evaltoolkit.designs.roster.read_roster`); or first treated periods, or dates, by unit; or the
        name of a column of the panel that holds them. A missing value is unknown.
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
    never : str or number
        The word for never treated in a column or Series, such as "never" or 0 (``inf`` always is).
    membership : DataFrame, optional
        Columns ``livc_r, municipality`` and, where known, ``zone``.
    reversals : bool
        With a roster: keep the periods in which the action ran, from start to end
        (:func:`evaltoolkit.designs.paths.path_from_roster`), where it stopped within the panel.
    treatment : str, optional
        Instead of ``treated_from``: a measure with the treatment in every period, 0 for untreated. Where it falls or
        has several levels, the design keeps it period by period.
    dose : str, optional
        How much of the action a unit got: ``hours`` of a roster, a column of ``panel.units``, or a measure.
    dose_rule : {"total", "per_period"}
        What counts as the dose of a unit; see :mod:`evaltoolkit.designs.doses`.
    respondents, design_effect, outcome_se
        Of a survey outcome: the measure with the number of respondents and the design effect, or the measure with the
        standard error; see :func:`evaltoolkit.designs.survey.survey_errors`.

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
    covariates = (covariates,) if isinstance(covariates, str) else covariates
    _check_choices(panel, outcome, comparison=comparison, rule=rule, anticipation=anticipation)
    # the periods in which the outcome was collected: years for one measure, survey waves for another
    waves = panel.observed(outcome)
    if not waves.periods:
        raise RefusedError(f"No unit has a value of {outcome}. Collect it, or choose another outcome.")
    asked = Asked(treated_from, action, rule, never, membership, reversals, treatment or "")
    _check_source(asked)
    found = read_treatment(waves, outcome, asked)
    values = waves.wide(outcome)
    _refuse_infinite(panel, outcome, values)
    baseline = np.column_stack(
        [np.empty((len(panel.units), 0)), *(baseline_values(panel, name) for name in covariates)]
    )
    errors = survey_errors(waves, outcome, respondents=respondents, design_effect=design_effect, outcome_se=outcome_se)
    sampling = {} if errors is None else {"sampling_from": "given" if outcome_se else "respondents"}
    return finish_design(
        Parts(
            units=np.array(panel.unit_codes),
            times=waves.times,
            outcome=values,
            cohort=found.cohort.to_numpy(dtype=float),
            covariates=baseline,
            covariate_names=tuple(covariates),
            weights=None if weights is None else baseline_values(panel, weights),
            clusters=None if cluster is None else _clusters(panel, cluster, membership),
            sampling_se=errors,
            exposure=None if exposure is None else _exposure(panel, waves, exposure, values),
            treatment=found.path(),
            dose=None if dose is None else read_dose(panel, outcome, asked, dose, dose_rule),
        ),
        outcome_name=outcome,
        comparison=comparison,
        anticipation=anticipation,
        info={**found.info, **sampling, "cluster": cluster or "unit"},
        left_out=found.excluded,
    )


def _refuse_infinite(panel: Panel, outcome: str, values: Array) -> None:
    infinite = np.isinf(values).any(axis=1)
    if infinite.any():
        raise EvaltoolkitError(
            f'"{outcome}" is infinite for {listed(np.array(panel.unit_codes)[infinite])}: leave it empty where it is '
            "not known."
        )


def _check_source(asked: Asked) -> None:
    named = not (isinstance(asked.treated_from, str) and not asked.treated_from)
    if named == bool(asked.treatment):
        raise EvaltoolkitError(
            'Give either "treated_from" (a roster, or first treated periods) or "treatment" (a measure with the '
            "treatment in every period)."
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
        units = listed(np.array(panel.unit_codes)[lacking.any(axis=1)])
        raise EvaltoolkitError(
            f'The exposure "{name}" must be above zero wherever the outcome is known; it is not for {units}.'
        )
    return np.array(found, dtype=float)


def _check_choices(panel: Panel, outcome: str, *, comparison: str, rule: str, anticipation: int) -> None:
    if outcome not in panel.measures:
        raise EvaltoolkitError(f'The panel has no measure "{outcome}".{nearest(outcome, panel.measures)}')
    check_choices(comparison, anticipation)
    if rule not in RULES:
        raise EvaltoolkitError(f'The rule "{rule}" is not known; choose {" or ".join(RULES)}.{nearest(rule, RULES)}')


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
        more = " It comes from the membership file." if cluster in GROUPINGS else nearest(cluster, known)
        raise EvaltoolkitError(f'There is no column "{cluster}" to cluster by.{more}')
    text = labels.astype("string").fillna("").to_numpy(dtype=str)
    # a unit without a group stands alone
    return np.where(text == "", units, text)


def _group_of(panel: Panel, membership: pd.DataFrame, cluster: str) -> pd.Series:
    """The group of each unit; a unit in several groups belongs to the first, by code."""
    key = "livc_r" if panel.unit_kind == "livc_r" else "municipality"
    groups = membership.dropna(subset=[cluster]).groupby(key)[cluster].min()
    return groups.set_axis(groups.index.astype(str)).reindex(panel.unit_codes)
