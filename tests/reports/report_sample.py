"""A small simulated evaluation: real estimators, checks, grades and verdicts on sixty made-up units."""

import math

import numpy as np
import pandas as pd

from evaltoolkit.checks.registry import check
from evaltoolkit.designs.design import Design
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.evaluations.evaluation import Evaluation, Headline, Interval, OutcomeResult, Verdict
from evaltoolkit.evaluations.grade import grade_facts
from evaltoolkit.evaluations.verdict import judge_outcome, name_facts
from evaltoolkit.findings import Finding, Where
from evaltoolkit.framework.load import load_framework
from evaltoolkit.framework.periods import Period
from evaltoolkit.panels.panel import Panel
from evaltoolkit.plans.feasibility import Feasibility, Trigger
from evaltoolkit.plans.plan import Plan

YEARS = ("2019", "2020", "2021", "2022", "2023", "2024")
UNITS = np.array([f"U{number:02d}" for number in range(60)])
COHORT = np.where(np.arange(60) < 14, 2022.0, np.where(np.arange(60) < 27, 2023.0, np.inf))
# two units of their own cohort: their averages must not be shown
COHORT[27:29] = 2021.0
EFFECT = {"TRU-01": 0.05, "DET-02": 3.0, "RGT-07": 0.0, "COMP-09": 1.0}

PLAN = Plan.model_validate(
    {
        "title": "Coaching & <trust>",
        "question": "Does coaching of LIVC-R raise trust?",
        "unit": "municipality",
        "data": {"panel": "panel.csv", "treated_from": "start", "simulated": True, "source": "simulated"},
        "treatment": {
            "action": "Coaching",
            "assignment": "voluntary",
            "decided_by": "the council",
            "why_then": "when a coach was free",
        },
        "outcomes": [
            {"indicator": "TRU-01", "role": "primary", "smallest_relevant": 0.03},
            {"indicator": "HAR-08", "role": "primary", "smallest_relevant": 0.5},
            {"indicator": "DET-02", "role": "secondary", "smallest_relevant": 1.0},
            {"indicator": "COMP-09", "role": "secondary", "smallest_relevant": 1.0},
            {"indicator": "RGT-07", "role": "guardrail", "margin": 0.04},
            {"indicator": "COH-05", "role": "guardrail", "not_measurable": True},
        ],
        "theory_of_change": ["Coaching brings partners to the table."],
        "rival_explanations": ["An election year."],
    }
)


def _outcome(indicator, rng):
    level, noise = {"TRU-01": (0.6, 0.03), "RGT-07": (0.2, 0.02), "DET-02": (12.0, 2.0), "COMP-09": (4.0, 1.0)}[
        indicator
    ]
    values = level + rng.normal(0, noise, (60, 1)) + rng.normal(0, noise, (60, 6))
    values += EFFECT[indicator] * (np.array([int(year) for year in YEARS]) >= COHORT[:, None])
    values[rng.random((60, 6)) < 0.03] = np.nan
    return values


def _panel():
    rng = np.random.default_rng(11)
    index = pd.MultiIndex.from_product([UNITS, YEARS], names=["unit", "period"])
    data = pd.DataFrame({name: _outcome(name, rng).ravel() for name in EFFECT}, index=index)
    data["COMP-09.status"] = np.where(rng.random(360) < 0.25, "reconstructed", "registered")
    units = pd.DataFrame({"name": [f"Place {code}" for code in UNITS], "members": UNITS}, index=UNITS)
    return Panel(data, tuple(Period.parse(year) for year in YEARS), "municipality", units, 2025)


def _design(panel, indicator):
    cohort = COHORT.copy()
    if indicator == "COMP-09":
        cohort[4:] = np.inf
    excluded = pd.DataFrame({"unit": ["U58", "U59"], "reason": ["excluded.unknown_treatment", "excluded.no_outcome"]})
    keep = slice(0, 58)
    return Design(
        units=UNITS[keep],
        times=panel.times,
        outcome=panel.wide(indicator)[keep],
        cohort=cohort[keep],
        covariates=np.empty((58, 0)),
        covariate_names=(),
        weights=np.ones(58),
        clusters=UNITS[keep],
        outcome_name=indicator,
        excluded=excluded,
    )


def _result(panel, outcome, framework):
    indicator = framework.by_id[outcome.indicator]
    design = _design(panel, outcome.indicator)
    effects = estimate(design, method="group_time", adjust="reg")
    overall, event = effects.aggregate("overall"), effects.aggregate("event")
    row = overall.to_frame().iloc[0]
    interval = Interval(row["estimate"], row["conf_low"], row["conf_high"], 0.95, row["reason"])
    mde = 0.02 if math.isfinite(row["conf_low"]) else math.nan
    return OutcomeResult(
        outcome=outcome,
        feasibility=Feasibility(outcome.indicator, "go", (), mde, "" if mde > 0 else "mde.few_clusters", 0.03),
        verdict=judge_outcome(outcome, indicator, interval, mde=mde),
        stamp="confirmatory",
        indicator=indicator,
        design=design,
        effects=effects,
        overall=overall,
        event=event,
        two_way=estimate(design, method="two_way"),
        headline=Headline(interval, None, "usual" if interval.defined else "", "auto", same_estimate=True),
        checks=check(design, effects, ["pretrends", "leave_one_out", "response"], smallest_relevant=0.03),
        grade=grade_facts({"randomised": 0.0, "response_gap_points": 12.0}, randomised=False, compared=True),
    )


def _without_estimate(outcome, framework):
    indicator = framework.by_id[outcome.indicator]
    kind = "not_measurable" if outcome.not_measurable else "refused"
    triggers = (Trigger("rare_outcome", "stop", {"events_per_unit_year": 0.4, "threshold": 5.0}, ("pool_years",)),)
    return OutcomeResult(
        outcome=outcome,
        feasibility=Feasibility(outcome.indicator, "do_not_run", triggers if kind == "refused" else (), math.nan),
        verdict=Verdict(kind, ((f"verdict.{kind}", name_facts(outcome, indicator)),)),
        stamp="confirmatory",
        indicator=indicator,
    )


def _coverage():
    rows = [
        {"arm": arm, "period": year, "n_units": n, "n_answered": n - 2, "share": (n - 2) / n, "outcome": "TRU-01"}
        for arm, n in (("treated", 29), ("comparison", 31))
        for year in YEARS
    ]
    return pd.DataFrame(rows)


def make_evaluation():
    """Return the sample."""
    framework = load_framework()
    panel = _panel()
    results = [
        _result(panel, outcome, framework) if outcome.indicator in EFFECT else _without_estimate(outcome, framework)
        for outcome in PLAN.outcomes
    ]
    return Evaluation(
        plan=PLAN,
        panel=panel,
        outcomes=tuple(results),
        harm_examined=True,
        locked_on="2025-03-01",
        deviations=(("deviation.data_changed", {"indicator": "TRU-01", "locked_on": "2025-03-01"}),),
        coverage=_coverage(),
        findings=(
            Finding("rule.attended_above_invited", "error", Where("a.xlsx", "1", "C4"), {"left": 5, "right": 4}),
            Finding("rule.attended_above_invited", "error", Where("b.xlsx", "1", "C4"), {"left": 9, "right": 4}),
        ),
        info={"versions": {"evaltoolkit": "0.1"}, "seed": 1, "plan_digest": "0" * 64},
    )
