"""The influence function is the derivative of the estimate with respect to a unit's weight: checked numerically."""

import dataclasses

import numpy as np
import pytest
from small_designs import simulate

from evaltoolkit.estimators.adjustment import Side, compare_adjusted
from evaltoolkit.estimators.cross_sections import Rows, compare_rows
from evaltoolkit.estimators.group_time import estimate_group_time

M = 70


def derivative(estimate, weights, step=1e-5):
    """Central difference of the estimate in every weight, times the weight."""
    rows = []
    for i in range(len(weights)):
        move = step * (np.arange(len(weights)) == i)
        rows.append((estimate(weights + move) - estimate(weights - move)) / (2 * step) * weights[i])
    return np.array(rows)


@pytest.fixture
def draws():
    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(M), rng.normal(size=(M, 2))])
    treated = x[:, 1] + rng.normal(size=M) > 0
    post = rng.random(M) < 0.5
    y = rng.normal(size=M) + x[:, 1] * post + x[:, 2] * treated
    return x, treated, post, y, rng.uniform(0.5, 2, M)


@pytest.mark.parametrize("adjust", ["dr", "ipw", "reg"])
def test_panel(draws, adjust):
    x, treated, _, y, weights = draws
    changes = np.column_stack([y, y**2])

    def fit(w):
        sides = [Side(changes[rows], x[rows], w[rows]) for rows in (treated, ~treated)]
        return compare_adjusted(*sides, adjust)

    result = fit(weights)
    influence = np.zeros((M, 2))
    influence[treated], influence[~treated] = result.treated, result.comparison
    np.testing.assert_allclose(influence, derivative(lambda w: fit(w).estimate, weights), atol=1e-8)


@pytest.mark.parametrize("adjust", ["dr", "ipw", "reg"])
def test_cross_sections(draws, adjust):
    x, treated, post, y, weights = draws
    result = compare_rows(Rows(y, treated, post, x, weights), adjust)
    numeric = derivative(lambda w: compare_rows(Rows(y, treated, post, x, w), adjust).estimate, weights)
    np.testing.assert_allclose(result.influence, numeric, atol=1e-8)


@pytest.mark.parametrize("missing", ["pairs", "repeated_cross_sections"])
@pytest.mark.parametrize("to", ["overall", "event", "cohort", "calendar"])
def test_aggregates(missing, to):
    """Also the estimated cohort shares and the sums by unit are in the influence."""
    rng = np.random.default_rng(8)
    design = simulate(2, n=30, k=1, gaps=0.1, weights=rng.uniform(0.5, 1.5, 30))
    design = dataclasses.replace(design, weights=design.weights / design.weights.mean())

    def fit(w):
        effects = estimate_group_time(dataclasses.replace(design, weights=w), adjust="reg", missing=missing)
        result = effects.aggregate(to)
        return result if to == "overall" else result.overall

    numeric = derivative(lambda w: fit(w).estimate, design.weights, step=1e-4)
    np.testing.assert_allclose(fit(design.weights).influence, numeric * 30, atol=1e-5)
