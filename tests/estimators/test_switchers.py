"""Switchers by hand, against loops over the definition, and what must not change them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_designs import simulate
from switcher_designs import Loops, at, make, reorder, rich, small, value

from evaltoolkit.designs.table import design_from_table
from evaltoolkit.effects.inference import ONE_TREATED, std_errors
from evaltoolkit.estimators.cells import NO_COMPARISON, REFERENCE
from evaltoolkit.estimators.group_time import estimate_group_time
from evaltoolkit.estimators.switch_paths import ALONE
from evaltoolkit.estimators.switchers import equality_of_effects, estimate_switchers
from evaltoolkit.findings import EvaltoolkitError

FAST = settings(max_examples=15, deadline=None)
seeds = st.integers(0, 10_000)
SIGNS = {"both": (-1, 1), "in": (1,), "out": (-1,)}


def test_by_hand():
    effects = estimate_switchers(small())
    # after one period: 3 and 2 less the mean of 1 and 0; switching off: -(-2 - 1)
    assert value(effects, 0) == pytest.approx((2.5 + 1.5 + 3) / 3)
    # after two: 4 and 1 less the mean of 2 and 0; -(-3 - 2)
    assert value(effects, 1) == pytest.approx((3 + 0 + 5) / 3)
    # placebo from 2018 to 2019, backwards: -1 and -1 less the mean of 0 and -2; -(-1 + 1)
    assert value(effects, -2) == pytest.approx((0 + 0 + 0) / 3)
    assert value(effects, -1) == 0.0
    assert effects.reasons[at(effects, -1)] == REFERENCE
    # all effects over treatment more or less than at the start: three in the first period, two in the second
    assert effects.overall.estimate[0] == pytest.approx((7 + 8) / 5)
    assert effects.labels["event_time"].tolist() == [-2, -1, 0, 1]
    assert effects.labels["n_treated"].tolist() == [3, 0, 3, 3]
    assert effects.labels["n_comparison"].tolist() == [3, 0, 3, 3]


def test_directions_by_hand():
    on, off = (estimate_switchers(small(), direction=one) for one in ("in", "out"))
    assert value(on, 0) == pytest.approx(2.0)
    assert value(off, 0) == pytest.approx(3.0)
    assert on.overall.estimate[0] == pytest.approx((4 + 3) / 3)
    assert off.overall.estimate[0] == pytest.approx((3 + 5) / 2)
    assert off.reasons[at(off, 0)] == ""
    assert off.to_frame()["reason"].iloc[at(off, 0)] == ONE_TREATED


def test_per_unit_of_treatment_by_hand():
    effects = estimate_switchers(small(), normalized=True)
    assert value(effects, 0) == pytest.approx(7 / 3)
    # two periods on, one period on, two periods off
    assert value(effects, 1) == pytest.approx(8 / 5)
    assert effects.overall.estimate[0] == pytest.approx(15 / 5)


@FAST
@given(seeds, st.sampled_from(["both", "in", "out"]), st.sampled_from(["not_yet_treated", "never_treated"]))
def test_definition_in_loops(seed, direction, comparison):
    design = replace(rich(seed), comparison=comparison)
    loops, signs = Loops(design), SIGNS[direction]
    try:
        effects = estimate_switchers(design, direction=direction)
    except EvaltoolkitError:
        assert not any(loops.switchers(lag, False, signs) for lag in range(1, 7))
        return
    scaled = estimate_switchers(design, direction=direction, normalized=True)
    count = effects.info["effects_estimated"]
    lags = range(1, count + 1)
    for event_time in (*range(count), *(-1 - lag for lag in lags)):
        placebo, lag = event_time < 0, event_time + 1 if event_time >= 0 else -1 - event_time
        expected = loops.estimate(lag, placebo=placebo, signs=signs)
        if event_time not in effects.labels["event_time"].to_numpy():
            assert np.isnan(expected)
            continue
        j = at(effects, event_time)
        assert effects.estimate[j] == pytest.approx(expected, nan_ok=True)
        assert (effects.reasons[j] == NO_COMPARISON) == np.isnan(expected)
        per_unit = loops.estimate(lag, placebo=placebo, signs=signs, normalized=True)
        assert scaled.estimate[j] == pytest.approx(per_unit, nan_ok=True)
        if np.isfinite(expected):
            error = np.sqrt(effects.covariance()[j, j])
            # the loops number all units; dropped ones do nothing but change n, which cancels
            assert error == pytest.approx(loops.error(lag, placebo=placebo, signs=signs))
            switched = loops.switchers(lag, placebo, signs)
            compared = np.concatenate([design.clusters[loops.controls(g, lag, placebo)] for g in switched])
            counts = effects.labels.loc[j, ["n_treated", "n_comparison"]]
            assert counts.tolist() == [len(set(design.clusters[switched])), len(set(compared))]
    assert effects.overall.estimate[0] == pytest.approx(loops.average_total(lags, signs))
    assert loops.switchers(count, False, signs)
    assert not any(loops.switchers(lag, False, signs) for lag in range(count + 1, 7))


@FAST
@given(seeds, st.sampled_from([1, 2, 3]))
def test_same_switchers(seed, count):
    design = rich(seed)
    loops = Loops(design)
    always = set.intersection(*(set(loops.switchers(lag)) for lag in range(1, count + 1)))
    if not always:
        with pytest.raises(EvaltoolkitError, match="same_switchers=False"):
            estimate_switchers(design, effects=count, same_switchers=True)
        return
    effects = estimate_switchers(design, effects=count, same_switchers=True)
    weights = design.weights[sorted(always)]
    for lag in range(1, count + 1):
        found = [loops.difference(g, lag, False) for g in sorted(always)]
        assert value(effects, lag - 1) == pytest.approx(np.average(found, weights=weights))
    assert effects.labels["n_treated"][at(effects, 0)] == len({design.clusters[g] for g in always})


@pytest.mark.parametrize("comparison", ["not_yet_treated", "never_treated"])
def test_absorbing_treatment_gives_group_time_effects(comparison):
    design = simulate(3, n=90, cohorts=(2019, 2020, 2021), comparison=comparison)
    effects = estimate_switchers(design)
    event = estimate_group_time(design).aggregate("event")
    for event_time in range(3):
        assert value(effects, event_time) == pytest.approx(value(event, event_time))
    path = (design.times[None, :] >= design.cohort[:, None]).astype(float)
    given_path = estimate_switchers(replace(design, treatment=path))
    np.testing.assert_array_equal(effects.estimate, given_path.estimate)
    np.testing.assert_array_equal(effects.influence, given_path.influence)


def test_one_cohort_has_the_variance_of_two_means():
    design = simulate(4, n=60, cohorts=(2020,))
    effects = estimate_switchers(design, effects=1)
    change = design.outcome[:, 2] - design.outcome[:, 1]
    one, zero = change[design.treated], change[~design.treated]
    expected = np.sqrt(one.var(ddof=1) / len(one) + zero.var(ddof=1) / len(zero))
    assert std_errors(effects)[at(effects, 0)] == pytest.approx(expected)
    assert effects.info["influence_centred"]


def test_influence_is_the_derivative_by_the_weights():
    """Times the factor for the estimated means; with one cohort, so that weights do not move its share."""
    design = simulate(5, n=30, cohorts=(2020,))
    design = replace(design, weights=np.linspace(0.5, 1.5, 30))
    effects = estimate_switchers(design)
    for i in range(30):
        step = np.zeros(30)
        step[i] = 1e-6
        ends = [estimate_switchers(replace(design, weights=design.weights + sign * step)) for sign in (1, -1)]
        slope = (ends[0].estimate - ends[1].estimate) / 2e-6
        count = np.sum(design.treated == design.treated[i])
        expected = np.sqrt(count / (count - 1)) * 30 * design.weights[i] * slope
        np.testing.assert_allclose(effects.influence[i], expected, atol=1e-6)


@FAST
@given(seeds)
def test_what_must_not_matter(seed):
    design = rich(seed)
    effects = estimate_switchers(design)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(design.units))
    shuffled = estimate_switchers(reorder(design, order))
    renamed = estimate_switchers(
        replace(
            design,
            units=np.array([f"other{i}" for i in order]),
            clusters=np.char.add("z", design.clusters),
            times=design.times * 3 - 7,
        )
    )
    alone = estimate_switchers(add_unit(design))
    levels = rng.normal(size=(len(order), 1)) + rng.normal(size=design.outcome.shape[1])
    shifted = estimate_switchers(replace(design, outcome=design.outcome + levels))
    for other in (shuffled, renamed, alone, shifted):
        np.testing.assert_allclose(other.estimate, effects.estimate, atol=1e-10)
        np.testing.assert_allclose(std_errors(other), std_errors(effects), atol=1e-10)
        np.testing.assert_allclose(other.overall.estimate, effects.overall.estimate, atol=1e-10)
    assert "alone" in alone.info["dropped_units"][ALONE]


def add_unit(design):
    """One more unit, which begins with a treatment that no other unit has."""
    return replace(
        design,
        units=np.append(design.units, "alone"),
        outcome=np.vstack([design.outcome, np.arange(design.outcome.shape[1])]),
        cohort=np.append(design.cohort, design.times[0]),
        covariates=np.empty((len(design.units) + 1, 0)),
        weights=np.append(design.weights, 1.0),
        clusters=np.append(design.clusters, "alone"),
        treatment=np.vstack([design.treatment, 9.0 + np.arange(design.outcome.shape[1])]),
    )


@FAST
@given(seeds)
def test_scales(seed):
    """Outcome times 5; treatment turned round: more becomes less, in becomes out."""
    design = rich(seed)
    effects = estimate_switchers(design)
    larger = estimate_switchers(replace(design, outcome=5 * design.outcome))
    np.testing.assert_allclose(larger.estimate, 5 * effects.estimate)
    np.testing.assert_allclose(std_errors(larger), 5 * std_errors(effects))
    turned = estimate_switchers(replace(design, treatment=2 - design.treatment))
    np.testing.assert_allclose(turned.estimate, -effects.estimate)
    np.testing.assert_allclose(std_errors(turned), std_errors(effects))
    doses = estimate_switchers(replace(design, treatment=2 * design.treatment))
    np.testing.assert_allclose(doses.estimate, effects.estimate)
    np.testing.assert_allclose(2 * doses.overall.estimate, effects.overall.estimate)


def test_known_truth_in_repeated_samples():
    """Effects that grow with time on, vanish off; paths parallel within, not across, levels at the start."""
    draws, found, covered = 300, [], []
    treatment = np.zeros((120, 6))
    treatment[:20, 2:] = 1
    treatment[20:40, 3] = 1
    treatment[80:] = 1
    treatment[80:95, 2:] = 0
    effect = np.zeros((120, 6))
    effect[:20, 2:] = [1, 2, 3, 4]
    effect[20:40, 3] = 1
    effect[80:95, 2:] = -0.5
    # on for 1, 2, 3, 4 periods; on once and off; off: a loss of 0.5 is an effect of 0.5 of treatment
    truth = [(20 * 1 + 20 * 1 + 15 * 0.5) / 55, (20 * 2 + 0 + 15 * 0.5) / 55, (20 * 3 + 0 + 15 * 0.5) / 55]
    total = (20 * 6 + 20 * 1 + 15 * 0.5 * 3) / (20 * 3 + 20 + 15 * 3)
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        trend = np.where(treatment[:, :1] > 0, 0.7, -0.2) * np.arange(6)
        outcome = rng.normal(size=(120, 1)) + trend + rng.normal(size=(120, 6)).cumsum(axis=1) + effect
        effects = estimate_switchers(make(outcome, treatment), effects=3)
        rows = [at(effects, event_time) for event_time in (0, 1, 2, -2)]
        points = np.append(effects.estimate[rows], effects.overall.estimate)
        errors = np.append(std_errors(effects)[rows], std_errors(effects.overall))
        found.append(points)
        covered.append(np.abs(points - [*truth, 0, total]) < 1.96 * errors)
    spread = np.std(found, axis=0) / np.sqrt(draws)
    assert (np.abs(np.mean(found, axis=0) - [*truth, 0, total]) < 3 * spread).all()
    assert (np.abs(np.mean(covered, axis=0) - 0.95) < 3 * np.sqrt(0.95 * 0.05 / draws)).all()


def test_equality_of_effects_is_a_wald_test_of_deviations_from_their_mean():
    design = rich(7, n=120)
    effects = estimate_switchers(design, effects=4)
    rows = [at(effects, event_time) for event_time in range(4)]
    contrast = np.eye(4)[:3] - 0.25
    away = contrast @ effects.estimate[rows]
    spread = contrast @ effects.covariance()[np.ix_(rows, rows)] @ contrast.T
    test = equality_of_effects(effects)
    assert test.statistic == pytest.approx(away @ np.linalg.solve(spread, away))
    assert test.df == 3
    assert 0 < test.p_value < 1
    assert np.isnan(equality_of_effects(estimate_switchers(design, effects=1)).statistic)


def test_a_table_gives_the_design_that_the_paths_give():
    design = rich(5)
    unit, period = np.nonzero(np.isfinite(design.outcome) & np.isfinite(design.treatment))
    rows = pd.DataFrame(
        {
            "unit": design.units[unit],
            "year": design.times[period],
            "y": design.outcome[unit, period],
            "d": design.treatment[unit, period],
            "w": design.weights[unit],
            "c": design.clusters[unit],
        }
    )
    names = {"unit": "unit", "period": "year", "treatment": "d", "weights": "w", "cluster": "c"}
    table = design_from_table(rows, "y", **names, comparison="not_yet_treated")
    known = np.isfinite(design.outcome) & np.isfinite(design.treatment)
    paths = replace(
        design,
        outcome=np.where(known, design.outcome, np.nan),
        treatment=np.where(known, design.treatment, np.nan),
    )
    # who began treated is compared, and a period without a row is one without a known treatment
    assert (design.treatment[:, 0] > 0).any()
    assert len(table.units) == len(paths.units)
    one, other = (estimate_switchers(found) for found in (table, paths))
    np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-12)
    np.testing.assert_allclose(std_errors(one), std_errors(other), rtol=1e-10)
