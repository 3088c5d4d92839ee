"""Partial R2 against DoWhy's own analyser, against published figures, and against brute force."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.sensitivity.hidden_cause import (
    AT_MOST_ONE,
    TOO_STRONG,
    Coefficient,
    adjusted_coefficient,
    bound_strength,
    partial_r2,
    robustness_value,
    t_quantile,
)
from evaltoolkit.sensitivity.partial_r2 import NO_FREEDOM, NO_VARIATION, partial_r2_sensitivity

NAMES = ["density", "income", "age"]
# Printed in Cinelli and Hazlett (2020), section 5, and with more digits in the tests of their R package
DARFUR = Coefficient(0.09731582, 0.02325654, 783)


def regression(n=240, seed=4, effect=0.4):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)) @ np.array([[1.0, 0.3, 0.0], [0.0, 1.0, 0.2], [0.0, 0.0, 1.0]])
    treated = (rng.normal(size=n) + 0.5 * x[:, 0] - 0.3 * x[:, 1] > 0.3).astype(float)
    change = effect * treated + x @ np.array([0.4, 0.2, -0.1]) + rng.normal(size=n)
    return change, treated, x


def by_dowhy(change, treated, x, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from dowhy import CausalModel
        from dowhy.causal_refuters.linear_sensitivity_analyzer import LinearSensitivityAnalyzer

        frame = pd.DataFrame(x, columns=NAMES).assign(treated=treated, change=change)
        model = CausalModel(data=frame, treatment="treated", outcome="change", common_causes=NAMES)
        estimand = model.identify_effect(proceed_when_unidentifiable=True)
        estimator = model.estimate_effect(estimand, method_name="backdoor.linear_regression").estimator
        analyser = LinearSensitivityAnalyzer(
            estimator=estimator,
            data=frame,
            treatment_name=["treated"],
            common_causes_order=list(estimator._observed_common_causes.columns),
            **options,
        )
        return analyser.check_sensitivity(plot=False)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("reduction", [1.0, 0.5])
def test_the_same_as_the_analyser_of_dowhy(name, reduction):
    data = regression()
    theirs = by_dowhy(
        *data,
        benchmark_common_causes=[name],
        percent_change_estimate=reduction,
        frac_strength_treatment=[1.0, 2.0],
        frac_strength_outcome=[1.0, 2.0],
    )
    ours = partial_r2_sensitivity(*data, NAMES, benchmarks=[name], times=(1, 2), reduction=reduction)
    stats, table = theirs.stats, theirs.benchmarking_results
    assert ours.coefficient == pytest.approx(
        (stats["estimate"], stats["standard_error"], stats["degree of freedom"]), abs=1e-8
    )
    got = (ours.partial_r2, ours.robustness, ours.robustness_of_test)
    assert got == pytest.approx((stats["r2yt_w"], stats["robustness_value"], stats["robustness_value_alpha"]), abs=1e-8)
    pairs = {
        "r2_treatment": "r2tu_w",
        "r2_outcome": "r2yu_tw",
        "estimate": "bias_adjusted_estimate",
        "std_error": "bias_adjusted_se",
        "conf_low": "bias_adjusted_lower_CI",
        "conf_high": "bias_adjusted_upper_CI",
    }
    for own, other in pairs.items():
        assert ours.bounds[own].to_numpy() == pytest.approx(table[other].to_numpy(), abs=1e-8), own
    if reduction == 1.0:  # theirs is measured from the reduced estimate
        assert ours.bounds["t"].to_numpy() == pytest.approx(table["bias_adjusted_t"].to_numpy(), abs=1e-8)


def test_published_figures_of_the_darfur_example():
    assert partial_r2(DARFUR) == pytest.approx(0.02187309, abs=1e-7)
    assert robustness_value(DARFUR) == pytest.approx(0.1387764, abs=1e-6)
    assert robustness_value(DARFUR, alpha=0.05) == pytest.approx(0.07625797, abs=1e-6)
    published = {  # times: of treatment, of outcome, estimate, standard error
        1: (0.00916428667504862, 0.12464092303637, 0.0752202698486415, 0.0218733298036818),
        2: (0.0183285733500972, 0.249324064199975, 0.0529151689180575, 0.0203500639944344),
        3: (0.0274928600251459, 0.374050471038094, 0.0303960178770157, 0.0186700665753491),
    }
    of_treatment = published[1][0] / (1 + published[1][0])
    # the benchmark's share of the outcome that belongs to the first row
    shared = of_treatment**2 / (1 - of_treatment) ** 2
    of_outcome = published[1][1] / ((1 + math.sqrt(shared)) ** 2 / (1 - shared))
    of_outcome = of_outcome / (1 + of_outcome)
    for times, (first, second, estimate, error) in published.items():
        assert bound_strength(of_treatment, of_outcome, times) == (pytest.approx(first), pytest.approx(second), "")
        left = adjusted_coefficient(DARFUR, first, second)
        assert left == (pytest.approx(estimate, rel=1e-7), pytest.approx(error, rel=1e-7), 782)


def test_a_hidden_cause_of_known_strength_moves_the_estimate_as_the_formula_says():
    change, treated, x = regression()
    rng = np.random.default_rng(9)
    hidden = 0.5 * treated + 0.6 * change + rng.normal(size=len(change))
    short = partial_r2_sensitivity(change, treated, x, NAMES)
    long = partial_r2_sensitivity(
        change, treated, np.column_stack([x, hidden]), [*NAMES, "hidden"], benchmarks=["hidden"]
    )
    rest = np.column_stack([np.ones(len(x)), x])

    def left(target, columns):
        return target - columns @ np.linalg.lstsq(columns, target, rcond=None)[0]

    def share(target, columns):
        both = np.column_stack([columns, hidden])
        return 1 - (left(target, both) ** 2).sum() / (left(target, columns) ** 2).sum()

    strength = share(treated, rest), share(change, np.column_stack([rest, treated]))
    predicted = adjusted_coefficient(short.coefficient, *strength)
    assert predicted == pytest.approx(long.coefficient, rel=1e-9)


def test_what_explains_everything_needs_only_the_partial_r2_of_treatment():
    found = partial_r2_sensitivity(*regression(), NAMES)
    assert adjusted_coefficient(found.coefficient, found.partial_r2, 1.0).estimate == pytest.approx(0, abs=1e-12)


@given(t=st.floats(0.1, 40), dof=st.integers(5, 2000), reduction=st.floats(0.1, 1.0), alpha=st.floats(0.01, 0.5))
@settings(max_examples=80, deadline=None)
def test_at_its_robustness_value_an_estimate_is_just_overturned(t, dof, reduction, alpha):
    coefficient = Coefficient(t, 1.0, dof)
    value = robustness_value(coefficient, reduction=reduction)
    assert 0 < value < 1
    left = adjusted_coefficient(coefficient, value, value)
    assert left.estimate == pytest.approx((1 - reduction) * t, abs=1e-7 * t)
    of_test = robustness_value(coefficient, reduction=reduction, alpha=alpha)
    assert 0 <= of_test <= value
    if of_test > 0:
        target, limit = (1 - reduction) * t, t_quantile(1 - alpha / 2, dof - 1)
        grid = [of_test * share for share in np.linspace(0, 1, 2001)]
        nearby = [adjusted_coefficient(coefficient, of_test, share) for share in grid]
        weakest = min((one.estimate - target) / one.std_error for one in nearby)
        # at that strength the test just fails; where it turns on treatment alone, at a smaller share of the outcome
        assert weakest <= limit * (1 + 1e-5)
        less = 0.98 * of_test
        kept = [adjusted_coefficient(coefficient, less, share) for share in np.linspace(0, less, 41)]
        assert min((one.estimate - target) / one.std_error for one in kept) > limit * (1 - 1e-9)


def test_units_signs_and_names_do_not_matter():
    change, treated, x = regression()
    plain = partial_r2_sensitivity(change, treated, x, NAMES, benchmarks=["income"])
    other = partial_r2_sensitivity(-1000 * change + 5, treated, x * [1e6, 1e-6, 1] + 3, NAMES, benchmarks=["income"])
    assert other.robustness == pytest.approx(plain.robustness, rel=1e-9)
    assert other.robustness_of_test == pytest.approx(plain.robustness_of_test, rel=1e-9)
    assert other.bounds["estimate"].to_numpy() == pytest.approx(-1000 * plain.bounds["estimate"].to_numpy(), rel=1e-8)
    assert other.bounds["r2_outcome"].to_numpy() == pytest.approx(plain.bounds["r2_outcome"].to_numpy(), rel=1e-8)


def test_several_covariates_can_be_one_benchmark():
    data = regression()
    joint = partial_r2_sensitivity(*data, NAMES, benchmarks={"both": ["density", "income"]}, times=[1]).bounds.iloc[0]
    single = partial_r2_sensitivity(*data, NAMES, benchmarks=["density", "income"], times=[1]).bounds
    assert joint["benchmark"] == "both"
    assert (joint["r2_treatment"] > single["r2_treatment"]).all()
    assert (joint["estimate"] < single["estimate"]).all()


def test_weights_are_repeated_rows_as_far_as_shares_go():
    change, treated, x = regression(n=80)
    weights = np.where(np.arange(80) < 30, 2.0, 1.0)
    weighted = partial_r2_sensitivity(change, treated, x, NAMES, benchmarks=["age"], weights=weights)
    rows = np.repeat(np.arange(80), weights.astype(int))
    repeated = partial_r2_sensitivity(change[rows], treated[rows], x[rows], NAMES, benchmarks=["age"])
    assert weighted.coefficient.estimate == pytest.approx(repeated.coefficient.estimate)
    assert weighted.bounds["r2_outcome"].to_numpy() == pytest.approx(repeated.bounds["r2_outcome"].to_numpy())
    assert weighted.coefficient.dof == 75


def test_a_strong_cause_is_caught_and_a_null_needs_none():
    strong = partial_r2_sensitivity(*regression(effect=3.0), NAMES)
    none = partial_r2_sensitivity(*regression(effect=0.0, seed=1), NAMES)
    assert strong.robustness_of_test > 0.5
    assert none.robustness_of_test == 0.0


def test_what_cannot_be_said_is_nan_with_a_reason():
    change, treated, x = regression(n=40)
    told = x[:, [0]] * 0 + treated[:, None] + 0.05 * x[:, [0]]  # almost the treatment itself
    bounds = partial_r2_sensitivity(change, treated, told, ["twin"], benchmarks=["twin"]).bounds
    assert bounds["estimate"].isna().all()
    assert set(bounds["reason"]) == {TOO_STRONG}
    assert bound_strength(0.1, 0.9, 3.0)[1:] == (1.0, AT_MOST_ONE)
    constant = partial_r2_sensitivity(change, np.ones(40), x, NAMES)
    assert (constant.reason, math.isnan(constant.robustness)) == (NO_VARIATION, True)
    few = partial_r2_sensitivity(change[:5], treated[:5], x[:5], NAMES)
    assert (few.reason, math.isnan(few.partial_r2)) == (NO_FREEDOM, True)
    assert math.isnan(robustness_value(Coefficient(1.0, 1.0, 1)))


def test_wrong_use_is_told():
    change, treated, x = regression(n=40)
    with pytest.raises(EvaltoolkitError, match='Did you mean "income"'):
        partial_r2_sensitivity(change, treated, x, NAMES, benchmarks=["incom"])
    with pytest.raises(EvaltoolkitError, match="one column per name"):
        partial_r2_sensitivity(change, treated, x, NAMES[:2])
    with pytest.raises(EvaltoolkitError, match="missing"):
        partial_r2_sensitivity(np.where(np.arange(40) == 3, np.nan, change), treated, x, NAMES)
    for wrong in ({"alpha": 0.0}, {"reduction": 0.0}, {"times": [0.0]}):
        with pytest.raises(EvaltoolkitError, match=next(iter(wrong))):
            partial_r2_sensitivity(change, treated, x, NAMES, **wrong)
    with pytest.raises(EvaltoolkitError, match="between 0 and 1"):
        adjusted_coefficient(DARFUR, 1.0, 0.5)
