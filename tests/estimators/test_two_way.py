import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_designs import simulate
from two_way_designs import awkward, dense, event_columns, reversing

from evaltoolkit.effects.inference import FEW_TREATED, joint_wald, std_errors
from evaltoolkit.estimators.cells import FIRST_PERIOD, REFERENCE
from evaltoolkit.estimators.registry import estimate, list_estimators
from evaltoolkit.estimators.two_way import COLLINEAR
from evaltoolkit.estimators.two_way_columns import column_rows, lay_out_columns
from evaltoolkit.estimators.two_way_fit import fit_groups, fit_rows
from evaltoolkit.estimators.two_way_panel import arrange_rows
from evaltoolkit.findings import EvaltoolkitError

EFFECTS = ["unit_period", "unit_trends", "cluster_period"]
TOLERANCES = {"exact": 1e-10, "linearmodels": 1e-8}
CASES = {
    "balanced": lambda: simulate(3),
    "weighted": lambda: awkward(3, gaps=0.0),
    "gaps": lambda: awkward(3),
    "covariates": lambda: awkward(3, k=2),
    "controls": lambda: awkward(3, k=1, controls=2),
}


def on(design):
    return (design.times >= design.cohort[:, None]).astype(float)


def test_by_hand():
    """Four units, three periods, one starts in the second and one in the third."""
    design = simulate(0, n=4, times=(1, 2, 3), cohorts=(2, 3))
    cohort = np.array([2.0, 3.0, np.inf, np.inf])
    outcome = np.array([[0.0, 4.0, 5.0], [0.0, 1.0, 7.0], [0.0, 1.0, 1.0], [2.0, 2.0, 2.0]])
    design = dataclasses.replace(design, cohort=cohort, outcome=outcome)
    # treatment free of unit and period means, times 12: rows of the two treated units and of the others
    free = np.array([[-5.0, 4.0, 1.0], [-1.0, -4.0, 5.0], [3.0, 0.0, -3.0], [3.0, 0.0, -3.0]]) / 12
    by_hand = (free * outcome).sum() / (free[0, 1] + free[0, 2] + free[1, 2])
    assert estimate(design, "two_way").estimate[0] == pytest.approx(by_hand, rel=1e-12)
    assert by_hand == pytest.approx(4.9)


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("case", CASES)
def test_static_is_least_squares_with_dummies(case, effects):
    """PanelOLS is the cross-check of the balanced closed form, of gaps, weights, covariates and controls."""
    design = CASES[case]()
    if case == "balanced":
        design = dataclasses.replace(design, clusters=awkward(3).clusters)
    slopes, influence = dense(design, [on(design)], effects)
    for engine, tolerance in TOLERANCES.items():
        found = estimate(design, "two_way", effects=effects, engine=engine)
        np.testing.assert_allclose(found.estimate, slopes, rtol=tolerance)
        np.testing.assert_allclose(found.influence, influence, atol=1e-9)


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("case", CASES)
def test_event_study_is_least_squares_with_dummies(case, effects):
    design = CASES[case]()
    if case == "balanced":
        design = dataclasses.replace(design, clusters=awkward(3).clusters)
    found = estimate(design, "two_way", form="event", effects=effects)
    assert found.labels["event_time"].tolist() == [-3, -2, -1, 0, 1, 2]
    kept = np.array([reason == "" for reason in found.reasons])
    assert kept.tolist() == [effects != "unit_trends", True, False, True, True, True]
    slopes, influence = dense(design, event_columns(design, found.labels["event_time"][kept]), effects)
    np.testing.assert_allclose(found.estimate[kept], slopes, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(found.influence[:, kept], influence, atol=1e-8)
    other = estimate(design, "two_way", form="event", effects=effects, engine="linearmodels")
    np.testing.assert_allclose(other.estimate[kept], slopes, rtol=1e-8, atol=1e-8)
    assert found.reasons[2] == REFERENCE
    assert found.estimate[2] == 0
    pre = (found.labels["event_time"] < 0).to_numpy()
    assert joint_wald(found, pre).df == kept[:3].sum()


@pytest.mark.parametrize("form", ["static", "event"])
def test_both_paths_are_one_estimator(form):
    """The closed form over cohorts, and the projections of every row."""
    panel = arrange_rows(awkward(5, gaps=0.0))
    columns = lay_out_columns(panel, form, "unit_period")
    k = len(columns.names) - columns.n_references
    closed = fit_groups(panel, columns.group, columns.grid[:, :, :k])
    rows = fit_rows(panel, column_rows(panel, columns), k, "unit_period")
    np.testing.assert_allclose(closed.estimate, rows.estimate, rtol=1e-12)
    np.testing.assert_allclose(closed.influence, rows.influence, atol=1e-12)


def test_treatment_that_stops_is_the_regressor():
    design = reversing(4, k=1, controls=1)
    found = estimate(design, "two_way")
    slopes, influence = dense(design, [design.treatment])
    np.testing.assert_allclose(found.estimate, slopes, rtol=1e-10)
    np.testing.assert_allclose(found.influence, influence, atol=1e-10)
    assert estimate(design, "two_way", engine="linearmodels").estimate[0] == pytest.approx(slopes[0], rel=1e-9)
    assert found.labels["n_treated"].tolist() == [10]
    with pytest.raises(EvaltoolkitError, match="no time since treatment"):
        estimate(design, "two_way", form="event")


def test_lasting_treatment_said_in_two_ways():
    """The same numbers, but who is treated from the first period on stays in where treatment is given by row."""
    design = simulate(6)
    given_by_row = dataclasses.replace(design, treatment=on(design))
    one, other = estimate(design, "two_way"), estimate(given_by_row, "two_way")
    np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-12)
    np.testing.assert_allclose(one.influence, other.influence, atol=1e-12)
    # movers and stayers: twenty units never move, every unit stays once
    assert other.labels[["n_treated", "n_comparison"]].to_numpy().tolist() == [[40, 60]]
    early = dataclasses.replace(design, cohort=np.where(design.cohort == 2020, 2018.0, design.cohort))
    found = estimate(early, "two_way")
    assert len(found.info["dropped_units"][FIRST_PERIOD]) == 20
    kept = estimate(dataclasses.replace(early, treatment=on(early)), "two_way")
    assert len(kept.units) == 60
    assert kept.estimate[0] == pytest.approx(dense(early, [on(early)])[0][0], rel=1e-10)


def test_rows_without_controls_or_treatment_are_not_observed():
    design = reversing(7, controls=1, gaps=0.0)
    controls, treatment, outcome = design.controls.copy(), design.treatment.copy(), design.outcome.copy()
    controls[3, 2], treatment[8, 1] = np.nan, np.nan
    outcome[[3, 8], [2, 1]] = np.nan
    one = estimate(dataclasses.replace(design, controls=controls, treatment=treatment), "two_way")
    other = estimate(dataclasses.replace(design, outcome=outcome), "two_way")
    np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-12)
    np.testing.assert_allclose(one.influence, other.influence, atol=1e-12)


@pytest.mark.parametrize("effects", EFFECTS)
def test_influence_is_the_derivative_by_the_weight_of_a_unit(effects):
    design = awkward(8, k=1, controls=1)
    found = estimate(design, "two_way", effects=effects)
    step = 1e-5
    for i in (0, 17, 44):
        shifted = []
        for sign in (1, -1):
            weights = design.weights.copy()
            weights[i] *= 1 + sign * step
            shifted.append(estimate(dataclasses.replace(design, weights=weights), "two_way", effects=effects))
        slope = (shifted[0].estimate - shifted[1].estimate) / (2 * step)
        assert slope[0] * 60 == pytest.approx(found.influence[i, 0], rel=1e-5, abs=1e-6)


def test_one_cohort_and_two_periods_is_group_time():
    design = simulate(5, times=(2019, 2020), cohorts=(2020,))
    two_way, group_time = estimate(design, "two_way"), estimate(design)
    np.testing.assert_allclose(two_way.estimate, group_time.estimate)
    np.testing.assert_allclose(std_errors(two_way), std_errors(group_time))


def test_waves_without_never_treated_units_and_with_anticipation():
    design = simulate(6, times=(2014, 2017, 2020, 2023), cohorts=(2020, 2023), anticipation=1)
    labels = estimate(design, "two_way", form="event").labels
    assert labels["event_time"].tolist() == [-9, -6, -3, 0, 3]
    effects = estimate(design, "two_way", form="event")
    assert effects.reasons[1] == REFERENCE
    treated = dataclasses.replace(design, cohort=np.where(design.treated, design.cohort, 2020.0), anticipation=0)
    both = estimate(treated, "two_way", form="event")
    assert [reason for reason in both.reasons if reason] == [REFERENCE, REFERENCE]
    assert both.labels["n_comparison"].tolist() == [20] * 5
    periods = estimate(dataclasses.replace(design, info={"event_clock": "periods"}), "two_way", form="event")
    assert periods.labels["event_time"].tolist() == [-3, -2, -1, 0, 1]
    np.testing.assert_allclose(periods.estimate, effects.estimate)


def test_everyone_treated_at_once_is_collinear():
    design = simulate(7, cohorts=(2020,))
    design = dataclasses.replace(design, cohort=np.full(60, 2020.0))
    for one in (design, dataclasses.replace(design, outcome=np.where(design.outcome > 2, np.nan, design.outcome))):
        effects = estimate(one, "two_way")
        assert np.isnan(effects.estimate).all()
        assert effects.reasons == (COLLINEAR,)
        assert effects.to_frame()["p_value"].isna().all()


def test_only_what_is_collinear_is_undefined():
    """Nobody observed in 2022 but the treated of 2020: their event time 2 is that period."""
    design = simulate(8)
    outcome = design.outcome.copy()
    outcome[design.cohort != 2020, 4] = np.nan
    effects = estimate(dataclasses.replace(design, outcome=outcome), "two_way", form="event")
    told = dict(zip(effects.labels["event_time"], effects.reasons, strict=True))
    assert told == {-3: "", -2: "", -1: REFERENCE, 0: "", 1: "", 2: COLLINEAR}
    # without that period they are the same
    shorter = dataclasses.replace(design, outcome=design.outcome[:, :4], times=design.times[:4])
    expected = estimate(shorter, "two_way", form="event")
    np.testing.assert_allclose(effects.estimate[:5], expected.estimate, rtol=1e-9, atol=1e-12)


def test_few_treated_clusters_have_no_p_value():
    design = simulate(8, cohorts=(2020,))
    few = np.flatnonzero(design.treated)[:9]
    design = dataclasses.replace(design, cohort=np.where(np.isin(np.arange(60), few), 2020.0, np.inf))
    table = estimate(design, "two_way").to_frame()
    assert table["reason"].tolist() == [FEW_TREATED]
    assert table[["conf_low", "conf_high", "p_value"]].isna().to_numpy().all()
    assert table["std_error"].notna().all()


def test_it_says_that_it_is_a_diagnostic():
    assert list_estimators()["two_way"].diagnostic
    assert estimate(simulate(9), "two_way").info["diagnostic"] is True


def test_nothing_treated_is_an_error():
    design = simulate(9)
    with pytest.raises(EvaltoolkitError, match="No unit is treated"):
        estimate(dataclasses.replace(design, cohort=np.full(60, np.inf)), "two_way")
    with pytest.raises(EvaltoolkitError, match="same in every observed row"):
        estimate(dataclasses.replace(design, treatment=np.ones((60, 5))), "two_way")


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    form=st.sampled_from(["static", "event"]),
    gaps=st.sampled_from([0.0, 0.1]),
    shift=st.floats(-50, 50),
    factor=st.floats(0.01, 100),
)
def test_what_must_not_matter(seed, form, gaps, shift, factor):
    """Row order, names of units, level and unit of the outcome, the calendar, a unit that is never observed."""
    design = awkward(seed, gaps=gaps, k=1)
    rng = np.random.default_rng(seed)
    order = rng.permutation(60)
    outcome = np.where(np.arange(60)[:, None] == 11, np.nan, design.outcome)
    known = np.arange(60) != 11
    base = dataclasses.replace(
        design,
        **{name: getattr(design, name)[known] for name in ("units", "outcome", "cohort", "covariates", "clusters")},
        weights=design.weights[known] / design.weights[known].mean(),
    )
    changed = dataclasses.replace(
        design,
        units=np.array([f"other{i}" for i in rng.permutation(60)])[order],
        outcome=factor * outcome[order] + shift,
        cohort=design.cohort[order] + 7,
        times=design.times + 7,
        covariates=3 * design.covariates[order] - 1,
        weights=design.weights[order],
        clusters=design.clusters[order],
    )
    one, other = (estimate(each, "two_way", form=form) for each in (base, changed))
    assert one.reasons == other.reasons
    np.testing.assert_allclose(factor * one.estimate, other.estimate, rtol=1e-6, atol=1e-8 * factor)
    np.testing.assert_allclose(factor * std_errors(one), std_errors(other), rtol=1e-6)


def test_the_truth_where_effects_are_the_same():
    """200 draws: bias within three standard errors of the mean, coverage of 95 % intervals within three of theirs."""
    found = []
    for draw in range(200):
        table = estimate(simulate(draw, n=90, effect=0.5, gaps=0.05), "two_way").to_frame()
        found.append(table[["estimate", "conf_low", "conf_high"]].iloc[0])
    point, low, high = np.array(found).T
    assert abs(point.mean() - 0.5) < 3 * point.std() / np.sqrt(200)
    covered = ((low <= 0.5) & (high >= 0.5)).mean()
    assert abs(covered - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 200)
