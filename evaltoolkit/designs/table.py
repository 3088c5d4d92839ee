"""A design straight from a table with one row per unit and period: validated once, in whole columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from evaltoolkit.designs.design import Array, Comparison, Design
from evaltoolkit.designs.finish import Parts, faults_of_choices, finish_design
from evaltoolkit.designs.table_columns import Columns
from evaltoolkit.designs.table_grid import lay_out
from evaltoolkit.findings import EvaltoolkitError, FaultsError, nearest
from evaltoolkit.panels.measures import DEFAULT_DESIGN_EFFECT


def design_from_table(
    table: pd.DataFrame,
    outcome: str,
    *,
    unit: str,
    period: str,
    treated_from: str = "",
    treatment: str = "",
    never: object = None,
    comparison: Comparison = "never_treated",
    covariates: Sequence[str] = (),
    controls: Sequence[str] = (),
    exposure: str = "",
    dose: str = "",
    weights: str = "",
    cluster: str = "",
    respondents: str = "",
    design_effect: float = DEFAULT_DESIGN_EFFECT,
    outcome_se: str = "",
    sampling_se: str = "",
    anticipation: int = 0,
) -> Design:
    """Say who is treated from when, compared with whom, for a table of your own.

    The short way for evaluators whose table is ready; :func:`evaltoolkit.designs.build.make_design` goes through a
    panel, which keeps names, sources and findings.

    Parameters
    ----------
    table : DataFrame
        One row per unit and period, in any order; rows may be missing. Columns may be of any pandas type: numpy,
        nullable, pyarrow, categories.
    outcome : str
        Column of numbers; missing where not observed. Periods in which nobody has a value are left out.
    unit, period : str
        Columns. Units are told apart by their text: 12, 12.0 and "12 " are one unit. Periods are numbers, dates, pandas
        periods, or labels such as ``2023``, ``2023-Q2``, ``2023-03``; dates stand on the axis of time in years.
    treated_from : str
        Column with the first treated period, the same in every row of a unit, written as the periods are. Among years,
        quarters or months a date counts from the one that holds it. What lies between two periods takes effect in the
        later one, and time since treatment is counted from it as given. Missing: unknown, left out and listed.
    treatment : str
        Instead of ``treated_from``: column with the treatment in every row, 0 for untreated. Where it never falls and
        has one level, the first treated period is read off: who is treated when first seen is treated from the start of
        the panel, and left out. Otherwise the design keeps it period by period, NaN where there is no row, and keeps
        who is treated at the start.
    never : optional
        What ``treated_from`` holds for units that are never treated, such as 0 or "never"; ``nan`` where it is left
        empty for them. ``inf`` always means never.
    comparison : {"never_treated", "not_yet_treated"}
    covariates : sequence of str
        Columns; the first known value of a unit, by period, is taken.
    controls : sequence of str
        Columns that change over time and that treatment does not move.
    exposure : str
        Column with what a count is counted in.
    dose : str
        Column with how much of the action a unit got, the same in every row; 0 or empty for untreated units.
    weights, cluster : str
        Columns, the same in every row of a unit. A unit without a cluster stands alone.
    respondents, design_effect, outcome_se
        Of a survey outcome: the column with the number of respondents and the design effect, or the column with the
        standard error; see :func:`evaltoolkit.designs.survey.survey_errors`. ``sampling_se`` is an older name of
        ``outcome_se``.
    anticipation : int
        Number of periods before treatment in which it may already act.

    Returns
    -------
    Design
        Units are sorted. ``info`` counts arms, gaps and cohorts of a single unit; ``excluded`` lists who was left out
        and why.

    Raises
    ------
    FaultsError
        With all faults: unknown columns (and the nearest), empty or doubled unit-period rows, columns that are no
        numbers, columns that change within a unit and must not, exposure or survey numbers that are not positive,
        weights below zero, an unknown comparison.
    RefusedError
        No unit is left.
    """
    outcome_se = outcome_se or sampling_se
    covariates, controls = _names(covariates), _names(controls)
    table = _with_names(table)
    single = {
        "outcome": outcome, "unit": unit, "period": period, "treated_from": treated_from, "treatment": treatment,
        "exposure": exposure, "dose": dose, "weights": weights, "cluster": cluster, "respondents": respondents,
        "outcome_se": outcome_se,
    }  # fmt: skip
    _check_columns(table, single, covariates, controls)
    grid, faults = lay_out(table, unit, period)
    faults += faults_of_choices(comparison, anticipation)
    if grid is None:
        raise FaultsError(faults, "The table")
    columns = Columns(table, grid)
    values = columns.wide(outcome)
    cohort, path = _treatment(columns, grid.times, treated_from, treatment, never)
    parts = Parts(
        units=grid.units,
        times=grid.times,
        outcome=values,
        cohort=cohort,
        covariates=columns.firsts(covariates),
        covariate_names=tuple(covariates),
        weights=columns.weights(weights) if weights else None,
        clusters=columns.labels(cluster) if cluster else None,
        sampling_se=columns.sampling(outcome, respondents, design_effect, outcome_se),
        exposure=columns.positive(exposure, outcome) if exposure else None,
        controls=np.stack([columns.wide(name) for name in controls], axis=2) if controls else None,
        control_names=tuple(controls),
        treatment=path,
        dose=columns.dose(dose, cohort) if dose else None,
        complete=columns.is_complete(outcome),
    )
    if faults or columns.faults:
        raise FaultsError([*faults, *columns.faults], "The table")
    errors = {} if parts.sampling_se is None else {"sampling_from": "given" if outcome_se else "respondents"}
    return finish_design(
        _in_observed_periods(parts),
        outcome_name=outcome,
        comparison=comparison,
        anticipation=anticipation,
        info={"action": treated_from or treatment, **errors, "cluster": cluster or "unit"},
        # who began treated compares with those that began so too, and may stop
        keep_begun=path is not None,
    )


def _treatment(
    columns: Columns, times: Array, treated_from: str, treatment: str, never: object
) -> tuple[Array, Array | None]:
    """First treated time (n,), and the treatment (n, T) where it says more."""
    if treated_from:
        return columns.cohorts(treated_from, times, never), None
    return columns.path(treatment, times)


def _in_observed_periods(parts: Parts) -> Parts:
    """Leave out periods without any outcome: the last one before treatment is the last in which something was seen."""
    if parts.complete:
        return parts
    seen = np.isfinite(parts.outcome).any(axis=0)
    if seen.all() or not seen.any():
        return parts
    by_period = {name: getattr(parts, name) for name in ("outcome", "sampling_se", "exposure", "controls", "treatment")}
    kept = {name: values[:, seen] for name, values in by_period.items() if values is not None}
    return parts._replace(times=parts.times[seen], **kept)


def _names(names: Sequence[str]) -> tuple[str, ...]:
    # one column, written without brackets, is one name and not its letters
    return (names,) if isinstance(names, str) else tuple(names)


def _with_names(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with names of columns as text."""
    if not isinstance(table, pd.DataFrame):
        kind = type(table).__name__
        how = "its to_pandas()" if hasattr(table, "to_pandas") else "pandas.DataFrame(...) of it"
        raise EvaltoolkitError(f"The table must be a pandas DataFrame, this is a {kind}: pass {how}.")
    names = [str(column) for column in table.columns]
    return table if names == list(table.columns) else table.set_axis(names, axis=1)


def _check_columns(
    table: pd.DataFrame, single: dict[str, str], covariates: Sequence[str], controls: Sequence[str]
) -> None:
    known = [str(column) for column in table.columns]
    index = [str(name) for name in table.index.names if name is not None]
    wanted = [name for role, name in single.items() if name or role in ("outcome", "unit", "period")]
    wanted = list(dict.fromkeys([*wanted, *covariates, *controls]))
    faults = [f'write "{name}" as text: names of columns are text' for name in wanted if not isinstance(name, str)]
    for name in wanted:
        if name in known or not isinstance(name, str):
            continue
        more = " It is the table's index: use table.reset_index()." if name in index else nearest(name, known)
        faults.append(f'there is no column "{name}".{more}')
    faults += [f'column "{name}" occurs twice' for name in sorted({c for c in wanted if known.count(c) > 1})]
    if faults:
        faults.append(f"columns found: {', '.join(known)}")
    faults += _clashes(single, covariates, controls)
    if faults:
        raise FaultsError(faults, "The table")


def _clashes(single: dict[str, str], covariates: Sequence[str], controls: Sequence[str]) -> list[str]:
    """Columns that are named for two things that cannot be one, or for nothing."""
    faults = []
    if bool(single["treated_from"]) == bool(single["treatment"]):
        faults.append(
            'Give either "treated_from" (a column with the first treated period) or "treatment" (a column with the '
            "treatment in every period)."
        )
    if single["respondents"] and single["outcome_se"]:
        faults.append(
            'give either "respondents" (their number) or the standard error, not both: one follows from the other'
        )
    roles = [role for role in ("outcome", "unit", "period", "treated_from", "treatment") if single[role]]
    for place, role in enumerate(roles):
        faults += [
            f'column "{single[role]}" is named as {role} and as {other}: one column cannot be both'
            for other in roles[place + 1 :]
            if single[role] == single[other]
        ]
    for what, names in (("covariates", covariates), ("controls", controls)):
        faults += [f'{what} name "{name}" twice' for name in sorted({one for one in names if names.count(one) > 1})]
    return faults
