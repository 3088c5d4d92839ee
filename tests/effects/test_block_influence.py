"""Influence in blocks behaves as the array it stands for."""

import pickle

import numpy as np
import pytest

from evaltoolkit.effects.block_influence import Block, BlockInfluence
from evaltoolkit.effects.influence import add_shares, combine, defined_columns, gram, square_sums, summed


@pytest.fixture
def blocks():
    rng = np.random.default_rng(2)
    matrix = rng.normal(size=(3, 5))
    matrix[:, [0, 4]] = 0.0
    parts = (
        Block(np.arange(0, 6), rng.normal(size=(6, 3)), matrix),
        Block(np.array([7, 3, 11]), rng.normal(size=(3, 2)), rng.normal(size=(2, 5))),
        Block(np.arange(0, 6), rng.normal(size=(6, 1)), rng.normal(size=(1, 5))),
    )
    return BlockInfluence(parts, np.array([0.0, 1.0, 0.0, -2.0, 0.0]), 12)


def write(blocks):
    out = np.tile(blocks.constant, (blocks.n, 1))
    for units, values, matrix in blocks.blocks:
        for unit, row in zip(units, values, strict=True):
            out[unit] += row @ matrix
    return out


def test_it_looks_like_the_array_it_stands_for(blocks):
    written = write(blocks)
    np.testing.assert_allclose(np.asarray(blocks), written)
    assert blocks.shape == (12, 5)
    assert (len(blocks), blocks.ndim) == (12, 2)
    np.testing.assert_allclose(blocks.T, written.T)
    np.testing.assert_allclose(np.asarray(blocks[:, [3, 1]]), written[:, [3, 1]])
    np.testing.assert_allclose(blocks[:, 2], written[:, 2])
    np.testing.assert_allclose(blocks[[4, 2]], written[[4, 2]])
    np.testing.assert_allclose(np.asarray(blocks[:, np.array([True, False, True, False, True])]), written[:, ::2])
    np.testing.assert_allclose(2 * blocks - 1, 2 * written - 1)
    np.testing.assert_allclose(blocks.mean(axis=0), written.mean(axis=0))
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(blocks))), np.asarray(blocks))
    with pytest.raises(AttributeError):
        _ = blocks.no_such_thing
    with pytest.raises(ValueError, match="read-only"):
        blocks.written[0, 0] = 1.0


def test_sums_products_and_shares_are_those_of_the_array(blocks):
    rng = np.random.default_rng(3)
    written, weights = write(blocks), rng.normal(size=(5, 3))
    np.testing.assert_allclose(np.asarray(combine(blocks, weights)), written @ weights)
    np.testing.assert_allclose(gram(blocks), written.T @ written)
    np.testing.assert_allclose(square_sums(blocks), np.square(written).sum(axis=0))
    codes = np.arange(12) // 3
    np.testing.assert_allclose(np.asarray(summed(blocks, codes)), written.reshape(4, 3, 5).sum(axis=1))
    cohort, unit_weights = rng.choice([2020.0, 2021.0, np.inf], 12), rng.uniform(0.5, 2, 12)
    given = cohort, unit_weights, rng.normal(size=(2, 5)), np.array([2020.0, 2021.0])
    np.testing.assert_allclose(np.asarray(add_shares(blocks, *given)), add_shares(written, *given))


def test_what_is_undefined_stays_so(blocks):
    undefined = BlockInfluence(blocks.blocks, np.array([0.0, np.nan, 0.0, 0.0, 0.0]), 12)
    assert defined_columns(undefined).tolist() == [True, False, True, True, True]
    weights = np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    combined = np.asarray(combine(undefined, weights))
    np.testing.assert_allclose(combined[:, 0], write(blocks)[:, [0, 2]].sum(axis=1))
    assert np.isnan(combined[:, 1]).all()
