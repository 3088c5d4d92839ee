"""The engine that is always there: linearmodels, every effect as a coefficient of an explicit regression."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import Any

import numpy as np
import pandas as pd

from evaltoolkit.audit.engine import Engine, Task
from evaltoolkit.audit.question import Question
from evaltoolkit.audit.rows import OVERALL, Figure, Pair, aggregates, cell_rows, compare, event_rows, rows_of
from evaltoolkit.designs.design import Array

Columns = dict[Hashable, pd.Series]


def _fit(question: Question, columns: Columns, *, other: pd.Series | None = None) -> dict[Hashable, Pair]:
    """Regress on unit and period effects, these columns, covariates by period and controls; CR0."""
    from linearmodels.panel import PanelOLS

    table = question.table.set_index(["unit", "period"])
    named = {f"c{j}": column.to_numpy(float) for j, column in enumerate(columns.values())}
    period = table.index.get_level_values("period").to_numpy()
    by_period = {
        f"{name}_{t}": table[name].to_numpy(float) * (period == t)
        for name in question.covariates
        for t in np.unique(period)[1:]
    }
    x = pd.DataFrame({**named, **by_period}, index=table.index)
    x[question.controls] = table[question.controls]
    effects = {"time_effects": True} if other is None else {"other_effects": other.set_axis(table.index).to_frame("o")}
    model = PanelOLS(table["y"], x, weights=table["weight"], entity_effects=True, drop_absorbed=True, **effects)
    plain = {"debiased": False, "group_debias": False, "auto_df": False, "count_effects": False}
    fitted = model.fit(cov_type="clustered", clusters=table[["cluster"]], **plain)
    return {
        key: (float(fitted.params[name]), float(fitted.std_errors[name]))
        for key, name in zip(columns, named, strict=True)
        if name in fitted.params.index
    }


def cell_columns(question: Question) -> Columns:
    """Indicators of cohort and period, one for every effect that the toolkit gives and that is no reference."""
    table, keys = question.table, cell_rows(question).keys
    first, period = table["first"], table["period"]
    pairs = [key for key in keys if isinstance(key, tuple)]
    return {(g, t): ((first == g) & (period == t)).astype(float) for g, t in pairs}


def _two_way(question: Question, package: Any) -> list[Figure]:
    del package
    table, effects = question.table, question.effects
    other = None
    if question.option("effects") == "cluster_period":
        other = table["cluster"] * (table["period"].max() + 1) + table["period"]
    if question.option("form") == "static":
        ours = rows_of(effects, ["treated"], ["treated"])
        return compare(question, ours, _fit(question, {"treated": table["treated"]}, other=other))
    ours = event_rows(effects)
    since = event_times(question)
    return compare(
        question, ours, _fit(question, {key: (since == key).astype(float) for key in ours.keys}, other=other)
    )


def event_times(question: Question) -> pd.Series:
    """Time since treatment of every row, on the clock of the result; NaN for who is never treated."""
    table, times = question.table, question.design.times
    first = table["first"].to_numpy()
    if question.effects.info["event_clock"] == "periods":
        since = (table["period"].to_numpy() - first).astype(float)
    else:
        since = np.round(times[table["period"].to_numpy() - 1] - question.design.cohort[table["unit"]], 6) + 0.0
    return pd.Series(np.where(first > 0, since, np.nan), index=table.index)


def _saturated(question: Question, package: Any) -> list[Figure]:
    del package
    return compare(question, cell_rows(question), _fit(question, cell_columns(question)))


def _imputed(question: Question, package: Any) -> list[Figure]:
    """One indicator for every cohort and period from treatment on gives the imputed means where no row is missing.

    Wooldridge (2025), https://doi.org/10.1007/s00181-025-02807-z.
    """
    del package
    table, ahead = question.table, question.design.anticipation
    first, period = table["first"], table["period"]
    lasting = table[(first > 0) & (period >= first - ahead)]
    pairs = lasting[["first", "period"]].drop_duplicates().itertuples(index=False)
    columns: Columns = {(int(g), int(t)): ((first == g) & (period == t)).astype(float) for g, t in pairs}
    return compare(question, cell_rows(question), _only_points(_fit(question, columns)))


def _only_points(theirs: dict[Hashable, Pair]) -> dict[Hashable, Pair]:
    return {key: (pair[0], np.nan) for key, pair in theirs.items()}


def _group_time(question: Question, package: Any) -> list[Figure]:
    """Each comparison of two periods is a regression of the change on being treated."""
    del package
    ours = cell_rows(question)
    cells = {(key[0], key[1]): _change(question, key[0], key[1]) for key in ours.keys if isinstance(key, tuple)}
    theirs: dict[Hashable, Pair] = dict(cells.items())
    figures = compare(question, ours, theirs)
    event, overall = aggregates(question.effects)
    size = np.bincount(question.first.astype(int), weights=question.design.weights).astype(float)
    known = {key: value[0] for key, value in cells.items() if np.isfinite(value[0])}
    since = sorted({float(t - g) for g, t in known})
    figures += compare(question, event, {key: (_average(known, size, {key}), np.nan) for key in since})
    late = {float(t - g) for g, t in known if t >= g}
    return figures + compare(question, overall, {OVERALL[0]: (_average(known, size, late), np.nan)})


def _average(known: dict[tuple[int, int], float], size: Array, events: Collection[float]) -> float:
    """Mean over the cohorts and periods with these times since treatment, weighted by the size of the cohort."""
    used = np.array([(size[g], value) for (g, t), value in known.items() if float(t - g) in events])
    return float(used[:, 0] @ used[:, 1] / used[:, 0].sum()) if len(used) else np.nan


def _change(question: Question, cohort: int, period: int) -> Pair:
    from linearmodels.iv import IV2SLS

    design, ahead = question.design, question.design.anticipation
    varying = question.option("base") == "varying" and period < cohort
    base = period - 1 if varying else cohort - 1 - ahead
    first, latest = question.first, max(period, base)
    compared = first == 0
    if design.comparison == "not_yet_treated":
        compared = compared | (first > latest + ahead)
    in_cohort = first == cohort
    seen = question.observed[:, period - 1] & question.observed[:, base - 1]
    rows = np.flatnonzero((in_cohort | compared) & seen)
    if not in_cohort[rows].any() or in_cohort[rows].all():
        return np.nan, np.nan
    arm, weights = in_cohort[rows].astype(float), design.weights[rows]
    covariates = design.covariates[rows]
    # centred at the treated, the coefficient of being treated is the mean effect on them
    centred = covariates - np.average(covariates, axis=0, weights=weights * arm) if covariates.size else covariates
    x = pd.DataFrame(np.column_stack([np.ones(len(rows)), arm, centred, centred * arm[:, None]]))
    y = pd.Series(design.outcome[rows, period - 1] - design.outcome[rows, base - 1])
    clusters = pd.Series(np.unique(design.clusters[rows], return_inverse=True)[1])
    model = IV2SLS(y, x, None, None, weights=pd.Series(weights))
    fitted = model.fit(cov_type="clustered", clusters=clusters, debiased=False)
    # with covariates its standard error takes their mean among the treated as given
    error = np.nan if covariates.size else float(fitted.std_errors.iloc[1])
    return float(fitted.params.iloc[1]), error


def _refuses_group_time(question: Question) -> str:
    adjusted = bool(question.covariates) and question.option("adjust") != "reg"
    return "option_not_offered" if adjusted or question.option("missing") == "repeated_cross_sections" else ""


def _refuses_two_way(question: Question) -> str:
    other = question.option("family") != "linear" or question.option("factor") != "none"
    return "option_not_offered" if other or question.option("effects") == "unit_trends" else ""


def _refuses_extended(question: Question) -> str:
    other = question.option("family") != "linear" or question.option("averages") != "fixed"
    return "option_not_offered" if other else ""


def _refuses_imputation(question: Question) -> str:
    return "option_not_offered" if question.option("unit_trends") else ""


ENGINE = Engine(
    name="linearmodels",
    module="linearmodels",
    tasks={
        "group_time": Task(
            _group_time,
            frozenset({"covariates", "weights", "gaps", "no_never_treated", "anticipation"}),
            _refuses_group_time,
        ),
        "two_way": Task(
            _two_way,
            frozenset({"covariates", "controls", "weights", "gaps", "reversals", "no_never_treated", "anticipation"}),
            _refuses_two_way,
        ),
        "sun_abraham": Task(_saturated, frozenset({"covariates", "controls", "weights", "gaps", "anticipation"})),
        "extended_two_way": Task(_saturated, frozenset({"weights", "gaps", "anticipation"}), _refuses_extended),
        "imputation": Task(_imputed, frozenset({"weights", "anticipation"}), _refuses_imputation),
    },
)
