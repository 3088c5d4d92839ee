from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tables import make_design

from evaltoolkit.designs.table import design_from_table
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.choose import FEW_COMPARISON, ONE_TREATED, OUTSIDE, UNATTAINABLE, infer
from evaltoolkit.inference.question import COMPLETE, NO_NOISE, ONE_DECIDES


def ask(*, seed=1, sizes=None, design=None, **settings):
    options = {name: settings.pop(name) for name in ("method", "by_lot", "assignments", "level") if name in settings}
    design = design or make_design(np.random.default_rng(seed), **settings)
    return infer(design, estimate(design).aggregate("overall"), sizes=sizes, draws=299, **options)


RULES = {
    "nobody to compare with": ({"treated": (5,), "never": 9}, "", FEW_COMPARISON),
    "by lot": ({"treated": (1,), "never": 25, "by_lot": True}, "lot", ""),
    "two": ({"treated": (2,)}, "sized", ""),
    "nine": ({"treated": (5, 4), "starts": (2020.0, 2022.0)}, "sized", ""),
    "ten": ({"treated": (10,)}, "studentised", ""),
    "ten in pairs": ({"treated": (2,) * 5, "starts": tuple(2019.0 + np.arange(5))}, "sized", ""),
    "ten in fives": ({"treated": (5, 5), "starts": (2020.0, 2022.0)}, "studentised", ""),
}


@pytest.mark.parametrize("name", RULES)
def test_the_rule_chooses_and_says_why(name):
    settings, method, reason = RULES[name]
    found = ask(**settings)
    assert (found.method, found.reason, found.chosen) == (method, reason, "auto")
    if method:
        assert found.why
        assert 0 < found.p_value <= 1
        assert found.low <= found.estimate <= found.high
        assert found.smallest_p <= found.p_value
    else:
        assert np.isnan([found.p_value, found.low, found.high]).all()
        assert np.isfinite(found.estimate)


def test_sizes_outside_the_range_are_told():
    sizes = np.r_[np.linspace(1, 10, 18), 5.0, 30.0]
    assert not ask(treated=(2,), sizes=sizes).inside
    assert ask(treated=(2,), sizes=sizes.clip(max=10)).inside
    alone = ask(treated=(1,), never=19, sizes=sizes)
    assert (alone.method, alone.reason, alone.inside) == ("", OUTSIDE, False)
    assert np.isnan([alone.low, alone.high, alone.rank]).all()


def test_one_treated_has_a_rank_and_an_interval_and_no_p_value():
    found = ask(treated=(1,), never=25, effect=50.0)
    assert (found.method, found.reason, found.rank) == ("donors", ONE_TREATED, 0)
    assert found.low < 50 < found.high
    assert np.isnan(found.p_value)
    assert np.isnan(ask(treated=(2,)).rank)
    ranks = [ask(treated=(1,), never=25, seed=seed).rank for seed in range(60)]
    assert np.mean(ranks) == pytest.approx(0.5, abs=0.12)


def test_another_method_is_recorded_as_an_override():
    found = ask(treated=(2,), method="studentised")
    assert (found.method, found.chosen) == ("studentised", "override")
    assert ask(treated=(2,), method="sized").chosen == "auto"
    one = ask(treated=(1,), never=40, method="donors")
    assert one.chosen == "override"
    assert np.isfinite(one.p_value)
    with pytest.raises(EvaltoolkitError, match='Did you mean "sized"'):
        ask(method="sizes")


def test_methods_belong_to_a_kind_of_outcome():
    with pytest.raises(EvaltoolkitError, match="not for a difference of means"):
        ask(treated=(2,), method="counts")


def test_a_p_value_that_could_not_be_small_is_not_given():
    found = ask(treated=(1,), never=15, by_lot=True, effect=50.0)
    assert (found.method, found.reason) == ("lot", UNATTAINABLE)
    assert found.smallest_p == pytest.approx(1 / 16)
    assert found.attainable == 0
    assert np.isnan(found.p_value)
    assert (found.low, found.high) == (-np.inf, np.inf)
    enough = ask(treated=(1,), never=15, by_lot=True, effect=50.0, level=0.9)
    assert enough.p_value == pytest.approx(1 / 16)
    assert enough.attainable == pytest.approx(1 / 16)


def test_weights_by_a_propensity_score_are_replaced_by_a_regression():
    rng = np.random.default_rng(2)
    design = make_design(np.random.default_rng(1), treated=(4,), never=30)
    x = rng.normal(size=34)
    tilted = design.outcome + 3 * x[:, None] * (design.times - 2018)
    adjusted = replace(design, outcome=tilted, covariates=x[:, None], covariate_names=("x",))
    found = infer(adjusted, estimate(adjusted, adjust="ipw").aggregate("overall"), draws=299)
    regression = estimate(adjusted, adjust="reg").aggregate("overall").estimate[0]
    assert found.estimate == pytest.approx(regression, abs=1e-10)
    assert COMPLETE in found.why
    # the trend in x is gone from the noise: the interval is about as wide as without it
    plain = infer(design, estimate(design).aggregate("overall"), draws=299)
    assert found.high - found.low == pytest.approx(plain.high - plain.low, rel=0.3)


def test_a_fault_of_the_user_is_not_a_reason():
    with pytest.raises(EvaltoolkitError, match="above zero"):
        ask(treated=(2,), sizes=np.zeros(20))


def test_clusters_have_the_sum_of_their_units():
    design = make_design(np.random.default_rng(3), treated=(3,), zone=2)
    sizes = np.ones(len(design.units))
    sizes[-1] = 500.0
    assert not ask(design=design, sizes=sizes).inside
    assert ask(design=design, sizes=np.ones(len(design.units))).n_treated == 3


def test_intervals_cover_with_few_treated():
    draws, covered = 150, 0
    for seed in range(draws):
        found = ask(seed=[21, seed], treated=(3,), never=37, effect=1.0)
        covered += found.low <= 1.0 <= found.high
    assert abs(covered / draws - 0.95) <= 3 * np.sqrt(0.05 * 0.95 / draws) + 0.01


def test_same_seed_same_digits():
    assert ask(treated=(3,)) == ask(treated=(3,))


@pytest.mark.parametrize("by_lot", [False, True])
def test_one_to_compare_with_is_too_few_and_not_still(by_lot):
    assert ask(treated=(5,), never=1, by_lot=by_lot).reason == FEW_COMPARISON


@pytest.mark.parametrize("treated", [1, 3, 12])
@pytest.mark.parametrize("by_lot", [False, True])
def test_without_noise_there_is_no_answer(treated, by_lot):
    design = make_design(np.random.default_rng(1), treated=(treated,), never=25)
    levels = np.random.default_rng(2).normal(size=(len(design.units), 1)) + np.arange(len(design.times)) / 7
    still = replace(design, outcome=levels)
    found = ask(design=still, by_lot=by_lot)
    assert found.reason == NO_NOISE
    assert np.isnan([found.p_value, found.low, found.high]).all()
    # an event in the first period, which no effect is compared with
    once = still.outcome.copy()
    once[0, 0] += 1.0
    assert ask(design=replace(design, outcome=once), by_lot=by_lot).reason == NO_NOISE


def test_an_effect_on_all_and_nothing_else_is_told_only_by_a_lot():
    design = make_design(np.random.default_rng(1), treated=(12,), never=25)
    moved = replace(design, outcome=np.where(design.times >= design.cohort[:, None], 1.0, 0.0))
    assert ask(design=moved).reason == NO_NOISE
    drawn = ask(design=moved, by_lot=True)
    assert drawn.p_value == drawn.smallest_p == pytest.approx(1 / 300)
    assert drawn.low == pytest.approx(1.0)
    assert drawn.high == pytest.approx(1.0)


def test_no_answer_where_gaps_leave_no_noise():
    design = make_design(np.random.default_rng(1), treated=(3,), never=25)
    outcome = np.zeros_like(design.outcome)
    outcome[5, 2] = np.nan
    gappy = replace(design, outcome=outcome)
    found = infer(gappy, estimate(gappy, "imputation").aggregate("overall"), draws=99)
    assert found.reason == NO_NOISE


@pytest.mark.parametrize(("place", "weight", "method"), [(-1, 40.0, "sized"), (0, 10.0, "studentised"), (0, 40.0, "")])
def test_clusters_count_for_what_they_weigh(place, weight, method):
    design = make_design(np.random.default_rng(1), treated=(12,), never=25)
    weights = np.ones(len(design.units))
    weights[place] = weight
    found = ask(design=replace(design, weights=weights / weights.mean()))
    assert (found.method, found.reason) == (method, "" if method else ONE_DECIDES)


def test_what_was_asked_for_says_nothing_of_the_data():
    few = ask(treated=(2,), method="studentised")
    assert (few.chosen, few.why) == (
        "override",
        "as asked: assignments change places, each with its own standard error",
    )
    assert ask(treated=(12,), method="sized").why.startswith("as asked: noise changes places")


def test_draws_are_those_that_were_made():
    assert ask(treated=(2,), never=12, by_lot=True).draws == 91
    assert ask(treated=(5,), never=30, by_lot=True).draws == 299


def test_interval_and_p_value_agree_where_p_values_rise_again():
    # sizes that make the fitted spread jump as the tested effect moves
    rng = np.random.default_rng(355)
    outcome = rng.standard_t(3, size=(20, 6))
    outcome[:3, 3:] += 1.5
    sizes = np.exp(rng.normal(size=20))
    table = pd.DataFrame(
        {
            "unit": np.repeat([f"u{place:02d}" for place in range(20)], 6),
            "year": np.tile(2000 + np.arange(6), 20),
            "y": outcome.ravel(),
            "first": np.repeat(np.where(np.arange(20) < 3, 2003, 0), 6),
        }
    )
    design = design_from_table(table, "y", unit="unit", period="year", treated_from="first", never=0)
    found = infer(design, estimate(design).aggregate("overall"), sizes=sizes, draws=499)
    assert found.p_value < 0.05
    assert not found.low <= 0 <= found.high
