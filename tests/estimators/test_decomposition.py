import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from small_designs import simulate
from two_way_designs import awkward, dense

from evaltoolkit.estimators.cells import FIRST_PERIOD, NEVER_OBSERVED
from evaltoolkit.estimators.decomposition import (
    ALWAYS_TREATED,
    EARLIER_LATER,
    LATER_EARLIER,
    NEVER_TREATED,
    decompose_two_way,
)
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError


def on(design):
    return (design.times >= design.cohort[:, None]).astype(float)


def two_by_two(design, treated, other, periods):
    """Two-way regression on the units of two cohorts and some periods only."""
    units = np.isin(design.cohort, [treated, other])
    part = dataclasses.replace(
        design,
        units=design.units[units],
        outcome=design.outcome[np.ix_(units, periods)],
        times=design.times[periods],
        cohort=np.where(design.cohort[units] == treated, treated, np.inf),
        weights=design.weights[units] / design.weights[units].mean(),
        clusters=design.clusters[units],
        covariates=design.covariates[units],
    )
    return estimate(part, "two_way").estimate[0]


def test_every_row_is_a_regression_on_two_cohorts():
    design = awkward(2, gaps=0.0, times=(1, 2, 3, 4, 5, 6), cohorts=(3, 4, 6))
    found = decompose_two_way(design)
    assert len(found.comparisons) == 3 + 2 * 3
    for row in found.comparisons.itertuples():
        times = np.arange(6)
        if row.type == EARLIER_LATER:
            times = times[design.times < row.comparison]
        elif row.type == LATER_EARLIER:
            times = times[design.times >= row.comparison]
        assert row.estimate == pytest.approx(two_by_two(design, row.treated, row.comparison, times), rel=1e-10)
        assert row.forbidden == (row.type == LATER_EARLIER)
        assert (row.type == NEVER_TREATED) == np.isinf(row.comparison)


def test_weights_by_hand():
    """One unit of each of three cohorts, four periods."""
    design = simulate(0, n=3, times=(1, 2, 3, 4))
    outcome = np.array([[0.0, 1, 1, 1], [0, 0, 0, 5], [0, 0, 0, 0]])
    design = dataclasses.replace(design, cohort=np.array([2.0, 4.0, np.inf]), outcome=outcome)
    found = decompose_two_way(design).comparisons
    # D-bar is 3/4 and 1/4: 3/4 1/4, (3/4 - 1/4) 1/4, (3/4 - 1/4) 1/4, 1/4 3/4; in sixteenths 3, 2, 2, 3
    assert found["treated"].tolist() == [2, 2, 4, 4]
    assert found["comparison"].tolist() == [4, np.inf, 2, np.inf]
    np.testing.assert_allclose(found["weight"], [0.2, 0.3, 0.2, 0.3], rtol=1e-12)
    np.testing.assert_allclose(found["estimate"], [1, 1, 5, 5], rtol=1e-12)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    cohorts=st.lists(st.integers(2, 9), min_size=1, max_size=5, unique=True),
    never=st.booleans(),
    always=st.booleans(),
)
def test_it_adds_up_to_the_regression(seed, cohorts, never, always):
    design = awkward(seed, gaps=0.0, times=tuple(range(1, 9)), cohorts=tuple(sorted(cohorts)))
    cohort = design.cohort.copy()
    if always:
        cohort[:5] = 1.0
    if not never:
        cohort[np.isinf(cohort)] = min(cohorts)
    design = dataclasses.replace(design, cohort=cohort)
    inside = np.unique(cohort[(cohort > 1) & (cohort < 9)])
    untreated, kept = (cohort >= 9).any(), always and (cohort == 1).any()
    assume(len(inside) and len(inside) + untreated + kept > 1)
    found = decompose_two_way(design, always_treated=always)
    expected = estimate(dataclasses.replace(design, treatment=on(design) if kept else None), "two_way").estimate[0]
    assert found.estimate == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert found.comparisons["weight"].sum() == pytest.approx(1, rel=1e-12)
    assert (found.comparisons["weight"] > 0).all()
    assert len(found.comparisons) == len(inside) * (len(inside) - 1 + untreated + kept)
    assert found.by_type["weight"] @ found.by_type["estimate"] == pytest.approx(found.estimate, rel=1e-10, abs=1e-12)


def test_always_treated_units_compare_only_when_asked():
    design = awkward(3, gaps=0.0)
    cohort = np.where(np.arange(60) < 8, 2018.0, design.cohort)
    design = dataclasses.replace(design, cohort=cohort)
    left_out, kept = decompose_two_way(design), decompose_two_way(design, always_treated=True)
    assert left_out.dropped == {FIRST_PERIOD: tuple(design.units[:8])}
    assert left_out.estimate == pytest.approx(estimate(design, "two_way").estimate[0], rel=1e-12)
    assert ALWAYS_TREATED not in set(left_out.by_type["type"])
    assert kept.dropped == {}
    assert kept.estimate == pytest.approx(dense(design, [on(design)])[0][0], rel=1e-11)
    rows = kept.comparisons[kept.comparisons["type"] == ALWAYS_TREATED]
    assert rows["comparison"].tolist() == [-np.inf, -np.inf]
    assert rows["forbidden"].all()
    assert kept.forbidden_weight > left_out.forbidden_weight > 0


def test_effects_that_grow_are_subtracted():
    """No noise: forbidden comparisons are below every effect, the others are means of effects."""
    design = simulate(4, times=tuple(range(1, 9)), cohorts=(3, 5))
    since = np.where(np.isfinite(design.cohort)[:, None], design.times - design.cohort[:, None], -1)
    design = dataclasses.replace(design, outcome=np.where(since >= 0, 1.0 + since, 0.0))
    rows = decompose_two_way(design).comparisons.set_index("type")["estimate"]
    assert rows[LATER_EARLIER] == pytest.approx(2.5 - (4.5 - 1.5))
    assert rows[EARLIER_LATER] == pytest.approx(1.5)
    assert rows[NEVER_TREATED].tolist() == pytest.approx([3.5, 2.5])


def test_dates_between_waves_take_effect_at_the_next_wave():
    design = simulate(5, times=(2014, 2017, 2020, 2023), cohorts=(2019, 2020))
    found = decompose_two_way(design)
    assert found.comparisons["type"].tolist() == [NEVER_TREATED] * 2
    same = dataclasses.replace(design, cohort=np.where(design.treated, 2020.0, np.inf))
    assert found.estimate == pytest.approx(estimate(same, "two_way").estimate[0], rel=1e-12)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: {"outcome": np.where(d.outcome > 1, np.nan, d.outcome)}, "missing values"),
        (lambda d: {"covariates": np.ones((60, 1)), "covariate_names": ("x",)}, "covariates"),
        (lambda d: {"controls": np.ones((60, 5, 1)), "control_names": ("z",)}, "covariates"),
        (lambda d: {"treatment": np.ones((60, 5))}, "stops and restarts"),
        (lambda d: {"outcome": np.ones((60, 5, 2))}, "stack"),
        (lambda d: {"cohort": np.full(60, 2020.0)}, "same period"),
    ],
)
def test_it_refuses_what_is_no_mean_of_comparisons(change, told):
    design = simulate(6)
    with pytest.raises(EvaltoolkitError, match=told):
        decompose_two_way(dataclasses.replace(design, **change(design)))


def test_units_without_weight_are_named():
    design = simulate(7)
    weights = np.where(np.arange(60) == 5, 0.0, 60 / 59)
    found = decompose_two_way(dataclasses.replace(design, weights=weights))
    assert list(found.dropped.values()) == [("u005",)]
    assert NEVER_OBSERVED not in found.dropped
    assert found.estimate == pytest.approx(
        estimate(dataclasses.replace(design, weights=weights), "two_way").estimate[0]
    )
