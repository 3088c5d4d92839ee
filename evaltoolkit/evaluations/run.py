"""Run a plan: feasibility, estimates, checks, grade, verdict."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaltoolkit.checks.concurrent import CONCURRENT
from evaltoolkit.checks.registry import Check, check
from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.evaluations.beside import chance_hits, say_beside
from evaltoolkit.evaluations.causal import refuse_covariates
from evaltoolkit.evaluations.evaluation import Evaluation, OutcomeResult, Stamp, Verdict
from evaltoolkit.evaluations.facts import (
    check_facts,
    design_facts,
    left_out_facts,
    outcome_facts,
    run_facts,
    seen_incidence,
)
from evaltoolkit.evaluations.grade import grade_facts
from evaltoolkit.evaluations.headline import find_headline
from evaltoolkit.evaluations.inputs import Inputs, load_inputs
from evaltoolkit.evaluations.per_dose import say_per_dose, say_switched
from evaltoolkit.evaluations.sampled import hold_sampling
from evaltoolkit.evaluations.verdict import judge_outcome, name_facts
from evaltoolkit.findings import RefusedError
from evaltoolkit.framework.indicator import Indicator
from evaltoolkit.inference.sampling import add_sampling, sampling_of
from evaltoolkit.panels.coverage import coverage_by_arm
from evaltoolkit.plans.canonical import digest, plan_digest
from evaltoolkit.plans.feasibility import Feasibility, Trigger, assess_feasibility
from evaltoolkit.plans.lock import compare_lock, lock_path, lock_plan
from evaltoolkit.plans.methods import dose_unit, estimate_as_planned
from evaltoolkit.plans.plan import Outcome, Plan
from evaltoolkit.plans.statistics import drop_short_cohorts


def run_plan(path: str | Path | Inputs, *, feasibility: Sequence[Feasibility] = ()) -> Evaluation:
    """Run a plan from end to end.

    Every outcome is first asked whether a difference-in-differences can answer it. Where the answer is "do not run",
    nothing is estimated, unless the plan overrides it with a reason; then the grade says so.

    Parameters
    ----------
    path : path of the plan, or what :func:`evaltoolkit.evaluations.inputs.load_inputs` made of it
    feasibility : answers that :func:`assess_plan` gave on the same inputs and that need not be worked out again

    Raises
    ------
    EvaltoolkitError
        The plan or a file it names has faults; all of them are listed.
    """
    inputs = path if isinstance(path, Inputs) else load_inputs(path)
    refuse_covariates(inputs.plan)
    cohorts = inputs.cohorts()
    known = {answer.outcome: answer for answer in feasibility}
    lock_state = compare_lock(inputs.file, framework=inputs.framework, panel=inputs.panel, cohorts=inputs.starts())
    estimated = [
        replace(
            _run_outcome(
                inputs, outcome, cohorts, stamp=lock_state.stamp(outcome.indicator), known=known.get(outcome.indicator)
            ),
            per=dose_unit(inputs.plan, outcome),
        )
        for outcome in inputs.plan.outcomes
    ]
    # a guardrail whose interval holds both harm and none was looked at, but tested nothing
    harm = any(one.verdict.kind in ("within_margin", "harm_possible") for one in estimated)
    hits = chance_hits(estimated, inputs.plan.estimation.level)
    told = say_beside(estimated, inputs.plan.treatment, hits=hits, harm_examined=harm)
    results = tuple(_graded(inputs, one, harm_examined=harm, one_of_many=one.outcome.indicator in hits) for one in told)
    return Evaluation(
        plan=inputs.plan,
        panel=inputs.panel,
        outcomes=results,
        harm_examined=harm,
        locked_on=lock_state.locked_on,
        deviations=lock_state.deviations,
        coverage=_coverage(inputs, cohorts),
        findings=inputs.findings,
        info=_info(inputs),
    )


def assess_plan(path: str | Path | Inputs) -> tuple[Feasibility, ...]:
    """Ask for every outcome of a plan whether a difference-in-differences can answer it; nothing is estimated."""
    inputs = path if isinstance(path, Inputs) else load_inputs(path)
    refuse_covariates(inputs.plan)
    cohorts = inputs.cohorts()
    wanted = [outcome for outcome in inputs.plan.outcomes if not outcome.not_measurable]
    return tuple(_assess(inputs, outcome, cohorts)[0] for outcome in wanted)


def lock(path: str | Path, *, today: dt.date) -> Path:
    """Lock a plan over its framework and the data from before treatment; returns the lock's path.

    Outcomes need not have been collected yet: a plan that is locked before they are cannot be fitted to them.
    """
    inputs = load_inputs(path, complete=False)
    refuse_covariates(inputs.plan)
    lock_plan(inputs.file.path, framework=inputs.framework, panel=inputs.panel, cohorts=inputs.starts(), today=today)
    return lock_path(inputs.file.path)


def _assess(
    inputs: Inputs, outcome: Outcome, cohorts: dict[str, float], known: Feasibility | None = None
) -> tuple[Feasibility, Design | None]:
    try:
        design = inputs.design(outcome)
    except RefusedError:
        trigger = Trigger("no_units", "stop", {}, ("contribution_analysis", "process_tracing"))
        return Feasibility(outcome.indicator, "do_not_run", (trigger,), float("nan")), None
    if known is not None:
        return known, design
    indicator = inputs.framework.by_id.get(outcome.indicator)
    panel = inputs.panel.observed(outcome.indicator)
    answer = assess_feasibility(design, panel, outcome, inputs.plan, indicator=indicator, cohorts=cohorts)
    return answer, design


def _run_outcome(
    inputs: Inputs, outcome: Outcome, cohorts: dict[str, float], *, stamp: Stamp, known: Feasibility | None
) -> OutcomeResult:
    indicator = inputs.framework.by_id.get(outcome.indicator)
    if outcome.not_measurable:
        nothing = Feasibility(outcome.indicator, "do_not_run", (), float("nan"))
        return _unestimated(outcome, indicator, nothing, stamp, "not_measurable")
    feasibility, design = _assess(inputs, outcome, cohorts, known)
    overridden = outcome.indicator in inputs.plan.overrides
    if design is None or (feasibility.decision == "do_not_run" and not overridden):
        return _unestimated(outcome, indicator, feasibility, stamp, "refused")
    return _estimate_outcome(inputs, outcome, indicator, feasibility, drop_short_cohorts(design), stamp)


def _unestimated(
    outcome: Outcome, indicator: Indicator | None, feasibility: Feasibility, stamp: Stamp, kind: str
) -> OutcomeResult:
    name = "not_estimable" if kind == "no_estimate" else kind
    verdict = Verdict(name, ((f"verdict.{kind}", name_facts(outcome, indicator)),))
    return OutcomeResult(outcome, feasibility, verdict, stamp, indicator)


def _estimate_outcome(
    inputs: Inputs,
    outcome: Outcome,
    indicator: Indicator | None,
    feasibility: Feasibility,
    design: Design,
    stamp: Stamp,
) -> OutcomeResult:
    effects = estimate_as_planned(design, inputs.plan.estimation, outcome)
    plain, event = effects.aggregate("overall"), effects.aggregate("event")
    if not np.isfinite(plain.estimate[0]):
        return _unestimated(outcome, indicator, feasibility, stamp, "no_estimate")
    sampling = sampling_of(design, plain)
    overall = add_sampling(plain, sampling)
    headline = hold_sampling(find_headline(inputs, design, plain, shown=overall), sampling)
    checks = _checks(inputs, design, effects, outcome, indicator)
    incidence = seen_incidence(checks, outcome)
    verdict = judge_outcome(outcome, indicator, headline.interval, mde=feasibility.mde, incidence=incidence)
    return OutcomeResult(
        outcome=outcome,
        feasibility=feasibility,
        verdict=say_switched(say_per_dose(verdict, dose_unit(inputs.plan, outcome)), design),
        stamp=stamp,
        indicator=indicator,
        design=design,
        effects=effects,
        overall=overall,
        event=event,
        two_way=estimate(replace(design, exposure=None, dose=None), method="two_way"),
        headline=headline,
        checks=checks,
    )


def _checks(
    inputs: Inputs, design: Design, effects: Effects, outcome: Outcome, indicator: Indicator | None
) -> tuple[Check, ...]:
    return check(
        design,
        effects,
        checks_to_run(inputs.plan, outcome),
        panel=inputs.panel.observed(outcome.indicator),
        indicator=indicator,
        smallest_relevant=outcome.smallest_relevant if outcome.role != "guardrail" else outcome.margin,
        detection_range=outcome.detection_range,
        detection=outcome.detection,
        control_category=outcome.control_category,
        composition=outcome.composition,
        respondents=outcome.respondents,
        roster=inputs.roster,
        membership=inputs.membership,
        values=inputs.values,
        concurrent=inputs.plan.treatment.concurrent or CONCURRENT,
        level=inputs.plan.estimation.level,
        seed=inputs.plan.estimation.seed,
    )


def checks_to_run(plan: Plan, outcome: Outcome) -> tuple[str, ...] | None:
    """Return the checks that a plan names; None for all.

    Where a change of detection was declared, the verdict rests on the check on reporting: it cannot be left out.
    """
    if not plan.checks or outcome.detection_range is None or "reporting" in plan.checks:
        return plan.checks or None
    return (*plan.checks, "reporting")


def _graded(inputs: Inputs, result: OutcomeResult, *, harm_examined: bool, one_of_many: bool) -> OutcomeResult:
    if result.headline is None or result.design is None or result.effects is None:
        return result
    randomised = inputs.plan.treatment.assignment == "randomised"
    facts = {
        **design_facts(result.design, result.effects, inputs.plan),
        **outcome_facts(
            result.outcome,
            result.indicator,
            result.headline.interval,
            seen_incidence(result.checks, result.outcome),
        ),
        **check_facts(result.checks, randomised=randomised),
        **left_out_facts(inputs.plan),
        "per_dose": float(bool(result.per)),
        **run_facts(
            result.stamp,
            harm_examined=harm_examined,
            overridden=result.outcome.indicator in inputs.plan.overrides,
            one_of_many=one_of_many,
        ),
    }
    return replace(result, grade=grade_facts(facts, randomised=randomised, compared=True))


def _coverage(inputs: Inputs, cohorts: dict[str, float]) -> pd.DataFrame:
    """Response by arm and period of every outcome; units of unknown treatment are an arm of their own."""
    time = pd.Series(cohorts, dtype=float)
    last = inputs.panel.times[-1]
    arm = pd.Series(np.select([time.isna(), time <= last], ["unknown", "treated"], "comparison"), index=time.index)
    tables = []
    for outcome in inputs.plan.outcomes:
        if outcome.indicator in inputs.panel.measures:
            panel = inputs.panel.observed(outcome.indicator)
            tables.append(coverage_by_arm(panel, outcome.indicator, arm).assign(outcome=outcome.indicator))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _info(inputs: Inputs) -> dict[str, Any]:
    libraries = ("evaltoolkit", "numpy", "pandas", "scipy", "linearmodels", "dowhy")
    values = inputs.values.sort_values(list(inputs.values.columns), ignore_index=True)
    return {
        "versions": {"python": platform.python_version()} | {name: version(name) for name in libraries},
        "seed": inputs.plan.estimation.seed,
        "plan_digest": plan_digest(inputs.plan),
        "framework": f"{inputs.framework.name} {inputs.framework.version}",
        "framework_digest": digest(inputs.framework.model_dump(mode="json")),
        "values_digest": digest(values.to_csv(index=False, float_format="%.10g", lineterminator="\n")),
        "panel_digest": digest(inputs.panel.data.to_csv(float_format="%.10g", lineterminator="\n")),
    }
