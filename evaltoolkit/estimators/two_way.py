"""Two-way fixed effects, static and event study: a diagnostic, never the answer under staggered treatment.

The door to linearmodels.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.estimators.cells import REFERENCE, Sample, select_units
from evaltoolkit.estimators.logit import is_regular
from evaltoolkit.estimators.registry import Estimator
from evaltoolkit.findings import EvaltoolkitError

Form = Literal["static", "event"]

CITATION = "Goodman-Bacon (2021), https://doi.org/10.1016/j.jeconom.2021.03.014"
SE_CONVENTION = "CR0: sandwich over clusters, no small-sample factor; fixed effects need none with units in clusters"
COLLINEAR = "collinear with the unit and period effects"


class _Long(NamedTuple):
    """Observed rows: unit and period numbers, outcome, weights, one column per regressor."""

    unit: npt.NDArray[np.intp]
    period: npt.NDArray[np.intp]
    outcome: Array
    weights: Array
    regressors: Array


def estimate_two_way(design: Design, *, form: Form = "static") -> Effects:
    """Regress the outcome on treatment with unit and period effects.

    A diagnostic to hold against ``group_time``, not a result to act on. Covariates are not used: constant within
    units, they are absorbed.

    Estimand: under the assumptions, the one effect; otherwise a weighted sum of effects whose weights may be negative.

    Assumptions: parallel trends *and* the same effect for every cohort and at every time since treatment.

    Not when: units start at different times and effects grow or fade; then the number answers no question.

    Parameters
    ----------
    design : Design
        Outcome (n, T), gaps allowed; weights and clusters are used.
    form : {"static", "event"}
        One coefficient, or one for every time since treatment with the period before treatment (and anticipation) as
        reference. Without never-treated units also the earliest period before treatment is a reference.

    Returns
    -------
    Effects
        Kind ``coefficient``; labels ``name`` and, for ``event``, ``event_time``. The influence of a unit is
        n (X'X)^-1 sum_t x_it u_it with x free of unit and period effects, so that its clustered variance is CR0.

    Raises
    ------
    EvaltoolkitError
        No unit is treated after the first period.

    References
    ----------
    https://doi.org/10.1016/j.jeconom.2021.03.014
    """
    sample = select_units(design)
    last = len(sample.design.times)
    if not (sample.position < last).any():
        raise EvaltoolkitError("No unit is treated after the first period of the panel: check the dates in the roster.")
    event = _event_times(sample)
    columns, references = _columns(sample, event, form)
    long = _stack(sample, [indicator for _, _, indicator in columns])
    slopes, scores, reason = _fit(long, len(sample.design.units))
    names = [*columns, *references]
    k, gone = len(names), len(references)
    influence = np.column_stack([scores, np.zeros((len(scores), gone))])
    labels = pd.DataFrame({"name": [name for name, _, _ in names]})
    if form == "event":
        labels["event_time"] = [time for _, time, _ in names]
    counts = [_count(sample, indicator) for _, _, indicator in names]
    labels["n_treated"], labels["n_comparison"] = zip(*counts, strict=True)
    order = labels["event_time"].argsort().to_numpy() if form == "event" else np.arange(k)
    reasons = [*[reason] * len(columns), *[REFERENCE] * gone]
    return Effects(
        kind="coefficient",
        labels=labels.iloc[order].reset_index(drop=True),
        estimate=np.r_[slopes, np.zeros(gone)][order],
        influence=influence[:, order],
        units=sample.design.units,
        cohort=sample.design.cohort,
        weights=sample.design.weights,
        clusters=sample.design.clusters,
        reasons=tuple(reasons[i] for i in order),
        info=_describe(sample, form),
    )


def _event_times(sample: Sample) -> Array:
    """(n, T) time since treatment in the unit of ``times``, or in periods; NaN for units not treated in the panel."""
    design = sample.design
    treated = sample.position < len(design.times)
    if design.info.get("event_clock", "time") == "periods":
        since = np.arange(len(design.times))[None, :] - sample.position[:, None].astype(float)
    else:
        # months are twelfths: rounded, or the same distance becomes several event times
        since = np.round(design.times[None, :] - np.where(treated, design.cohort, 0.0)[:, None], 6) + 0.0
    return np.where(treated[:, None], since, np.nan)


def _columns(
    sample: Sample, event: Array, form: Form
) -> tuple[list[tuple[str, float, Array]], list[tuple[str, float, Array]]]:
    """Name, event time and (n, T) indicator of the regressors, and of the references."""
    if form == "static":
        return [("treated", np.nan, (event >= 0).astype(float))], []
    seen = np.unique(event[sample.observed & np.isfinite(event)])
    rows = np.flatnonzero(sample.position < len(sample.design.times))
    before = np.unique(event[rows, sample.position[rows] - sample.design.anticipation - 1])
    references = {float(before.max())}
    if not (sample.position >= len(sample.design.times)).any():
        references.add(float(seen.min()))
    found = [(f"event_{time:g}", float(time), (event == time).astype(float)) for time in seen]
    return [one for one in found if one[1] not in references], [one for one in found if one[1] in references]


def _stack(sample: Sample, indicators: list[Array]) -> _Long:
    unit, period = np.nonzero(sample.observed)
    design = sample.design
    regressors = np.column_stack([indicator[unit, period] for indicator in indicators])
    return _Long(unit, period, design.outcome[unit, period], design.weights[unit], regressors)


def _fit(long: _Long, n: int) -> tuple[Array, Array, str]:
    """Coefficients (k,), influence (n, k) and a reason when the regressors are collinear."""
    k = long.regressors.shape[1]
    free = _without_effects(long, np.column_stack([long.regressors, long.outcome]))
    x, y = free[:, :k], free[:, k]
    gram = (x * long.weights[:, None]).T @ x
    size = (long.regressors**2 * long.weights[:, None]).sum(axis=0)
    if (np.diag(gram) <= 1e-10 * size).any() or not is_regular(gram):
        return np.full(k, np.nan), np.full((n, k), np.nan), COLLINEAR
    slopes = _panel_ols(long)
    scores = (long.weights * (y - x @ slopes))[:, None] * x
    by_unit = np.column_stack([np.bincount(long.unit, weights=column, minlength=n) for column in scores.T])
    return slopes, np.asarray(n * by_unit @ np.linalg.inv(gram)), ""


def _without_effects(long: _Long, columns: Array) -> Array:
    """Residuals of a weighted regression on unit and period effects, exact for unbalanced panels."""
    dummies = (long.period[:, None] == np.unique(long.period)[None, 1:]).astype(float)
    body = _demeaned(long, np.column_stack([columns, dummies]))
    left, right = body[:, : columns.shape[1]], body[:, columns.shape[1] :]
    root = np.sqrt(long.weights)[:, None]
    effects = np.linalg.lstsq(right * root, left * root, rcond=None)[0]
    return np.asarray(left - right @ effects)


def _demeaned(long: _Long, columns: Array) -> Array:
    total = np.bincount(long.unit, weights=long.weights)
    sums = [np.bincount(long.unit, weights=long.weights * column) for column in columns.T]
    means = np.column_stack(sums) / np.where(total > 0, total, 1.0)[:, None]
    return np.asarray(columns - means[long.unit])


def _panel_ols(long: _Long) -> Array:
    """Coefficients from linearmodels."""
    from linearmodels.panel import PanelOLS

    index = pd.MultiIndex.from_arrays([long.unit, long.period], names=["unit", "period"])
    regressors = pd.DataFrame(long.regressors, index=index).add_prefix("x")
    model = PanelOLS(
        pd.Series(long.outcome, index=index, name="y"),
        regressors,
        weights=pd.Series(long.weights, index=index, name="w"),
        entity_effects=True,
        time_effects=True,
    )
    return np.asarray(model.fit(cov_type="unadjusted").params, dtype=float)


def _count(sample: Sample, indicator: Array) -> tuple[int, int]:
    """Clusters with a row behind a coefficient, and clusters of units untreated when the first cohort starts."""
    clusters = sample.design.clusters
    treated = ((indicator > 0) & sample.observed).any(axis=1)
    outside = sample.position >= len(sample.design.times)
    if not outside.any():
        outside = sample.position > sample.position.min()
    return len(np.unique(clusters[treated])), len(np.unique(clusters[outside]))


def _describe(sample: Sample, form: Form) -> dict[str, object]:
    return {
        "method": "two_way",
        "form": form,
        "diagnostic": True,
        "estimand": "one common effect (static) or one per time since treatment (event), the same for every cohort",
        "citation": CITATION,
        "se_convention": SE_CONVENTION,
        "outcome": sample.design.outcome_name,
        "times": tuple(float(time) for time in sample.design.times),
        "event_clock": str(sample.design.info.get("event_clock", "time")),
        "dropped_units": dict(sample.dropped),
    }


ESTIMATOR = Estimator(
    name="two_way",
    run=estimate_two_way,
    options={"form": ("static", "event")},
    title="Two-way fixed effects (diagnostic)",
    citation=CITATION,
    accepts=frozenset({"covariates", "weights", "gaps", "no_never_treated", "anticipation"}),
    diagnostic=True,
)
