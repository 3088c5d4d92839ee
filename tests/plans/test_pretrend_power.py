from dataclasses import replace

import numpy as np
import pytest

from evaltoolkit.checks.pretrends import check_pretrends
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.plans.declared import design_of, draw_outcomes
from evaltoolkit.plans.pretrend import TooFewToTestError, pretrend_power
from evaltoolkit.plans.study import Study

STUDY = Study.model_validate(
    {
        "periods": 7,
        "comparison_units": 80,
        "cohorts": [{"start": 4, "units": 50}, {"start": 6, "units": 40}],
        "outcome": {"kind": "continuous", "sd": 1.0, "autocorrelation": 0.3},
    }
)


@pytest.fixture(scope="module")
def found():
    return pretrend_power(STUDY)


@pytest.fixture(scope="module")
def by_force(found):
    """Every simulated study with a drift estimated and tested by itself: (rejected, overall estimate)."""
    design, draws = design_of(STUDY), 400
    drift = np.where(design.treated[:, None], design.times[None, :], 0.0) * found.slope
    outcome = draw_outcomes(STUDY, design, 0.0, draws, np.random.default_rng(77)) + drift[:, :, None]
    results = []
    for draw in range(draws):
        effects = estimate(replace(design, outcome=outcome[:, :, draw]))
        seen = check_pretrends(replace(design, outcome=outcome[:, :, draw]), effects).code == "check.pretrends.seen"
        results.append((seen, effects.aggregate("overall").estimate[0]))
    return np.array(results).T


def test_power_is_that_of_real_studies_with_the_drift(found, by_force):
    assert abs(by_force[0].mean() - 0.8) < 3 * np.sqrt(0.16 / 400)


def test_bias_is_that_of_real_studies(found, by_force):
    rejected, overall = by_force[0].astype(bool), by_force[1]
    error = overall.std() / np.sqrt(len(overall))
    assert overall.mean() == pytest.approx(found.bias, abs=3 * error)
    passed = overall[~rejected]
    left = found.table.set_index("slope")["bias_if_passed"][found.slope]
    assert passed.mean() == pytest.approx(left, abs=3 * passed.std() / np.sqrt(len(passed)))


def test_without_a_drift_the_test_has_its_size_and_leaves_no_bias(found):
    nothing = found.table.iloc[0]
    assert nothing["power"] == pytest.approx(0.05)
    assert nothing["bias"] == 0
    assert abs(nothing["bias_if_passed"]) < 0.01 * found.bias
    assert found.table["power"].is_monotonic_increasing
    assert found.tests == 4


def test_with_a_dozen_participants_the_test_sees_less_and_power_says_so():
    small = Study.model_validate(
        STUDY.model_dump() | {"comparison_units": 30, "cohorts": [{"start": 4, "units": 6}, {"start": 6, "units": 6}]}
    )
    found, design = pretrend_power(small), design_of(small)
    drift = np.where(design.treated[:, None], design.times[None, :], 0.0) * found.slope
    outcome = draw_outcomes(small, design, 0.0, 400, np.random.default_rng(78)) + drift[:, :, None]
    seen = []
    for draw in range(400):
        one = replace(design, outcome=outcome[:, :, draw])
        seen.append(check_pretrends(one, estimate(one)).code == "check.pretrends.seen")
    # degrees of freedom are approximate: three Monte Carlo errors and five points
    assert abs(np.mean(seen) - 0.8) < 3 * np.sqrt(0.16 / 400) + 0.05
    # the estimates furthest from the start rest on six participants and are not tested
    assert found.tests == 2


def test_below_ten_participants_nothing_is_tested():
    few = Study.model_validate(STUDY.model_dump() | {"cohorts": [{"start": 5, "units": 9}]})
    with pytest.raises(TooFewToTestError, match="fewer than 10 treated"):
        pretrend_power(few)


def test_scale_of_the_outcome_is_the_scale_of_the_drift(found):
    tenfold = STUDY.model_copy(update={"outcome": STUDY.outcome.model_copy(update={"sd": 10.0})})
    assert pretrend_power(tenfold).slope == pytest.approx(10 * found.slope)


def test_one_period_before_the_start_tests_nothing():
    early = Study.model_validate(STUDY.model_dump() | {"cohorts": [{"start": 2, "units": 50}]})
    with pytest.raises(EvaltoolkitError, match="start later"):
        pretrend_power(early)
