"""The answer under other choices: what the estimate would have been, had one thing been chosen differently."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, get_args

import numpy as np
import pandas as pd

from evaltoolkit.checks.registry import Check
from evaltoolkit.designs.design import Comparison, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.estimators.registry import estimate, fits, list_estimators
from evaltoolkit.evaluations.evaluation import OutcomeResult
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.plans.methods import method_of
from evaltoolkit.plans.plan import Estimation, MethodName, Outcome

PLANNED = "planned"
COLUMNS = ("change", "to", "estimate", "std_error", "conf_low", "conf_high", "n_treated", "n_comparison", "reason")
# checks that estimate again without some of the data
_WITHOUT = ("shared_cells", "merged", "reconstructed")
# two answer other questions (effects per unit of a dose, of a switch); "efficient" holds after a lot only
_APART = ("dose", "switchers", "efficient")
_OTHER: dict[Comparison, Comparison] = {"never_treated": "not_yet_treated", "not_yet_treated": "never_treated"}


class _Choice(NamedTuple):
    """One thing chosen differently: what, to what, the design and the method with its options."""

    change: str
    to: str
    design: Design
    method: str
    options: dict[str, Any]


def vary_choices(result: OutcomeResult, settings: Estimation) -> pd.DataFrame:
    """Estimate the overall effect again with one choice changed at a time.

    Estimand: the overall effect of the plan's method; other methods, comparison groups and lengths of anticipation
    weigh cohorts and periods differently, so that estimates may differ without any of them being wrong.

    Assumptions: those of each method. What is varied is what a plan declares: the method, among those whose overall
    effect can be the answer to a plan and that take the design as it is; the way covariates enter, and no covariates;
    who compares (where the method lets the plan choose); anticipation of no and of one period; and without shared
    cells, merged municipalities or reconstructed values, where a check did so.

    Not when: one looks for the choice that shows most. The planned row is the answer; the others show what it hangs on.

    Parameters
    ----------
    result : OutcomeResult
        With ``design``, ``overall`` and the checks that were run.
    settings : Estimation
        The plan's.

    Returns
    -------
    DataFrame
        ``change`` (``planned``, ``method``, ``adjust``, ``covariates``, ``comparison``, ``anticipation``,
        ``shared_cells``, ``merged``, ``reconstructed``), ``to`` (the changed value), estimate, standard error and
        interval in units of the measure, ``n_treated, n_comparison, reason``; by estimate, undefined ones last.
        Intervals are the usual ones: none below ten treated or ten comparison clusters. Rows of checks have none.

    References
    ----------
    Simonsohn, Simmons and Nelson (2020), https://doi.org/10.1038/s41562-020-0912-z
    """
    if result.design is None or result.overall is None:
        return pd.DataFrame(columns=COLUMNS)
    rows = [_row(PLANNED, "", result.overall, settings.level)]
    for choice in _choices(result.design, result.outcome, settings):
        rows.append(_row(choice.change, choice.to, _estimate(choice), settings.level))
    rows += _without(result.checks)
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values("estimate", kind="stable", na_position="last", ignore_index=True)


def _choices(design: Design, outcome: Outcome, settings: Estimation) -> Iterator[_Choice]:
    method, options = method_of(settings, outcome)
    for name in get_args(MethodName):
        if name not in (method, *_APART) and fits(list_estimators()[name], design):
            # an outcome's own method and family go before the plan's
            other = outcome.model_copy(update={"method": name, "family": "linear"})
            yield _Choice("method", name, design, *method_of(settings, other))
    if design.covariate_names:
        if method == "group_time":
            for way in list_estimators()[method].options["adjust"]:
                if way != options["adjust"]:
                    yield _Choice("adjust", str(way), design, method, {**options, "adjust": way})
        bare = replace(design, covariates=np.empty((len(design.units), 0)), covariate_names=())
        yield _Choice("covariates", "none", bare, method, options)
    if method == "group_time":
        compared = _OTHER[design.comparison]
        yield _Choice("comparison", compared, replace(design, comparison=compared), method, options)
    ahead = 0 if design.anticipation else 1
    yield _Choice("anticipation", str(ahead), replace(design, anticipation=ahead), method, options)


def _estimate(choice: _Choice) -> Effects | None:
    try:
        return estimate(choice.design, choice.method, **choice.options).aggregate("overall")
    except EvaltoolkitError:
        return None


def _row(change: str, to: str, overall: Effects | None, level: float) -> dict[str, object]:
    if overall is None:
        return _bare(change, to, math.nan, "not possible")
    row = overall.to_frame(level=level).iloc[0]
    known = {name: row[name] for name in COLUMNS if name in row.index}
    return {"change": change, "to": to, **known}


def _without(checks: Sequence[Check]) -> list[dict[str, object]]:
    """What the checks on data quality estimated without some of the data."""
    found = []
    for check in checks:
        if check.name in _WITHOUT and "data" in check.table.columns:
            reduced = check.table.loc[check.table["data"] == "reduced", "estimate"]
            found.append(_bare(check.name, "", float(reduced.iloc[0]), "from a check, without interval"))
    return found


def _bare(change: str, to: str, value: float, reason: str) -> dict[str, object]:
    """A number without interval; no counts, so that the gate hides it where a few units could be worked out from it."""
    numbers = dict.fromkeys(("std_error", "conf_low", "conf_high"), math.nan)
    return {
        "change": change,
        "to": to,
        "estimate": value,
        **numbers,
        "n_treated": 0,
        "n_comparison": 0,
        "reason": reason,
    }
