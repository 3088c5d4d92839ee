"""What must not matter to any estimator: order and names of units, the calendar, the unit measured in, bystanders."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_estimators import fitted

from evaltoolkit.designs.subset import keep_units
from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.registry import estimate, list_estimators

METHODS = list(list_estimators())
# others take complete outcomes without weights only: every unit enters
LEAVING = [name for name, one in list_estimators().items() if {"weights", "gaps"} & one.accepts]
QUICK = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def designs():
    return {name: fitted(name, 40) for name in METHODS}


@pytest.fixture(scope="module")
def first(designs):
    return {name: estimate(design, name) for name, design in designs.items()}


def check(effects, expected, *, factor=1.0, close=1e-8):
    scale = max(1.0, np.nanmax(np.abs(expected.estimate))) * abs(factor)
    np.testing.assert_allclose(effects.estimate, factor * expected.estimate, rtol=close, atol=close * scale)
    np.testing.assert_allclose(std_errors(effects), abs(factor) * std_errors(expected), rtol=1e-6, atol=close * scale)
    assert effects.reasons == expected.reasons
    assert effects.labels["n_treated"].tolist() == expected.labels["n_treated"].tolist()


@pytest.mark.parametrize("name", METHODS)
@QUICK
@given(seed=st.integers(0, 10_000))
def test_order_of_units(designs, first, name, seed):
    order = np.random.default_rng(seed).permutation(len(designs[name].units))
    check(estimate(keep_units(designs[name], order), name), first[name])


@pytest.mark.parametrize("name", METHODS)
@QUICK
@given(seed=st.integers(0, 10_000))
def test_names_of_units_and_clusters(designs, first, name, seed):
    design, rng = designs[name], np.random.default_rng(seed)
    units = np.array([f"x{i}" for i in rng.permutation(len(design.units))])
    labels, codes = np.unique(design.clusters, return_inverse=True)
    clusters = np.array([f"y{i}" for i in rng.permutation(len(labels))])[codes]
    check(estimate(replace(design, units=units, clusters=clusters), name), first[name])


@pytest.mark.parametrize("name", METHODS)
@QUICK
@given(shift=st.integers(-1500, 1500))
def test_the_calendar(designs, first, name, shift):
    design = designs[name]
    moved = estimate(replace(design, times=design.times + shift, cohort=design.cohort + shift), name)
    check(moved, first[name])
    for label in {"cohort", "time"} & set(moved.labels):
        np.testing.assert_allclose(moved.labels[label], first[name].labels[label] + shift)


@pytest.mark.parametrize("name", METHODS)
@QUICK
@given(factor=st.floats(0.01, 500))
def test_the_unit_of_measurement(designs, first, name, factor):
    design = designs[name]
    check(estimate(replace(design, outcome=factor * design.outcome), name), first[name], factor=factor, close=1e-7)


@pytest.mark.parametrize("name", LEAVING)
def test_a_unit_that_cannot_enter(designs, first, name):
    """Seen in no period, or of no weight: nothing changes but the list of units left out."""
    design = designs[name]
    more = keep_units(design, np.r_[np.arange(len(design.units)), [0]])
    units = more.units.copy()
    units[-1] = "99999"
    clusters = more.clusters.copy().astype(object)
    clusters[-1] = "alone"
    if "weights" in list_estimators()[name].accepts:
        weights = np.r_[design.weights, 0.0]
        outcome = more.outcome
    else:
        weights, outcome = np.ones(len(units)), more.outcome.copy()
        outcome[-1] = np.nan
    extended = replace(
        more, units=units, clusters=clusters.astype(str), weights=weights / weights.mean(), outcome=outcome
    )
    effects = estimate(extended, name)
    np.testing.assert_allclose(effects.estimate, first[name].estimate, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(std_errors(effects), std_errors(first[name]), rtol=1e-6)
    assert "99999" in {unit for units in effects.info["dropped_units"].values() for unit in units}
