"""Before the start: what the test of the periods before treatment would see of a trend that is not there by design."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from evaltoolkit.designs.design import Array
from evaltoolkit.effects.aggregate import aggregation_matrix
from evaltoolkit.effects.inference import MIN_CLUSTERS
from evaltoolkit.effects.pretest import (
    Trend,
    bias_after_passing,
    few_cluster_covariance,
    noncentrality_for,
    precision_of,
    rejection_power,
)
from evaltoolkit.estimators.group_time import estimate_group_time, group_time_points
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.plans.declared import design_of, draw_outcomes
from evaltoolkit.plans.study import Study

# of the slope that the test finds four times in five
_STEPS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)


class TooFewToTestError(EvaltoolkitError):
    """Every estimate before treatment rests on too few clusters for a test."""


@dataclass(frozen=True)
class PretrendPower:
    """What a study's test of parallel trends before treatment would see.

    Attributes
    ----------
    tests : number of estimates before treatment that the joint test uses
    slope : steady drift per period between the arms that the test finds in 80 % of studies
    bias : how far that drift would move the overall effect
    table : ``slope, bias, power, bias_if_passed``; the last is the expected bias among the studies that pass the test
    """

    tests: int
    slope: float
    bias: float
    table: pd.DataFrame


def pretrend_power(study: Study, *, draws: int = 2000, seed: int = 1) -> PretrendPower:
    """Return what the joint test of the periods before treatment would see in a study that is only declared.

    Estimand: the probability that the check ``pretrends`` (5 %) rejects when treated units drift away from the others
    by a constant amount per period, before and after treatment; and the bias that is left where it does not.

    Assumption: the estimates are about normal, with the covariance of ``draws`` simulated studies without drift.

    Not when: treated and comparison units could part suddenly, at the start; no test of earlier periods sees that.

    Parameters
    ----------
    study : Study
    draws : number of simulated studies
    seed : int

    Returns
    -------
    PretrendPower

    Raises
    ------
    EvaltoolkitError
        No cohort has two periods before its start, or too few clusters, so that nothing can be tested.

    References
    ----------
    Roth (2022), doi:10.1257/aeri.20210236.
    """
    design = design_of(study)
    rng = np.random.default_rng([seed, 29])
    outcome = draw_outcomes(study, design, 0.0, draws, rng)
    template = estimate_group_time(replace(design, outcome=outcome[:, :, 0]))
    event, overall = (aggregation_matrix(template, to) for to in ("event", "overall"))
    rows = template.aggregate("event")
    before = np.flatnonzero(rows.labels["event_time"].to_numpy(float) < 0)
    if not len(before):
        raise EvaltoolkitError(
            "No cohort has two periods before its start: trends before treatment cannot be tested. "
            "Let the cohorts start later, or measure earlier."
        )
    behind = rows.labels[["n_treated", "n_comparison"]].to_numpy(dtype=float).min(axis=1)
    before = before[behind[before] >= MIN_CLUSTERS]
    freedom = few_cluster_covariance(rows, before)[1]
    if not freedom >= len(before):
        raise TooFewToTestError(
            f"Trends before treatment cannot be tested with fewer than {MIN_CLUSTERS} treated and as many comparison "
            "clusters. Let more take part, or plan without that check and say so."
        )
    points = np.nan_to_num(group_time_points(replace(design, outcome=outcome)))
    joint = np.cov(np.vstack([event[before] @ points, overall @ points]))
    trend = _trend(study, template_rows=event[before], overall=overall)
    covariance, shared = joint[:-1, :-1], joint[:-1, -1]
    precision, tests = precision_of(trend, covariance), len(before)
    slope = float(np.sqrt(noncentrality_for(tests, 0.8, freedom=freedom) / precision))
    table = [
        {
            "slope": step * slope,
            "bias": step * slope * trend.overall,
            "power": rejection_power(tests, precision * (step * slope) ** 2, freedom=freedom),
            "bias_if_passed": bias_after_passing(trend, step * slope, covariance, shared, freedom=freedom, seed=seed),
        }
        for step in _STEPS
    ]
    return PretrendPower(tests, slope, slope * trend.overall, pd.DataFrame(table))


def _trend(study: Study, *, template_rows: Array, overall: Array) -> Trend:
    """A drift of one per period, read off the estimator itself: its points are linear in the outcome."""
    design = design_of(study)
    drift = np.where(design.treated[:, None], design.times[None, :], 0.0)
    points = np.nan_to_num(group_time_points(replace(design, outcome=drift)))
    return Trend(np.asarray(template_rows @ points)[:, 0], float((overall @ points).item()))
