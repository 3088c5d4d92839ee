import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr
from sensitivity_cases import golden_study, random_study

from evaltoolkit.sensitivity.fixed_length import fixed_length
from evaltoolkit.sensitivity.restrictions import changes
from evaltoolkit.sensitivity.vector import make_vector


def half_length(bias, error, level):
    """The quantile of the folded normal from its distribution function."""
    low, high = bias, bias + 10 * error
    for _ in range(60):
        middle = (low + high) / 2
        inside = ndtr((middle - bias) / error) - ndtr((-middle - bias) / error)
        low, high = (low, middle) if inside > level else (middle, high)
    return high


@pytest.mark.parametrize("amount", [0.0, 0.02, 0.1, 0.5, 3.0])
@pytest.mark.parametrize(("seed", "n_pre", "n_post"), [(1, 2, 2), (2, 4, 1), (3, 5, 3)])
def test_no_other_weights_are_shorter(seed, n_pre, n_post, amount):
    study = random_study(seed, n_pre, n_post)
    vector = make_vector(*study, None)
    found = fixed_length(vector, amount, 0.95)
    bends = np.diff(changes(n_pre, n_post), axis=0)
    rest = np.linalg.solve(bends[n_pre - 1 :, n_pre:].T, vector.weights)

    def length(free):
        shares = np.concatenate([free, rest])
        weights = bends.T @ shares
        return half_length(amount * np.abs(shares).sum(), np.sqrt(weights @ study.sigma @ weights), 0.95)

    best = _shares(found.weights, bends)[: n_pre - 1]
    assert found.half_length == pytest.approx(length(best), rel=1e-10)
    # the length is convex in the weights: what is shortest nearby is shortest
    directions = np.random.default_rng(seed).normal(size=(40, n_pre - 1))
    for size in (1e-3, 0.03, 1.0):
        assert min(length(best + size * one) for one in directions) >= found.half_length - 1e-10
    np.testing.assert_allclose(found.weights[n_pre:], vector.weights, atol=1e-12)


def _shares(weights, bends):
    return np.linalg.lstsq(bends.T, weights, rcond=None)[0]


def test_no_straight_line_biases_it_and_no_bend_more_than_said():
    vector = make_vector(*golden_study(), None)
    found = fixed_length(vector, 0.05, 0.95)
    time = np.array([-4, -3, -2, 0, 1, 2]) + 1.0
    assert found.weights @ time == pytest.approx(0, abs=1e-12)
    # the worst path bends by the amount wherever its weight says so
    bends = np.diff(changes(3, 3), axis=0)
    worst = np.linalg.lstsq(bends, 0.05 * np.sign(_shares(found.weights, bends)), rcond=None)[0]
    assert found.weights @ worst == pytest.approx(found.bias, rel=1e-9)


def test_without_bends_it_is_least_squares_around_a_line():
    """M = 0: generalised least squares with a linear trend."""
    study = golden_study()
    vector = make_vector(*study, [1, 0, 0])
    time = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0])
    x = np.column_stack([time, np.vstack([np.zeros((3, 3)), np.eye(3)])])
    inverse = np.linalg.inv(study.sigma)
    covariance = np.linalg.inv(x.T @ inverse @ x)
    found = fixed_length(vector, 0.0, 0.95)
    assert found.std_error == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-10)
    assert found.weights @ study.beta == pytest.approx((covariance @ x.T @ inverse @ study.beta)[1], rel=1e-9)
    assert found.half_length == pytest.approx(stats.norm.isf(0.025) * found.std_error, rel=1e-9)


def test_one_period_before_leaves_nothing_to_choose():
    study = random_study(4, 1, 2)
    found = fixed_length(make_vector(*study, [1, 0]), 0.3, 0.9)
    # the first period after treatment plus the change before it
    np.testing.assert_allclose(found.weights, [1, 1, 0], atol=1e-12)
    assert found.bias == pytest.approx(0.3)
