"""What cannot be imputed, and the periods before treatment."""

import dataclasses

import numpy as np
import pytest
from imputation_designs import at, close, plain, rich
from small_designs import simulate

from evaltoolkit.designs.subset import drop_values
from evaltoolkit.effects.inference import joint_wald
from evaltoolkit.estimators.cells import FIRST_PERIOD, NO_TREATED
from evaltoolkit.estimators.imputation import ESTIMATOR, estimate_imputation
from evaltoolkit.estimators.imputation_cells import NO_TREND, NO_UNTREATED, NOTHING_BEFORE, UNDETERMINED
from evaltoolkit.estimators.imputation_pretrends import PART_OF_REFERENCE
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError


def test_one_observation_before_treatment_is_enough():
    design = plain(rich(10, gaps=0.0))
    unit = int(np.flatnonzero(design.cohort == 2020)[0])
    drop = np.zeros((40, 6), bool)
    drop[unit, [0, 1, 3]] = True
    thin = drop_values(design, drop)
    effects = estimate_imputation(thin)
    assert design.units[unit] in effects.units
    moved = thin.outcome.copy()
    moved[unit, 2] += 1.0
    other = estimate_imputation(dataclasses.replace(thin, outcome=moved))
    rows = design.cohort == 2020
    share = design.weights[unit] / design.weights[rows].sum()
    # its only row before treatment is its own level: nothing else feels it
    assert other.estimate[at(other, 2020, 2021)] - effects.estimate[at(effects, 2020, 2021)] == pytest.approx(-share)
    assert other.estimate[at(other, 2019, 2021)] == pytest.approx(effects.estimate[at(effects, 2019, 2021)])


def test_units_that_cannot_be_imputed_are_left_out_by_name():
    design = plain(rich(11, gaps=0.0))
    none, one = np.flatnonzero(design.cohort == 2020)[:2]
    drop = np.zeros((40, 6), bool)
    drop[none, :4], drop[one, :3] = True, True
    first = int(np.flatnonzero(design.cohort == 2019)[0])
    thin = drop_values(dataclasses.replace(design, cohort=np.where(np.arange(40) == first, 2016, design.cohort)), drop)
    assert estimate_imputation(thin).info["dropped_units"] == {
        FIRST_PERIOD: (design.units[first],),
        NOTHING_BEFORE: (design.units[none],),
    }
    effects = estimate_imputation(thin, unit_trends=True)
    assert effects.info["dropped_units"][NO_TREND] == (design.units[one],)
    assert set(design.units) - set(effects.units) == {design.units[i] for i in (none, one, first)}
    without = dataclasses.replace(thin, cohort=np.where(np.arange(40) == none, 2016, thin.cohort))
    close(estimate_imputation(thin), estimate_imputation(without))


def test_a_period_without_untreated_observations_has_no_effect():
    design = plain(rich(12, gaps=0.0))
    late = np.where(np.isinf(design.cohort), 2021.0, design.cohort)
    effects = estimate_imputation(dataclasses.replace(design, cohort=late))
    at_end = (effects.labels["time"] == 2021).to_numpy()
    assert [effects.reasons[j] for j in np.flatnonzero(at_end)] == [NO_UNTREATED] * 3
    assert np.isnan(effects.estimate[at_end]).all()
    assert np.isnan(effects.influence[:, at_end]).all()
    assert (effects.labels["n_comparison"][at_end] == 0).all()
    after = (effects.labels["time"] >= effects.labels["cohort"]).to_numpy() & ~at_end
    assert np.isfinite(effects.estimate[after]).all()
    # nobody is untreated in 2020 besides the last cohort: its own lead cannot be told from the period
    assert effects.reasons[at(effects, 2021, 2020)] == PART_OF_REFERENCE
    assert effects.aggregate("overall").info["left_out"] == 3


def test_units_and_periods_that_are_not_connected():
    """A cohort seen before treatment only in periods in which no other unit is seen."""
    design = plain(rich(13, gaps=0.0))
    cohort = design.cohort == 2020
    drop = np.zeros((40, 6), bool)
    drop[np.ix_(~cohort, [0, 1])] = True
    drop[np.ix_(cohort, [2, 3])] = True
    effects = estimate_imputation(drop_values(design, drop))
    rows = np.flatnonzero((effects.labels["cohort"] == 2020) & (effects.labels["time"] >= 2020))
    assert [effects.reasons[j] for j in rows] == [UNDETERMINED] * 2
    assert np.isfinite(effects.estimate[at(effects, 2019, 2020)])


def test_collinear_covariates_matter_only_where_the_treated_differ():
    design = dataclasses.replace(rich(14, gaps=0.0, p=0), covariate_names=("x", "z"))
    x = design.covariates[:, 0]
    double = dataclasses.replace(design, covariates=np.column_stack([x, 2 * x + 1]))
    close(estimate_imputation(dataclasses.replace(design, covariate_names=("x",))), estimate_imputation(double))
    own = np.where(design.cohort == 2020, np.random.default_rng(0).normal(size=40), 2 * x + 1)
    apart = estimate_imputation(dataclasses.replace(design, covariates=np.column_stack([x, own])))
    # from 2020 on no untreated unit tells the two covariates apart
    assert apart.reasons[at(apart, 2020, 2020)] == apart.reasons[at(apart, 2020, 2021)] == UNDETERMINED
    assert np.isfinite(apart.estimate[at(apart, 2019, 2021)])


def test_cells_without_observations_and_rows_without_controls():
    design = rich(15, gaps=0.0)
    drop = np.zeros((40, 6), bool)
    drop[design.cohort == 2020, 5] = True
    effects = estimate_imputation(drop_values(design, drop))
    assert effects.reasons[at(effects, 2020, 2021)] == NO_TREATED
    controls = design.controls.copy()
    controls[drop] = np.nan
    other = estimate_imputation(dataclasses.replace(design, controls=controls))
    close(effects, other)
    assert (effects.info["rows_without_controls"], other.info["rows_without_controls"]) == (0, drop.sum())


def test_nobody_to_impute_is_an_error_that_says_why():
    design = simulate(0)
    with pytest.raises(EvaltoolkitError, match="both before and after"):
        estimate(dataclasses.replace(design, cohort=np.full(60, np.inf)), "imputation")
    early = dataclasses.replace(design, cohort=np.where(design.treated, 2018.0, np.inf))
    with pytest.raises(EvaltoolkitError, match="40 units treated from the first period"):
        estimate(early, "imputation")


def test_anticipation_moves_the_untreated_observations():
    design = plain(rich(16, gaps=0.0))
    early = dataclasses.replace(design, cohort=design.cohort - 1)
    one, other = estimate_imputation(dataclasses.replace(design, anticipation=1)), estimate_imputation(early)
    np.testing.assert_allclose(one.estimate, other.estimate, atol=1e-10)
    np.testing.assert_array_equal(one.labels["cohort"] - 1, other.labels["cohort"])
    event = one.aggregate("event")
    assert event.labels["event_time"].tolist() == [-4, -3, -2, -1, 0, 1, 2]
    assert estimate_imputation(design).estimate[-1] != pytest.approx(one.estimate[-1])


def test_units_treated_after_the_panel_do_not_compare_while_they_anticipate():
    design = plain(rich(17, gaps=0.0))
    late = dataclasses.replace(design, anticipation=1, cohort=np.where(np.isinf(design.cohort), 2022.0, design.cohort))
    effects = estimate_imputation(late)
    assert effects.reasons[at(effects, 2020, 2021)] == NO_UNTREATED
    assert set(effects.labels["cohort"]) == {2019, 2020}


def test_irregular_waves_and_the_clock_of_periods():
    design = plain(rich(18, times=(2008, 2011, 2012, 2016, 2017, 2021), cohorts=(2016, 2021), gaps=0.0))
    years = estimate_imputation(design, pretrends="event", leads=2)
    periods = estimate_imputation(
        dataclasses.replace(design, info={"event_clock": "periods"}), pretrends="event", leads=2
    )
    # by the clock of years no two leads of the cohorts are the same, by periods both are
    assert years.aggregate("event").labels["event_time"].tolist()[:4] == [-5, -4, 0, 1]
    assert periods.aggregate("event").labels["event_time"].tolist() == [-2, -1, 0, 1, 2]
    pairs = [(at(periods, 2016, a), at(periods, 2021, b)) for a, b in ((2011, 2016), (2012, 2017))]
    for i, j in pairs:
        assert periods.estimate[i] == periods.estimate[j]
    after = (years.labels["time"] >= years.labels["cohort"]).to_numpy()
    np.testing.assert_array_equal(years.estimate[after], periods.estimate[after])


@pytest.mark.parametrize("leads", ESTIMATOR.options["leads"])
def test_leads_are_as_many_as_asked_and_the_rest_is_reference(leads):
    design = plain(rich(19, times=tuple(range(2010, 2021)), cohorts=(2013, 2018), gaps=0.0))
    effects = estimate_imputation(design, leads=leads)
    assert (effects.labels.query("cohort == 2018 and time < cohort")["time"] == np.arange(2018 - leads, 2018)).all()
    early = effects.labels.query("cohort == 2013 and time < cohort").index
    assert len(early) == min(leads, 3)
    # three periods before treatment: one of them at least is the reference
    assert np.isfinite(effects.estimate[early]).sum() == min(leads, 2)
    assert str(leads) in effects.info["pretrend_reference"]
    before = (effects.labels["time"] < effects.labels["cohort"]).to_numpy()
    assert joint_wald(effects, before).df == min(leads, 2) + leads


def test_a_trend_before_treatment_is_seen_by_leads_and_taken_out_by_unit_trends():
    design = plain(rich(20, n=90, times=tuple(range(2010, 2020)), cohorts=(2016,), gaps=0.0))
    drift = 0.5 * design.treated[:, None] * (design.times - 2010)
    bent = dataclasses.replace(design, outcome=design.outcome + drift)
    leads, calm = estimate_imputation(bent), estimate_imputation(bent, unit_trends=True)
    close(calm, estimate_imputation(design, unit_trends=True))
    # against the mean of 2010 to 2012 a lead k periods before 2016 lies 0.5 * (5 - k) higher
    shift = leads.estimate - estimate_imputation(design).estimate
    np.testing.assert_allclose(shift[:3], [1.0, 1.5, 2.0], atol=1e-9)
    # effects are held against the mean of all six periods before
    np.testing.assert_allclose(shift[3:], 0.5 * np.arange(3.5, 7.5), atol=1e-9)
