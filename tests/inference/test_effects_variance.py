"""Small-sample variances of effects: the two-sample formulas, the jackknife, and a simulated size."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t as student

sys.path.insert(0, str(Path(__file__).parents[1] / "estimators"))

from small_designs import simulate
from two_way_designs import awkward

from evaltoolkit.effects.inference import NO_VARIATION, ONE_TREATED, inference_table, std_errors
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError, RefusedError
from evaltoolkit.inference.cluster_robust import cluster_variance
from evaltoolkit.inference.effects_variance import ONE_OF_COHORT, effects_variance, reduce_bias
from evaltoolkit.inference.jackknife import NOT_WITHOUT, jackknife, jackknife_covariance
from evaltoolkit.inference.linear_fit import fit_design


def two_groups(seed=1, n=16, n_treated=5):
    """One cohort, two periods: the two-sample problem on changes."""
    design = simulate(seed, n=n, times=(2020, 2021), cohorts=(2021,))
    cohort = np.where(np.arange(n) < n_treated, 2021.0, np.inf)
    return dataclasses.replace(design, cohort=cohort)


def grouped(seed=2, *, straddling, comparison="never_treated", **options):
    """Weighted clusters, within their cohort or across cohorts."""
    rng = np.random.default_rng(seed)
    design = simulate(seed, n=60, weights=rng.uniform(0.5, 2, 60), comparison=comparison, **options)
    inner = np.array([f"{start:g}-{place % 6}" for place, start in enumerate(design.cohort)])
    clusters = np.array([f"c{place % 15}" for place in range(60)]) if straddling else inner
    return dataclasses.replace(design, weights=design.weights / design.weights.mean(), clusters=clusters)


def test_two_groups():
    """The variance of Welch, the degrees of freedom of Bell and McCaffrey."""
    design = two_groups()
    effects = estimate(design, "group_time")
    change = np.diff(design.outcome, axis=1)[:, 0]
    treated, other = change[:5], change[5:]
    found = effects_variance(effects, "CR2").to_frame().iloc[-1]
    error = np.sqrt(treated.var(ddof=1) / 5 + other.var(ddof=1) / 11)
    df = (1 / 5 + 1 / 11) ** 2 / (1 / 25 / 4 + 1 / 121 / 10)
    width = student.ppf(0.975, df) * error
    estimate_ = treated.mean() - other.mean()
    assert found[["estimate", "std_error", "df", "conf_low", "conf_high"]].tolist() == pytest.approx(
        [estimate_, error, df, estimate_ - width, estimate_ + width]
    )
    assert found["p_value"] == pytest.approx(2 * student.sf(abs(estimate_ / error), df))


@pytest.mark.parametrize("clusters", ["units", "within", "across"])
@pytest.mark.parametrize("kind", ["CR2", "CR3"])
def test_two_periods_are_a_regression(kind, clusters):
    """Without weights, also where clusters differ in size or lie in both arms: CR2 and CR3 of least squares."""
    design = two_groups(n=24, n_treated=9)
    place = np.arange(24)
    labels = {"units": place, "within": np.where(place < 9, place // 2, 20 + place // 4), "across": place % 7}
    design = dataclasses.replace(design, clusters=labels[clusters].astype(str))
    found = effects_variance(estimate(design, "group_time"), kind)
    expected = cluster_variance(fit_design(design), kind)
    assert found.estimate[-1] == pytest.approx(expected.estimate[0])
    assert found.std_error[-1] == pytest.approx(expected.std_error[0])
    assert found.df[-1] == pytest.approx(expected.df[0])


def test_two_groups_are_hc3_and_the_jackknife():
    design = two_groups()
    effects = estimate(design, "group_time")
    change = np.diff(design.outcome, axis=1)[:, 0]
    x = np.column_stack([np.ones(16), np.arange(16) < 5]).astype(float)
    bread = np.linalg.inv(x.T @ x)
    residual = change - x @ bread @ x.T @ change
    scaled = residual / (1 - np.einsum("ij,jk,ik->i", x, bread, x))
    expected = np.sqrt((bread @ (x * scaled[:, None] ** 2).T @ x @ bread)[1, 1])
    assert effects_variance(effects, "CR3").std_error[-1] == pytest.approx(expected)
    assert jackknife(design, effects).variance.std_error[-1] == pytest.approx(expected)


@pytest.mark.parametrize("straddling", [False, True])
@pytest.mark.parametrize("kind", ["group_time", "event", "cohort"])
def test_cr3_is_the_jackknife_of_cohort_means(straddling, kind):
    """Exactly where shares are given: group-time effects, and what one cohort's effects average to."""
    design = grouped(straddling=straddling)
    effects = estimate(design, "group_time")
    if kind == "event":
        design = dataclasses.replace(design, cohort=np.where(design.cohort == 2020, np.inf, design.cohort))
        effects = estimate(design, "group_time").aggregate("event")
    elif kind == "cohort":
        effects = effects.aggregate("cohort")
    quick, slow = effects_variance(effects, "CR3"), jackknife(design, effects).variance
    kept = np.array([reason == "" for reason in slow.reasons])
    assert kept.sum() >= 2
    np.testing.assert_allclose(quick.std_error[kept], slow.std_error[kept], rtol=1e-9)
    np.testing.assert_allclose(quick.covariance[np.ix_(kept, kept)], slow.covariance[np.ix_(kept, kept)], rtol=1e-8)


@pytest.mark.parametrize("comparison", ["never_treated", "not_yet_treated"])
def test_estimated_shares_are_near_the_jackknife(comparison):
    design = grouped(straddling=False, comparison=comparison)
    effects = estimate(design, "group_time").aggregate("overall")
    quick, slow = effects_variance(effects, "CR3"), jackknife(design, effects).variance
    assert quick.std_error[0] == pytest.approx(slow.std_error[0], rel=0.02)
    assert std_errors(effects)[0] < effects_variance(effects, "CR2").std_error[0] < quick.std_error[0]


@pytest.mark.parametrize("straddling", [False, True])
@pytest.mark.parametrize("kind", ["CR2", "CR3"])
def test_degrees_of_freedom_by_the_moments(kind, straddling):
    """Mean and variance of the variance of every event time over 4,000 draws of the working model."""
    rng = np.random.default_rng(12)
    design = grouped(straddling=straddling, effect=0.0)
    draws = 4000
    noise = rng.normal(size=(draws, *design.outcome.shape)) / np.sqrt(design.weights[:, None])
    effects = estimate(design, "group_time").aggregate("event")
    influence = reduce_bias(effects, kind).influence
    cluster = np.unique(design.clusters, return_inverse=True)[1]
    scores = np.zeros((draws, cluster.max() + 1, len(effects.estimate)))
    for place in range(len(influence.cohorts)):
        mine = influence.group == place
        weight = design.weights[mine]
        away = noise[:, mine] - np.einsum("i,rit->rt", weight / weight.sum(), noise[:, mine])[:, None]
        # what reduce_bias made of the rows, on another outcome
        scale = (influence.rows / effects.influence.rows)[mine, 0]
        units = (away * (weight * scale)[:, None]) @ influence.slopes[place, :-2]
        for g in range(scores.shape[1]):
            scores[:, g] += units[:, cluster[mine] == g].sum(axis=1)
    variances = (scores**2).sum(axis=1)
    df = effects_variance(effects, kind).df
    known = np.isfinite(df)
    assert known.sum() >= 4
    empirical = 2 * variances.mean(axis=0) ** 2 / variances.var(axis=0)
    np.testing.assert_allclose(empirical[known], df[known], rtol=0.12)


def test_cr1_is_a_factor():
    effects = estimate(awkward(k=1), "group_time", adjust="reg").aggregate("overall")
    found = effects_variance(effects, "CR1")
    assert found.std_error[0] == pytest.approx(std_errors(effects)[0] * np.sqrt(10 / 9))
    assert found.covariance[0, 0] == pytest.approx(found.std_error[0] ** 2)
    assert found.df.tolist() == [9.0]


def test_a_cohort_in_one_cluster():
    design = grouped(straddling=False)
    clusters = np.where(design.cohort == 2020, "alone", design.clusters)
    effects = estimate(dataclasses.replace(design, clusters=clusters), "group_time")
    found = effects_variance(effects, "CR2")
    first = (effects.labels["cohort"] == 2020).to_numpy()
    # a row of one treated cluster has no standard error to begin with; an aggregate needs the reason of its own
    assert np.isnan(found.std_error[first]).all()
    assert np.isfinite(found.std_error[~first & (effects.estimate != 0)]).all()
    overall = effects_variance(effects.aggregate("overall"), "CR3")
    assert overall.reasons == (ONE_OF_COHORT.format(2020),)
    assert np.isnan(overall.std_error[0])
    assert np.isnan(overall.df[0])
    slow = jackknife(dataclasses.replace(design, clusters=clusters), effects).variance
    assert {reason for reason, mine in zip(slow.reasons, first, strict=True) if mine} == {ONE_TREATED}
    assert np.isfinite(slow.std_error[~first]).all()


def test_reduced_influence_serves_every_formula():
    effects = estimate(grouped(straddling=False), "group_time").aggregate("event")
    reduced = reduce_bias(effects, "CR2")
    table = inference_table(reduced)
    np.testing.assert_array_equal(table["std_error"], effects_variance(effects, "CR2").std_error)
    assert reduced.overall is not None
    assert std_errors(reduced.overall)[0] > std_errors(effects.overall)[0]
    assert reduced.info["se_convention"].startswith("CR2")
    np.testing.assert_array_equal(np.asarray(effects.influence).shape, np.asarray(reduced.influence).shape)


def test_jackknife_of_a_regression_is_cr3():
    design = awkward()
    effects = estimate(design, "two_way", form="event")
    found = jackknife(design, effects)
    expected = cluster_variance(fit_design(design, form="event"), "CR3").to_frame().set_index("name")
    kept = [name in expected.index for name in effects.labels["name"]]
    errors = expected.loc[effects.labels["name"][kept], "std_error"]
    np.testing.assert_allclose(found.variance.std_error[kept], errors, rtol=1e-8)
    assert found.without.shape == (10, len(effects.estimate))


@pytest.mark.parametrize(("method", "kind"), [("imputation", "overall"), ("sun_abraham", "event"), ("two_way", "")])
def test_every_method_can_leave_out(method, kind):
    design = simulate(n=24, gaps=0.0)
    effects = estimate(design, method)
    effects = effects.aggregate(kind) if kind else effects
    found = jackknife(design, effects).variance
    defined = np.isfinite(std_errors(effects))
    ratio = found.std_error[defined] / std_errors(effects)[defined]
    assert ((ratio > 0.9) & (ratio < 2)).all()


def test_conventions():
    rng = np.random.default_rng(1)
    without, point = rng.normal(size=(7, 2)), rng.normal(size=2)
    changes, spread = without - point, without - without.mean(axis=0)
    np.testing.assert_allclose(jackknife_covariance(point, without), changes.T @ changes)
    np.testing.assert_allclose(jackknife_covariance(point, without, "CV3"), changes.T @ changes * 6 / 7)
    np.testing.assert_allclose(jackknife_covariance(point, without, "CV3J"), spread.T @ spread * 6 / 7)


def test_where_a_cluster_cannot_be_left_out():
    design = grouped(straddling=True)
    clusters = np.where(design.cohort == 2021, "late", "a")
    clusters = np.where((np.arange(60) % 2 == 0) & (clusters == "a"), "b", clusters)
    only = dataclasses.replace(design, clusters=clusters, cohort=np.where(design.cohort == 2021, np.inf, design.cohort))
    # the treated lie in "a" and "b", the untreated in all three
    whole = estimate(only, "group_time").aggregate("overall")
    assert np.isfinite(jackknife(only, whole).variance.std_error[0])
    labels = np.where(np.isfinite(only.cohort), np.where(np.arange(60) % 2 == 0, "a", "b"), "c")
    bare = dataclasses.replace(only, clusters=labels)
    effects = dataclasses.replace(whole, clusters=labels, labels=whole.labels.assign(n_treated=2, n_comparison=2))
    found = jackknife(bare, effects)
    assert found.variance.reasons == (NOT_WITHOUT.format("c"),)
    assert np.isnan(found.variance.std_error[0])
    assert np.isfinite(found.without[:2]).all()


def test_wrong_use():
    design = awkward(k=1)
    effects = estimate(design, "group_time")
    with pytest.raises(EvaltoolkitError, match=r'no kind "CR4".*CR1, CR2'):
        effects_variance(effects, "CR4")
    with pytest.raises(RefusedError, match="jackknife"):
        effects_variance(effects, "CR2")
    with pytest.raises(RefusedError, match="not held by cohort"):
        reduce_bias(effects, "CR2")
    with pytest.raises(EvaltoolkitError, match=r'no convention "CV2".*CV3'):
        jackknife(design, effects, convention="CV2")
    other = dataclasses.replace(design, outcome=design.outcome * 2)
    with pytest.raises(EvaltoolkitError, match="gives other numbers"):
        jackknife(other, effects)
    with pytest.raises(EvaltoolkitError, match="do not say by which method"):
        jackknife(design, dataclasses.replace(effects, info={}))
    again = jackknife(
        design, dataclasses.replace(effects, info={}), again=lambda one: estimate(one, "group_time")
    ).variance
    assert np.isfinite(again.std_error).any()


def test_an_outcome_without_variation_stays_without_error():
    design = simulate()
    effects = estimate(dataclasses.replace(design, outcome=np.zeros_like(design.outcome)), "group_time")
    found = effects_variance(effects, "CR2")
    assert np.isnan(found.std_error).all()
    assert NO_VARIATION in found.reasons


def test_size_with_few_treated():
    """Five of thirty treated, no effect: 600 draws; nominal 5 % plus three Monte Carlo errors is 7.67 %.

    The normal interval of the plain influence is far beyond.
    """
    rng = np.random.default_rng(5)
    design = simulate(n=30, times=(2018, 2019, 2020, 2021), cohorts=(2020,))
    design = dataclasses.replace(design, cohort=np.where(np.arange(30) < 5, 2020.0, np.inf))
    plain = reduced = 0
    draws = 600
    for _ in range(draws):
        drawn = dataclasses.replace(design, outcome=rng.normal(size=(30, 4)) + rng.normal(size=(30, 1)))
        effects = estimate(drawn, "group_time").aggregate("overall")
        plain += abs(effects.estimate[0] / std_errors(effects)[0]) > 1.959964
        reduced += effects_variance(effects, "CR2").to_frame()["p_value"].iloc[0] < 0.05
    allowed = 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws)
    assert reduced / draws < allowed
    assert plain / draws > 1.5 * allowed
