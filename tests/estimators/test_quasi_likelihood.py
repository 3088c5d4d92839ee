"""Newton steps: exact maxima, overshooting, and no maximum."""

import numpy as np
import pytest

from evaltoolkit.estimators.quasi_likelihood import LOGIT, POISSON, Point, maximise


def problem(family, y, x):
    def at(beta):
        predictor = x @ beta
        mean = family.mean(predictor)
        information = (x * family.slope(mean)[:, None]).T @ x
        return Point(float(family.likelihood(y, predictor).sum()), x.T @ (y - mean), information)

    return at


@pytest.mark.parametrize("start", [0.0, 5.0, -20.0])
@pytest.mark.parametrize("family", [POISSON, LOGIT])
def test_the_gradient_is_zero_at_the_maximum_from_anywhere(family, start):
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(50), rng.normal(size=50)])
    y = rng.random(50) if family is LOGIT else rng.poisson(2.0, 50).astype(float)
    at = problem(family, y, x)
    fit = maximise(at, np.array([start / 4 if family is LOGIT else start, 0.0]))
    assert fit.converged
    assert np.abs(at(fit.parameters).gradient).max() < 1e-11 * np.abs(x.T @ y).max()
    np.testing.assert_allclose(fit.inverse.matrix, np.linalg.inv(at(fit.parameters).information), rtol=1e-9)


@pytest.mark.parametrize("family", [POISSON, LOGIT])
def test_derivatives(family):
    x, step = np.linspace(-3, 3, 7), 1e-5
    np.testing.assert_allclose(
        (family.mean(x + step) - family.mean(x - step)) / (2 * step), family.slope(family.mean(x)), rtol=1e-8
    )
    y = np.full(7, 0.3)
    slope = (family.likelihood(y, x + step) - family.likelihood(y, x - step)) / (2 * step)
    np.testing.assert_allclose(slope, y - family.mean(x), atol=1e-8)
    np.testing.assert_allclose(family.mean(family.link(np.array(3.0), np.array(10.0))), 0.3)


@pytest.mark.parametrize("family", [POISSON, LOGIT])
def test_separation_does_not_converge_to_a_number(family):
    """Nothing where x is one: its coefficient goes to minus infinity."""
    x = np.column_stack([np.ones(6), np.repeat([0.0, 1.0], 3)])
    y = np.array([1.0, 0.5, 0.7, 0, 0, 0])
    assert not maximise(problem(family, y, x), np.zeros(2)).converged
