import itertools
from dataclasses import replace

import numpy as np
import pytest
from count_worlds import make_count_table, make_counts

from evaltoolkit.inference.count_test import count_interval, count_rank, count_ratio, count_test


def test_enumeration_is_the_loop_by_hand():
    # two of seven treated, half the clusters' variance fitted by hand
    table = make_count_table(make_counts(np.random.default_rng(1), treated=(2,), never=5, mean=8.0))
    found = count_test(table)
    scores = table.scores()
    score, information = scores.score[:, 0], scores.information[:, 0]
    weight = information / (2 * information + 1)
    design = np.column_stack([np.ones(7), information]) * np.sqrt(weight)[:, None]
    target = score**2 / information * np.sqrt(weight)
    from scipy.optimize import nnls

    variance = np.column_stack([information, information**2]) @ nnls(design, target)[0]

    def statistic(chosen):
        chosen = list(chosen)
        share = information[chosen].sum() / information.sum()
        spread = variance[chosen].sum() * (1 - 2 * share) + share**2 * variance.sum()
        return abs(score[chosen].sum()) / np.sqrt(spread)

    drawn = np.array([statistic(pair) for pair in itertools.combinations(range(7), 2)])
    assert (found.exact, found.draws) == (True, 21)
    assert abs(found.statistic) == pytest.approx(statistic((5, 6)))
    assert found.p_value == pytest.approx(np.mean(drawn >= statistic((5, 6)) * (1 - 1e-9)))


def test_a_staggered_lot_is_enumerated_whole():
    design = make_counts(np.random.default_rng(2), treated=(2, 1), starts=(2020.0, 2022.0), never=3)
    assert count_test(make_count_table(design)).draws == 60
    strata = np.array([0, 0, 1, 0, 1, 1])
    assert count_test(make_count_table(design), strata=strata).draws < 60


@pytest.mark.parametrize(
    "settings",
    [
        {"treated": (2,), "mean": 1.0},
        {"treated": (4, 4), "starts": (2020.0, 2022.0), "mean": 2.0, "shape": 2.0},
        {"treated": (3,), "zone": 2, "shape": 1.0},
    ],
)
def test_the_null_is_rejected_as_often_as_the_level_says(settings):
    draws, rejected = 400, 0
    for seed in range(draws):
        design = make_counts(np.random.default_rng([9, seed]), **settings)
        rejected += count_test(make_count_table(design), draws=199, seed=seed).p_value <= 0.05
    assert abs(rejected / draws - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / draws)


def test_the_interval_holds_what_the_test_does_not_reject():
    table = make_count_table(make_counts(np.random.default_rng(4), treated=(5,), ratio=0.5))
    low, high = count_interval(table, draws=499)
    assert low < count_ratio(table) < high
    for ratio, kept in ((low * 1.0001, True), (high * 0.9999, True), (low * 0.999, False), (high * 1.001, False)):
        assert (count_test(table, ratio=ratio, draws=499).p_value > 0.05) is kept


def test_too_few_assignments_leave_the_interval_open():
    table = make_count_table(make_counts(np.random.default_rng(5), treated=(1,), never=11))
    assert count_test(table).smallest_p == pytest.approx(1 / 12)
    assert count_interval(table) == (0.0, np.inf)


def test_nothing_counted_leaves_an_upper_end():
    design = make_counts(np.random.default_rng(6), treated=(3,), never=60, mean=6.0)
    design.outcome[-3:, 3:] = 0
    low, high = count_interval(make_count_table(design))
    assert low == 0
    assert 0 < high < 0.3


def test_the_interval_covers():
    covered, draws = 0, 100
    for seed in range(draws):
        design = make_counts(np.random.default_rng([12, seed]), treated=(4,), ratio=0.5, shape=3.0)
        low, high = count_interval(make_count_table(design), draws=199, seed=seed)
        covered += low <= 0.5 <= high
    assert covered / draws >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / draws)


def test_the_unit_of_exposure_changes_nothing():
    design = make_counts(np.random.default_rng(7), ratio=0.7)
    first = count_test(make_count_table(design))
    thousand = count_test(make_count_table(replace(design, exposure=1000 * design.exposure)))
    assert thousand.p_value == first.p_value
    assert thousand.statistic == pytest.approx(first.statistic)


def test_rank_of_one_treated_is_uniform_without_an_effect():
    ranks = [
        count_rank(make_count_table(make_counts(np.random.default_rng([8, seed]), treated=(1,)))) for seed in range(80)
    ]
    assert np.mean(ranks) == pytest.approx(0.5, abs=3 * 0.289 / np.sqrt(80))
    assert count_rank(make_count_table(make_counts(np.random.default_rng(1), treated=(1,), ratio=9.0))) < 0.1
