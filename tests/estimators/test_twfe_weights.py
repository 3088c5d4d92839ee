import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from small_designs import simulate
from two_way_designs import awkward, dense, dummies, reversing

from evaltoolkit.estimators.registry import estimate
from evaltoolkit.estimators.twfe_weights import NO_NEGATIVE, NO_SPREAD, _spreads, weigh_two_way
from evaltoolkit.findings import EvaltoolkitError

REGRESSIONS = ["fixed_effects", "first_differences"]
CASES = {
    "balanced": lambda: simulate(3),
    "gaps": lambda: awkward(3),
    "covariates": lambda: awkward(4, k=1, controls=1),
    "reversing": lambda: reversing(5),
    "reversing, covariates": lambda: reversing(6, k=1, controls=2),
}


def treatment_of(design):
    if design.treatment is not None:
        return design.treatment
    return (design.times >= design.cohort[:, None]).astype(float)


def on_cells(design, cells, values):
    """(n, T) values of cells, zero elsewhere."""
    out = np.zeros(design.outcome.shape)
    rows = np.searchsorted(design.units, cells["unit"])
    out[rows, np.searchsorted(design.times, cells["time"])] = values
    return out


def differenced(design, outcome):
    """Coefficient of the regression in first differences, every dummy written out."""
    treatment = treatment_of(design)
    unit, period = np.nonzero(np.isfinite(np.diff(outcome, axis=1)))
    year = dummies(period)
    parts = [np.diff(treatment, axis=1)[unit, period][:, None], year]
    parts += [covariate[unit, None] * year for covariate in design.covariates.T]
    if design.controls is not None:
        parts.append(np.diff(design.controls, axis=1)[unit, period])
    root = np.sqrt(design.weights[unit])[:, None]
    y = np.diff(outcome, axis=1)[unit, period]
    return np.linalg.lstsq(np.column_stack(parts) * root, y * root[:, 0], rcond=None)[0][0]


def coefficient(design, regression, outcome):
    if regression == "fixed_effects":
        return dense(dataclasses.replace(design, outcome=outcome), [treatment_of(design)])[0][0]
    return differenced(design, outcome)


@pytest.mark.parametrize("regression", REGRESSIONS)
@pytest.mark.parametrize("case", CASES)
def test_the_weights_are_what_they_say(case, regression):
    """An outcome that is nothing but effects: the coefficient is the weighted sum of them, whatever they are."""
    design = CASES[case]()
    found = weigh_two_way(design, regression=regression)
    assert found.estimate == pytest.approx(coefficient(design, regression, design.outcome), rel=1e-9)
    rng = np.random.default_rng(1)
    for _ in range(3):
        effects = rng.normal(size=len(found.cells))
        outcome = on_cells(design, found.cells, effects * found.cells["treatment"])
        outcome[~np.isfinite(design.outcome)] = np.nan
        assert found.cells["weight"] @ effects == pytest.approx(coefficient(design, regression, outcome), abs=1e-10)
    assert found.cells["weight"].sum() == pytest.approx(1, rel=1e-10)
    assert found.cells["share"].sum() == pytest.approx(1, rel=1e-10)
    assert (found.cells["share"] > 0).all()


def test_the_estimate_is_that_of_two_way():
    for case in CASES.values():
        design = case()
        assert weigh_two_way(design).estimate == pytest.approx(estimate(design, "two_way").estimate[0], rel=1e-10)


def test_by_hand():
    """Two units, three periods, starts in the second and third: the last effect of the first has a negative weight."""
    design = simulate(0, n=2, times=(1, 2, 3), cohorts=(2, 3))
    outcome = np.array([[0.0, 1.0, 4.0], [0.0, 0.0, 1.0]])
    design = dataclasses.replace(design, cohort=np.array([2.0, 3.0]), outcome=outcome)
    found = weigh_two_way(design)
    # treatment free of unit and period means: (-1, 2, -1) / 6 and its opposite; in treated cells 2, -1 and 1
    np.testing.assert_allclose(found.cells["weight"], [1.0, -0.5, 0.5], rtol=1e-12)
    assert found.cells[["unit", "time"]].to_numpy().tolist() == [["u000", 2.0], ["u000", 3.0], ["u001", 3.0]]
    assert (found.n_positive, found.n_negative) == (2, 1)
    assert (found.sum_positive, found.sum_negative) == pytest.approx((1.5, -0.5))
    # all effects are positive, the coefficient is not
    assert found.estimate == pytest.approx(1.0 - 2.0 + 0.5)


def test_one_cohort_has_no_negative_weight():
    found = weigh_two_way(simulate(1, cohorts=(2020,)))
    assert found.n_negative == 0
    assert found.sum_negative == 0
    np.testing.assert_allclose(found.cells["weight"], found.cells["share"], rtol=1e-10)
    assert np.isnan(found.spread_for_zero)
    assert np.isnan(found.spread_for_opposite)
    assert found.reasons == {"spread_for_zero": NO_SPREAD, "spread_for_opposite": NO_NEGATIVE}


def smallest(estimate_, weight, share, *, one_sign):
    """Smallest weighted standard deviation of effects that give the coefficient, by numerical search."""
    constraints = [{"type": "eq", "fun": lambda effects: weight @ effects - estimate_}]
    if not one_sign:
        constraints.append({"type": "eq", "fun": lambda effects: share @ effects})
    bounds = [(None, 0.0) if one_sign else (None, None)] * len(weight)
    start = np.where(weight < 0, estimate_ / weight[weight < 0].sum(), 0.0)

    def variance(effects):
        return share @ (effects - share @ effects) ** 2

    found = minimize(variance, start, bounds=bounds, constraints=constraints, options={"maxiter": 1000, "ftol": 1e-14})
    assert found.success
    return np.sqrt(found.fun)


@pytest.mark.parametrize("seed", range(6))
def test_the_spreads_are_the_smallest(seed):
    """Some cells without weight: their effects count as well."""
    rng = np.random.default_rng(seed)
    share = rng.uniform(0.5, 2, 9)
    share = share / share.sum()
    weight = share * rng.normal(1, 1.2, 9)
    weight[0], weight[1] = 0.0, -abs(weight[1]) - 0.01
    weight = weight / weight.sum()
    (zero, opposite), reasons = _spreads(0.7, weight, share)
    assert reasons == {}
    assert zero == pytest.approx(smallest(0.7, weight, share, one_sign=False), rel=1e-5)
    assert opposite == pytest.approx(smallest(0.7, weight, share, one_sign=True), rel=1e-4)
    assert opposite >= zero


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), regression=st.sampled_from(REGRESSIONS), factor=st.floats(0.01, 100))
def test_what_must_not_matter(seed, regression, factor):
    """Order and names of units, level and unit of the outcome, and the unit of treatment but for its inverse."""
    design = reversing(seed)
    order = np.random.default_rng(seed).permutation(60)
    changed = dataclasses.replace(
        design,
        units=np.array([f"other{i:02d}" for i in range(60)]),
        outcome=factor * design.outcome[order] + 3,
        treatment=2 * design.treatment[order],
        cohort=design.cohort[order],
        weights=design.weights[order],
        clusters=design.clusters[order],
    )
    one, other = (weigh_two_way(each, regression=regression) for each in (design, changed))
    assert other.estimate == pytest.approx(factor / 2 * one.estimate, rel=1e-7, abs=1e-9 * factor)
    assert (one.n_positive, one.n_negative) == (other.n_positive, other.n_negative)
    assert one.sum_negative == pytest.approx(other.sum_negative, rel=1e-9)
    by_unit = one.cells.assign(row=np.argsort(order)[np.searchsorted(design.units, one.cells["unit"])])
    by_unit = by_unit.sort_values(["row", "time"])
    np.testing.assert_allclose(by_unit["weight"], other.cells["weight"], rtol=1e-7, atol=1e-12)


def test_refusals():
    design = simulate(2)
    with pytest.raises(EvaltoolkitError, match="first_differences"):
        weigh_two_way(design, regression="first_difference")
    with pytest.raises(EvaltoolkitError, match="below zero"):
        weigh_two_way(dataclasses.replace(design, treatment=treatment_of(design) - 0.5))
    with pytest.raises(EvaltoolkitError, match="collinear"):
        weigh_two_way(dataclasses.replace(design, cohort=np.full(60, 2020.0)))
    with pytest.raises(EvaltoolkitError, match="No unit is treated"):
        weigh_two_way(dataclasses.replace(design, cohort=np.full(60, np.inf)))
