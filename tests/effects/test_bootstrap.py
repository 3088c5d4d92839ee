import dataclasses

import numpy as np
import pytest

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.bootstrap import _multipliers, multiplier_bootstrap
from evaltoolkit.effects.inference import critical_value, std_errors
from evaltoolkit.estimators.group_time import estimate_group_time
from evaltoolkit.findings import EvaltoolkitError

LAWS = ["rademacher", "mammen"]


def make_effects(n=240, *, clusters=1, covariates=0):
    rng = np.random.default_rng(2)
    times = np.arange(2018.0, 2024.0)
    cohort = np.resize([np.inf, 2020.0, 2022.0], n)
    units = np.array([f"u{i}" for i in range(n)])
    design = Design(
        units=units,
        times=times,
        outcome=rng.normal(size=(n, 1)) + rng.normal(size=(n, 6)).cumsum(axis=1) + (times >= cohort[:, None]),
        cohort=cohort,
        covariates=rng.normal(size=(n, covariates)),
        covariate_names=tuple(f"x{j}" for j in range(covariates)),
        weights=np.ones(n),
        clusters=np.array([f"c{i // clusters}" for i in range(n)]),
    )
    return estimate_group_time(design).aggregate("event")


@pytest.mark.parametrize("law", LAWS)
def test_multipliers_have_mean_zero_and_variance_one(law):
    drawn = _multipliers(law, 400, 1003, np.random.default_rng(1)).astype(float)
    assert drawn.shape == (400, 1003)
    assert abs(drawn.mean()) < 4 / np.sqrt(drawn.size)
    assert drawn.var() == pytest.approx(1, abs=0.01)
    assert len(np.unique(drawn)) == 2
    third = 0 if law == "rademacher" else 1
    assert np.mean(drawn**3) == pytest.approx(third, abs=0.02)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("effects", [make_effects(), make_effects(clusters=3), make_effects(covariates=1)])
def test_it_agrees_with_the_exact_covariance(effects, law):
    found = multiplier_bootstrap(effects, law=law, draws=8000)
    errors = std_errors(effects)
    # the distance of the quartiles has a Monte Carlo error of about 1.2 / sqrt(draws)
    np.testing.assert_allclose(found.std_error, errors, rtol=5 * 1.2 / np.sqrt(8000))
    assert found.critical == pytest.approx(critical_value(effects, band="simultaneous"), abs=0.1)


def test_parts_and_the_written_out_array_give_the_same_kind_of_draws():
    effects = make_effects()
    written = dataclasses.replace(effects, influence=np.asarray(effects.influence))
    one, other = (multiplier_bootstrap(each, draws=6000) for each in (effects, written))
    assert one.critical == pytest.approx(other.critical, abs=0.1)
    np.testing.assert_allclose(one.std_error, other.std_error, rtol=0.08)


def test_same_seed_same_digits_and_another_seed_others():
    effects = make_effects()
    assert multiplier_bootstrap(effects).critical == multiplier_bootstrap(effects).critical
    assert multiplier_bootstrap(effects).critical != multiplier_bootstrap(effects, seed=2).critical


def test_a_band_over_more_rows_is_wider_and_never_below_one_row():
    effects = make_effects()
    single = effects.overall
    assert multiplier_bootstrap(single, draws=4000).critical >= 1.959
    assert multiplier_bootstrap(effects).critical > multiplier_bootstrap(single).critical


def test_few_clusters_have_no_band():
    found = multiplier_bootstrap(make_effects(24))
    assert np.isnan(found.critical)
    assert np.isfinite(found.std_error).any()


def test_what_makes_no_sense_is_refused():
    with pytest.raises(EvaltoolkitError, match='Did you mean "mammen"'):
        multiplier_bootstrap(make_effects(), law="mamen")
    with pytest.raises(EvaltoolkitError, match="at least 100"):
        multiplier_bootstrap(make_effects(), draws=10)
