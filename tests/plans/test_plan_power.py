"""The minimum detectable effect against closed forms, brute force and its own promises."""

import numpy as np
import pytest

from evaltoolkit.designs.design import Design
from evaltoolkit.designs.subset import keep_units
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.plans.plan import Estimation
from evaltoolkit.plans.power import minimum_detectable_effect, noise_ratio, power_curve, solve_effect

# 1.96 + 0.84: two-sided 5 %, power 80 %
FACTOR = 2.8016


def test_solution_and_curve_agree_with_the_normal_formula():
    estimates = np.random.default_rng(1).normal(0, 2, 200_000)
    halves = np.full_like(estimates, 1.959964 * 2)
    mde = solve_effect(estimates, halves, 0.8)
    # Monte Carlo error of the 80 % quantile: sqrt(.16 / 400,000) / density .28 / 2
    assert mde == pytest.approx(FACTOR * 2, abs=3 * np.sqrt(0.16 / 400_000) / (0.28 / 2))
    curve = power_curve(estimates, halves, np.array([0.0, mde, 100.0]))
    assert curve[0] == pytest.approx(0.05, abs=0.002)
    assert curve[1] == pytest.approx(0.8, abs=0.001)
    assert curve[2] == 1


def test_two_periods_agree_with_the_closed_form(worlds):
    rng = np.random.default_rng(7)
    sd, n0, n1 = 0.05, 400, 60
    noise = rng.normal(0.5, 0.2, (n0 + n1, 1)) + rng.normal(0, sd, (n0 + n1, 2))
    _, design = worlds["world"](n_never=n0, cohorts=(2022,), size=n1, years=(2021, 2022), outcome=noise)
    found = minimum_detectable_effect(design, draws=400)
    truth = FACTOR * sd * np.sqrt(2 * (1 / n0 + 1 / n1))
    # relative error: spread from 400 series (3.5 %), quantile from 800 mirrored draws (3.6 %)
    assert found.mde == pytest.approx(truth, rel=3 * 0.05)
    assert found.source == "comparison_paths"
    assert found.false_alarms == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 400))


def test_serial_correlation_and_cohorts_agree_with_brute_force(worlds):
    _, design = worlds["world"](n_never=150, seed=11)
    found = minimum_detectable_effect(design, draws=300)
    fresh = [worlds["world"](n_never=150, seed=1000 + i)[1] for i in range(200)]
    spread = np.std([estimate(one).aggregate("overall").estimate[0] for one in fresh], ddof=1)
    # relative error: 150 series (6 %), 200 worlds (5 %), quantile from 300 draws (4 %)
    assert found.mde == pytest.approx(FACTOR * spread, rel=3 * 0.09)
    assert found.placebo_sd == pytest.approx(spread, rel=3 * 0.09)


def test_series_that_move_together_in_clusters_need_larger_effects(worlds):
    _, single = worlds["world"](n_never=80, cohorts=(2022,), size=40)
    twice = np.repeat(np.arange(len(single.units)), 2)
    pairs = worlds["replace"](
        single,
        units=np.array([f"{u}{s}" for u in single.units for s in "ab"]),
        outcome=single.outcome[twice],
        cohort=single.cohort[twice],
        covariates=single.covariates[twice],
        weights=single.weights[twice],
        clusters=single.clusters[twice],
    )
    alone, together = (minimum_detectable_effect(one, draws=60) for one in (single, pairs))
    # a copy of every unit brings no information
    assert together.mde == pytest.approx(alone.mde, rel=1e-9)


def test_clusters_that_hold_treated_and_untreated_units(worlds):
    _, design = worlds["world"](n_never=60, cohorts=(2022,), size=60)
    halves = worlds["replace"](design, clusters=np.array([f"c{i % 60}" for i in range(120)]))
    found = minimum_detectable_effect(halves, draws=80)
    assert found.source == "comparison_paths"
    # each cluster of two holds one unit of each arm, which share nothing here: the effect is found as before
    assert found.mde == pytest.approx(minimum_detectable_effect(design, draws=80).mde, rel=0.25)


def test_same_seed_same_digits_whatever_the_order_of_rows(worlds):
    _, design = worlds["world"]()
    order = np.random.default_rng(0).permutation(len(design.units))
    shuffled = keep_units(design, order)
    first = minimum_detectable_effect(design, Estimation(seed=5), draws=60)
    assert minimum_detectable_effect(shuffled, Estimation(seed=5), draws=60).mde == pytest.approx(first.mde, rel=1e-9)
    assert minimum_detectable_effect(design, Estimation(seed=6), draws=60).mde != first.mde


def test_gaps_stay_in_the_placebo_studies(worlds):
    _, design = worlds["world"](n_never=120)
    holes = design.outcome.copy()
    holes[np.random.default_rng(2).random(holes.shape) < 0.4] = np.nan
    whole, gappy = (
        minimum_detectable_effect(worlds["replace"](design, outcome=y), draws=100) for y in (design.outcome, holes)
    )
    assert gappy.mde > 1.1 * whole.mde


def test_covariates_travel_with_their_series(worlds):
    _, design = worlds["world"](n_never=120, cohorts=(2022,), size=60)
    x = np.random.default_rng(4).normal(size=(len(design.units), 1))
    trend = design.outcome + 0.05 * x * np.arange(design.outcome.shape[1])
    plain = worlds["replace"](design, outcome=trend)
    adjusted = worlds["replace"](plain, covariates=x, covariate_names=("x",))
    assert minimum_detectable_effect(adjusted, draws=80).mde < 0.7 * minimum_detectable_effect(plain, draws=80).mde


def test_calmer_treated_units_lower_the_effect_that_can_be_found(worlds):
    _, design = worlds["world"](n_never=300, cohorts=(2022,), size=100)
    treated = np.isfinite(design.cohort)[:, None]
    center = design.outcome.mean(axis=0)
    calm = worlds["replace"](design, outcome=np.where(treated, center + (design.outcome - center) / 2, design.outcome))
    # 100 x 2 differences on the treated, 600 on the other side: about 6 %, no more than chance makes
    assert noise_ratio(design) == 1
    assert noise_ratio(calm) == pytest.approx(0.5, rel=3 * 0.06)
    found, usual = minimum_detectable_effect(calm, draws=100), minimum_detectable_effect(design, draws=100)
    # variances of the two arms: r^2 / 100 and 1 / 300
    expected = np.sqrt((noise_ratio(calm) ** 2 / 100 + 1 / 300) / (1 / 100 + 1 / 300))
    assert found.mde / usual.mde == pytest.approx(expected, rel=0.1)
    after = worlds["replace"](
        design, outcome=design.outcome + 50 * (design.cohort[:, None] <= design.times) * design.outcome
    )
    assert noise_ratio(after) == noise_ratio(design)


def test_few_treated_units_that_swing_alike_do_not_move_the_answer_by_luck():
    ratios = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        cohort = np.repeat([2022.0, np.inf], [12, 60])
        units = np.arange(72).astype(str)
        design = Design(
            units=units,
            times=np.arange(2018, 2024, dtype=float),
            outcome=rng.standard_t(6, size=(72, 6)),
            cohort=cohort,
            covariates=np.empty((72, 0)),
            covariate_names=(),
            weights=np.ones(72),
            clusters=units,
        )
        ratios.append(noise_ratio(design))
    # three standard errors, which are rough with twelve units of heavy tails
    assert np.mean(np.array(ratios) != 1) < 0.1


def test_a_study_that_has_not_begun_gets_a_placebo_start_for_those_who_will(worlds):
    _, design = worlds["world"](n_never=60, cohorts=(2023,), size=40)
    early = worlds["replace"](design, times=design.times[:4], outcome=design.outcome[:, :4])
    assert not early.treated.any()
    found = minimum_detectable_effect(early, draws=200)
    assert found.source == "pre_periods"
    # the same as when a start halfway had been planned, among the same units
    halfway = worlds["replace"](early, cohort=np.where(np.isfinite(early.cohort), early.times[2], np.inf))
    assert found.mde == pytest.approx(minimum_detectable_effect(halfway, draws=200).mde, rel=0.2)
    few = worlds["replace"](early, cohort=np.where(np.arange(100) < 95, np.inf, 2023.0))
    assert minimum_detectable_effect(few).reason == "mde.few_clusters"
    short = worlds["replace"](early, times=early.times[:1], outcome=early.outcome[:, :1])
    assert minimum_detectable_effect(short).reason == "mde.no_source"


def test_before_the_start_the_periods_before_it_are_used(worlds):
    _, design = worlds["world"](n_never=60, cohorts=(2023,), size=40)
    outcome = np.where(design.times >= 2023, np.nan, design.outcome)
    found = minimum_detectable_effect(worlds["replace"](design, outcome=outcome), draws=100)
    assert found.source == "pre_periods"
    assert found.mde > 0


@pytest.mark.parametrize("sizes", [(60, 9), (9, 60)])
def test_below_ten_clusters_there_is_no_number(worlds, sizes):
    _, design = worlds["world"](n_never=sizes[0], cohorts=(2022,), size=sizes[1])
    found = minimum_detectable_effect(design)
    assert np.isnan(found.mde)
    assert found.reason == "mde.few_clusters"
    assert found.table.empty


def test_no_untreated_series_no_number(worlds):
    _, design = worlds["world"](n_never=0, cohorts=(2020, 2022), size=30)
    staggered = worlds["replace"](design, comparison="not_yet_treated")
    found = minimum_detectable_effect(staggered)
    assert np.isnan(found.mde)
    assert found.reason == "mde.no_source"


def test_what_the_estimator_refuses_is_counted(worlds):
    _, design = worlds["world"]()

    def refuse(study):
        raise EvaltoolkitError("no")

    found = minimum_detectable_effect(design, draws=10, estimator=refuse)
    assert np.isnan(found.mde)
    assert found.reason == "mde.undefined"


def test_promised_power_is_kept_in_fresh_studies(worlds):
    # the panel that is asked is large, so that its own sampling hardly matters
    _, large = worlds["world"](n_never=400, cohorts=(2022, 2023), size=30, seed=21)
    mde = minimum_detectable_effect(large, draws=200).mde
    hits = []
    for seed in range(100):
        _, study = worlds["world"](n_never=400, cohorts=(2022, 2023), size=30, seed=5000 + seed)
        acting = study.cohort[:, None] <= study.times
        row = estimate(worlds["replace"](study, outcome=study.outcome + mde * acting)).aggregate("overall").to_frame()
        hits.append(row["p_value"].iloc[0] < 0.05)
    # Monte Carlo error of 100 studies and of the 80 % quantile from 200 draws; 400 series know their spread to
    # 3.5 %, which moves the power by 0.28 * 2.8 * 0.035
    error = np.sqrt(0.16 / 100 + 0.16 / 400 + 0.027**2)
    assert np.mean(hits) == pytest.approx(0.8, abs=3 * error)


def test_input_is_left_alone(worlds):
    _, design = worlds["world"]()
    before = design.outcome.copy()
    minimum_detectable_effect(design, draws=5)
    assert np.array_equal(before, design.outcome)
