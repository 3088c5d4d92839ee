import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_designs import simulate

from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.aggregate import aggregate_effects, aggregation_matrix
from evaltoolkit.effects.inference import inference_table, joint_wald, std_errors
from evaltoolkit.estimators.cells import (
    FIRST_PERIOD,
    INCOMPLETE,
    NEVER_OBSERVED,
    NO_COMPARISON,
    NO_TREATED,
    NO_WEIGHT,
    REFERENCE,
)
from evaltoolkit.estimators.group_time import estimate_group_time, group_time_points
from evaltoolkit.estimators.logit import COLLINEAR, NO_OVERLAP, SEPARATION, fit_logit
from evaltoolkit.findings import EvaltoolkitError

FAST = settings(max_examples=15, deadline=None)
seeds = st.integers(0, 10_000)
adjusts = st.sampled_from(["dr", "ipw", "reg"])
comparisons = st.sampled_from(["never_treated", "not_yet_treated"])


def row(effects, cohort, time):
    return int(np.flatnonzero((effects.labels["cohort"] == cohort) & (effects.labels["time"] == time))[0])


def close(one, other, **tolerance):
    np.testing.assert_allclose(one.estimate, other.estimate, **{"rtol": 1e-8, "atol": 1e-9, **tolerance})
    np.testing.assert_allclose(std_errors(one), std_errors(other), **{"rtol": 1e-8, "atol": 1e-9, **tolerance})


def test_two_by_two_closed_form():
    design = simulate(1, times=(2019, 2020), cohorts=(2020,), n=40)
    effects = estimate_group_time(design)
    change = design.outcome[:, 1] - design.outcome[:, 0]
    one, zero = change[design.treated], change[~design.treated]
    assert effects.estimate == pytest.approx([one.mean() - zero.mean()])
    assert std_errors(effects) == pytest.approx([np.sqrt(one.var() / len(one) + zero.var() / len(zero))])
    assert effects.labels.to_dict("records") == [
        {"cohort": 2020.0, "time": 2020.0, "n_treated": 20, "n_comparison": 20}
    ]


@FAST
@given(seeds, comparisons, st.sampled_from(["varying", "universal"]))
def test_without_covariates_the_adjustments_agree(seed, comparison, base):
    design = simulate(seed, gaps=0.1, comparison=comparison)
    results = [estimate_group_time(design, adjust=adjust, base=base) for adjust in ("dr", "ipw", "reg")]
    for other in results[1:]:
        np.testing.assert_array_equal(results[0].estimate, other.estimate)
        np.testing.assert_array_equal(results[0].influence, other.influence)


@FAST
@given(seeds, adjusts, comparisons, st.sampled_from(["pairs", "repeated_cross_sections"]))
def test_order_and_names_of_units_do_not_matter(seed, adjust, comparison, missing):
    design = simulate(seed, k=1, gaps=0.05, comparison=comparison)
    order = np.random.default_rng(seed).permutation(len(design.units))
    shuffled = dataclasses.replace(
        design,
        units=np.array([f"other{i}" for i in order]),
        clusters=np.array([f"c{i}" for i in order]),
        **{name: getattr(design, name)[order] for name in ("outcome", "cohort", "covariates", "weights")},
    )
    one = estimate_group_time(design, adjust=adjust, missing=missing)
    other = estimate_group_time(shuffled, adjust=adjust, missing=missing)
    close(one, other)
    np.testing.assert_allclose(one.influence[order], other.influence, rtol=1e-6, atol=1e-7)


@FAST
@given(seeds, adjusts, st.floats(-50, 50).filter(lambda a: abs(a) > 0.01), st.floats(-1e3, 1e3), st.floats(-40, 40))
def test_units_of_measurement_and_calendar_do_not_matter(seed, adjust, a, b, shift):
    design = simulate(seed, k=1)
    moved = dataclasses.replace(
        design,
        outcome=a * design.outcome + b,
        times=design.times + shift,
        cohort=design.cohort + shift,
        covariates=1e3 * design.covariates + 7,
    )
    one, other = estimate_group_time(design, adjust=adjust), estimate_group_time(moved, adjust=adjust)
    np.testing.assert_allclose(a * one.estimate, other.estimate, rtol=1e-6, atol=1e-7 * abs(a))
    np.testing.assert_allclose(abs(a) * std_errors(one), std_errors(other), rtol=1e-6, atol=1e-7 * abs(a))


@FAST
@given(seeds, adjusts, comparisons)
def test_every_unit_twice_halves_the_variance(seed, adjust, comparison):
    design = simulate(seed, k=1, gaps=0.05, comparison=comparison)
    names = ("outcome", "cohort", "covariates", "weights")
    twice = dataclasses.replace(
        design,
        units=np.r_[design.units, np.char.add(design.units, "b")],
        clusters=np.r_[design.clusters, np.char.add(design.clusters, "b")],
        **{name: np.concatenate([getattr(design, name)] * 2) for name in names},
    )
    one, other = estimate_group_time(design, adjust=adjust), estimate_group_time(twice, adjust=adjust)
    np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(std_errors(one), std_errors(other) * np.sqrt(2), rtol=1e-8)
    paired = dataclasses.replace(twice, clusters=np.r_[design.clusters, design.clusters])
    np.testing.assert_allclose(std_errors(one), std_errors(estimate_group_time(paired, adjust=adjust)), rtol=1e-8)


@FAST
@given(seeds, adjusts, comparisons, st.sampled_from(["pairs", "complete_units", "repeated_cross_sections"]))
def test_influence_has_mean_zero(seed, adjust, comparison, missing):
    effects = estimate_group_time(
        simulate(seed, n=90, k=1, gaps=0.03, comparison=comparison), adjust=adjust, missing=missing
    )
    defined = np.isfinite(effects.estimate)
    scale = np.abs(effects.influence[:, defined]).max()
    np.testing.assert_allclose(effects.influence[:, defined].mean(axis=0), 0, atol=1e-7 * scale)
    for to in ("overall", "event", "cohort", "calendar"):
        influence = effects.aggregate(to).influence
        np.testing.assert_allclose(influence[:, np.isfinite(influence[0])].mean(axis=0), 0, atol=1e-7 * scale)


def test_integer_weights_are_copies_of_units():
    design = simulate(5, k=1)
    copies = np.random.default_rng(5).integers(1, 4, len(design.units))
    index = np.repeat(np.arange(len(copies)), copies)
    weighted = dataclasses.replace(design, weights=copies / copies.mean())
    names = ("outcome", "cohort", "covariates", "weights", "clusters")
    copied = dataclasses.replace(
        design,
        units=np.array([f"r{i}" for i in range(len(index))]),
        **{name: getattr(design, name)[index] for name in names},
    )
    for adjust in ("dr", "ipw", "reg"):
        close(estimate_group_time(weighted, adjust=adjust), estimate_group_time(copied, adjust=adjust))
        one, other = (estimate_group_time(d, adjust=adjust).aggregate("overall") for d in (weighted, copied))
        close(one, other)


def test_base_periods_agree_from_treatment_on_and_sum_before_it():
    design = simulate(6)
    varying, universal = (estimate_group_time(design, base=base) for base in ("varying", "universal"))
    for cohort, time in ((2020, 2020), (2020, 2022), (2021, 2021)):
        assert varying.estimate[row(varying, cohort, time)] == universal.estimate[row(universal, cohort, time)]
    steps = varying.estimate[row(varying, 2021, 2019)] + varying.estimate[row(varying, 2021, 2020)]
    assert universal.estimate[row(universal, 2021, 2018)] == pytest.approx(-steps)
    pre = [(e.labels["time"] < e.labels["cohort"]).to_numpy() for e in (varying, universal)]
    assert joint_wald(varying, pre[0]).statistic == pytest.approx(joint_wald(universal, pre[1]).statistic)


def test_reference_period_is_zero_without_an_error():
    effects = estimate_group_time(simulate(6), base="universal")
    at = row(effects, 2021, 2020)
    table = effects.to_frame()
    assert table.loc[at, "estimate"] == 0
    assert np.isnan(table.loc[at, ["std_error", "conf_low", "conf_high", "p_value"]].to_numpy(float)).all()
    assert table.loc[at, "reason"] == REFERENCE
    event = effects.aggregate("event").to_frame().set_index("event_time")
    assert event.loc[-1, "reason"] == REFERENCE
    assert np.isnan(event.loc[-1, "std_error"])


WAVES = (2014, 2017, 2020, 2023)


def test_waves_use_the_wave_before_and_count_years():
    design = simulate(7, times=WAVES, cohorts=(2020, 2023))
    effects = estimate_group_time(design)
    mean = [design.outcome[design.cohort == cohort].mean(axis=0) for cohort in (2023, np.inf)]
    # 2020 against 2017, the wave before it; 2023 against 2020.
    for at, (current, base) in {2017: (1, 0), 2020: (2, 1), 2023: (3, 2)}.items():
        expected = (mean[0][current] - mean[0][base]) - (mean[1][current] - mean[1][base])
        assert effects.estimate[row(effects, 2023, at)] == pytest.approx(expected)
    assert effects.aggregate("event").labels["event_time"].tolist() == [-6, -3, 0, 3]
    assert effects.aggregate("event").overall.estimate[0] == pytest.approx(
        effects.aggregate("event").estimate[2:].mean()
    )


def test_waves_can_be_counted_in_periods():
    design = simulate(7, times=(2014, 2017, 2019, 2023), cohorts=(2019, 2023), info={"event_clock": "periods"})
    periods = estimate_group_time(design).aggregate("event")
    assert periods.labels["event_time"].tolist() == [-2, -1, 0, 1]
    assert periods.labels["n_treated"].tolist() == [20, 40, 40, 20]
    years = estimate_group_time(dataclasses.replace(design, info={})).aggregate("event")
    assert years.labels["event_time"].tolist() == [-6, -4, -2, 0, 4]
    balanced = aggregate_effects(estimate_group_time(design), "event", balance_event=1)
    assert balanced.labels["event_time"].tolist() == [-1, 0, 1]
    assert balanced.labels["n_treated"].tolist() == [20, 20, 20]


def test_a_start_between_waves_acts_from_the_next_wave():
    late = simulate(7, times=WAVES, cohorts=(2020,))
    between = dataclasses.replace(late, cohort=np.where(late.treated, 2018.5, np.inf))
    one, other = estimate_group_time(late), estimate_group_time(between)
    np.testing.assert_array_equal(one.estimate, other.estimate)
    assert other.aggregate("event").labels["event_time"].tolist() == [-1.5, 1.5, 4.5]


def test_anticipation_moves_the_base_and_the_comparison():
    design = simulate(8, anticipation=1, cohorts=(2021, 2022), comparison="not_yet_treated")
    effects = estimate_group_time(design)
    mean = {cohort: design.outcome[design.cohort == cohort].mean(axis=0) for cohort in (2021, 2022, np.inf)}
    change = {cohort: values[3] - values[1] for cohort, values in mean.items()}
    # 2021 against 2019; the cohort of 2022 may already react in 2021 and does not compare.
    assert effects.estimate[row(effects, 2021, 2021)] == pytest.approx(change[2021] - change[np.inf])
    assert effects.labels["n_comparison"][row(effects, 2021, 2021)] == 20
    assert effects.labels["n_comparison"][row(effects, 2021, 2020)] == 40


@pytest.mark.parametrize("comparison", ["never_treated", "not_yet_treated"])
def test_periods_of_anticipation_compare_with_the_last_one_before_it(comparison):
    design = simulate(8, n=90, times=tuple(range(2015, 2024)), cohorts=(2020, 2022), comparison=comparison)
    # a constant early effect: between two periods of anticipation nothing changes
    early = (design.times >= design.cohort[:, None] - 2) & (design.times < design.cohort[:, None])
    design = dataclasses.replace(design, outcome=design.outcome + 5.0 * early, anticipation=2)
    varying, universal = (estimate_group_time(design, base=base) for base in ("varying", "universal"))
    for cohort in (2020, 2022):
        for ahead in (1, 2):
            one, other = row(varying, cohort, cohort - ahead), row(universal, cohort, cohort - ahead)
            assert varying.estimate[one] == pytest.approx(universal.estimate[other])
            assert varying.estimate[one] == pytest.approx(5.0, abs=2.0)
        assert abs(varying.estimate[row(varying, cohort, cohort - 3)]) < 2.0


def test_later_than_the_panel_compares_like_never_treated():
    design = simulate(9, cohorts=(2020, 2021))
    later = dataclasses.replace(design, cohort=np.where(np.isinf(design.cohort), 2030.0, design.cohort))
    close(estimate_group_time(design), estimate_group_time(later))
    soon = dataclasses.replace(later, anticipation=1)
    effects = estimate_group_time(soon)
    assert effects.reasons[row(effects, 2020, 2022)] == NO_COMPARISON
    assert effects.reasons[row(effects, 2020, 2021)] == ""


def test_units_that_cannot_enter_are_listed():
    design = simulate(10)
    cohort, outcome, weights = design.cohort.copy(), design.outcome.copy(), design.weights.copy()
    cohort[0], outcome[1], outcome[2, 3], weights[3] = 2018, np.nan, np.nan, 0
    design = dataclasses.replace(design, cohort=cohort, outcome=outcome, weights=weights)
    effects = estimate_group_time(design)
    assert effects.info["dropped_units"] == {FIRST_PERIOD: ("u000",), NO_WEIGHT: ("u003",), NEVER_OBSERVED: ("u001",)}
    assert effects.units.tolist() == [f"u{i:03d}" for i in range(60) if i not in (0, 1, 3)]
    assert effects.influence.shape == (57, len(effects.estimate))
    complete = estimate_group_time(design, missing="complete_units")
    assert complete.info["dropped_units"][INCOMPLETE] == ("u002",)
    assert 2018 not in effects.labels["cohort"].to_numpy()


def test_pairs_use_the_units_seen_in_both_periods():
    design = simulate(11, gaps=0.2)
    effects = estimate_group_time(design)
    at = row(effects, 2021, 2022)
    change = design.outcome[:, 4] - design.outcome[:, 2]
    arms = [change[(design.cohort == c) & np.isfinite(change)] for c in (2021, np.inf)]
    assert effects.estimate[at] == pytest.approx(arms[0].mean() - arms[1].mean())
    assert std_errors(effects)[at] == pytest.approx(np.sqrt(sum(arm.var() / len(arm) for arm in arms)))
    assert effects.labels.loc[at, ["n_treated", "n_comparison"]].tolist() == [len(arms[0]), len(arms[1])]


def test_cross_sections_use_the_four_means():
    design = simulate(11, gaps=0.2)
    effects = estimate_group_time(design, missing="repeated_cross_sections")
    y = design.outcome
    means = [np.nanmean(y[design.cohort == c][:, t]) for c in (2021, np.inf) for t in (4, 2)]
    assert effects.estimate[row(effects, 2021, 2022)] == pytest.approx(means[0] - means[1] - means[2] + means[3])


def test_units_seen_once_are_cross_sections_and_pairs_say_so():
    design = simulate(9, n=300)
    once = np.where(np.arange(5) == np.arange(300)[:, None] % 5, design.outcome, np.nan)
    design = dataclasses.replace(design, outcome=once)
    with pytest.raises(EvaltoolkitError, match='missing="repeated_cross_sections"'):
        estimate_group_time(design)
    assert np.isfinite(estimate_group_time(design, missing="repeated_cross_sections").estimate).all()


def test_no_comparison_is_nan_with_a_reason():
    design = simulate(12, cohorts=(2020, 2021))
    treated = dataclasses.replace(design, cohort=np.where(np.isinf(design.cohort), 2022.0, design.cohort))
    nobody = estimate_group_time(treated)
    assert np.isnan(nobody.estimate).all()
    assert set(nobody.reasons) == {NO_COMPARISON}
    last = estimate_group_time(dataclasses.replace(treated, comparison="not_yet_treated"))
    assert last.info["comparison_only_cohorts"] == (2022.0,)
    assert set(last.labels["cohort"]) == {2020, 2021}
    assert np.isfinite(last.estimate[row(last, 2020, 2021)])
    assert last.reasons[row(last, 2020, 2022)] == NO_COMPARISON
    overall = last.aggregate("overall")
    assert np.isfinite(overall.estimate[0])
    assert overall.info["left_out"] == 2


def test_no_treated_unit_observed_is_nan_with_a_reason():
    design = simulate(13)
    outcome = design.outcome.copy()
    outcome[design.cohort == 2021, 4] = np.nan
    for missing in ("pairs", "repeated_cross_sections"):
        effects = estimate_group_time(dataclasses.replace(design, outcome=outcome), missing=missing)
        at = row(effects, 2021, 2022)
        assert np.isnan(effects.estimate[at])
        assert effects.reasons[at] == NO_TREATED
        assert np.isnan(effects.influence[:, at]).all()


@pytest.mark.parametrize("missing", ["pairs", "repeated_cross_sections"])
def test_hopeless_covariates_are_nan_with_a_reason_and_silent(missing):
    design = simulate(14, k=1)
    flag = design.treated.astype(float)
    cases = {
        COLLINEAR: np.column_stack([design.covariates, 2 * design.covariates + 1]),
        SEPARATION: flag[:, None] * 10 + np.random.default_rng(1).normal(size=(60, 1)),
        "constant": np.full((60, 1), 3.3),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for reason, covariates in cases.items():
            bad = dataclasses.replace(design, covariates=covariates, covariate_names=("x",) * covariates.shape[1])
            for adjust in ("ipw", "dr"):
                effects = estimate_group_time(bad, adjust=adjust, missing=missing)
                assert np.isnan(effects.estimate).all()
                wanted = {SEPARATION, NO_OVERLAP} if reason == SEPARATION else {COLLINEAR}
                assert set(effects.reasons) <= wanted
                assert np.isnan(inference_table(effects)["p_value"]).all()
    assert np.isfinite(estimate_group_time(design, missing=missing).estimate).all()


def without_treated_towns(seed):
    """Nobody among the towns starts: a dummy tells these comparison units apart from all treated ones."""
    design = simulate(seed, k=1)
    town = np.arange(60) % 2 == 1
    design = dataclasses.replace(design, cohort=np.where(town, np.inf, design.cohort))
    both = np.column_stack([design.covariates, town])
    return design, dataclasses.replace(design, covariates=both, covariate_names=("x0", "town")), town


@pytest.mark.parametrize("missing", ["pairs", "repeated_cross_sections"])
def test_untreated_units_that_no_treated_unit_resembles_get_no_weight(missing):
    design, with_dummy, town = without_treated_towns(14)
    effects = estimate_group_time(with_dummy, adjust="ipw", missing=missing)
    alone = estimate_group_time(keep_units(design, ~town), adjust="ipw", missing=missing)
    np.testing.assert_allclose(effects.estimate, alone.estimate, atol=1e-10)
    np.testing.assert_allclose(std_errors(effects), std_errors(alone), rtol=1e-8)


def test_the_regression_still_learns_from_units_without_weight():
    design, with_dummy, town = without_treated_towns(14)
    effects = estimate_group_time(with_dummy, adjust="dr")
    treated, others = design.cohort == 2020, np.isinf(design.cohort)
    x = np.column_stack([np.ones(60), with_dummy.covariates])
    change = design.outcome[:, 2] - design.outcome[:, 1]
    rest = change - x @ np.linalg.lstsq(x[others], change[others])[0]
    near = (treated | others) & ~town
    p = np.zeros(60)
    p[near] = fit_logit(treated[near].astype(float), x[near, :2], np.ones(near.sum())).probability
    expected = rest[treated].mean() - np.average(rest[others], weights=(p / (1 - p))[others])
    at = row(effects, 2020, 2020)
    assert effects.estimate[at] == pytest.approx(expected)
    assert np.isfinite(std_errors(effects)[at])


def test_more_covariates_than_comparison_units():
    design = simulate(15, n=9, k=4)
    effects = estimate_group_time(design, adjust="reg")
    assert set(effects.reasons) == {COLLINEAR}


def test_single_treated_unit_has_an_estimate_and_no_error():
    design = simulate(16, cohorts=(2020,))
    one = np.flatnonzero(design.treated)[1:]
    design = dataclasses.replace(design, cohort=np.where(np.isin(np.arange(60), one), np.inf, design.cohort))
    table = estimate_group_time(design).to_frame()
    assert np.isfinite(table["estimate"]).all()
    assert table[["std_error", "conf_low", "conf_high", "p_value"]].isna().to_numpy().all()
    assert set(table["reason"]) == {"one treated cluster: no standard error"}


def test_cohorts_of_one_keep_their_spread_in_the_aggregate():
    """Each treated unit its own cohort: the influence of the shares carries the spread between them."""
    design = simulate(17, cohorts=(2020,), n=40)
    dates = 2020 - np.linspace(0, 0.5, 40)
    split = dataclasses.replace(design, cohort=np.where(design.treated, dates, np.inf), info={"event_clock": "periods"})
    close(estimate_group_time(design).aggregate("event"), estimate_group_time(split).aggregate("event"))


def test_nobody_to_estimate_is_an_error():
    design = simulate(18)
    with pytest.raises(EvaltoolkitError, match="No cohort can be estimated"):
        estimate_group_time(dataclasses.replace(design, cohort=np.full(60, np.inf)))
    with pytest.raises(EvaltoolkitError, match="treated from the first period on"):
        estimate_group_time(dataclasses.replace(design, cohort=np.where(design.treated, 2018.0, np.inf)))


@pytest.mark.parametrize("adjust", ["dr", "ipw", "reg"])
@pytest.mark.parametrize("k", [0, 2])
@pytest.mark.parametrize("base", ["varying", "universal"])
def test_a_stack_gives_the_points_of_its_outcomes(adjust, k, base):
    designs = [simulate(seed, k=0) for seed in (19, 20, 21)]
    first = simulate(19, k=k)
    stack = dataclasses.replace(first, outcome=np.stack([design.outcome for design in designs], axis=2))
    points = group_time_points(stack, adjust=adjust, base=base)
    for r, design in enumerate(designs):
        single = dataclasses.replace(first, outcome=design.outcome)
        effects = estimate_group_time(single, adjust=adjust, base=base)
        np.testing.assert_allclose(points[:, r], effects.estimate, rtol=1e-9, atol=1e-10)
        for to in ("overall", "event", "cohort", "calendar"):
            aggregate = aggregation_matrix(effects, to) @ points[:, r]
            np.testing.assert_allclose(aggregate, effects.aggregate(to).estimate, rtol=1e-9, atol=1e-10)


def test_inputs_are_not_changed():
    design = simulate(22, k=1, gaps=0.1)
    before = {name: getattr(design, name).copy() for name in ("outcome", "cohort", "covariates", "weights")}
    estimate_group_time(design).aggregate("event")
    for name, value in before.items():
        np.testing.assert_array_equal(getattr(design, name), value)


@pytest.mark.parametrize(("adjust", "k"), [("dr", 1), ("reg", 0)])
def test_coverage_of_the_true_effect(adjust, k):
    """95 % intervals cover the simulated truth within three Monte Carlo standard errors; seeds fixed beforehand."""
    replications, hits = 200, 0
    for seed in range(replications):
        overall = estimate_group_time(simulate(1000 + seed, n=120, k=k), adjust=adjust).aggregate("overall")
        table = overall.to_frame()
        hits += bool(table["conf_low"][0] <= 1.0 <= table["conf_high"][0])
    assert abs(hits / replications - 0.95) <= 3 * np.sqrt(0.95 * 0.05 / replications)


@pytest.mark.parametrize("base", ["varying", "universal"])
@pytest.mark.parametrize("comparison", ["never_treated", "not_yet_treated"])
@pytest.mark.parametrize("grouped", [1, 3, 7])
def test_contrasts_of_cohort_means_are_the_unit_by_unit_comparison(monkeypatch, base, comparison, grouped):
    from evaltoolkit.estimators import group_time

    rng = np.random.default_rng(8)
    clusters = np.array([f"c{i % (60 // grouped)}" for i in range(60)])
    # levels a million times the changes: no digits may be lost to them
    design = simulate(comparison=comparison, weights=rng.uniform(0.5, 2, 60), clusters=clusters)
    design = dataclasses.replace(design, outcome=design.outcome + 1e6 * rng.normal(size=(60, 1)))
    quick = group_time.estimate_group_time(design, base=base)
    monkeypatch.setattr(group_time, "is_plain", lambda sample: False)
    slow = group_time.estimate_group_time(design, base=base)
    assert quick.reasons == slow.reasons
    pd.testing.assert_frame_equal(quick.labels, slow.labels)
    np.testing.assert_allclose(quick.estimate, slow.estimate, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(quick.covariance(), slow.covariance(), rtol=1e-7, atol=1e-10)
    for to in ("overall", "event", "cohort", "calendar"):
        one, other = quick.aggregate(to), slow.aggregate(to)
        pd.testing.assert_frame_equal(one.to_frame(), other.to_frame(), rtol=1e-7, atol=1e-8)
