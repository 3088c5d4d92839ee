"""What every registered estimator must do, with every value of every option."""

import itertools

import numpy as np
import pytest

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import MIN_CLUSTERS, covariance, std_errors
from evaltoolkit.estimators.registry import estimate, list_estimators

TIMES = np.array([2014.0, 2017.0, 2020.0, 2023.0])
CASES = [
    (name, dict(zip(one.options, values, strict=True)))
    for name, one in list_estimators().items()
    for values in itertools.product(*one.options.values())
]


def make_design(n_treated, seed=0, n=80):
    """Irregular waves, gaps, weights, clusters above the unit, one covariate."""
    rng = np.random.default_rng(seed)
    cohort = np.full(n, np.inf)
    cohort[:n_treated] = np.resize([2020.0, 2023.0], n_treated)
    outcome = rng.normal(size=(n, 4)) + (cohort[:, None] <= TIMES)
    outcome[np.arange(n) % 7 == 3, 1] = np.nan
    weights = rng.uniform(0.5, 1.5, n)
    return Design(
        units=np.array([f"{i:05d}" for i in range(n)]),
        times=TIMES,
        outcome=outcome,
        cohort=cohort,
        covariates=rng.normal(size=(n, 1)),
        covariate_names=("x",),
        weights=weights / weights.mean(),
        clusters=np.array([f"c{i // 2}" for i in range(n)]),
        comparison="not_yet_treated",
    )


@pytest.fixture(params=CASES, ids=lambda case: "-".join([case[0], *map(str, case[1].values())]))
def case(request):
    return request.param


def test_effects_are_complete(case):
    name, options = case
    effects = estimate(make_design(40), name, **options)
    assert isinstance(effects, Effects)
    k, n = len(effects.estimate), len(effects.units)
    assert k > 0
    assert len(effects.labels) == len(effects.reasons) == k
    assert effects.influence.shape == (n, k)
    assert n == len(effects.cohort) == len(effects.weights) == len(effects.clusters)
    assert {"n_treated", "n_comparison"} <= set(effects.labels)
    assert {"method", "estimand", "citation", "se_convention", "outcome", "dropped_units"} <= set(effects.info)
    assert effects.info["method"] == name
    assert "doi.org" in effects.info["citation"]
    assert effects.weights.mean() == pytest.approx(1)
    assert set(effects.units) <= {f"{i:05d}" for i in range(80)}
    assert np.isfinite(effects.estimate).any()


def test_undefined_is_nan_with_a_reason(case):
    name, options = case
    effects = estimate(make_design(40), name, **options)
    for estimate_, psi, reason in zip(effects.estimate, effects.influence.T, effects.reasons, strict=True):
        assert np.isfinite(estimate_) == np.isfinite(psi).all()
        assert np.isfinite(estimate_) or reason
        assert not np.isfinite(estimate_) or abs(psi.mean()) < 1e-8 * max(1, np.abs(psi).max())


def test_same_input_same_digits(case):
    name, options = case
    one, other = (estimate(make_design(40), name, **options) for _ in range(2))
    np.testing.assert_array_equal(one.estimate, other.estimate)
    np.testing.assert_array_equal(one.influence, other.influence)


def test_errors_are_the_roots_of_the_covariance(case):
    name, options = case
    effects = estimate(make_design(40), name, **options)
    errors = std_errors(effects)
    defined = np.isfinite(errors)
    assert defined.any()
    np.testing.assert_allclose(errors[defined], np.sqrt(np.diag(covariance(effects))[defined]))


@pytest.mark.parametrize("n_treated", [2, 8, 16])
def test_few_treated_clusters_never_have_a_p_value(case, n_treated):
    """16 treated units in 8 clusters: still fewer than ten."""
    name, options = case
    effects = estimate(make_design(n_treated), name, **options)
    results = [effects]
    if effects.kind == "group_time":
        results += [effects.aggregate(to) for to in ("overall", "event", "cohort", "calendar")]
        results += [result.overall for result in results if result.overall is not None]
    for result in results:
        assert (result.labels["n_treated"] < MIN_CLUSTERS).all()
        table = result.to_frame()
        assert table[["conf_low", "conf_high", "p_value"]].isna().to_numpy().all()
        assert (table["reason"] != "").all()
        assert "*" not in str(result)
