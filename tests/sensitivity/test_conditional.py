"""Moments, truncation and test against linear programmes that list no vertices."""

import numpy as np
import pytest
from scipy import stats
from sensitivity_cases import Programme, golden_study, random_study

from evaltoolkit.sensitivity.conditional import FirstStage, keeps
from evaltoolkit.sensitivity.first_stage import highest_critical, least_favourable
from evaltoolkit.sensitivity.moments import combine_moments
from evaltoolkit.sensitivity.restrictions import Assumed, list_pieces
from evaltoolkit.sensitivity.vector import make_vector

ASSUMED = [
    (Assumed("relative_magnitudes"), 1.0),
    (Assumed("relative_magnitudes", sign="positive"), 1.0),
    (Assumed("relative_magnitudes", shape="decreasing"), 0.7),
    (Assumed("smoothness"), 0.1),
    (Assumed("smoothness", sign="negative"), 0.1),
    (Assumed("smoothness", shape="increasing"), 0.0),
    (Assumed("relative_smoothness"), 0.5),
    (Assumed("relative_smoothness", sign="positive", shape="increasing"), 0.5),
]
IDS = [f"{one.restriction}-{one.sign}-{one.shape}" for one, _ in ASSUMED]


def prepared(study, assumed, amount, weights):
    vector = make_vector(*study, weights)
    return [
        (combine_moments(vector, piece), Programme(study, piece, weights))
        for piece in list_pieces(study.n_pre, study.n_post, amount, assumed)
    ]


@pytest.mark.parametrize(("assumed", "amount"), ASSUMED, ids=IDS)
def test_largest_moment_is_the_optimum_of_the_programme(assumed, amount):
    rng = np.random.default_rng(5)
    for seed, (n_pre, n_post) in enumerate([(3, 2), (2, 4)]):
        study = random_study(seed, n_pre, n_post)
        weights = rng.normal(size=n_post)
        for moments, programme in prepared(study, assumed, amount, weights):
            for theta in rng.normal(scale=4, size=3):
                largest = (moments.constant - moments.slope * theta).max()
                assert largest == pytest.approx(programme.solve(programme.moments(theta))[0], abs=1e-8)


@pytest.mark.parametrize(("assumed", "amount"), ASSUMED, ids=IDS)
def test_the_test_decides_as_the_programme_does(assumed, amount):
    """Grid of theta around the estimate; conditional, and after a first stage. Both decisions occur."""
    study = golden_study()
    weights = np.array([0.5, 0.3, 0.2])
    centre = weights @ study.beta[3:]
    theta = centre + np.array([-1.3, -0.45, 0.15, 0.6])
    seen = set()
    for moments, programme in prepared(study, assumed, amount, weights)[:2]:
        ceiling = least_favourable(moments, study.sigma, 0.005)
        for stage in (FirstStage(), FirstStage(0.005, ceiling)):
            kept = keeps(moments, study.sigma, theta, 0.05, stage)
            expected = [programme.keeps(one, 0.05, stage.size, stage.ceiling) for one in theta]
            assert kept.tolist() == expected
            seen |= set(expected)
    assert seen == {True, False}


@pytest.mark.parametrize(("assumed", "amount"), ASSUMED[:5], ids=IDS[:5])
@pytest.mark.parametrize("size", [0.05, 0.005])
def test_least_favourable_value_is_exceeded_as_often_as_it_should(assumed, amount, size):
    study = golden_study()
    draws = 400_000
    rng = np.random.default_rng(11)
    noise = rng.multivariate_normal(np.zeros(6), study.sigma, draws)
    moments = prepared(study, assumed, amount, np.ones(3) / 3)[0][0]
    found = least_favourable(moments, study.sigma, size)
    share = np.mean((noise @ moments.combination.T).max(axis=1) > found)
    # three Monte Carlo errors, and one per cent for the draws behind the value itself
    assert share == pytest.approx(size, abs=3 * np.sqrt(size / draws) + 0.01 * size)
    assert found <= highest_critical(moments, size)


def test_one_moment_has_the_normal_quantile():
    study = random_study(3, 1, 1)
    moments = prepared(study, Assumed("relative_magnitudes"), 0.0, np.ones(1))[0][0]
    # without violation two opposite moments are left: a two-sided test
    value = least_favourable(moments, study.sigma, 0.01)
    noisy = np.sqrt(np.diag(moments.cross).max())
    assert value / noisy == pytest.approx(stats.norm.isf(0.005), abs=1e-4)


def test_without_violation_the_conditional_test_is_the_usual_one():
    study = golden_study()
    vector = make_vector(*study, [1, 0, 0])
    moments = combine_moments(vector, list_pieces(3, 3, 0.0, Assumed("relative_magnitudes"))[0])
    ends = vector.estimate + stats.norm.isf(0.025) * vector.std_error * np.array([-1, 1])
    inside, outside = ends + np.array([1e-6, -1e-6]), ends - np.array([1e-6, -1e-6])
    assert keeps(moments, study.sigma, inside, 0.05, FirstStage()).all()
    assert not keeps(moments, study.sigma, outside, 0.05, FirstStage()).any()
