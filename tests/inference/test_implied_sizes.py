"""Sizes that were not given: what weights, units per cluster and sampling errors tell stands in for them."""

from dataclasses import replace

import numpy as np
import pytest
from tables import make_design

from evaltoolkit.designs.design import Design
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.inference.answer import Settings
from evaltoolkit.inference.choose import ONE_TREATED, OUTSIDE, infer
from evaltoolkit.inference.donors import outer_shares
from evaltoolkit.inference.options import Extras
from evaltoolkit.inference.question import NO_NUMBER, implied_sizes, pose_question
from evaltoolkit.inference.sized import sized_test
from evaltoolkit.inference.spread import shrinkage_of

TIMES = np.arange(2018.0, 2024.0)


def make(outcome, treated, *, weights=None, clusters=None, **more):
    n = len(outcome)
    units = np.array([f"{i:03d}" for i in range(n)])
    return Design(
        units=units, times=TIMES, outcome=outcome, cohort=np.where(treated, 2021.0, np.inf),
        covariates=np.empty((n, 0)), covariate_names=(), weights=np.ones(n) if weights is None else weights,
        clusters=units if clusters is None else clusters, **more,
    )  # fmt: skip


def people(rng, *, falls=True, chosen="lot", treated=3, n=60):
    """Weighted by inhabitants, the noise of a mean falling with them."""
    sizes = rng.lognormal(size=n)
    chance = {"lot": np.ones(n), "large": sizes, "small": 1 / sizes}[chosen]
    who = np.isin(np.arange(n), rng.choice(n, treated, replace=False, p=chance / chance.sum()))
    noise = rng.standard_normal((n, len(TIMES))) * (np.sqrt(0.1 + 0.4 / sizes) if falls else np.ones(n))[:, None]
    return make(noise, who, weights=sizes / sizes.mean())


def survey(rng, *, chosen, treated=3, n=60):
    """Shares among 5 to 200 respondents, equal weights."""
    asked = rng.integers(5, 200, n)
    chance = {"large": asked, "small": 1 / asked}[chosen]
    who = np.isin(np.arange(n), rng.choice(n, treated, replace=False, p=chance / chance.sum()))
    share = rng.binomial(asked[:, None], np.full((n, len(TIMES)), 0.3)) / asked[:, None]
    return make(share, who, sampling_se=np.sqrt(share * (1 - share) / asked[:, None]))


def zones(rng, *, chosen, treated=3, count=40):
    """Zones of one to eight units that share half of their noise."""
    units = rng.integers(1, 9, count)
    chance = {"large": units**2.0, "small": 1.0 / units**2}[chosen]
    who = np.isin(np.arange(count), rng.choice(count, treated, replace=False, p=chance / chance.sum()))
    zone = np.repeat(np.arange(count), units)
    noise = rng.standard_normal((count, len(TIMES)))[zone] + rng.standard_normal((len(zone), len(TIMES)))
    return make(noise, who[zone], clusters=np.array([f"z{one:02d}" for one in zone]))


def p_of(design, seed):
    """The p-value of the rule, without the search for an interval."""
    question = pose_question(
        design, estimate(design).aggregate("overall"), Extras(None, None, None, False), Settings(0.95, 199, seed)
    )
    return sized_test(question.task.table, question.task.sizes, draws=199, seed=seed).p_value


WORLDS = {
    "people, large treated": (people, {"chosen": "large"}),
    "people, by lot": (people, {"chosen": "lot"}),
    "alike, weighted": (people, {"chosen": "lot", "falls": False}),
    "survey, many asked": (survey, {"chosen": "large"}),
    "survey, few asked": (survey, {"chosen": "small"}),
    "large zones": (zones, {"chosen": "large"}),
    "small zones": (zones, {"chosen": "small"}),
}


@pytest.mark.parametrize("name", WORLDS)
def test_without_an_effect_few_treated_are_found_as_often_as_said(name):
    world, settings = WORLDS[name]
    draws = 600
    hits = [p_of(world(np.random.default_rng([23, seed]), **settings), seed) <= 0.05 for seed in range(draws)]
    error = 3 * np.sqrt(0.05 * 0.95 / draws)
    assert 0.035 - error / 2 <= np.mean(hits) <= 0.05 + error


def test_nothing_stands_in_where_clusters_are_alike():
    design = make_design(np.random.default_rng(1), treated=(3,), zone=2)
    assert implied_sizes(design, estimate(design).aggregate("overall")) is None


def test_weights_units_and_errors_tell_in_this_order():
    rng = np.random.default_rng(4)
    weighted = people(rng)
    overall = estimate(weighted).aggregate("overall")
    np.testing.assert_allclose(implied_sizes(weighted, overall), weighted.weights)
    # of a mean of m answers the error is 1 / m, whatever the weight
    asked = rng.integers(10, 90, 60).astype(float)
    sampled = replace(weighted, sampling_se=np.repeat(1 / np.sqrt(asked)[:, None], len(TIMES), axis=1))
    np.testing.assert_allclose(implied_sizes(sampled, overall), asked)
    grouped = zones(rng, chosen="large")
    held = implied_sizes(grouped, estimate(grouped).aggregate("overall"))
    np.testing.assert_allclose(held, np.unique(grouped.clusters, return_counts=True)[1])
    # no error known throughout: the weights
    silent = replace(weighted, sampling_se=np.where(np.arange(60)[:, None] == 0, 0.0, sampled.sampling_se))
    np.testing.assert_allclose(implied_sizes(silent, overall), weighted.weights)


def test_given_sizes_go_first():
    design = people(np.random.default_rng(8))
    overall = estimate(design).aggregate("overall")
    assert infer(design, overall, draws=99) == infer(design, overall, sizes=design.weights, draws=99)
    assert infer(design, overall, draws=99) != infer(design, overall, sizes=np.ones(60), draws=99)


def test_what_stands_in_is_no_reason_to_refuse():
    design = people(np.random.default_rng(8), treated=1)
    weights = design.weights.copy()
    weights[design.treated] = 2 * weights.max()
    heaviest = replace(design, weights=weights / weights.mean())
    overall = estimate(heaviest).aggregate("overall")
    implied, given = infer(heaviest, overall, draws=99), infer(heaviest, overall, sizes=heaviest.weights, draws=99)
    assert (implied.reason, implied.method, implied.inside) == (ONE_TREATED, "donors", True)
    assert implied.low < implied.estimate < implied.high
    assert (given.reason, given.method, given.inside) == (OUTSIDE, "", False)


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("treated", [1, 3])
def test_noise_of_others_is_not_lent_outside_their_sizes(treated, hidden):
    design = make_design(np.random.default_rng(5), treated=(treated,), never=40)
    if hidden:
        outcome = design.outcome.copy()
        outcome[3, 1] = np.nan
        design = replace(design, outcome=outcome)
    sizes = np.r_[np.linspace(1, 9, 40), np.full(treated, 10.0)]
    found = infer(design, estimate(design, "imputation").aggregate("overall"), sizes=sizes, method="donors", draws=99)
    assert (found.method, found.reason) == ("", OUTSIDE)
    assert np.isnan([found.p_value, found.low, found.high]).all()


def test_heavy_clusters_are_nearer_to_the_mean_that_they_make():
    np.testing.assert_allclose(shrinkage_of(np.full(9, 3.0)), 1)
    rng, weights = np.random.default_rng(2), np.array([12.0, 4.0, 2.0, 1.0, 1.0, 1.0])
    noise = rng.standard_normal((6, 200_000))
    left = (noise - weights @ noise / weights.sum()).std(axis=1)
    np.testing.assert_allclose(shrinkage_of(weights), left / np.sqrt(1 - 1 / 6), rtol=0.01)


def test_one_more_draw_than_donors():
    low, high = outer_shares(0.95, 39, 1)
    # 38 of 40 places lie inside
    assert high - low == pytest.approx(0.95 * 40 / 39)
    assert outer_shares(0.95, 10, 1) == (0, 1)
    assert outer_shares(0.95, 39, 2) == pytest.approx((0.025, 0.975))


@pytest.mark.parametrize("never", [25, 60])
def test_the_interval_of_one_treated_holds_the_truth(never):
    draws, held = 200, 0
    for seed in range(draws):
        design = make_design(np.random.default_rng([29, seed]), treated=(1,), never=never, effect=1.0)
        found = infer(design, estimate(design).aggregate("overall"), draws=99, seed=seed)
        held += found.low <= 1.0 <= found.high
    assert held / draws >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / draws)


def test_no_estimate_is_told_with_its_own_reason():
    design = make_design(np.random.default_rng(3), treated=(3,), never=20)
    treated = design.treated.astype(float)
    separated = replace(design, covariates=treated[:, None], covariate_names=("x",))
    overall = estimate(separated, adjust="ipw").aggregate("overall")
    found = infer(separated, overall, draws=99)
    assert np.isnan(found.estimate)
    assert found.reason.startswith(f"{NO_NUMBER}: ")
    assert overall.reasons[0] in found.reason
