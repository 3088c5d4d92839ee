"""Two-way fixed effects, static and event study: a diagnostic, never the answer under staggered treatment.

The door to linearmodels.
"""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np
import pandas as pd

from evaltoolkit.designs.design import Array, Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.estimators.cells import REFERENCE
from evaltoolkit.estimators.registry import Estimator
from evaltoolkit.estimators.two_way_columns import Columns, Form, column_rows, count_behind, lay_out_columns
from evaltoolkit.estimators.two_way_factor import fixest_factor
from evaltoolkit.estimators.two_way_fit import FixedEffects, Slopes, adjustment_columns, fit_groups, fit_rows
from evaltoolkit.estimators.two_way_panel import Panel, arrange_rows
from evaltoolkit.estimators.two_way_poisson import NO_MAXIMUM, SEPARATED, check_counts, fit_poisson, keep_telling
from evaltoolkit.findings import EvaltoolkitError

Engine = Literal["exact", "linearmodels"]
Family = Literal["linear", "poisson"]
Factor = Literal["none", "fixest"]

CITATION = "Goodman-Bacon (2021), https://doi.org/10.1016/j.jeconom.2021.03.014"
SE_CONVENTION = {
    "none": "CR0: sandwich over clusters, no small-sample factor; fixed effects need none with units in clusters",
    "fixest": "CR1 as R's fixest: sandwich over clusters times G/(G-1) (N-1)/(N-K), K with the effects that are not "
    "nested in clusters",
}
COLLINEAR = "collinear with the unit and period effects"
_EFFECTS = {
    "unit_period": "unit and period effects",
    "unit_trends": "unit and period effects, a linear trend of every unit",
    "cluster_period": "unit effects, period effects of every cluster",
}


def estimate_two_way(
    design: Design,
    *,
    form: Form = "static",
    effects: FixedEffects = "unit_period",
    family: Family = "linear",
    factor: Factor = "none",
    engine: Engine = "exact",
) -> Effects:
    """Regress the outcome on treatment with unit and period effects.

    A diagnostic to hold against ``group_time``, not a result to act on.

    Estimand: under the assumptions, the one effect; otherwise a weighted sum of effects whose weights may be negative:
    ``weigh_two_way`` shows them, ``decompose_two_way`` the comparisons behind. With ``family="poisson"`` the logarithm
    of the ratio of the mean to what it would be untreated.

    Assumptions: parallel trends (given covariates and controls, where there are any) *and* the same effect for every
    cohort and at every time since treatment; treatment does not move the controls. With ``family="poisson"`` both hold
    for ratios: untreated means of all units change by the same factor, and treatment multiplies all of them alike. The
    outcome need not be Poisson, only its mean must be right.

    Not when: units start at different times and effects grow or fade; then the number answers no question.

    Parameters
    ----------
    design : Design
        Outcome (n, T), gaps allowed; weights and clusters are used. Baseline covariates enter with a coefficient per
        period, controls directly. ``design.treatment``, any number per unit and period, is the regressor of the static
        form where it is given; units treated from the first period on then stay in. A row without its controls or its
        treatment counts as not observed. ``design.exposure`` enters the Poisson mean as offset, coefficient one.
    form : {"static", "event"}
        One coefficient, or one for every time since treatment with the period before treatment (and anticipation) as
        reference. Without never-treated units (in any cluster, for ``cluster_period``), and with unit trends, also the
        earliest time before treatment is a reference.
    effects : {"unit_period", "unit_trends", "cluster_period"}
        Unit and period effects; also a linear trend of every unit, in the unit of ``times``; or unit effects and
        period effects of every cluster (``design.clusters``: a police zone, a province), so that units are compared
        within their cluster only.
    family : {"linear", "poisson"}
        Least squares, or Poisson quasi-likelihood. There units with zeros only, and periods with zeros only, tell
        nothing: they are left out and listed in ``info``. Rows that are predicted to be zero with certainty are left
        out too; a coefficient that only they determine is undefined.
    factor : {"none", "fixest"}
        Whether the influence carries the small-sample factor of R's fixest, which multiplies every clustered variance.
    engine : {"exact", "linearmodels"}
        Own projections, in closed form for balanced panels; or coefficients by ``PanelOLS`` (``AbsorbingLS`` with unit
        trends), for Poisson on the last step. Both are the same to 1e-8, which tests hold on balanced, unbalanced,
        weighted and adjusted designs; own projections are the default everywhere because they take a hundredth of the
        time and give the influence of every unit, which ``PanelOLS`` does not: it is our own with either engine.

    Returns
    -------
    Effects
        Kind ``coefficient``; labels ``name`` and, for ``event``, ``event_time``. The influence of a unit is
        n (X'X)^-1 sum_t x_it u_it with x free of everything else, so that its clustered variance is CR0; for Poisson
        rows weigh as their mean. With ``design.treatment``, ``n_treated`` counts the clusters of units whose treatment
        changes, ``n_comparison`` those of units that keep theirs from one observed period to the next.

    Raises
    ------
    EvaltoolkitError
        No unit is treated after the first period; treatment never changes; an event study of treatment that stops; for
        Poisson, an outcome below zero or no treated unit with a count; an exposure with ``family="linear"``.

    References
    ----------
    https://doi.org/10.1016/j.jeconom.2021.03.014
    """
    if family == "linear" and design.exposure is not None:
        raise EvaltoolkitError(
            'family="linear" has no exposure. Use family="poisson" for counts, or a rate without exposure.'
        )
    panel, notes = arrange_rows(design), {}
    if family == "poisson":
        check_counts(panel)
        panel, notes["rows_with_zeros_only"] = keep_telling(panel, effects)
    columns = lay_out_columns(panel, form, effects)
    slopes, working, reasons = _fit(panel, columns, effects, family, notes)
    if engine == "linearmodels" and slopes.estimable.all():
        try:
            found = _panel_ols(working, list(column_rows(working, columns)), effects)
        except (ValueError, np.linalg.LinAlgError) as error:
            raise EvaltoolkitError(
                f'linearmodels cannot fit this design ({str(error).split(".")[0]}). Leave engine at "exact".'
            ) from None
        slopes = slopes._replace(estimate=found)
    if factor == "fixest":
        scale = np.sqrt(fixest_factor(working, int(slopes.estimable.sum()), effects))
        slopes = slopes._replace(influence=scale * slopes.influence)
    chosen: dict[str, str] = {"form": form, "effects": effects, "family": family, "factor": factor, "engine": engine}
    return _effects(panel, columns, slopes, reasons, {**_describe(panel, chosen), **notes})


def _fit(
    panel: Panel, columns: Columns, effects: FixedEffects, family: Family, notes: dict[str, int]
) -> tuple[Slopes, Panel, list[str]]:
    """Slopes, the regression that they are of, and why some are undefined."""
    k = len(columns.names) - columns.n_references
    if family == "poisson":
        fit = fit_poisson(panel, list(column_rows(panel, columns)), effects)
        notes["rows_separated"] = int(fit.separated.sum())
        why = SEPARATED if fit.separated.any() else COLLINEAR
        slopes = fit.slopes if fit.converged else fit.slopes._replace(estimable=np.zeros(k, bool))
        return slopes, fit.panel, [("" if ok else why) if fit.converged else NO_MAXIMUM for ok in slopes.estimable]
    grouped = panel.design.treatment is None and panel.balanced and not panel.adjusted
    if grouped and effects == "unit_period":
        slopes = fit_groups(panel, columns.group, columns.grid[:, :, :k])
    else:
        slopes = fit_rows(panel, column_rows(panel, columns), k, effects)
    return slopes, panel, ["" if ok else COLLINEAR for ok in slopes.estimable]


def _effects(panel: Panel, columns: Columns, slopes: Slopes, why: list[str], info: dict[str, Any]) -> Effects:
    n, gone = len(panel.design.units), columns.n_references
    estimate = np.r_[np.where(slopes.estimable, slopes.estimate, np.nan), np.zeros(gone)]
    influence = np.column_stack([np.where(slopes.estimable, slopes.influence, np.nan), np.zeros((n, gone))])
    reasons = [*why, *[REFERENCE] * gone]
    counts = count_behind(panel, columns)
    order = np.argsort(columns.event_time, kind="stable")
    labels = {
        "name": [columns.names[i] for i in order],
        **({"event_time": columns.event_time[order]} if info["form"] == "event" else {}),
        "n_treated": [counts[0][i] for i in order],
        "n_comparison": counts[1],
    }
    return Effects(
        kind="coefficient",
        labels=pd.DataFrame(labels),
        estimate=estimate[order],
        influence=influence[:, order],
        units=panel.design.units,
        cohort=panel.design.cohort,
        weights=panel.design.weights,
        clusters=panel.design.clusters,
        reasons=tuple(str(reasons[i]) for i in order),
        info=info,
    )


def _panel_ols(panel: Panel, columns: list[Array], effects: FixedEffects) -> Array:
    """Coefficients from linearmodels."""
    from linearmodels.iv.absorbing import AbsorbingLS, Interaction
    from linearmodels.panel import PanelOLS

    unit, period = np.nonzero(panel.observed)
    index = pd.MultiIndex.from_arrays([unit, period], names=["unit", "period"])

    def series(values: Array, name: str) -> pd.Series:
        return pd.Series(values[unit, period], index=index, name=name)

    every = [*columns, *adjustment_columns(panel)]
    x = pd.concat([series(column, f"x{j}") for j, column in enumerate(every)], axis=1)
    y, weights = series(panel.outcome, "y"), series(panel.weight, "w")
    with warnings.catch_warnings():
        # covariates that are collinear among themselves are dropped there with a warning: their slopes are not ours
        warnings.simplefilter("ignore")
        if effects == "unit_trends":
            whole = pd.DataFrame({"unit": pd.Categorical(unit), "period": pd.Categorical(period)}, index=index)
            clock = pd.DataFrame({"clock": panel.design.times[period] - panel.design.times.mean()}, index=index)
            trends = Interaction(cat=whole[["unit"]], cont=clock)
            model = AbsorbingLS(y, x, absorb=whole, interactions=trends, weights=weights, drop_absorbed=True)
            fitted = model.fit(cov_type="unadjusted", absorb_options={"atol": 1e-14, "btol": 1e-14})
        elif effects == "cluster_period":
            cells = pd.factorize(pd.MultiIndex.from_arrays([panel.design.clusters[unit], period]))[0]
            other = pd.DataFrame({"cell": cells}, index=index)
            fitted = PanelOLS(y, x, weights=weights, entity_effects=True, other_effects=other, drop_absorbed=True).fit(
                cov_type="unadjusted"
            )
        else:
            fitted = PanelOLS(y, x, weights=weights, entity_effects=True, time_effects=True, drop_absorbed=True).fit(
                cov_type="unadjusted"
            )
    return np.asarray(fitted.params[[f"x{j}" for j in range(len(columns))]], dtype=float)


def _describe(panel: Panel, chosen: dict[str, str]) -> dict[str, Any]:
    design = panel.design
    what = "log ratio" if chosen["family"] == "poisson" else "effect"
    return {
        "method": "two_way",
        **chosen,
        "diagnostic": True,
        "estimand": f"one common {what} (static) or one per time since treatment (event), the same for every cohort",
        "regression": _EFFECTS[chosen["effects"]],
        "citation": CITATION,
        "se_convention": SE_CONVENTION[chosen["factor"]],
        "outcome": design.outcome_name,
        "covariates": design.covariate_names,
        "controls": design.control_names,
        "exposure": design.exposure is not None,
        "times": tuple(float(time) for time in design.times),
        "event_clock": str(design.info.get("event_clock", "time")),
        "dropped_units": dict(panel.dropped),
    }


ESTIMATOR = Estimator(
    name="two_way",
    run=estimate_two_way,
    options={
        "form": ("static", "event"),
        "effects": ("unit_period", "unit_trends", "cluster_period"),
        "family": ("linear", "poisson"),
        "factor": ("none", "fixest"),
        "engine": ("exact", "linearmodels"),
    },
    title="Two-way fixed effects (diagnostic)",
    alone={"family=poisson": "a count is fitted by its own mean, which is not linear in it"},
    citation=CITATION,
    accepts=frozenset(
        {"covariates", "controls", "weights", "gaps", "exposure", "reversals", "no_never_treated", "anticipation"}
    ),
    diagnostic=True,
)
