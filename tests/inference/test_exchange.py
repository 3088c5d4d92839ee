"""Estimates with covariates or gaps: their own weights, and noise that changes places under them."""

from dataclasses import replace

import numpy as np
import pytest
from tables import make_design, make_table

from evaltoolkit.estimators.registry import estimate
from evaltoolkit.inference.answer import NoAnswerError
from evaltoolkit.inference.choose import infer
from evaltoolkit.inference.contrasts import weighted_table
from evaltoolkit.inference.donors import outer_shares
from evaltoolkit.inference.exchange import exchange_p_values, exchange_test, lend_noise, usable_orders
from evaltoolkit.inference.linear_weights import NOT_LINEAR, TOO_LARGE, linear_weights
from evaltoolkit.inference.noise import NOT_CONSTANT, SEVERAL_COHORTS, TOO_GAPPY, noise_table
from evaltoolkit.inference.question import ANEW, WEIGHED
from evaltoolkit.inference.randomisation import permuted_statistics, share_as_large
from evaltoolkit.inference.reassigned import STOPS, reassign
from evaltoolkit.inference.sized import draw_orders, sized_test
from evaltoolkit.inference.without import infer_without

LINEAR = ("group_time", "imputation", "sun_abraham", "extended_two_way", "two_way")


def world(seed=1, *, covariate=False, gaps=0.0, slope=3.0, **settings):
    rng = np.random.default_rng([seed, 5])
    design = make_design(np.random.default_rng(seed), **settings)
    if covariate:
        x = rng.normal(size=len(design.units))
        outcome = design.outcome + slope * x[:, None] * (design.times - design.times[0])
        design = replace(design, outcome=outcome, covariates=x[:, None], covariate_names=("x",))
    missing = rng.random(design.outcome.shape) < gaps
    return replace(design, outcome=np.where(missing, np.nan, design.outcome))


def overall_of(design, method="group_time", **options):
    effects = estimate(design, method, **options)
    return effects if effects.kind == "coefficient" else effects.aggregate("overall")


def noise_of(design, method="group_time", **options):
    overall = overall_of(design, method, **options)
    return noise_table(design, overall, linear_weights(design, overall))


@pytest.mark.parametrize("method", LINEAR)
@pytest.mark.parametrize("settings", [{}, {"covariate": True}, {"gaps": 0.04}, {"weights": True, "covariate": True}])
def test_weights_give_the_estimate_of_any_outcome(method, settings):
    design = world(treated=(3, 2), starts=(2020.0, 2022.0), **settings)
    overall = overall_of(design, method)
    weights = linear_weights(design, overall)
    other = np.where(np.isfinite(design.outcome), np.random.default_rng(8).exponential(size=weights.shape), np.nan)
    again = overall_of(replace(design, outcome=other), method)
    assert np.nansum(weights * other) == pytest.approx(again.estimate[0], abs=1e-8)
    assert (weights[~np.isfinite(design.outcome)] == 0).all()
    # a constant effect of one is one
    assert np.sum(weights * (design.cohort[:, None] <= design.times)) == pytest.approx(1, abs=1e-8)


def test_rows_and_summaries_have_weights_of_their_own():
    design = world(treated=(3, 2), starts=(2020.0, 2022.0), covariate=True)
    effects = estimate(design, "imputation")
    event = effects.aggregate("event").overall
    assert linear_weights(design, event) @ np.ones(len(design.times)) == pytest.approx(0, abs=1e-9)
    assert np.sum(linear_weights(design, event) * design.outcome) == pytest.approx(event.estimate[0], abs=1e-9)


@pytest.mark.parametrize("sized", [True, False])
def test_without_covariates_it_is_the_permutation_of_contrasts(sized):
    design = world(treated=(4, 3), starts=(2020.0, 2022.0), effect=1.0)
    table, noise = make_table(design), noise_of(design)
    sizes = np.linspace(1, 5, len(design.units)) if sized else None
    for effect in (0.0, 1.3):
        known = sized_test(table, sizes, effect=effect, draws=499)
        found = exchange_test(noise, sizes, effect=effect, draws=499)
        assert (found.p_value, found.smallest_p) == (known.p_value, known.smallest_p)
        assert found.estimate == pytest.approx(known.estimate)


def test_studentised_it_is_the_studentised_permutation():
    design = world(treated=(6, 6), starts=(2020.0, 2022.0))
    table, noise = make_table(design), noise_of(design)
    order = draw_orders(len(table.group), 499, 1)
    # cluster order[g] comes to place g: the cohort of g is then that of the cluster
    others = np.empty_like(order)
    np.put_along_axis(others, order, np.tile(table.group, (len(order), 1)), axis=1)
    own, drawn = permuted_statistics(table.sums[:, :, None], table.sizes, table.group, others, studentise=True)
    known = share_as_large(own, drawn, exact=False)[0]
    assert exchange_test(noise, draws=499, studentise=True).p_value == known


@pytest.mark.parametrize("method", LINEAR[1:])
def test_other_methods_without_covariates_are_contrasts_too(method):
    design = world(treated=(4,), zone=2, effect=1.0)
    overall = overall_of(design, method)
    table = weighted_table(design, overall, linear_weights(design, overall))
    known = make_table(design)
    np.testing.assert_array_equal(table.group, known.group)
    sums = [table.sums[table.group == cohort, cohort].sum() for cohort in range(2)]
    sizes = np.bincount(table.group, weights=table.sizes)
    assert np.sum(sums / sizes) == pytest.approx(overall.estimate[0])
    found = infer(design, overall, draws=199)
    assert (found.method, found.estimate) == ("sized", overall.estimate[0])
    assert found.low < 1 < found.high


@pytest.mark.parametrize("method", LINEAR)
@pytest.mark.parametrize("gaps", [0.0, 0.03])
def test_covariates_and_gaps_keep_the_users_estimate(method, gaps):
    design = world(treated=(4,), never=36, covariate=True, gaps=gaps, effect=1.0)
    overall = overall_of(design, method)
    found = infer(design, overall, draws=199)
    assert (found.method, found.reason, found.estimate) == ("sized", "", overall.estimate[0])
    assert WEIGHED in found.why
    assert (found.n_treated, found.n_comparison) == (4, 36)
    # the trend in x is gone from the noise
    bare = world(treated=(4,), never=36, effect=1.0)
    plain = infer(bare, overall_of(bare, method), draws=199)
    assert found.high - found.low == pytest.approx(plain.high - plain.low, rel=0.4)


def test_the_interval_holds_what_the_test_does_not_reject():
    design = world(treated=(3,), never=40, covariate=True)
    noise = noise_of(design, "imputation")
    order = usable_orders(noise, 299, 1)
    found = infer(design, overall_of(design, "imputation"), draws=299)
    for effect, kept in ((found.low + 1e-6, True), (found.high - 1e-6, True), (found.low - 1e-3, False)):
        assert (exchange_p_values(noise, None, order, effect=effect)[0] > 0.05) is np.bool_(kept)


def test_one_treated_has_the_rank_and_interval_of_contrasts():
    design = world(treated=(1,), never=40, effect=4.0)
    known = infer(design, overall_of(design), draws=999)
    noise = noise_of(design)
    drawn = lend_noise(noise, None, draws=9990)
    assert known.estimate - np.quantile(drawn, outer_shares(0.95, 40, 1)[1]) == pytest.approx(known.low, abs=0.1)
    adjusted = world(treated=(1,), never=40, effect=4.0, covariate=True)
    found = infer(adjusted, overall_of(adjusted), draws=999)
    assert (found.method, found.rank) == ("donors", pytest.approx(known.rank, abs=0.05))
    assert np.isnan(found.p_value)
    assert found.low == pytest.approx(known.low, abs=0.6)


def test_who_was_not_observed_lends_nothing_there():
    design = world(treated=(3,), never=40, gaps=0.05)
    noise = noise_of(design)
    order = usable_orders(noise, 200, 1)
    assert not noise.usable.all()
    assert noise.usable[np.arange(len(noise.group))[None, :], order].all()
    # nobody but six and the treated was seen in a period before
    outcome = world(treated=(3,), never=40).outcome.copy()
    outcome[6:40, 2] = np.nan
    sparse = replace(design, outcome=outcome)
    assert infer(sparse, overall_of(sparse, "imputation")).reason == TOO_GAPPY


def test_what_cannot_be_asked_says_why():
    design = world(treated=(4,), never=30, covariate=True)
    event = estimate(design, "imputation").aggregate("event")
    assert "take one row" in infer(design, event).reason
    assert infer(design, overall_of(world(treated=(4,)), "synthetic_did")).reason
    plain = world(treated=(4,))
    assert infer(plain, overall_of(plain, "synthetic_did")).reason == NOT_LINEAR
    mixed = replace(design, clusters=np.repeat(["a", "b"], 17))
    assert infer(mixed, overall_of(mixed)).reason == SEVERAL_COHORTS
    before = estimate(design, "two_way", form="event")
    row = replace(
        before, labels=before.labels.iloc[[0]], estimate=before.estimate[:1], influence=before.influence[:, :1],
        reasons=before.reasons[:1],
    )  # fmt: skip
    assert infer(design, row).reason == NOT_CONSTANT
    large = world(treated=(4,), never=1500, covariate=True)
    with pytest.raises(NoAnswerError, match=TOO_LARGE[:30]):
        linear_weights(large, overall_of(large, adjust="dr"))


def test_a_lot_is_estimated_anew():
    design = world(treated=(2,), never=12, covariate=True)
    overall = overall_of(design, "imputation")
    found = infer(design, overall, by_lot=True)
    assert found.method == "lot"
    assert ANEW in found.why
    # all 91 pairs, by hand
    pairs = [(i, j) for i in range(14) for j in range(i)]
    estimates = []
    for pair in pairs:
        cohort = np.full(14, np.inf)
        cohort[list(pair)] = 2021.0
        estimates.append(abs(overall_of(replace(design, cohort=cohort), "imputation").estimate[0]))
    assert found.p_value == pytest.approx(np.mean(np.array(estimates) >= abs(overall.estimate[0]) * (1 - 1e-9)))
    assert found.smallest_p == pytest.approx(1 / 91)
    shifted = replace(design, outcome=design.outcome - found.low * (design.cohort[:, None] <= design.times))
    assert infer(shifted, overall_of(shifted, "imputation"), by_lot=True).p_value == pytest.approx(0.05, abs=0.03)


def test_a_lot_answers_what_is_not_linear():
    design = world(treated=(2,), never=12, effect=8.0)
    found = infer(design, overall_of(design, "synthetic_did"), by_lot=True)
    assert (found.method, found.p_value) == ("lot", pytest.approx(1 / 91))
    assert found.low < 8 < found.high
    assert found.low > 0


def test_studentised_draws_use_the_error_of_every_draw():
    design = world(treated=(12,), never=12, covariate=True)
    found = reassign(design, overall_of(design), draws=40, studentise=True)
    assert found.influence.shape == (41, 24)
    assert found.draws == 41
    raw = reassign(design, overall_of(design), draws=40, studentise=False)
    np.testing.assert_allclose(raw.estimate, found.estimate)
    assert raw.influence is None
    stops = replace(design, treatment=(design.cohort[:, None] <= design.times).astype(float))
    with pytest.raises(NoAnswerError, match=STOPS):
        reassign(stops, overall_of(design))


def test_without_some_units_the_same_method_answers():
    design = world(treated=(5,), never=36, covariate=True)
    leave = np.zeros(len(design.units), bool)
    leave[:3] = True
    found = infer_without(design, estimate(design, "imputation"), leave, draws=99)
    assert (found.whole.method, found.without.method) == ("sized", "sized")
    assert found.without.n_comparison == 33


def test_the_null_is_rejected_as_often_as_the_level_says():
    # one design, many outcomes through the same weights
    rng = np.random.default_rng(17)
    design = world(treated=(3,), never=45, covariate=True, gaps=0.02)
    overall = overall_of(design, "imputation")
    outcomes = rng.normal(size=(*design.outcome.shape, 800)) + 2 * design.covariates[:, :1, None]
    noise = noise_table(design, overall, linear_weights(design, overall), outcomes)
    p_values = exchange_p_values(noise, None, usable_orders(noise, 399, 1))
    assert abs(np.mean(p_values <= 0.05) - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / 800)
