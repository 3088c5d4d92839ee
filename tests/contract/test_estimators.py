"""What every registered estimator must do, with every value of every option."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from evaltoolkit.designs.design import Design
from evaltoolkit.designs.features import describe_feature, list_features
from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import MIN_CLUSTERS, covariance, std_errors
from evaltoolkit.estimators.registry import estimate, list_estimators
from evaltoolkit.findings import EvaltoolkitError

TIMES = np.array([2014.0, 2017.0, 2020.0, 2023.0])
# what the design below has; a method that does not accept it gets the design without
WITHOUT = {
    "covariates": lambda design: replace(design, covariates=np.empty((len(design.units), 0)), covariate_names=()),
    "weights": lambda design: replace(design, weights=np.ones(len(design.units))),
    "gaps": lambda design: replace(design, outcome=np.nan_to_num(design.outcome)),
}
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
    # between zero and one: a score, a rate and a share at once, so that every family can take it
    outcome = 1 / (1 + np.exp(-rng.normal(size=(n, 4)) - (cohort[:, None] <= TIMES)))
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


def with_reversals(design, n_treated):
    """Thirty of the untreated units begin with treatment, and a few of them stop."""
    cohort = design.cohort.copy()
    cohort[50:] = TIMES[0]
    treatment = (cohort[:, None] <= TIMES).astype(float)
    treatment[50 : 50 + max(1, n_treated // 8), 2:] = 0.0
    return replace(design, cohort=cohort, treatment=treatment)


def fitted(name, n_treated):
    design, one = make_design(n_treated), list_estimators()[name]
    if name == "switchers":
        design = with_reversals(design, n_treated)
    if "dose" in one.needs:
        design = replace(design, dose=np.where(np.isfinite(design.cohort), 1 + np.arange(80) * 0.37 % 5, 0.0))
    for feature in list_features(design) - one.accepts - one.needs:
        design = WITHOUT[feature](design)
    return design


def says_nothing(name, options):
    """Slopes of a dose need their own assumption, a line or spline, and thirty doses for a spline."""
    asked = name == "dose" and options["to"] == "slopes"
    return asked and (options["curve"] != "linear" or options["assume"] == "parallel_trends")


@pytest.mark.parametrize("name", list_estimators())
def test_what_a_method_cannot_use_it_refuses(name):
    one = list_estimators()[name]
    design = make_design(40)
    lacking = list_features(design) - one.accepts
    for need in one.needs:
        with pytest.raises(EvaltoolkitError, match=f"needs {describe_feature(need)}"):
            estimate(design, name)
    if lacking:
        with pytest.raises(EvaltoolkitError, match="cannot use") as told:
            estimate(design, name)
        for feature in lacking:
            assert describe_feature(feature) in str(told.value)
    odd = replace(design, exposure=np.ones_like(design.outcome), dose=np.ones(80), treatment=np.zeros((80, 4)))
    for feature, value in (("exposure", odd.exposure), ("dose", odd.dose), ("reversals", odd.treatment)):
        if feature not in one.accepts | one.needs:
            attribute = "treatment" if feature == "reversals" else feature
            with pytest.raises(EvaltoolkitError, match="cannot use"):
                estimate(replace(fitted(name, 40), **{attribute: value}), name)


@pytest.fixture(params=CASES, ids=lambda case: "-".join([case[0], *map(str, case[1].values())]))
def case(request):
    return request.param


def test_effects_are_complete(case):
    name, options = case
    effects = estimate(fitted(name, 40), name, **options)
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
    assert np.isfinite(effects.estimate).any() != says_nothing(name, options)


def test_undefined_is_nan_with_a_reason(case):
    name, options = case
    effects = estimate(fitted(name, 40), name, **options)
    for estimate_, psi, reason in zip(effects.estimate, effects.influence.T, effects.reasons, strict=True):
        assert np.isfinite(estimate_) == np.isfinite(psi).all()
        assert np.isfinite(estimate_) or reason
        centred = effects.info.get("influence_centred", True) and np.isfinite(psi).all()
        assert not centred or abs(psi.mean()) < 1e-8 * max(1, np.abs(psi).max())


def test_same_input_same_digits(case):
    name, options = case
    one, other = (estimate(fitted(name, 40), name, **options) for _ in range(2))
    np.testing.assert_array_equal(one.estimate, other.estimate)
    np.testing.assert_array_equal(one.influence, other.influence)


def test_errors_are_the_roots_of_the_covariance(case):
    name, options = case
    effects = estimate(fitted(name, 40), name, **options)
    errors = std_errors(effects)
    defined = np.isfinite(errors)
    assert defined.any() != says_nothing(name, options)
    np.testing.assert_allclose(errors[defined], np.sqrt(np.diag(covariance(effects))[defined]))


@pytest.mark.parametrize("n_treated", [2, 8, 16])
def test_few_treated_clusters_never_have_a_p_value(case, n_treated):
    """16 treated units in 8 clusters: still fewer than ten."""
    name, options = case
    effects = estimate(fitted(name, n_treated), name, **options)
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
