import dataclasses
import math
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2, norm

from evaltoolkit.effects.effects import Effects
from evaltoolkit.effects.inference import (
    FEW_COMPARISON,
    FEW_EFFECTIVE,
    FEW_TREATED,
    MIN_CLUSTERS,
    NO_VARIATION,
    NOTHING_TO_TEST,
    ONE_COMPARISON,
    ONE_TREATED,
    SINGULAR,
    SMALL_COHORTS,
    chi_square_tail,
    covariance,
    critical_value,
    inference_table,
    joint_wald,
    std_errors,
    two_sided_p,
)
from evaltoolkit.findings import EvaltoolkitError


def make_effects(influence, *, estimate=None, n_treated=20, n_comparison=20, clusters=None, reasons=()):
    n, k = influence.shape
    labels = pd.DataFrame({"event_time": np.arange(k, dtype=float)})
    units = np.array([f"u{i}" for i in range(n)])
    return Effects(
        kind="event",
        labels=labels.assign(n_treated=n_treated, n_comparison=n_comparison),
        estimate=np.linspace(0.1, 0.5, k) if estimate is None else np.asarray(estimate, dtype=float),
        influence=influence,
        units=units,
        cohort=np.where(np.arange(n) % 2 == 0, 2020.0, np.inf),
        weights=np.ones(n),
        clusters=units if clusters is None else np.asarray(clusters).astype(str),
        reasons=reasons,
    )


@pytest.fixture
def influence():
    psi = np.random.default_rng(4).normal(size=(60, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.2], [0, 0, 2.0]])
    return psi - psi.mean(axis=0)


def test_standard_error_is_the_root_of_the_mean_square_over_n(influence):
    effects = make_effects(influence)
    np.testing.assert_allclose(std_errors(effects), np.sqrt((influence**2).mean(axis=0) / 60))
    np.testing.assert_allclose(covariance(effects), influence.T @ influence / 60**2)


def test_clusters_are_summed_first(influence):
    clusters = np.random.default_rng(1).integers(0, 12, 60)
    sums = pd.DataFrame(influence).groupby(clusters).sum().to_numpy()
    effects = make_effects(influence, clusters=clusters)
    np.testing.assert_allclose(covariance(effects), sums.T @ sums / 60**2)
    np.testing.assert_allclose(std_errors(effects), np.sqrt((sums**2).sum(axis=0)) / 60)


def test_interval_and_p_value_are_normal(influence):
    table = inference_table(make_effects(influence), level=0.9)
    assert table.columns.tolist()[-6:] == ["estimate", "std_error", "conf_low", "conf_high", "p_value", "reason"]
    width = 1.6448536269514722 * table["std_error"]
    np.testing.assert_allclose(table["conf_high"] - table["estimate"], width)
    np.testing.assert_allclose(table["estimate"] - table["conf_low"], width)
    np.testing.assert_allclose(table["p_value"], 2 * norm.sf(np.abs(table["estimate"] / table["std_error"])))
    assert set(table["reason"]) == {""}
    assert two_sided_p(np.array([np.nan, 0.0]))[1] == 1.0
    assert chi_square_tail(7.3, 5) == pytest.approx(chi2.sf(7.3, 5))


@pytest.mark.parametrize(
    ("treated", "comparison", "reason"),
    [(9, 50, FEW_TREATED), (50, 9, FEW_COMPARISON), (9, 9, FEW_TREATED), (2, 50, FEW_TREATED)],
)
def test_below_ten_clusters_there_is_no_interval_and_no_p_value(influence, treated, comparison, reason):
    effects = make_effects(influence, n_treated=[treated, 10, 10], n_comparison=[comparison, 10, 10])
    for band in ("pointwise", "simultaneous"):
        table = inference_table(effects, band=band)
        assert table.loc[0, ["conf_low", "conf_high", "p_value"]].isna().all()
        assert table.loc[0, "reason"] == reason
        assert table.loc[0, "std_error"] == std_errors(effects)[0] > 0
        assert table.loc[1:, ["conf_low", "conf_high", "p_value"]].notna().to_numpy().all()
    assert MIN_CLUSTERS == 10


def test_one_cluster_has_no_standard_error(influence):
    effects = make_effects(influence, n_treated=[1, 20, 20], n_comparison=[20, 1, 20])
    table = inference_table(effects)
    assert table["reason"].tolist() == [ONE_TREATED, ONE_COMPARISON, ""]
    assert table["std_error"].isna().tolist() == [True, True, False]


def test_no_variation_has_no_standard_error(influence):
    influence[:, 1] = 0
    table = inference_table(make_effects(influence))
    assert table["reason"].tolist() == ["", NO_VARIATION, ""]
    assert np.isnan(table.loc[1, "std_error"])


def test_own_reason_comes_first(influence):
    influence[:, 0] = np.nan
    effects = make_effects(influence, estimate=[np.nan, 0.2, 0.3], n_treated=[0, 20, 20], reasons=("because", "", ""))
    table = inference_table(effects)
    assert table["reason"].tolist() == ["because", "", ""]
    assert table.loc[0, ["estimate", "std_error", "conf_low", "conf_high", "p_value"]].isna().all()


def test_simultaneous_band_of_one_row_is_pointwise(influence):
    effects = make_effects(influence, n_treated=[20, 5, 5])
    assert critical_value(effects, band="simultaneous") == pytest.approx(1.959963984540054)


def test_simultaneous_band_of_independent_rows_is_exact():
    psi = np.linalg.qr(np.random.default_rng(2).normal(size=(80, 6)))[0][:, 1:]
    effects = make_effects(psi)
    exact = NormalDist().inv_cdf((1 + 0.95 ** (1 / 5)) / 2)
    assert critical_value(effects, band="simultaneous") == pytest.approx(exact, abs=0.02)


def test_simultaneous_band_of_one_row_repeated_is_pointwise(influence):
    effects = make_effects(np.column_stack([influence[:, 0]] * 4))
    assert critical_value(effects, band="simultaneous") == pytest.approx(1.96, abs=0.02)


def test_simultaneous_band_is_seeded_and_says_so(influence):
    effects = make_effects(influence)
    one, other = (inference_table(effects, band="simultaneous") for _ in range(2))
    pd.testing.assert_frame_equal(one, other)
    assert one.attrs == other.attrs
    assert one.attrs["critical_value"] == critical_value(effects, band="simultaneous", seed=one.attrs["seed"])
    assert critical_value(effects, band="simultaneous", seed=9) != one.attrs["critical_value"]
    assert one.attrs["critical_value"] > inference_table(effects).attrs["critical_value"]


def test_wrong_level_and_band(influence):
    effects = make_effects(influence)
    with pytest.raises(EvaltoolkitError, match="between 0 and 1"):
        critical_value(effects, level=95)
    with pytest.raises(EvaltoolkitError, match="pointwise, simultaneous"):
        critical_value(effects, band="uniform")


def test_joint_wald_is_the_quadratic_form(influence):
    effects = make_effects(influence)
    test = joint_wald(effects, np.array([True, True, False]))
    estimate = effects.estimate[:2]
    assert test.statistic == pytest.approx(estimate @ np.linalg.inv(covariance(effects)[:2, :2]) @ estimate)
    assert (test.df, test.reason) == (2, "")
    assert test.p_value == chi_square_tail(test.statistic, 2)
    assert joint_wald(effects, [0, 1]) == test


def test_joint_wald_of_what_cannot_vary_is_undefined(influence):
    still = influence.copy()
    still[:, 1] = 0.0
    still[0, 1], still[1, 1] = 1.0, -1.0
    clusters = np.where(np.arange(60) < 2, "same", [f"c{i}" for i in range(60)])
    test = joint_wald(make_effects(still, clusters=clusters), [0, 1])
    assert test.reason == SINGULAR


def test_joint_wald_says_why_it_is_undefined(influence):
    repeated = make_effects(influence[:, [0, 1, 0]])
    test = joint_wald(repeated, [0, 1, 2])
    assert math.isnan(test.statistic)
    assert test.reason == SINGULAR
    nothing = joint_wald(repeated, np.zeros(3, bool))
    assert (nothing.df, nothing.reason) == (0, NOTHING_TO_TEST)
    assert math.isnan(nothing.statistic)


@pytest.mark.parametrize(
    ("treated", "comparison", "reason"), [(9, 20, FEW_TREATED), (20, 9, FEW_COMPARISON), (1, 20, ONE_TREATED)]
)
def test_joint_wald_has_no_p_value_with_few_clusters(influence, treated, comparison, reason):
    test = joint_wald(make_effects(influence, n_treated=treated, n_comparison=comparison), [0, 1])
    assert math.isfinite(test.statistic)
    assert math.isnan(test.p_value)
    assert test.reason == reason


def test_joint_wald_adds_up_the_clusters_of_small_cohorts(influence):
    effects = make_effects(influence[:, :2], n_treated=6)
    cohort = np.where(np.arange(60) < 12, np.where(np.arange(60) < 6, 2020.0, 2021.0), np.inf)
    labels = pd.DataFrame({"cohort": [2020.0, 2021.0], "time": 2019.0, "n_treated": 6, "n_comparison": 48})
    effects = dataclasses.replace(effects, kind="group_time", labels=labels, cohort=cohort)
    assert joint_wald(effects, [0, 1]).reason == ""
    assert joint_wald(effects, [0]).reason == FEW_TREATED


def test_joint_wald_has_no_p_value_with_tiny_cohorts(influence):
    effects = make_effects(influence[:, :3], n_treated=4)
    place = np.arange(60)
    cohort = np.where(place < 12, 2020.0 + place // 4, np.inf)
    labels = pd.DataFrame({"cohort": [2020.0, 2021.0, 2022.0], "time": 2019.0, "n_treated": 4, "n_comparison": 48})
    effects = dataclasses.replace(effects, kind="group_time", labels=labels, cohort=cohort)
    test = joint_wald(effects, [0, 1, 2])
    assert test.reason == SMALL_COHORTS
    assert math.isnan(test.p_value)


def test_joint_wald_has_no_p_value_where_few_weigh_most(influence):
    effects = make_effects(influence, n_treated=20)
    heavy = np.where(np.arange(60) < 2, 50.0, 1.0)
    test = joint_wald(dataclasses.replace(effects, weights=heavy), [0, 1])
    assert test.reason == FEW_EFFECTIVE
    assert math.isnan(test.p_value)
    assert math.isfinite(test.statistic)


def test_text_has_no_p_values_and_no_stars(influence):
    effects = make_effects(influence, n_treated=[20, 5, 20])
    text = str(effects)
    assert text == repr(effects)
    assert "*" not in text
    assert "p_value" not in text
    assert FEW_TREATED in text
    assert "60 units, 60 clusters" in text
