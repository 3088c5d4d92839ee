"""Placebos: who is reassigned, how many ways, ranks and spread, and refusals."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from test_synthetic_did import factors, overall

from evaltoolkit.designs.subset import keep_units
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.estimators.synthetic_inference import placebo_effects
from evaltoolkit.findings import EvaltoolkitError, RefusedError

VARIANTS = ["synthetic_did", "synthetic_control", "did"]


def reassigned(design, groups):
    """The untreated alone, with groups {start: positions among them} treated in name."""
    donors = keep_units(design, np.isinf(design.cohort))
    cohort = np.full(len(donors.units), np.inf)
    for start, rows in groups.items():
        cohort[list(rows)] = start
    return replace(donors, cohort=cohort)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("solver", ["exact", "synthdid"])
def test_every_placebo_is_an_estimate(variant, solver):
    design = factors(1, n=9, periods=10, sizes=((7, 2),), effect=1.0)
    placebos = placebo_effects(design, variant=variant, solver=solver)
    options = {"variant": variant, "solver": solver}
    designs = [reassigned(design, {7: rows}) for rows in combinations(range(7), 2)]
    assert placebos.exhaustive
    assert (placebos.n_donors, placebos.n_treated) == (7, 2)
    assert placebos.estimate == overall(design, **options).estimate[0]
    # the order of the donors changes nothing but rounding, which the steps of synthdid carry on
    tolerance = 1e-9 if solver == "exact" else 1e-6
    expected = [overall(one, **options).estimate[0] for one in designs]
    np.testing.assert_allclose(placebos.overall, expected, atol=tolerance)
    events = [estimate(one, "synthetic_did", **options).aggregate("event") for one in designs]
    np.testing.assert_allclose(placebos.events, [one.estimate for one in events], atol=tolerance)
    np.testing.assert_array_equal(placebos.event_times, np.arange(-7.0, 3.0))


def test_all_assignments_of_two_cohorts_once():
    design = factors(2, n=9, periods=10, sizes=((5, 1), (7, 2)))
    placebos = placebo_effects(design, draws=60)
    assert placebos.exhaustive
    assert len(placebos.overall) == 60
    expected = [
        overall(reassigned(design, {5: [one], 7: pair})).estimate[0]
        for one in range(6)
        for pair in combinations([i for i in range(6) if i != one], 2)
    ]
    np.testing.assert_allclose(placebos.overall, expected, atol=1e-9)
    drawn = placebo_effects(design, draws=59)
    assert not drawn.exhaustive
    assert len(drawn.overall) == 59
    distance = np.abs(drawn.overall[:, None] - placebos.overall[None, :]).min(axis=1)
    assert distance.max() < 1e-9


def test_draws_depend_on_the_seed_alone():
    design = factors(3, n=30)
    one, same, other = (placebo_effects(design, draws=40, seed=seed).overall for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_ranks_and_spread_by_hand():
    design = factors(7, n=15, periods=12, sizes=((9, 1),), effect=50.0)
    placebos = placebo_effects(design)
    assert len(placebos.overall) == 14
    assert placebos.p_value == placebos.attainable == pytest.approx(1 / 15)
    assert placebos.std_error == pytest.approx(np.sqrt(np.mean((placebos.overall - placebos.overall.mean()) ** 2)))
    nothing = placebo_effects(factors(7, n=15, periods=12, sizes=((9, 1),)))
    larger = (np.abs(nothing.overall) >= abs(nothing.estimate)).sum()
    assert nothing.p_value == pytest.approx((1 + larger) / 15)
    assert nothing.p_value > nothing.attainable
    post = placebos.event_times >= 0
    np.testing.assert_allclose(placebos.event_p_value[post], 1 / 15)
    assert placebos.event_p_value[~post].mean() > 0.2
    np.testing.assert_allclose(placebos.event_std_error, placebos.events.std(axis=0))
    # an effect changes the treated only
    np.testing.assert_array_equal(placebos.overall, nothing.overall)


def test_p_values_are_right_when_nothing_was_done():
    """One of twenty like units: a p-value of 5 % or less comes in 5 % of worlds, of 20 % or less in 20 %."""
    draws = 300
    found = np.array(
        [placebo_effects(factors(seed, n=20, periods=12, sizes=((9, 1),))).p_value for seed in range(draws)]
    )
    for level in (0.05, 0.2, 0.5):
        share = np.mean(found <= level + 1e-9)
        assert abs(share - level) < 3 * np.sqrt(level * (1 - level) / draws)


def test_a_cohort_that_cannot_be_estimated_is_left_out():
    design = factors(5, n=14, periods=10, sizes=((1, 2), (6, 2)))
    placebos = placebo_effects(design, draws=30)
    assert np.isfinite(placebos.overall).all()
    assert placebos.estimate == overall(design).estimate[0]
    undefined = np.isnan(placebos.event_estimate)
    assert undefined.any()
    assert np.isnan(placebos.events[:, undefined]).all()
    assert np.isnan(placebos.event_p_value[undefined]).all()
    assert np.isfinite(placebos.event_p_value[~undefined]).all()


def test_refusals():
    design = factors(6, n=12)
    pairs = np.array([f"c{i // 2}" for i in range(12)])
    with pytest.raises(RefusedError, match="clusters of several units"):
        placebo_effects(replace(design, clusters=pairs))
    with pytest.raises(RefusedError, match="5 untreated and 7 treated"):
        placebo_effects(factors(6, n=12, sizes=((10, 7),)))
    with pytest.raises(RefusedError, match="6 untreated and 6 treated"):
        placebo_effects(factors(6, n=12, sizes=((10, 6),)))
    with pytest.raises(RefusedError, match="cannot use weights"):
        placebo_effects(replace(design, weights=np.linspace(0.5, 1.5, 12)))
    with pytest.raises(EvaltoolkitError, match="draws must be 1 or more"):
        placebo_effects(design, draws=0)
    assert len(placebo_effects(factors(6, n=13, sizes=((10, 6),))).overall) == 7
