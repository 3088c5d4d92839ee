"""Sets against tests of values on a fine grid, and pieces that even steps through a wide interval jump over."""

from itertools import pairwise

import numpy as np
import pytest
from sensitivity_cases import Study, random_study

from evaltoolkit.sensitivity import sets
from evaltoolkit.sensitivity.conditional import keeps
from evaltoolkit.sensitivity.inversion import largest_changes
from evaltoolkit.sensitivity.moments import combine_moments
from evaltoolkit.sensitivity.restrictions import Assumed, list_pieces
from evaltoolkit.sensitivity.sets import original_set, robust_sets
from evaltoolkit.sensitivity.vector import make_vector

STEPS, LINE = Assumed("relative_magnitudes"), Assumed("smoothness")


def odd_study(seed):
    """Two to six periods before and one to five after; correlations up to 0.99, standard errors a thousand apart."""
    rng = np.random.default_rng([seed, 77])
    n_pre, n_post = int(rng.integers(2, 7)), int(rng.integers(1, 6))
    size = n_pre + n_post
    root = rng.normal(size=(size, 2 * size)) / np.sqrt(2 * size)
    apart = np.subtract.outer(np.arange(size), np.arange(size))
    errors = 10.0 ** rng.uniform(-3, 0, size)
    sigma = [
        root @ root.T,
        np.outer(errors, errors) * (root @ root.T),
        np.where(apart == 0, 1.0, 0.99),
        0.9 ** np.abs(apart),
    ][seed % 4]
    spread = np.sqrt(np.diag(sigma))
    beta = rng.normal(size=size) * spread + np.where(np.arange(size) < n_pre, 0.0, 2 * spread.mean())
    weights = rng.normal(size=n_post)
    scale = 10.0 ** rng.uniform(-6, 6)
    return Study(scale * beta, scale**2 * sigma, n_pre, n_post), weights


@pytest.mark.parametrize("amount", [1e3, 1e4, 1e6])
@pytest.mark.parametrize("sign", ["negative", "positive"])
@pytest.mark.parametrize("seed", [3, 4])
def test_a_set_far_smaller_than_the_interval_searched_is_found(seed, sign, amount):
    # never above zero and never falling: nothing is left of the violation, however large it could be
    assumed = Assumed("smoothness", sign=sign, shape="increasing" if sign == "negative" else "decreasing")
    study, weights = random_study(seed), [-1.0, 0.4, 0.3]
    vector = make_vector(*study, weights)
    usual = original_set(vector)
    (found,) = robust_sets(*study, [amount * vector.std_error], assumed=assumed, l_vec=weights, method="conditional")
    assert found.reason == ""
    assert (found.low, found.high) == pytest.approx((usual.low, usual.high), abs=1e-4 * vector.std_error)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rounding_does_not_decide_whether_a_set_is_empty(seed):
    # no straight line fits these: what is kept lies at an end of the fixed-length interval
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    sigma = turn @ np.diag(np.logspace(0, -7, 8)) @ turn.T
    beta = rng.normal(size=8) * np.sqrt(np.diag(sigma))
    found = [
        robust_sets(c * beta, c**2 * sigma, 6, 2, [0.0], assumed=LINE, l_vec=[0.3, -1.2], method="hybrid_fixed_length")
        for c in (1.0, 1e-6, 1e-3, 3.0, 1e3, 1e6)
    ]
    assert {one.reason for (one,) in found} == {""}


@pytest.mark.parametrize("sign", [None, "positive"])
def test_the_largest_moment_changes_where_a_fine_grid_sees_it_change(sign):
    study, weights = odd_study(0)
    vector = make_vector(*study, weights)
    for piece in list_pieces(study.n_pre, study.n_post, 1.0, Assumed("relative_magnitudes", sign=sign))[:3]:
        moments = combine_moments(vector, piece)
        places, values = largest_changes(moments)
        middles = np.concatenate([[places[0] - 1], (places[1:] + places[:-1]) / 2, [places[-1] + 1]])
        holder = (moments.constant[:, None] - moments.slope[:, None] * middles).argmax(axis=0)
        assert (np.diff(holder) != 0).all()
        at = moments.constant[:, None] - moments.slope[:, None] * places
        np.testing.assert_allclose(values, at.max(axis=0))
        # on either side of a place another moment is the largest, at it both are
        for place, pair in enumerate(pairwise(holder)):
            np.testing.assert_allclose(at[list(pair), place], values[place], atol=1e-9 * np.abs(at).max())


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    ("assumed", "amount"), [(STEPS, 0.5), (STEPS, 3.0), (LINE, 1.0), (Assumed("relative_smoothness"), 1.0)]
)
def test_the_set_holds_whatever_a_fine_grid_keeps(seed, assumed, amount):
    study, weights = odd_study(seed)
    vector = make_vector(*study, weights)
    amount *= vector.std_error if assumed.restriction == "smoothness" else 1.0
    for method in ("hybrid", "conditional"):
        (found,) = robust_sets(*study, [amount], assumed=assumed, l_vec=weights, method=method)
        width = found.high - found.low
        grid = np.linspace(found.low - 0.5 * width, found.high + 0.5 * width, 2001)
        kept = np.zeros(len(grid), dtype=bool)
        for moments, stage in sets.tests_of(vector, amount, assumed, method, 0.95, "post"):
            kept |= keeps(moments, vector.sigma, grid, 0.05, stage)
        assert kept.any()
        assert grid[kept].min() >= found.low - 1e-6 * width
        assert grid[kept].max() <= found.high + 1e-6 * width
        # and no wider than what is kept, by more than a step
        assert grid[kept].min() <= found.low + 0.02 * width
        assert grid[kept].max() >= found.high - 0.02 * width


@pytest.mark.parametrize("seed", range(8))
def test_sets_grow_from_the_usual_interval_on(seed):
    study, weights = odd_study(seed)
    vector = make_vector(*study, weights)
    found = robust_sets(*study, [0.0, 0.4, 1.0, 1.7, 3.0], assumed=STEPS, l_vec=weights)
    usual, slack = original_set(vector), 0.02 * vector.std_error
    assert (found[0].low, found[0].high) == pytest.approx((usual.low, usual.high), abs=1.5 * slack)
    assert (np.diff([one.low for one in found]) <= slack).all()
    assert (np.diff([one.high for one in found]) >= -slack).all()
