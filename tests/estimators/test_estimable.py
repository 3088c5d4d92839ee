"""Inverting singular normal equations, and telling what the rows determine."""

import numpy as np
import pytest

from evaltoolkit.estimators.estimable import add_blocks, are_estimable, flatten, invert, take_blocks


@pytest.mark.parametrize("units", [1.0, 1e-6, 1e6])
def test_what_two_dummies_and_a_constant_determine(units):
    """Constant and both group dummies: differences are determined, levels of the coefficients are not."""
    group = np.repeat([0, 1], [3, 5])
    x = np.column_stack([np.ones(8), units * (group == 0), group == 1, np.arange(8) ** 2])
    inverse = invert(x.T @ x)
    assert inverse.null.shape == (4, 1)
    functionals = np.array([[0, units, -1, 0], [1, units, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 0]]).T
    assert are_estimable(inverse.null, functionals).tolist() == [True, True, True, False, False]
    y = np.array([1.0, 4, 2, 8, 5, 7, 1, 3])
    determined = functionals[:, :3]
    np.testing.assert_allclose(
        determined.T @ inverse.matrix @ x.T @ y, determined.T @ np.linalg.pinv(x) @ y, rtol=1e-7, atol=1e-9
    )


def test_regular_and_empty():
    gram = np.array([[2.0, 1], [1, 3]])
    inverse = invert(gram)
    np.testing.assert_allclose(inverse.matrix, np.linalg.inv(gram))
    assert are_estimable(inverse.null, np.eye(2)).all()
    zero = invert(np.diag([2.0, 0.0]))
    np.testing.assert_allclose(zero.matrix, np.diag([0.5, 0.0]))
    assert are_estimable(zero.null, np.eye(2)).tolist() == [True, False]
    assert invert(np.zeros((0, 0))).matrix.shape == (0, 0)


def test_blocks_with_and_without_parameters():
    """Blocks may repeat, then they add up; block -1 has no parameters."""
    gram = np.zeros((2, 2, 2, 2))
    values = np.arange(12.0).reshape(3, 2, 2)
    add_blocks(gram, np.array([0, 0, -1]), np.array([1, 1, 0]), values)
    np.testing.assert_array_equal(flatten(gram)[:2, 2:], values[0] + values[1])
    assert flatten(gram)[2:].sum() == flatten(gram)[:, :2].sum() == 0
    taken = take_blocks(np.array([[1.0, 2], [3, 4]]), np.array([1, -1]))
    np.testing.assert_array_equal(taken, [[3, 4], [0, 0]])
