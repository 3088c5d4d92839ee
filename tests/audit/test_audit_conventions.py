"""Conventions of other packages, computed on our side: against formulas written out, and against themselves."""

from dataclasses import replace

import numpy as np
import pytest
from audit_designs import make_design, with_gaps

from evaltoolkit.audit.conventions import (
    counted_from_anticipation,
    divided_by_treated,
    reweighted,
    small_sample_factor,
)
from evaltoolkit.audit.question import ask
from evaltoolkit.audit.rows import aggregates
from evaltoolkit.audit.switch_variance import cohort_centred_errors
from evaltoolkit.effects.inference import std_errors


def test_the_small_sample_factor_counts_clusters_rows_and_coefficients():
    design = with_gaps(make_design(clusters=np.array([f"c{i // 3}" for i in range(90)])))
    question = ask(design, "two_way", {})
    rows = int(np.isfinite(design.outcome).sum())
    assert small_sample_factor(question, 8) == pytest.approx(np.sqrt(30 / 29 * (rows - 1) / (rows - 8)), rel=1e-14)


@pytest.mark.parametrize(("count", "drawn"), [("rows", "cohorts"), ("pairs", "cohorts"), ("rows", "rows")])
def test_without_gaps_observations_are_the_sizes_of_cohorts(count, drawn):
    question = ask(make_design(weights=np.tile([0.5, 1.0, 1.5], 30)), "group_time", {})
    for ours, rows in zip(
        aggregates(question.effects), reweighted(question, question.effects, count, drawn), strict=True
    ):
        assert ours.keys == rows.keys
        np.testing.assert_allclose(rows.estimate, ours.estimate, rtol=1e-12)
        np.testing.assert_allclose(rows.std_error, ours.std_error, rtol=1e-12)


def test_shares_that_count_as_given_have_another_error():
    question = ask(make_design(), "group_time", {})
    fixed, drawn = (reweighted(question, question.effects, "rows", how)[1].std_error for how in ("", "rows"))
    assert abs(fixed / drawn - 1) > 1e-4


def test_with_gaps_the_overall_effect_is_the_mean_over_treated_rows():
    question = ask(with_gaps(make_design()), "imputation", {})
    _, overall = reweighted(question, question.effects, "rows")
    labels = question.effects.labels
    total, count = 0.0, 0
    for cohort, time, effect in zip(labels["cohort"], labels["time"], question.effects.estimate, strict=True):
        if time >= cohort:
            column = list(question.design.times).index(time)
            rows = int(np.isfinite(question.design.outcome[question.design.cohort == cohort, column]).sum())
            total, count = total + rows * effect, count + rows
    assert overall.estimate[0] == pytest.approx(total / count, rel=1e-12)
    _, plain = aggregates(question.effects)
    assert abs(overall.estimate[0] - plain.estimate[0]) > 1e-6


def test_the_influence_of_odds_divided_by_the_treated_is_the_derivative_of_the_estimate():
    """A unit's influence is n times what the estimate moves with its weight."""
    design = make_design(x=True, n=60, weights=np.tile([0.6, 1.0, 1.4], 20))
    question = ask(design, "group_time", {"adjust": "dr"})
    psi = np.asarray(divided_by_treated(question).influence)
    step = 1e-5
    for unit in (0, 1, 3, 4, 17, 33):
        moved = []
        for sign in (1, -1):
            weights = design.weights.copy()
            weights[unit] += sign * step
            other = ask(replace(design, weights=weights), "group_time", {"adjust": "dr"})
            moved.append(divided_by_treated(other).estimate)
        # weights have mean one: the derivative is in the unit of weights, influence carries the weight itself
        slope = (moved[0] - moved[1]) / (2 * step)
        np.testing.assert_allclose(psi[unit], 60 * design.weights[unit] * slope, rtol=1e-5, atol=1e-6)


def test_odds_divided_by_the_treated_is_another_estimate_of_the_same():
    question = ask(make_design(x=True), "group_time", {"adjust": "dr"})
    other = divided_by_treated(question)
    gap = np.abs(other.estimate - question.effects.estimate)
    assert gap.max() > 1e-6
    assert (gap < std_errors(question.effects) / 3).all()


def test_without_anticipation_nothing_is_counted_earlier():
    question = ask(make_design(), "group_time", {})
    early, plain = (
        aggregates(one)[1] for one in (counted_from_anticipation(question, question.effects), question.effects)
    )
    np.testing.assert_allclose(early.estimate, plain.estimate, rtol=1e-14)
    np.testing.assert_allclose(early.std_error, plain.std_error, rtol=1e-12)


def test_counted_from_anticipation_is_the_mean_of_the_effects_from_then_on():
    question = ask(make_design(anticipation=1), "group_time", {})
    labels, estimate = question.effects.labels, question.effects.estimate
    cohort, time = (labels[name].to_numpy() for name in ("cohort", "time"))
    size = np.array([(question.design.cohort == one).sum() for one in cohort], dtype=float)
    early = aggregates(counted_from_anticipation(question, question.effects))[1]
    for ahead, rows in ((1, early), (0, aggregates(question.effects)[1])):
        use = time >= cohort - ahead
        assert rows.estimate[0] == pytest.approx(np.average(estimate[use], weights=size[use]), rel=1e-12)


def test_switchers_centred_by_cohort_with_one_cohort_is_the_variance_of_two_means():
    """One date, one lag: both groups are cohorts, so the variance is that of a difference in means, divisors n."""
    cohort = np.where(np.arange(90) < 40, 2019.0, np.inf)
    design = make_design(cohort=cohort, comparison="not_yet_treated")
    question = ask(design, "switchers", {"effects": 1})
    change = design.outcome[:, 4] - design.outcome[:, 3]
    expected = np.sqrt(change[:40].var() / 40 + change[40:].var() / 50)
    errors = cohort_centred_errors(question, 1)
    assert errors[0.0] == pytest.approx(expected, rel=1e-12)
    # the toolkit's divisors are one less
    ours = std_errors(question.effects)[question.effects.labels["event_time"].tolist().index(0.0)]
    assert ours == pytest.approx(np.sqrt(change[:40].var(ddof=1) / 40 + change[40:].var(ddof=1) / 50), rel=1e-12)
