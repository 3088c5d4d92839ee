"""Interaction-weighted effects of Sun and Abraham: a regression with one coefficient per cohort and period."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import cluster_codes, count_clusters
from evaltoolkit.estimators.cells import NO_COMPARISON, NO_TREATED, REFERENCE, Mask
from evaltoolkit.estimators.group_time import estimate_group_time
from evaltoolkit.estimators.imputation_fit import Fit, Regressors, fit_untreated
from evaltoolkit.estimators.registry import Estimator
from evaltoolkit.estimators.two_way_panel import Panel, arrange_rows
from evaltoolkit.findings import EvaltoolkitError

CITATION = "Sun and Abraham (2021), https://doi.org/10.1016/j.jeconom.2020.09.006"
SE_CONVENTION = (
    "CR0: sandwich over clusters, no small-sample factor; the sizes of cohorts are taken as they are when aggregating"
)
NOT_IDENTIFIED = "not identified by the rows observed: no row of the cohort in its reference period, or collinear"

# what a contrast may load on a direction that the rows leave open and still be determined
_LOADING = 1e-6


@dataclass(frozen=True)
class _Cells:
    """Cohort and period of every row of the result.

    Attributes
    ----------
    cohorts : (G,) cohorts that are estimated
    first : (G,) index of their first treated period
    cohort : (k,) number of the cohort
    period : (k,) number of the period
    comparison : (n,) units that compare
    weight : (n, T) weight of a row, 0 where not observed and where a comparison unit is treated or anticipates it
    """

    cohorts: Array
    first: npt.NDArray[np.int64]
    cohort: npt.NDArray[np.intp]
    period: npt.NDArray[np.intp]
    comparison: Mask
    weight: Array


def estimate_sun_abraham(design: Design) -> Effects:
    """Estimate the effect on each cohort in each period by one regression, saturated in cohort and period.

    Outcome on unit effects, period effects and an indicator for every cohort in every period but the last before
    treatment (and anticipation). Without covariates, controls and gaps this is ``group_time`` with never-treated
    comparison and universal base, to the last digit, and is computed as that.

    Estimand: ATT(g,t), the mean effect in period t on the units first treated in g; ``aggregate`` weights them by the
    size of the cohort, which counts as fixed.

    Assumptions: parallel trends of every cohort and the never-treated units (given covariates and controls, the same
    for all, where there are any), no effect before ``design.anticipation`` periods ahead of treatment, treatment never
    reverts and does not move the controls.

    Not when: nobody stays untreated and the last cohort is no fair comparison; treatment stops and restarts; effects
    reach untreated units; trends depend on covariates that cohorts and comparison hardly share, for the regression
    extrapolates where ``group_time`` would say that there is no overlap.

    Parameters
    ----------
    design : Design
        Outcome (n, T) in the user's units, gaps allowed. Covariates enter with a coefficient per period, controls
        directly; weights, clusters and anticipation are taken from here. Never-treated units compare, whatever
        ``design.comparison`` says; without any, the last cohort compares until it is treated itself, and later periods
        are left out.

    Returns
    -------
    Effects
        Kind ``group_time``, periods before treatment included; influence n (X'X)^-1 sum_t x_it u_it, so that clustered
        variances are CR0. Undetermined rows are NaN with a reason.

    Raises
    ------
    EvaltoolkitError
        No unit is treated within the panel after its first period, or all start in the same period.

    References
    ----------
    https://doi.org/10.1016/j.jeconom.2020.09.006

    Examples
    --------
    >>> from evaltoolkit.estimators.registry import estimate  # doctest: +SKIP
    >>> estimate(design, "sun_abraham").aggregate("event").to_frame()  # doctest: +SKIP
    """
    panel = arrange_rows(design)
    if _is_group_time(panel):
        found = estimate_group_time(replace(panel.design, comparison="never_treated"), base="universal")
        return replace(found, info=_describe(panel, ()))
    cells = _list_cells(panel)
    estimate, influence, reasons = _regress(panel, cells)
    counts = _count(panel, cells)
    labels = {"cohort": cells.cohorts[cells.cohort], "time": panel.design.times[cells.period]}
    return Effects(
        kind="group_time",
        labels=pd.DataFrame(labels | {"n_treated": counts[:, 0], "n_comparison": counts[:, 1]}),
        estimate=estimate,
        influence=influence,
        units=panel.design.units,
        cohort=panel.design.cohort,
        weights=panel.design.weights,
        clusters=panel.design.clusters,
        reasons=tuple(reasons),
        info=_describe(panel, () if panel.untreated.any() else np.unique(panel.design.cohort[cells.comparison])),
    )


def _is_group_time(panel: Panel) -> bool:
    """Whether every row enters, and every comparison of cohorts and periods rests on means alone."""
    late = panel.position[panel.untreated] - panel.design.anticipation
    return bool(panel.balanced and not panel.adjusted and len(late) and (late >= len(panel.design.times)).all())


def _list_cells(panel: Panel) -> _Cells:
    n_periods = len(panel.design.times)
    comparison, last = panel.untreated, n_periods
    if not comparison.any():
        comparison = panel.position == panel.position.max()
        last = int(panel.position.max()) - panel.design.anticipation
    cohorts, at = np.unique(panel.design.cohort[~comparison], return_index=True)
    first = panel.position[~comparison][at]
    inside = first < last
    if not inside.any():
        raise EvaltoolkitError(
            "Nobody is still untreated when the first cohort that could be estimated starts: there is nothing to "
            "compare with. Add units that are not treated, or check the dates in the roster."
        )
    untouched = np.arange(n_periods) < (panel.position - panel.design.anticipation)[:, None]
    usable = np.where(comparison[:, None], untouched, np.arange(n_periods) < last)
    taking_part = comparison | np.isin(panel.design.cohort, cohorts[inside])
    g, t = (axis.ravel() for axis in np.indices((inside.sum(), n_periods)))
    kept = t < last
    weight = panel.weight * usable * taking_part[:, None]
    return _Cells(cohorts[inside], first[inside], g[kept], t[kept], comparison, weight)


def _regress(panel: Panel, cells: _Cells) -> tuple[Array, Array, list[str]]:
    """Estimates (k,), influence (n, k) and reasons: contrasts of cohorts' period effects with their reference period.

    Cohort indicators with a coefficient in every period are baseline covariates like any other, so that no indicator of
    a cohort and period is ever built.
    """
    members = (panel.design.cohort[:, None] == cells.cohorts[None, :]).astype(float)
    baseline = np.column_stack([panel.baseline[:, :1], members, panel.baseline[:, 1:]])
    fit = fit_untreated(Regressors(cells.weight, baseline, panel.controls))
    residuals, coefficients = fit.residuals(panel.outcome)
    n, n_periods = panel.weight.shape
    own = (1 + cells.cohort) * n_periods + cells.period
    reference = cells.first[cells.cohort] - panel.design.anticipation - 1
    base = (1 + cells.cohort) * n_periods + reference
    directions = fit.inverse[:, own] - fit.inverse[:, base]
    estimate = coefficients[own] - coefficients[base]
    influence = n * fit.scores(cells.weight * residuals, directions)
    reasons = _why_not(panel, cells, fit, own, base)
    undefined = np.array([reason not in ("", REFERENCE) for reason in reasons])
    estimate[undefined], influence[:, undefined] = np.nan, np.nan
    return estimate, influence, reasons


def _why_not(
    panel: Panel, cells: _Cells, fit: Fit, own: npt.NDArray[np.int64], base: npt.NDArray[np.int64]
) -> list[str]:
    """Reasons of the rows that the regression does not determine."""
    at, then = fit.null[own], fit.null[base]
    size = np.maximum(np.abs(at), np.abs(then)).max(axis=1, initial=0.0)
    loose = np.abs(at - then).max(axis=1, initial=0.0) > _LOADING * np.maximum(size, 1e-300)
    loose &= size > _LOADING * np.abs(fit.null).max(initial=0.0)
    seen: Mask = np.asarray(cells.weight > 0)
    treated = np.array([seen[panel.design.cohort == cohort].any(axis=0) for cohort in cells.cohorts])
    compared: Mask = np.asarray(seen[cells.comparison].any(axis=0))
    reasons = np.where(loose, NOT_IDENTIFIED, "")
    reasons = np.where(compared[cells.period], reasons, NO_COMPARISON)
    reasons = np.where(treated[cells.cohort, cells.period], reasons, NO_TREATED)
    return [str(reason) for reason in np.where(own == base, REFERENCE, reasons)]


def _count(panel: Panel, cells: _Cells) -> npt.NDArray[np.int64]:
    """(k, 2) clusters with a row in the cell, and clusters of comparison units with a row in the period."""
    codes = cluster_codes(panel.design.clusters, panel.design.units)
    seen: Mask = np.asarray(cells.weight > 0)
    compared = [count_clusters(codes[cells.comparison & seen[:, period]]) for period in range(seen.shape[1])]
    out = np.empty((len(cells.cohort), 2), dtype=np.int64)
    for j, (cohort, period) in enumerate(zip(cells.cohort, cells.period, strict=True)):
        own = (panel.design.cohort == cells.cohorts[cohort]) & seen[:, period]
        out[j] = count_clusters(codes[own]), compared[period]
    return out


def _describe(panel: Panel, compared: Iterable[float]) -> dict[str, Any]:
    design = panel.design
    return {
        "method": "sun_abraham",
        "estimand": "ATT(g,t) of a regression saturated in cohort and period",
        "citation": CITATION,
        "se_convention": SE_CONVENTION,
        "shares": "fixed",
        "base": "universal",
        "outcome": design.outcome_name,
        "comparison": "never_treated",
        "anticipation": design.anticipation,
        "covariates": design.covariate_names,
        "controls": design.control_names,
        "times": tuple(float(time) for time in design.times),
        "event_clock": str(design.info.get("event_clock", "time")),
        "dropped_units": dict(panel.dropped),
        "comparison_only_cohorts": tuple(float(cohort) for cohort in compared),
    }


ESTIMATOR = Estimator(
    name="sun_abraham",
    run=estimate_sun_abraham,
    options={},
    title="Interaction-weighted effects (Sun and Abraham)",
    citation=CITATION,
    accepts=frozenset({"covariates", "controls", "weights", "gaps", "no_never_treated", "anticipation"}),
)
