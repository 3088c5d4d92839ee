"""The influence held in parts is the influence written out, whatever is asked of it."""

import numpy as np
import pytest

from evaltoolkit.effects.influence import (
    PartedInfluence,
    add_shares,
    combine,
    defined_columns,
    gram,
    square_sums,
    summed,
)


@pytest.fixture
def parted():
    rng = np.random.default_rng(4)
    group = np.repeat([0, 1, 2], [5, 7, 8]).astype(np.intp)
    weight = rng.uniform(0.5, 2, 20)
    rows = np.column_stack([rng.normal(size=(20, 4)), weight, np.ones(20)])
    return PartedInfluence(rows, group, rng.normal(size=(3, 6, 5)), np.array([2020.0, 2022.0, np.inf]))


def test_it_looks_like_the_array_it_stands_for(parted):
    written = np.asarray(parted)
    by_hand = np.array([row @ parted.slopes[g] for row, g in zip(parted.rows, parted.group, strict=True)])
    np.testing.assert_allclose(written, by_hand)
    assert parted.shape == written.shape == (20, 5)
    assert len(parted) == 20
    np.testing.assert_array_equal(parted.T, written.T)
    np.testing.assert_allclose(parted[:, 2], written[:, 2])
    np.testing.assert_allclose(np.asarray(parted[:, [3, 1]]), written[:, [3, 1]])
    np.testing.assert_allclose(parted[4:6], written[4:6])
    np.testing.assert_allclose(np.abs(parted) + 1, np.abs(written) + 1)
    np.testing.assert_allclose(2 * parted, 2 * written)


def test_sums_and_products_are_those_of_the_array(parted):
    written = np.asarray(parted)
    weights = np.random.default_rng(1).normal(size=(5, 3))
    np.testing.assert_allclose(np.asarray(combine(parted, weights)), written @ weights)
    np.testing.assert_allclose(gram(parted), written.T @ written)
    np.testing.assert_allclose(square_sums(parted), np.square(written).sum(axis=0))


@pytest.mark.parametrize("across", [False, True])
def test_clusters_within_and_across_cohorts(parted, across):
    codes = np.arange(20) % 6 if across else np.r_[[0] * 3, [1] * 2, [2] * 7, [3] * 4, [4] * 4]
    by_hand = np.array([np.asarray(parted)[codes == code].sum(axis=0) for code in range(codes.max() + 1)])
    held = summed(parted, codes.astype(np.intp))
    assert isinstance(held, PartedInfluence) is not across
    np.testing.assert_allclose(gram(held), by_hand.T @ by_hand)
    np.testing.assert_allclose(square_sums(held), np.square(by_hand).sum(axis=0))


def test_estimated_shares_are_added_alike(parted):
    cohort = parted.cohorts[parted.group]
    slopes, cohorts = np.random.default_rng(2).normal(size=(2, 5)), np.array([2020.0, 2022.0])
    weight = parted.rows[:, -2]
    apart = add_shares(parted, cohort, weight, slopes, cohorts)
    together = add_shares(np.asarray(parted), cohort, weight, slopes, cohorts)
    np.testing.assert_allclose(np.asarray(apart), together)


@pytest.mark.parametrize("write", [np.asarray, lambda one: one])
def test_what_is_undefined_stays_so_only_where_it_is_used(parted, write):
    slopes = parted.slopes.copy()
    slopes[:, :, 1] = np.nan
    slopes[:, :, 3] = 0.0
    influence = write(PartedInfluence(parted.rows, parted.group, slopes, parted.cohorts))
    assert defined_columns(influence).tolist() == [True, False, True, False, True]
    weights = np.zeros((5, 3))
    weights[0, 0], weights[1, 1], weights[2, 2] = 1.0, 0.5, np.nan
    found = np.asarray(combine(influence, weights))
    np.testing.assert_allclose(found[:, 0], np.asarray(parted)[:, 0])
    assert np.isnan(found[:, 1:]).all()
