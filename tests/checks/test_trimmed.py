"""Bounds for values that are not there, against the textbook on one cohort and against filling in by brute force."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from evaltoolkit.checks._trimmed import trimming_bounds, worst_case
from evaltoolkit.estimators.registry import estimate


def two_periods(seed=0, n=40, some=20):
    """One cohort, one period before the start and one after, no effect."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)).cumsum(axis=1), np.where(np.arange(n) < some, 2020.0, np.inf)


def design_of(world, outcome, cohort, **changes):
    n = len(outcome)
    return world(
        n=n, periods=2, n_treated=0, times=np.array([2019.0, 2020.0]), outcome=outcome, cohort=cohort, **changes
    )


def everybody(design):
    return lambda now, base: np.ones(len(design.units), dtype=bool)


def test_the_surplus_is_cut_off_whole_units(world):
    outcome, cohort = two_periods()
    outcome[20:25, 1] = np.nan  # a quarter of the comparison is silent: a quarter of the treated is surplus
    design = design_of(world, outcome, cohort)
    change = np.sort(outcome[:20, 1] - outcome[:20, 0])
    other = np.nanmean(outcome[20:, 1] - outcome[20:, 0])
    low, high = trimming_bounds(design, estimate(design), everybody(design))[:2]
    assert low == pytest.approx(change[:15].mean() - other)
    assert high == pytest.approx(change[5:].mean() - other)


def test_the_surplus_of_the_comparison_and_a_broken_unit(world):
    outcome, cohort = two_periods()
    outcome[:3, 1] = np.nan  # 17 of 20 treated answer: 3 of 20 of the comparison are surplus
    outcome[20, 0] = np.nan  # and one of 20 is silent before: of 19, 1 - (17/20) / (19/20) are cut off: two units
    design = design_of(world, outcome, cohort)
    change = np.sort(outcome[21:, 1] - outcome[21:, 0])
    own = np.nanmean(outcome[:20, 1] - outcome[:20, 0])
    low, high = trimming_bounds(design, estimate(design), everybody(design))[:2]
    assert low == pytest.approx(own - change[2:].mean())
    assert high == pytest.approx(own - change[:17].mean())
    # weights break units: with the last treated silent too, 16 of 20 against 19 of 20 cut 3 of 19 off
    design = replace(design, outcome=np.where((np.arange(40) == 19)[:, None], np.nan, design.outcome))
    uneven = replace(design, weights=np.where(np.arange(40) < 20, 1.0, np.linspace(0.5, 1.5, 40)))
    low, high = trimming_bounds(uneven, estimate(uneven), everybody(uneven))[:2]
    assert low < float(estimate(uneven).aggregate("overall").estimate[0]) < high


def test_equal_shares_cut_nothing_off_and_silent_units_count(world):
    outcome, cohort = two_periods()
    outcome[[0, 20], 1] = np.nan
    design = design_of(world, outcome, cohort)
    effects = estimate(design)
    whole = float(effects.aggregate("overall").estimate[0])
    assert trimming_bounds(design, effects, everybody(design))[:2] == pytest.approx((whole, whole))
    # five further units of the comparison that never answered: 19 of 25 against 19 of 20
    low, high = trimming_bounds(design, effects, everybody(design), np.full(5, np.inf))[:2]
    change = np.sort((outcome[:, 1] - outcome[:, 0])[1:20])
    keep = 19 * (19 / 25) / (19 / 20)
    kept = np.clip(keep - np.arange(19), 0, 1)
    assert low == pytest.approx(whole + kept @ change / keep - change.mean())
    assert high == pytest.approx(whole + kept @ change[::-1] / keep - change.mean())


def test_the_worst_case_is_what_filling_in_by_force_gives(world):
    rng = np.random.default_rng(3)
    full = rng.integers(0, 2, (12, 3)).astype(float)
    cohort = np.where(np.arange(12) < 5, 2020.0, np.inf)
    gaps = [(0, 1), (2, 2), (4, 0), (6, 1), (8, 2), (9, 0)]
    missing = full.copy()
    for gap in gaps:
        missing[gap] = np.nan
    design = world(n=12, periods=3, n_treated=0, times=np.array([2019.0, 2020, 2021]), outcome=missing, cohort=cohort)
    found = []
    for values in product((0.0, 1.0), repeat=len(gaps)):
        filled = missing.copy()
        for gap, value in zip(gaps, values, strict=True):
            filled[gap] = value
        found.append(float(estimate(replace(design, outcome=filled)).aggregate("overall").estimate[0]))
    bounds = worst_case(design, estimate(design), (0.0, 1.0), everybody(design))
    assert bounds[:2] == pytest.approx((min(found), max(found)))
    wider = worst_case(design, estimate(design), (0.0, 1.0), everybody(design), np.array([2020.0, np.inf]))
    assert wider.low < bounds.low < bounds.high < wider.high


def test_bounds_hold_the_truth_where_silence_goes_one_way(world):
    # treatment silences those with whom it went worst; the estimate on the rest is far too high
    inside, naive = 0, []
    for seed in range(60):
        design = world(seed=seed, n=600, n_treated=240, effect=0.0)
        after = design.times >= design.cohort[:, None]
        worst = after & (design.outcome - design.outcome[:, :1] < -0.6)
        silenced = replace(design, outcome=np.where(worst, np.nan, design.outcome))
        effects = estimate(silenced)
        bounds = trimming_bounds(silenced, effects, everybody(silenced))
        error = float(effects.aggregate("overall").to_frame()["std_error"].iloc[0])
        naive.append(float(effects.aggregate("overall").estimate[0]) / error)
        inside += bounds.low - 2 * error <= 0 <= bounds.high + 2 * error
    assert np.mean(naive) > 2
    assert inside >= 57
    assert not bounds.keep_sign(1.0)
