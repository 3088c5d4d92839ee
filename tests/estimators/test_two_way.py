import dataclasses

import numpy as np
import pandas as pd
import pytest
from linearmodels.datasets import wage_panel
from linearmodels.panel import PanelOLS
from small_designs import simulate

from evaltoolkit.effects.inference import FEW_TREATED, joint_wald, std_errors
from evaltoolkit.estimators.cells import REFERENCE
from evaltoolkit.estimators.registry import estimate, list_estimators
from evaltoolkit.estimators.two_way import COLLINEAR, _fit, _Long
from evaltoolkit.findings import EvaltoolkitError

OFF = dict.fromkeys(["debiased", "group_debias", "count_effects", "auto_df"], False)


def reference_fit(design, regressors):
    """linearmodels, clustered without a small-sample factor."""
    unit, period = np.nonzero(np.isfinite(design.outcome))
    index = pd.MultiIndex.from_arrays([unit, period])
    frame = pd.DataFrame({name: values[unit, period] for name, values in regressors.items()}, index=index)
    model = PanelOLS(
        pd.Series(design.outcome[unit, period], index=index),
        frame,
        weights=pd.Series(design.weights[unit], index=index),
        entity_effects=True,
        time_effects=True,
    )
    codes = pd.factorize(design.clusters)[0][unit]
    return model.fit(clusters=pd.DataFrame({"c": codes}, index=index), cov_type="clustered", **OFF)


def awkward(seed=1, **options):
    """Unbalanced, weighted, clustered above the unit."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.5, 2, 60)
    clusters = np.array([f"c{i}" for i in rng.permutation(60) // 3])
    return simulate(seed, gaps=0.1, weights=weights / weights.mean(), clusters=clusters, **options)


@pytest.mark.parametrize("make", [simulate, awkward])
def test_static_equals_linearmodels(make):
    design = make(3)
    effects = estimate(design, "two_way")
    expected = reference_fit(design, {"d": (design.times >= design.cohort[:, None]).astype(float)})
    np.testing.assert_allclose(effects.estimate, expected.params, rtol=1e-10)
    np.testing.assert_allclose(std_errors(effects), expected.std_errors, rtol=1e-10)


@pytest.mark.parametrize("make", [simulate, awkward])
def test_event_study_equals_linearmodels(make):
    design = make(4)
    effects = estimate(design, "two_way", form="event")
    since = design.times - design.cohort[:, None]
    times = [time for time in effects.labels["event_time"] if time != -1]
    expected = reference_fit(design, {str(time): (since == time).astype(float) for time in times})
    kept = (effects.labels["event_time"] != -1).to_numpy()
    assert effects.labels["event_time"].tolist() == [-3, -2, -1, 0, 1, 2]
    np.testing.assert_allclose(effects.estimate[kept], expected.params, rtol=1e-9)
    np.testing.assert_allclose(std_errors(effects)[kept], expected.std_errors, rtol=1e-9)
    psi = effects.influence[:, kept]
    assert effects.reasons[2] == REFERENCE
    assert effects.estimate[2] == 0
    np.testing.assert_allclose(psi.mean(axis=0), 0, atol=1e-9)
    pre = (effects.labels["event_time"] < 0).to_numpy()
    assert joint_wald(effects, pre).df == 2


def test_wage_panel_as_published():
    """The linearmodels documentation's two-way example: three regressors, coefficients as printed there."""
    data = wage_panel.load()
    unit, period = pd.factorize(data["nr"])[0], pd.factorize(data["year"])[0]
    names = ["expersq", "union", "married"]
    long = _Long(unit, period, data["lwage"].to_numpy(float), np.ones(len(data)), data[names].to_numpy(float))
    slopes, influence, reason = _fit(long, 545)
    assert reason == ""
    np.testing.assert_allclose(slopes, [-0.005185, 0.080002, 0.046680], atol=6e-7)
    errors = np.sqrt((influence**2).mean(axis=0) / 545)
    # linearmodels' default: factor n/(n - K) with K = 3 regressors + 8 periods, no G/(G - 1).
    factor = np.sqrt(4360 / (4360 - 11))
    np.testing.assert_allclose(errors * factor, [0.000810, 0.022725, 0.020987], atol=6e-7)


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
    effects = estimate(dataclasses.replace(design, cohort=np.full(60, 2020.0)), "two_way")
    assert np.isnan(effects.estimate).all()
    assert effects.reasons == (COLLINEAR,)
    assert effects.to_frame()["p_value"].isna().all()


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


def test_nobody_treated_is_an_error():
    with pytest.raises(EvaltoolkitError, match="No unit is treated"):
        estimate(dataclasses.replace(simulate(9), cohort=np.full(60, np.inf)), "two_way")
