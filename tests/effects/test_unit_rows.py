"""Series free of levels: one pass over the units gives what the rows written out give."""

import numpy as np
import pytest

from evaltoolkit.effects import unit_rows
from evaltoolkit.effects.groups import number_cohorts


@pytest.mark.parametrize("chunk", [7, 1000])
@pytest.mark.parametrize("even", [True, False])
def test_means_and_products_are_those_of_the_rows(monkeypatch, chunk, even):
    monkeypatch.setattr(unit_rows, "_CHUNK", chunk)
    rng = np.random.default_rng(chunk)
    group = rng.integers(0, 4, 60)
    # levels a million times the changes, and a steep common path
    outcome = rng.normal(size=(60, 5)) + 1e6 * rng.normal(size=(60, 1)) + 1000.0 * np.arange(5)
    weights = np.full(60, 2.0) if even else rng.uniform(0.5, 2, 60)
    found = unit_rows.deviate(outcome, weights, group, 4)
    free = outcome - outcome.mean(axis=1, keepdims=True)
    for cohort in range(4):
        mine = group == cohort
        mean = np.average(free[mine], axis=0, weights=weights[mine])
        np.testing.assert_allclose(found.means[cohort], mean, rtol=1e-9, atol=1e-8)
        rows = np.column_stack([(free[mine] - mean) * weights[mine, None], weights[mine], np.ones(mine.sum())])
        np.testing.assert_allclose(found.rows[mine], rows, rtol=1e-7, atol=1e-8)
        np.testing.assert_allclose(found.products[cohort], rows.T @ rows, rtol=1e-8, atol=1e-6)
        assert found.total[cohort] == pytest.approx(weights[mine].sum())
    assert len(found.rows) == 60
    own = found.rows.copy()
    own[0] = 0.0
    assert found.rows[0, -1] == 1.0


def test_cohorts_are_numbered_as_unique_numbers_them():
    rng = np.random.default_rng(1)
    cohort = rng.choice([2020.0, 2018.5, np.inf, 2031.0], 50)
    known, first, group = np.unique(cohort, return_index=True, return_inverse=True)
    found = number_cohorts(cohort)
    np.testing.assert_array_equal(found.cohorts, known)
    np.testing.assert_array_equal(found.group, group)
    np.testing.assert_array_equal(found.first, first)
