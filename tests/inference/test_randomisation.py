import itertools

import numpy as np
import pytest
from tables import make_design, make_table

from evaltoolkit.inference.contrasts import effects_of
from evaltoolkit.inference.randomisation import randomisation_interval, randomisation_test


def test_enumeration_is_the_loop_by_hand():
    design = make_design(np.random.default_rng(1), treated=(2,), never=8, effect=1.0)
    table = make_table(design)
    found = randomisation_test(table, studentise=False)
    assert found.exact
    assert found.draws == 45
    change = design.outcome[:, 3:].mean(axis=1) - design.outcome[:, 2]
    gaps = [
        abs(change[list(pair)].mean() - np.delete(change, list(pair)).mean())
        for pair in itertools.combinations(range(10), 2)
    ]
    own = abs(change[8:].mean() - change[:8].mean())
    assert found.p_value == pytest.approx(np.mean(np.array(gaps) >= own - 1e-12))
    assert found.estimate == pytest.approx(change[8:].mean() - change[:8].mean())


def test_studentised_statistics_are_welch_t():
    from scipy.stats import ttest_ind

    design = make_design(np.random.default_rng(2), treated=(3,), never=6)
    change = design.outcome[:, 3:].mean(axis=1) - design.outcome[:, 2]
    found = randomisation_test(make_table(design))
    welch = lambda chosen: abs(ttest_ind(change[chosen], np.delete(change, chosen), equal_var=False).statistic)  # noqa: E731
    drawn = np.array([welch(list(one)) for one in itertools.combinations(range(9), 3)])
    assert abs(found.statistic) == pytest.approx(welch([6, 7, 8]))
    assert found.p_value == pytest.approx(np.mean(drawn >= welch([6, 7, 8]) * (1 - 1e-9)))


def test_staggered_and_strata_are_enumerated_whole():
    design = make_design(np.random.default_rng(3), treated=(2, 1), starts=(2020.0, 2022.0), never=3)
    found = randomisation_test(make_table(design), studentise=False)
    assert (found.exact, found.draws) == (True, 60)
    strata = np.array([0, 0, 1, 0, 1, 1])
    within = randomisation_test(make_table(design), strata=strata, studentise=False)
    # two of three and one of three are not treated in the first; in the second each of three has another cohort
    counts = [np.unique(make_table(design).group[strata == one], return_counts=True)[1] for one in (0, 1)]
    expected = np.prod(
        [np.prod(np.arange(1, 4)) / np.prod([np.prod(np.arange(1, c + 1)) for c in one]) for one in counts]
    )
    assert within.draws == expected


@pytest.mark.parametrize(
    "settings", [{"treated": (3,)}, {"treated": (2, 3), "starts": (2020.0, 2022.0)}, {"treated": (1,), "never": 25}]
)
def test_the_null_is_rejected_as_often_as_the_level_says(settings):
    draws, rejected = 600, 0
    for seed in range(draws):
        rng = np.random.default_rng([7, seed])
        table = make_table(make_design(rng, **settings))
        # the treated are drawn by lot: the order of units carries nothing
        rejected += randomisation_test(table, draws=199, seed=seed).p_value <= 0.05
    assert abs(rejected / draws - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / draws) + 0.013


def test_redraws_of_a_declared_mechanism_are_used():
    design = make_design(np.random.default_rng(5), treated=(4,), effect=2.0)
    table = make_table(design)
    rng = np.random.default_rng(1)
    redraws = np.array([rng.permutation(table.group) for _ in range(400)])
    found = randomisation_test(table, assignments=redraws)
    estimates, errors = effects_of(table.sums, table.sizes, redraws, 2)
    assert found.p_value == pytest.approx((1 + np.sum(np.abs(estimates / errors) >= abs(found.statistic))) / 401)
    assert not found.exact


def test_the_interval_holds_what_the_test_does_not_reject():
    table = make_table(make_design(np.random.default_rng(6), treated=(6,), never=14, effect=1.0))
    low, high = randomisation_interval(table, draws=499)
    assert low < high
    for effect, kept in ((low + 1e-6, True), (high - 1e-6, True), (low - 1e-3, False), (high + 1e-3, False)):
        assert (randomisation_test(table, effect=effect, draws=499).p_value > 0.05) is kept


def test_too_few_assignments_leave_the_interval_open():
    table = make_table(make_design(np.random.default_rng(7), treated=(1,), never=9))
    found = randomisation_test(table)
    assert found.smallest_p == pytest.approx(0.1)
    assert not found.studentised
    assert randomisation_interval(table) == (-np.inf, np.inf)


def test_the_interval_covers(request):
    del request
    covered, draws = 0, 200
    for seed in range(draws):
        rng = np.random.default_rng([11, seed])
        table = make_table(make_design(rng, treated=(4, 4), starts=(2020.0, 2022.0), effect=1.0))
        low, high = randomisation_interval(table, draws=199, seed=seed)
        covered += low <= 1.0 <= high
    assert abs(covered / draws - 0.95) <= 3 * np.sqrt(0.05 * 0.95 / draws) + 0.01


def test_scale_shift_and_order_change_nothing():
    design = make_design(np.random.default_rng(8), treated=(3,), effect=0.5)
    from dataclasses import replace

    first = randomisation_test(make_table(design), draws=5000)
    scaled = randomisation_test(make_table(replace(design, outcome=7 * design.outcome + 100)), draws=5000)
    assert scaled.p_value == pytest.approx(first.p_value)
    assert scaled.estimate == pytest.approx(7 * first.estimate)
