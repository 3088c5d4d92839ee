from itertools import combinations

import numpy as np
import pytest

from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.step_down import step_down

SMALL = np.array([[0.5, 2.5, 0.1], [3.5, 0.2, 0.3], [1.0, 0.4, 1.5], [0.1, 0.3, 1.2], [3.2, 0.1, 0.1], [0.1, 0.2, 1.1]])


def by_closure(observed, draws, complete):
    """Slow and other: a hypothesis falls when the maximum of every set of hypotheses that holds it does."""
    m = len(observed)
    sets = [list(some) for size in range(1, m + 1) for some in combinations(range(m), size)]
    p = np.zeros(m)
    for some in sets:
        above = sum(max(draw[j] for j in some) >= max(observed[j] for j in some) for draw in draws)
        value = above / len(draws) if complete else (1 + above) / (1 + len(draws))
        for j in some:
            p[j] = max(p[j], value)
    return p


def test_a_case_computed_by_hand():
    # largest of all: 2.5 3.5 1.5 1.2 3.2 1.1, two reach 3; of the last two: 2.5 0.3 1.5 1.2 0.1 1.1, one reaches 2,
    # which may not be less than before; of the last one: three reach 1
    found = step_down([3.0, 2.0, 1.0], SMALL)
    np.testing.assert_allclose(found.p_adjusted, np.array([3, 3, 4]) / 7)
    np.testing.assert_allclose(found.p_single, np.array([3, 2, 4]) / 7)
    assert found.draws == 7


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_it_is_what_testing_every_subset_gives(seed, complete):
    rng = np.random.default_rng(seed)
    # few different values, so that there are many ties
    draws = rng.integers(0, 12, size=(60, 4)) / 3
    observed = draws[7] if complete else rng.integers(4, 14, size=4) / 3
    found = step_down(observed, draws, complete=complete)
    np.testing.assert_allclose(found.p_adjusted, by_closure(observed, draws, complete), atol=1e-12)
    assert (found.p_adjusted >= found.p_single - 1e-12).all()


def test_order_does_not_matter_and_what_is_not_tested_changes_nothing():
    rng = np.random.default_rng(3)
    observed, draws, order = rng.exponential(size=5), rng.exponential(size=(99, 5)), [3, 0, 4, 2, 1]
    first = step_down(observed, draws)
    np.testing.assert_array_equal(step_down(observed[order], draws[:, order]).p_adjusted, first.p_adjusted[order])
    more = step_down([*observed, np.nan], np.column_stack([draws, np.full(99, np.nan)]))
    np.testing.assert_array_equal(more.p_adjusted[:5], first.p_adjusted)
    assert np.isnan(more.p_adjusted[5])
    assert np.isnan(more.p_single[5])


@pytest.mark.parametrize("complete", [False, True])
@pytest.mark.parametrize("level", [0.95, 0.9, 0.8])
def test_the_attainable_level_is_how_often_a_draw_in_the_place_of_the_real_one_would_reject(level, complete):
    rng = np.random.default_rng(8)
    pool = rng.integers(0, 9, size=(40, 3)).astype(float)
    smallest = [
        step_down(row, pool if complete else np.delete(pool, place, axis=0), complete=complete).p_adjusted.min()
        for place, row in enumerate(pool)
    ]
    found = step_down(pool[0], pool if complete else pool[1:], level=level, complete=complete)
    assert found.attainable_level == pytest.approx(np.mean(np.array(smallest) <= 1 - level + 1e-12))
    assert found.smallest_p == pytest.approx(min(smallest))


def test_seven_assignments_cannot_reject_at_five_percent():
    found = step_down([3.0, 2.0, 1.0], SMALL)
    assert found.attainable_level == 0
    assert found.smallest_p == pytest.approx(1 / 7)
    assert step_down([3.0, 2.0, 1.0], SMALL, level=0.8).attainable_level == pytest.approx(1 / 7)


def test_an_undefined_statistic_in_a_draw_counts_against():
    holes = SMALL.copy()
    holes[3, 0] = np.nan
    found, full = step_down([3.0, 2.0, 1.0], holes), step_down([3.0, 2.0, 1.0], SMALL)
    assert found.p_single[0] == pytest.approx(full.p_single[0] + 1 / 7)
    assert found.p_adjusted[0] == pytest.approx(full.p_adjusted[0] + 1 / 7)


def test_rounding_does_not_break_a_tie():
    real = np.array([1.2, 0.4])
    pool = np.vstack([real * (1 - 1e-13), [[0.1, 0.2], [1.2, 0.3]]])
    np.testing.assert_allclose(step_down(real, pool, complete=True).p_single, [2 / 3, 1 / 3])


def test_a_family_without_a_tested_hypothesis_has_no_p_value():
    found = step_down([np.nan, np.nan], np.ones((20, 2)))
    assert np.isnan(found.p_adjusted).all()
    assert np.isnan(found.smallest_p)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(EvaltoolkitError, match="real assignment"):
        step_down([9.0, 2.0, 1.0], SMALL, complete=True)
    with pytest.raises(EvaltoolkitError, match="one column for each of the 2"):
        step_down([1.0, 2.0], SMALL)
    with pytest.raises(EvaltoolkitError, match="one row per draw"):
        step_down([1.0, 2.0, 3.0], SMALL[:0])
    with pytest.raises(EvaltoolkitError, match="between 0 and 1"):
        step_down([1.0, 2.0, 3.0], SMALL, level=5)
