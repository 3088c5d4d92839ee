from dataclasses import replace

import numpy as np
import pytest
from tables import make_design

from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.choose import FEW_COMPARISON, ONE_TREATED, OUTSIDE, UNATTAINABLE, infer
from evaltoolkit.inference.question import COMPLETE


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
