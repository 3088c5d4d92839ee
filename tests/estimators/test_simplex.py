"""Least squares over the simplex: the optimality conditions, other solvers, and awkward data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from evaltoolkit.estimators.frank_wolfe import Stopping, step_on_simplex
from evaltoolkit.estimators.simplex import CERTIFIED, duality_gap, minimise_on_simplex


def objective(columns, ridge, weights):
    return float(np.square(columns @ weights).sum() + ridge * np.square(weights).sum())


def one(columns, ridge):
    solution = minimise_on_simplex(np.asarray(columns, float)[None], np.array([float(ridge)]))
    return solution.weights[0], solution.gap[0]


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (6, 6), (3, 40), (40, 3)])
@pytest.mark.parametrize("ridge", [1e-12, 0.01, 1.0, 30.0])
def test_optimality_conditions(shape, ridge):
    """Positive weights share one slope, the others have no smaller: for a convex problem that is the optimum."""
    columns = np.random.default_rng(shape[0]).normal(size=(20, *shape)) + 0.7
    solution = minimise_on_simplex(columns, np.full(20, ridge))
    assert (solution.weights >= 0).all()
    np.testing.assert_allclose(solution.weights.sum(axis=1), 1, rtol=1e-13)
    assert (solution.gap <= CERTIFIED).all()
    for each, weights in zip(columns, solution.weights, strict=True):
        slope = each.T @ (each @ weights) + ridge * weights
        level = weights @ slope
        np.testing.assert_allclose(slope[weights > 0], level, atol=1e-10)
        assert (slope >= level - 1e-10).all()


@given(st.integers(0, 10_000), st.integers(1, 7), st.integers(2, 6), st.sampled_from([0.001, 0.1, 5.0]))
@settings(max_examples=40, deadline=None)
def test_never_above_another_solver(seed, m, k, ridge):
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(m, k)) + rng.normal(size=(m, 1))
    weights, _ = one(columns, ridge)
    other = minimize(
        lambda w: objective(columns, ridge, w),
        np.full(k, 1 / k),
        jac=lambda w: 2 * (columns.T @ (columns @ w) + ridge * w),
        bounds=[(0, 1)] * k,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(k)},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    best = objective(columns, ridge, weights)
    assert best <= objective(columns, ridge, other.x) + 1e-10
    assert best == pytest.approx(objective(columns, ridge, other.x), abs=1e-6)


def test_two_weights_by_hand():
    """Columns 3 and -1 with ridge 0: w = (1/4, 3/4) makes 0. With ridge 8: (4w - 1)^2 + 8 (w^2 + (1-w)^2), w = 3/8."""
    assert one([[3.0, -1.0]], 0)[0] == pytest.approx([0.25, 0.75])
    assert one([[3.0, -1.0]], 8)[0] == pytest.approx([0.375, 0.625])
    assert one([[3.0, 1.0]], 0)[0] == pytest.approx([0, 1])


@pytest.mark.parametrize("make", [np.round, lambda x: x[:, :1] + 0 * x, lambda x: 0 * x, lambda x: x + 1e7 * x[0]])
@pytest.mark.parametrize("ridge", [0.0, 1e-12, 1.0])
def test_awkward_columns_are_certified_too(make, ridge):
    columns = np.stack([make(one) for one in np.random.default_rng(3).normal(size=(60, 5, 12))])
    solution = minimise_on_simplex(columns, np.full(60, ridge))
    assert (solution.gap <= CERTIFIED).all()
    assert (solution.weights >= 0).all()
    np.testing.assert_allclose(solution.weights.sum(axis=1), 1, rtol=1e-12)


def test_together_or_one_by_one():
    columns = np.random.default_rng(4).normal(size=(30, 6, 11)) + 0.5
    ridge = np.linspace(0.01, 4, 30)
    together = minimise_on_simplex(columns, ridge).weights
    for each, eta, weights in zip(columns, ridge, together, strict=True):
        np.testing.assert_allclose(one(each, eta)[0], weights, atol=1e-12)


def test_the_gap_bounds_the_distance_to_the_optimum():
    columns = np.random.default_rng(5).normal(size=(1, 6, 9)) + 0.5
    best, _ = one(columns[0], 0.3)
    scale = np.square(columns[0]).sum(axis=0).mean() + 0.3
    for weights in np.random.default_rng(6).dirichlet(np.ones(9), 50):
        gap = duality_gap(columns, np.array([0.3]), weights[None])[0] * scale
        excess = objective(columns[0], 0.3, weights) - objective(columns[0], 0.3, best)
        assert 1e-6 < excess <= gap


def test_frank_wolfe_steps_go_to_the_optimum():
    columns = np.random.default_rng(7).normal(size=(12, 8)) + 0.5
    best, _ = one(columns, 2.0)
    early = step_on_simplex(columns, 2.0, 1.0)
    late = step_on_simplex(columns, 2.0, 1.0, Stopping(1e-9, 20_000, 0, sparsify=False))
    np.testing.assert_allclose(late, best, atol=1e-3)
    least = objective(columns, 2.0, best)
    assert least < objective(columns, 2.0, early) < least + 1e-5
    assert least < objective(columns, 2.0, late) < least + 1e-3


def test_fits_that_tie_do_not_depend_on_the_order():
    """Sparse counts, hardly a ridge: many weights fit alike, and the least square sum among them is one only."""
    rng = np.random.default_rng(8)
    counts = rng.poisson(0.3, size=(60, 6, 25)).astype(float) - rng.poisson(0.3, size=(60, 6, 1))
    order = rng.permutation(25)
    one_way = minimise_on_simplex(counts, np.full(60, 1e-12)).weights
    other_way = minimise_on_simplex(counts[:, :, order], np.full(60, 1e-12)).weights
    np.testing.assert_allclose(one_way[:, order], other_way, atol=1e-9)
    assert one([[3.0, 1, 1, 1], [0, 2, 2, 2]], 1e-12)[0] == pytest.approx([0.25, 0.25, 0.25, 0.25], abs=1e-9)
    assert one([[1.0, 1, 1, 4]], 1e-12)[0] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0], abs=1e-9)
