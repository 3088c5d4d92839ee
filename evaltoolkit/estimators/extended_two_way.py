"""Extended two-way fixed effects of Wooldridge: linear, Poisson with exposure, and fractional logit."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.estimators.cohort_cells import CellFit, CohortCells, lay_out
from evaltoolkit.estimators.cohort_likelihood import Means, fit_cells
from evaltoolkit.estimators.cohort_regression import regress_cells
from evaltoolkit.estimators.counts import CountEffects, Totals
from evaltoolkit.estimators.quasi_likelihood import LOGIT, POISSON
from evaltoolkit.estimators.registry import Estimator
from evaltoolkit.findings import EvaltoolkitError

FamilyName = Literal["linear", "poisson", "logit"]
Scale = Literal["response", "link"]
Averages = Literal["fixed", "sampled"]

CITATION = (
    "Wooldridge (2025), https://doi.org/10.1007/s00181-025-02807-z; "
    "Wooldridge (2023), https://doi.org/10.1093/ectj/utad016"
)
_SE = "CR0: sandwich over clusters, delta method, no small-sample factor"
SE_CONVENTION = {
    "fixed": f"{_SE}; treated units, their covariates and the sizes of cohorts are taken as they are (as R's etwfe)",
    "sampled": f"{_SE}; treated units and the sizes of cohorts count as drawn from a population",
}
_MEAN = "mean over the treated rows of cohort g in period t"
_ESTIMAND = {
    ("linear", "response"): f"ATT(g,t), {_MEAN}, if untreated outcomes of all cohorts move in parallel",
    ("poisson", "response"): f"ATT(g,t) in counts per unit and period, {_MEAN}, if untreated rates of all cohorts "
    "change by the same factor (proportional trends)",
    ("poisson", "link"): f"log rate ratio, {_MEAN}, if untreated rates of all cohorts change by the same factor "
    "(proportional trends)",
    ("logit", "response"): f"ATT(g,t) as a difference of shares, {_MEAN}, if untreated log odds of all cohorts move in "
    "parallel",
    ("logit", "link"): f"log odds ratio, {_MEAN}, if untreated log odds of all cohorts move in parallel",
}


def estimate_extended_two_way(
    design: Design,
    *,
    family: FamilyName = "linear",
    scale: Scale = "response",
    averages: Averages = "fixed",
) -> Effects:
    """Estimate cohort-by-period effects in one regression that is saturated in cohort and period.

    Estimand: ATT(g,t), the mean effect in period t on the units first treated in g. Poisson: the difference between
    the counts of the treated and what they would have been; ``scale="link"`` its log ratio. Logit: a difference of
    shares, or of log odds.

    Assumptions: no anticipation beyond ``design.anticipation``; treatment never reverts; without treatment the cohorts
    would have moved in parallel (given the covariates, each with its own slope in every period) on the scale of the
    link: outcomes for linear, logarithms of rates for Poisson (proportional trends: every cohort's rate changes by the
    same factor), log odds for logit. The outcome need not be Poisson or binomial, only its mean must be right.

    Not when: treatment stops and restarts; everybody starts at once; trends are parallel in levels but a family with
    another scale is chosen, or the other way round: with cohorts of different levels only one of them can hold. Poisson
    and logit have effects of cohorts, not of units: where units of a cohort with different levels come and go between
    periods, the composition of the cohort is taken for an effect.

    Parameters
    ----------
    design : Design
        Outcome (n, T): any number for linear, 0 or more for Poisson, between 0 and 1 for logit. ``design.exposure``
        enters the Poisson mean as offset with coefficient one. Comparison never_treated: every cohort has effects in
        all periods but the last before treatment, which is the reference, and those before it show pre-trends.
        Comparison not_yet_treated: effects from treatment on only; all periods before are the reference.
    family : {"linear", "poisson", "logit"}
        Linear: least squares with unit and period effects. Poisson, logit: quasi-likelihood with cohort and period
        effects; units with zeros only are informative and stay in.
    scale : {"response", "link"}
        Effects on the mean outcome, or on the linear predictor; the same for linear.
    averages : {"fixed", "sampled"}
        Whether the treated rows over which effects are averaged, and the cohort shares when aggregating, are taken as
        they are, or their sampling enters the standard error.

    Returns
    -------
    Effects
        Kind ``group_time``. Undefined rows are NaN with a reason, such as a cohort with no incident before treatment.
        For Poisson the result also carries totals: see :func:`evaltoolkit.estimators.counts.incidents_avoided` and
        :func:`evaltoolkit.estimators.counts.rate_ratio`. ``influence`` is that of the coefficients (sandwich, delta
        method), plus that of the averages with ``averages="sampled"``.

    Raises
    ------
    EvaltoolkitError
        No unit is treated within the panel after its first period; an outcome out of the range of the family; an
        exposure with a family that has none.

    References
    ----------
    https://doi.org/10.1007/s00181-025-02807-z, https://doi.org/10.1093/ectj/utad016

    Examples
    --------
    >>> from evaltoolkit.estimators.registry import estimate  # doctest: +SKIP
    >>> estimate(design, "extended_two_way", family="poisson").aggregate("event").to_frame()  # doctest: +SKIP
    """
    _check_outcome(design, family)
    cells = lay_out(design)
    _require(cells)
    sampled = averages == "sampled"
    if family == "linear":
        return _effects(Effects, cells, regress_cells(cells, sampled=sampled), family, scale, averages)
    which = POISSON if family == "poisson" else LOGIT
    fit, means = fit_cells(cells, which, link=scale == "link", sampled=sampled)
    if family == "logit":
        return _effects(Effects, cells, fit, family, scale, averages)
    return _effects(CountEffects, cells, fit, family, scale, averages, totals=_totals(means))


def _check_outcome(design: Design, family: FamilyName) -> None:
    if family != "poisson" and design.exposure is not None:
        raise EvaltoolkitError(
            f'family="{family}" has no exposure. Use family="poisson" for counts, or a rate without exposure.'
        )
    if family == "linear":
        return
    seen = np.isfinite(design.outcome)
    bad = seen & ((design.outcome < 0) | ((design.outcome > 1) if family == "logit" else False))
    if not bad.any():
        return
    unit, time = np.argwhere(bad)[0]
    range_ = "counts or amounts of 0 or more" if family == "poisson" else "shares between 0 and 1"
    raise EvaltoolkitError(
        f'family="{family}" takes {range_}; {design.outcome_name} is {design.outcome[unit, time]:g} for unit '
        f"{design.units[unit]} in {design.times[time]:g} ({int(bad.sum())} such values). "
        'Correct them, or use family="linear".'
    )


def _require(cells: CohortCells) -> None:
    if len(cells.cohort):
        return
    why = "; ".join(f"{len(units)} units {reason}" for reason, units in cells.dropped.items())
    alone = " The only treated cohort would have no comparison." if cells.only_compared else ""
    raise EvaltoolkitError(
        f"No cohort can be estimated: no unit is treated after the first period of the panel.{alone}"
        f"{' Left out: ' + why + '.' if why else ''} Add earlier periods, or check the dates in the roster."
    )


def _totals(means: Means) -> Totals:
    parts = means.observed, means.untreated, means.observed_influence, means.untreated_influence
    return Totals("group_time", means.size, *parts)


def _effects(
    kind: type[Effects],
    cells: CohortCells,
    fit: CellFit,
    family: FamilyName,
    scale: Scale,
    averages: Averages,
    **more: Any,
) -> Effects:
    design = cells.design
    return kind(
        kind="group_time",
        labels=cells.labels(),
        estimate=fit.estimate,
        influence=fit.influence,
        units=design.units,
        cohort=design.cohort,
        weights=design.weights,
        clusters=design.clusters,
        reasons=fit.reasons,
        info={
            "method": "extended_two_way",
            "estimand": _ESTIMAND[family, "response" if family == "linear" else scale],
            "citation": CITATION,
            "se_convention": SE_CONVENTION[averages],
            "family": family,
            "scale": scale,
            "averages": averages,
            "shares": "fixed" if averages == "fixed" else "estimated",
            "base": "universal",
            "outcome": design.outcome_name,
            "comparison": design.comparison,
            "anticipation": design.anticipation,
            "covariates": design.covariate_names,
            "exposure": design.exposure is not None,
            "times": tuple(float(time) for time in design.times),
            "event_clock": str(design.info.get("event_clock", "time")),
            "dropped_units": dict(cells.dropped),
            "comparison_only_cohorts": cells.only_compared,
        },
        **more,
    )


ESTIMATOR = Estimator(
    name="extended_two_way",
    run=estimate_extended_two_way,
    options={
        "family": ("linear", "poisson", "logit"),
        "scale": ("response", "link"),
        "averages": ("fixed", "sampled"),
    },
    title="Extended two-way fixed effects (linear, Poisson, fractional logit)",
    citation=CITATION,
    accepts=frozenset({"covariates", "weights", "gaps", "exposure", "no_never_treated", "anticipation"}),
    alone={
        "family=poisson": "a count is fitted by its own mean, which is not linear in it",
        "family=logit": "a share is fitted by its own mean, which is not linear in it",
    },
)
