"""pyfixest: two-way, Sun-Abraham, two-stage and Poisson regressions, after R's fixest and did2s."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from evaltoolkit.audit.conventions import reweighted, small_sample_factor
from evaltoolkit.audit.engine import Engine, Task
from evaltoolkit.audit.question import Question
from evaltoolkit.audit.rows import (
    OVERALL,
    Figure,
    Pair,
    Rows,
    Way,
    aggregates,
    cell_rows,
    compare,
    event_rows,
    rows_of,
    with_factor,
)
from evaltoolkit.audit.with_linearmodels import cell_columns, event_times

# its default stops demeaning at 1e-6: nothing could agree to more than that
_TIGHT = {"fixef_tol": 1e-13, "fixef_maxiter": 1_000_000}
# did2s has no such option: how far its numbers may be off, of the estimate or its standard error
DID2S_BOUND = 1e-4
_SMALL = "small_sample_factor"
_BY_CLUSTER = {"CRV1": "cluster"}


def _two_way(question: Question, package: Any) -> list[Figure]:
    table, effects = question.table.copy(), question.effects
    if question.option("form") == "static":
        ours = rows_of(effects, ["treated"], ["treated"])
        columns: dict[Hashable, pd.Series] = {"treated": table["treated"]}
    else:
        ours, since = event_rows(effects), event_times(question)
        columns = {key: (since == key).astype(float) for key in ours.keys}
    by_period = {
        f"{name}_{t}": table[name] * (table["period"] == t)
        for name in question.covariates
        for t in np.unique(table["period"])[1:]
    }
    theirs, rank = _regress(question, package.feols, columns, "unit + period", by_period)
    return _with_rank(question, ours, theirs, rank + _periods(question))


def _periods(question: Question) -> int:
    """Periods that take a coefficient; unit effects are nested in clusters and count as the constant that is lost."""
    return int(question.table["period"].nunique())


def _with_rank(question: Question, ours: Rows, theirs: dict[Hashable, Pair], rank: int) -> list[Figure]:
    """Hold against ours, where the engine's small-sample factor counts this many coefficients."""
    return compare(question, ours, theirs, with_factor(ours, (), _SMALL, small_sample_factor(question, rank)))


def _regress(
    question: Question, fit: Any, columns: dict[Any, Any], absorbed: str, others: dict[str, Any], **options: Any
) -> tuple[dict[Hashable, Pair], int]:
    """Fit with these columns; returns coefficients by key, and how many coefficients there are in all."""
    names = [f"c{j}" for j in range(len(columns))]
    named = dict(zip(names, columns.values(), strict=True)) | others
    data = question.table.assign(**named)
    if "exposure" in data:
        data["log_exposure"] = np.log(data["exposure"])
    every = [*named, *question.controls]
    weights = {"weights": "weight"} if "weights" in question.features else {}
    fitted = fit(
        f"y ~ {' + '.join(every)} | {absorbed}", data, vcov=_BY_CLUSTER, fixef_rm="none", **weights, **_TIGHT, **options
    )
    points, errors = fitted.coef(), fitted.se()
    pairs = zip(columns, names, strict=True)
    found: dict[Hashable, Pair] = {
        key: (float(points[name]), float(errors[name])) for key, name in pairs if name in points.index
    }
    return found, len(points)


def _sun_abraham(question: Question, package: Any) -> list[Figure]:
    """Its own interactions and its own aggregation."""
    ours, _ = aggregates(question.effects)
    fitted = package.event_study(
        question.table.copy(), "y", "unit", "period", "first", cluster="cluster", estimator="saturated"
    )
    found = fitted.aggregate()
    events: dict[Hashable, Pair] = {
        float(e): (float(row["Estimate"]), float(row["Std. Error"])) for e, row in found.iterrows()
    }
    rank = len(cell_rows(question).keys) + _periods(question)
    by_rows = reweighted(question, question.effects, "rows")[0]
    ways = with_factor(ours, [Way("weighted_by_rows", by_rows)], _SMALL, small_sample_factor(question, rank))
    return compare(question, ours, events, ways)


def _imputation(question: Question, package: Any) -> list[Figure]:
    """Gardner's two stages: the same points, other standard errors."""
    data = question.table.copy()
    ahead, controls = question.design.anticipation, " + ".join(question.controls) or "0"
    data["on"] = ((data["first"] > 0) & (data["period"] >= data["first"] - ahead)).astype(int)
    data["since"] = np.where(data["on"] == 1, data["period"] - data["first"], -1 - ahead).astype(int)
    data["post"] = ((data["on"] == 1) & (data["since"] >= 0)).astype(float)
    shared: dict[str, Any] = {"yname": "y", "first_stage": f"~ {controls} | unit + period", "treatment": "on"}
    shared |= {"cluster": "cluster", "weights": "weight" if "weights" in question.features else None}
    by_event = package.did2s(data, second_stage=f"~ i(since, ref={-1 - ahead})", **shared)
    points, errors = by_event.coef(), by_event.se()
    events: dict[Hashable, Pair] = {
        float(str(name).rpartition("::")[2]): (float(points[name]), float(errors[name])) for name in points.index
    }
    effects, gardner = question.effects, question.again(se="gardner")
    overall: dict[Hashable, Pair] = {}
    if not ahead:
        once = package.did2s(data, second_stage="~ post", **shared)
        overall = {OVERALL[0]: (float(once.coef()["post"]), float(once.se()["post"]))}
    by_rows = reweighted(question, gardner, "rows", "rows")
    figures = []
    for place, theirs in enumerate((events, overall)):
        ours, moments, rows = (
            _after(found[place], ahead) for found in (aggregates(effects), aggregates(gardner), by_rows)
        )
        ways = [Way("gardner_moments", moments), Way("gardner_moments+weighted_by_rows", rows)]
        ways += [Way(f"{way.code}+did2s_tolerance", way.rows, DID2S_BOUND) for way in ways]
        figures += compare(question, ours, theirs, ways)
    return figures


def _after(rows: Rows, ahead: int) -> Rows:
    """Rows from treatment, or what anticipates it, on."""
    kept = [i for i, key in enumerate(rows.keys) if not isinstance(key, float) or key >= -ahead]
    return rows.taken(kept)


def _extended(question: Question, package: Any) -> list[Figure]:
    """Linear with unit effects; Poisson with cohort effects, its coefficients as log ratios."""
    columns: dict[Any, pd.Series] = dict(cell_columns(question))
    if question.option("family") == "linear":
        ours = cell_rows(question)
        theirs, rank = _regress(question, package.feols, columns, "unit + period", {})
        return _with_rank(question, ours, theirs, rank + _periods(question))
    ours = cell_rows(question, question.again(scale="link"), prefix="log ratio ")
    columns = {key: column for key, column in columns.items() if key in ours.keys}
    # units with zeros only are informative
    options: dict[str, Any] = {"iwls_tol": 1e-13, "iwls_maxiter": 100, "separation_check": []}
    if "exposure" in question.features:
        options["offset"] = "log_exposure"
    theirs, rank = _regress(question, package.fepois, columns, "first + period", {}, **options)
    cohorts = question.table["first"].nunique()
    return _with_rank(question, ours, theirs, rank + _periods(question) + cohorts - 1)


def _refuses_two_way(question: Question) -> str:
    other = question.option("family") != "linear" or question.option("factor") != "none"
    return "option_not_offered" if other or question.option("effects") != "unit_period" else ""


def _refuses_extended(question: Question) -> str:
    other = question.option("family") == "logit" or question.option("averages") != "fixed"
    return "option_not_offered" if other else ""


def _refuses_imputation(question: Question) -> str:
    if question.option("unit_trends"):
        return "option_not_offered"
    table = question.table
    untreated = (table["first"] == 0) | (table["period"] < table["first"] - question.design.anticipation)
    return "one_untreated_row" if (untreated.groupby(table["unit"]).sum() == 1).any() else ""


def _refuses_sun_abraham(question: Question) -> str:
    """Its event study takes the first treated period that is observed for the start."""
    treated = question.first > 0
    at_start = question.observed[treated, question.first[treated].astype(int) - 1]
    return "" if at_start.all() else "start_not_observed"


ENGINE = Engine(
    name="pyfixest",
    module="pyfixest",
    tasks={
        "two_way": Task(
            _two_way,
            frozenset({"covariates", "controls", "weights", "gaps", "reversals", "no_never_treated", "anticipation"}),
            _refuses_two_way,
        ),
        "sun_abraham": Task(_sun_abraham, frozenset({"gaps"}), _refuses_sun_abraham),
        "imputation": Task(
            _imputation,
            frozenset({"controls", "weights", "gaps", "anticipation"}),
            _refuses_imputation,
        ),
        "extended_two_way": Task(
            _extended, frozenset({"weights", "gaps", "anticipation", "exposure"}), _refuses_extended
        ),
    },
)
