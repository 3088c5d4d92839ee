"""Imputation: what treated units would have seen without treatment, predicted from all untreated observations."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.estimators.imputation_cells import Block, Panel, arrange_panel, count_rows, fit_panel, impute_cells
from evaltoolkit.estimators.imputation_pretrends import REFERENCES, Pretrends, pretrend_rows
from evaltoolkit.estimators.registry import Estimator
from evaltoolkit.findings import EvaltoolkitError

StandardErrors = Literal["conservative", "gardner"]

CITATION = "Borusyak, Jaravel and Spiess (2024), https://doi.org/10.1093/restud/rdae007"
SE_CONVENTIONS = {
    "conservative": "square root of the sum over clusters of (sum of v e)^2, v the weight of an observation in the "
    "estimate, e its residual, of treated observations centred by cohort and period with squared weights; no "
    "small-sample factor",
    "gardner": "two-stage moments (Gardner 2022, https://doi.org/10.48550/arXiv.2207.05943), summed by cluster; no "
    "small-sample factor",
}
# Gardner's second stage averages over units, so that who they are counts as sampled; the conservative one does not
_SHARES = {"conservative": "fixed", "gardner": "estimated"}


def estimate_imputation(
    design: Design,
    *,
    se: StandardErrors = "conservative",
    pretrends: Pretrends = "cohort",
    leads: int = 3,
    unit_trends: bool = False,
) -> Effects:
    """Estimate the effect on each cohort in each period against an imputed outcome without treatment.

    The untreated outcome is fitted by weighted least squares on every untreated observation, y0 = unit + period
    (+ baseline covariates with a coefficient per period, + controls, + a trend of each unit), and subtracted from what
    treated units had. Gaps are allowed, no unit has to be seen always.

    Estimand: ATT(g,t), the mean effect in period t on the units of cohort g that are observed in t and at least once
    (with unit trends twice) before treatment.

    Assumptions: the outcome without treatment follows that regression for every unit and period: parallel trends of
    all cohorts and the untreated over *all* periods, not only since the last one before treatment (given covariates
    and controls, where there are any); no effect before ``design.anticipation`` periods ahead of treatment; treatment
    never reverts and does not move the controls.

    Not when: trends differed long before treatment, for then every early period draws the prediction away; treatment
    stops and restarts; effects reach untreated units; the outcome is a count so rare that most cells are zero; cohorts
    of one or two units are to be judged one by one, for their residuals are centred at their own mean and their
    standard errors are too small.

    Parameters
    ----------
    design : Design
        Outcome (n, T) in the user's units, gaps allowed. Covariates, controls, weights, clusters and anticipation are
        taken from here. All untreated observations compare, those of later cohorts before treatment too, whatever
        ``design.comparison`` says. An observation without its controls counts as not observed.
    se : {"conservative", "gardner"}
        Borusyak, Jaravel and Spiess: never too small in large samples, cohort shares taken as fixed; or the two-stage
        moments of Gardner, cohort shares estimated. Without weights they are the same for a cohort and period.
    pretrends : {"cohort", "event", "residuals"}
        Periods before treatment. ``cohort``: leads of each cohort, in a regression of the untreated observations only.
        ``event``: the same with one coefficient per event time, repeated for every cohort, so that
        ``aggregate("event")`` is the test that the authors propose. ``residuals``: mean residuals of the fit that
        imputes, which are drawn towards zero. ``info["pretrend_reference"]`` says what they are relative to: never the
        reference of the effects, so do not compare their levels.
    leads : {3, 1, 2, 5}
        Number of leads, counted in periods before treatment (and anticipation).
    unit_trends : {False, True}
        A linear trend of its own for every unit, in the unit of ``times``.

    Returns
    -------
    Effects
        Kind ``group_time``; ``n_comparison`` counts the clusters of other units with an untreated observation in the
        period. Influence (n, k), in units of the outcome, rests on the exact weight of every observation. With unequal
        weights that of ``conservative`` need not have mean zero (``info["influence_centred"]``). What cannot be
        imputed is NaN with a reason; units without an observation before treatment stand in ``info["dropped_units"]``.

    Raises
    ------
    EvaltoolkitError
        No unit is treated within the panel, or none that is can be imputed.

    References
    ----------
    https://doi.org/10.1093/restud/rdae007, https://doi.org/10.48550/arXiv.2207.05943

    Examples
    --------
    >>> from evaltoolkit.estimators.registry import estimate  # doctest: +SKIP
    >>> estimate(design, "imputation", pretrends="event").aggregate("event").to_frame()  # doctest: +SKIP
    """
    panel = arrange_panel(design, unit_trends=unit_trends)
    _require(panel)
    fit = fit_panel(panel, unit_trends=unit_trends)
    residuals, _ = fit.residuals(panel.outcome)
    after = impute_cells(panel, fit, residuals, squared=se == "conservative")
    before = pretrend_rows(panel, fit, residuals, kind=pretrends, leads=leads)
    block = _join(before, after)
    counts = count_rows(panel, block)
    info = _describe(panel, se=se) | {
        "se": se,
        "pretrends": pretrends,
        "leads": leads,
        "unit_trends": unit_trends,
        "pretrend_reference": REFERENCES[pretrends].format(leads=leads),
    }
    return Effects(
        kind="group_time",
        labels=pd.DataFrame(
            {
                "cohort": block.cohort,
                "time": panel.design.times[block.period],
                "n_treated": counts[:, 0],
                "n_comparison": counts[:, 1],
            }
        ),
        estimate=block.estimate,
        influence=block.influence,
        units=panel.design.units,
        cohort=panel.design.cohort,
        weights=panel.design.weights,
        clusters=panel.design.clusters,
        reasons=tuple(block.reasons),
        info=info,
    )


def _require(panel: Panel) -> None:
    if panel.treated.any():
        return
    why = "; ".join(f"{len(units)} units {reason}" for reason, units in panel.dropped.items())
    raise EvaltoolkitError(
        "No effect can be imputed: no unit is observed both before and after its first treated period."
        f"{' Left out: ' + why + '.' if why else ''} Add earlier periods, or check the dates in the roster."
    )


def _join(before: Block, after: Block) -> Block:
    order = np.lexsort((np.r_[before.period, after.period], np.r_[before.cohort, after.cohort]))
    reasons = [*before.reasons, *after.reasons]
    return Block(
        cohort=np.r_[before.cohort, after.cohort][order],
        period=np.r_[before.period, after.period][order],
        estimate=np.r_[before.estimate, after.estimate][order],
        influence=np.concatenate([before.influence, after.influence], axis=1)[:, order],
        reasons=[reasons[j] for j in order],
    )


def _describe(panel: Panel, *, se: StandardErrors) -> dict[str, Any]:
    design = panel.design
    return {
        "method": "imputation",
        "estimand": "ATT(g,t) among units observed then and before treatment",
        "citation": CITATION,
        "se_convention": SE_CONVENTIONS[se],
        "shares": _SHARES[se],
        "influence_centred": se == "gardner" or bool(np.ptp(design.weights) < 1e-12),
        "outcome": design.outcome_name,
        "comparison": "not_yet_treated",
        "anticipation": design.anticipation,
        "covariates": design.covariate_names,
        "controls": design.control_names,
        "times": tuple(float(time) for time in design.times),
        "event_clock": str(design.info.get("event_clock", "time")),
        "dropped_units": dict(panel.dropped),
        "rows_without_controls": panel.no_controls,
    }


ESTIMATOR = Estimator(
    name="imputation",
    run=estimate_imputation,
    options={
        "se": ("conservative", "gardner"),
        "pretrends": ("cohort", "event", "residuals"),
        "leads": (3, 1, 2, 5),
        "unit_trends": (False, True),
    },
    title="Imputation of the outcome without treatment",
    citation=CITATION,
    accepts=frozenset({"covariates", "controls", "weights", "gaps", "no_never_treated", "anticipation"}),
)
