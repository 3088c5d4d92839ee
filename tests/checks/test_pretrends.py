import math

import numpy as np
import pytest
from scipy import stats

from evaltoolkit.checks.pretrends import check_pretrends, noncentrality_for, rejection_power
from evaltoolkit.effects.pretest import joint_tail
from evaltoolkit.estimators.registry import estimate


def run(design, base="varying", **context):
    return check_pretrends(design, estimate(design, base=base), **context)


def test_clean_world_with_power_passes_and_drift_fails(world):
    good = run(world(), smallest_relevant=2.0)
    assert (good.verdict, good.code) == (True, "check.pretrends.none_seen")
    assert good.facts["power"] >= 50
    bad = run(world(drift=0.6), smallest_relevant=2.0)
    assert (bad.verdict, bad.code) == (False, "check.pretrends.seen")


def test_a_quiet_test_without_power_says_little(world):
    quiet = run(world(n=60, n_treated=20, noise=3.0, seed=3), smallest_relevant=0.5)
    assert (quiet.verdict, quiet.code) == (None, "check.pretrends.no_power")
    assert quiet.table["power_full"].iloc[0] < 0.5
    assert run(world()).code == "check.pretrends.no_yardstick"


def test_no_p_value_below_ten_clusters_and_none_without_early_periods(world):
    few = run(world(n_treated=9), smallest_relevant=2.0)
    assert (few.verdict, few.code) == (None, "check.pretrends.few_clusters")
    assert few.table["p_value"].isna().all()
    assert math.isnan(few.facts["p"])
    short = world()
    keep = [2, 3, 4]
    one_pre = world(
        cohort=np.where(np.isfinite(short.cohort), 2022.0, np.inf),
        times=short.times[keep],
        outcome=short.outcome[:, keep],
    )
    none = run(one_pre, smallest_relevant=2.0)
    assert (none.verdict, none.code) == (None, "check.pretrends.not_possible")


@pytest.mark.parametrize("base", ["varying", "universal"])
def test_power_agrees_with_simulated_violations(world, base):
    """Power computed from one world's covariance against the share of rejections in worlds with that drift."""
    relevant = 0.4
    seeds = range(60)
    powers, rejections = [], []
    for seed in seeds:
        clean = world(seed=seed, n=120, effect=0.0)
        powers.append(run(clean, base, smallest_relevant=relevant).table["power_full"].iloc[0])
        # drift that biases the overall effect by `relevant`: its mean distance to the base period
        rows = estimate(clean, base=base)
        post = rows.labels[rows.labels["time"] >= rows.labels["cohort"]]
        sizes = post["cohort"].map({g: (clean.cohort == g).sum() for g in clean.cohorts})
        drift = relevant / np.average(post["time"] - post["cohort"] + 1, weights=sizes)
        moved = world(seed=seed, n=120, effect=0.0, drift=drift)
        rejections.append(run(moved, base).code == "check.pretrends.seen")
    expected = np.mean(powers)
    assert 0.3 < expected < 0.99
    # the test is asymptotic and rejects a little too often: three Monte Carlo errors and five points
    assert np.mean(rejections) == pytest.approx(expected, abs=3 * math.sqrt(expected * (1 - expected) / 60) + 0.05)


def test_a_violation_twice_as_large_is_found_more_often_and_detectable_bias_is_consistent(world):
    table = run(world(), smallest_relevant=0.7).table.iloc[0]
    assert table["power_half"] < table["power_full"]
    again = run(world(), smallest_relevant=table["detectable_bias"]).table.iloc[0]
    assert again["power_full"] == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize(("df", "nc"), [(1, 0.5), (3, 7.0), (6, 12.5)])
def test_noncentral_chi_square_is_that_of_scipy_stats(df, nc):
    expected = stats.ncx2.sf(stats.chi2.isf(0.05, df), df, nc)
    assert rejection_power(df, nc) == pytest.approx(expected, rel=1e-8)
    assert noncentrality_for(df, expected) == pytest.approx(nc, rel=1e-6)


def test_anticipated_periods_are_not_tested(world):
    early = world()
    acts = np.isfinite(early.cohort)[:, None] & (early.times >= early.cohort[:, None] - 1)
    ahead = world(outcome=early.outcome + 3.0 * acts)
    assert run(ahead, smallest_relevant=2.0).verdict is False
    told = world(outcome=early.outcome + 3.0 * acts, anticipation=1)
    assert run(told, smallest_relevant=4.0).code != "check.pretrends.seen"


def test_a_comparison_chosen_for_moving_alike_is_no_test_of_moving_alike(world):
    design = world()
    complete = world(outcome=np.nan_to_num(design.outcome))
    fitted = check_pretrends(complete, estimate(complete, "synthetic_did"), smallest_relevant=2.0)
    assert (fitted.verdict, fitted.code) == (None, "check.pretrends.fitted")
    plain = check_pretrends(complete, estimate(complete, "synthetic_did", variant="did"), smallest_relevant=2.0)
    assert plain.code != "check.pretrends.fitted"


def test_one_coefficient_has_no_periods_to_look_at(world):
    found = check_pretrends(world(), estimate(world(), "two_way"), smallest_relevant=2.0)
    assert (found.verdict, found.code) == (None, "check.pretrends.not_applicable")


def test_many_small_cohorts_hold_the_size_of_the_test(world):
    """Estimates far from the start rest on one cohort of four: with them and a chi-square one in eight is rejected."""
    times, seen, left_out = 2019.0 + np.arange(9), [], []
    cohort = np.append(np.repeat(2022.0 + np.arange(8) % 6, 4), np.full(60, np.inf))
    for seed in range(400):
        clean = world(seed=seed, n=92, periods=9, n_treated=0)
        found = run(world(seed=seed, n=92, periods=9, n_treated=0, cohort=cohort, times=times, outcome=clean.outcome))
        seen.append(found.code == "check.pretrends.seen")
        left_out.append(found.table["left_out"].iloc[0])
    assert np.mean(seen) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    assert min(left_out) > 0


@pytest.mark.parametrize("freedom", [10.0, 23.0, 400.0])
def test_power_with_an_estimated_covariance_agrees_with_draws(freedom):
    rng, df, nc = np.random.default_rng(8), 3, 9.0
    estimate = rng.normal(size=(40_000, df)) + np.sqrt([nc, 0, 0])
    covariance = stats.wishart(freedom, np.eye(df), seed=9).rvs(40_000) / freedom
    statistic = np.einsum("bi,bij,bj->b", estimate, np.linalg.inv(covariance), estimate)
    rejected = np.mean([joint_tail(one, df, freedom) < 0.05 for one in statistic])
    assert rejection_power(df, nc, freedom=freedom) == pytest.approx(rejected, abs=3 * 0.5 / 200)
    assert noncentrality_for(df, rejection_power(df, nc, freedom=freedom), freedom=freedom) == pytest.approx(nc)


def test_the_joint_test_holds_its_size_with_a_dozen_treated(world):
    """The chi-square rejects a true null in one of seven such worlds (twelve treated, two cohorts)."""
    seen = [run(world(seed=seed, n=42, n_treated=12)).code == "check.pretrends.seen" for seed in range(400, 700)]
    assert np.mean(seen) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_fewer_clusters_than_estimates_are_no_test():
    assert np.isnan(joint_tail(4.0, 5, 3.0))
    assert np.isnan(rejection_power(5, 4.0, freedom=3.0))
    assert joint_tail(5.0, 2) == pytest.approx(joint_tail(5.0, 2, 1e7), rel=1e-5)
