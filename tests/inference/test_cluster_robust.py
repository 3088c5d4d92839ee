"""CR0 to CR3 and their degrees of freedom: against dense algebra, refits, and simulated sizes fixed beforehand."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "estimators"))

from robust_cases import by_the_books, make_case, slopes
from two_way_designs import awkward

from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError, FaultsError
from evaltoolkit.inference.cluster_blocks import PLAIN, SQUARE_ROOT, estimating_rows, nested
from evaltoolkit.inference.cluster_robust import (
    NOT_DETERMINED,
    NOT_POSITIVE,
    ONE_CLUSTER,
    SOLE,
    cluster_variance,
    repair,
    two_way_variance,
)
from evaltoolkit.inference.linear_fit import fit_design, fit_linear, recluster, sum_by
from evaltoolkit.inference.period_hac import driscoll_kraay
from evaltoolkit.inference.satterthwaite import satterthwaite_df
from evaltoolkit.inference.student import student_critical, student_p

EVERY = [(w, c) for w in ("rows", "units", "none") for c in ("nested", "units", "periods", "rows", "mixed")]


def fit_case(case):
    return fit_linear(*case.arguments, weights=case.weights, clusters=case.clusters)


@pytest.mark.parametrize(("weights", "clusters"), EVERY)
@pytest.mark.parametrize("kind", ["CR0", "CR2", "CR3"])
def test_dense_algebra(weights, clusters, kind):
    case = make_case(weights=weights, clusters=clusters)
    found = cluster_variance(fit_case(case), kind)
    variance, df = by_the_books(case, kind)
    assert found.reasons == ("", "")
    np.testing.assert_allclose(found.estimate, slopes(case, np.ones(len(case.y), bool)), rtol=1e-9)
    np.testing.assert_allclose(found.std_error, np.sqrt(variance), rtol=1e-8)
    np.testing.assert_allclose(found.df, df, rtol=1e-8)


@pytest.mark.parametrize("weights", ["rows", "none"])
@pytest.mark.parametrize("clusters", ["nested", "units", "periods", "mixed"])
def test_cr3_is_the_jackknife(weights, clusters):
    case = make_case(weights=weights, clusters=clusters)
    fit = fit_case(case)
    changes = np.array([slopes(case, case.clusters != label) - fit.estimate for label in np.unique(case.clusters)])
    np.testing.assert_allclose(cluster_variance(fit, "CR3").covariance, changes.T @ changes, rtol=1e-8)


@pytest.mark.parametrize(
    ("weights", "clusters"),
    [(w, c) for w in ("units", "none") for c in ("nested", "mixed", "rows")] + [("rows", "rows")],
)
def test_cr2_is_unbiased_under_the_working_model(weights, clusters):
    """The mean of a quadratic form under independent errors of variance one is its sum over unit vectors."""
    case = make_case(n=12, periods=4, groups=4, weights=weights, clusters=clusters)
    fit = fit_case(case)
    mean = np.zeros(2)
    for j in range(len(case.y)):
        one = fit_linear(
            np.eye(len(case.y))[j], case.x, case.unit, case.period, weights=case.weights, clusters=case.clusters
        )
        mean += np.diag(cluster_variance(one, "CR2").covariance)
    np.testing.assert_allclose(mean, (estimating_rows(fit, PLAIN).rows ** 2).sum(axis=0), rtol=1e-8)


def test_the_two_ways_to_cr2_are_one():
    """Equal weights go through small matrices; a hair's difference goes through blocks."""
    case = make_case(weights="none")
    nearly = case.weights * np.where(np.arange(len(case.y)) == 0, 1 + 1e-10, 1.0)
    first, second = fit_case(case), fit_case(case._replace(weights=nearly))
    assert nested(first)
    rows = [estimating_rows(one, SQUARE_ROOT).rows for one in (first, second)]
    np.testing.assert_allclose(rows[0], rows[1], rtol=1e-6, atol=1e-9)


def test_nothing_depends_on_the_scale_of_weights_or_on_levels():
    case = make_case(weights="units")
    moved = case._replace(
        weights=case.weights * 1e4, y=case.y + 1e5 * (case.unit + 1.0) + 300 * case.period, x=case.x * [1.0, 1.0]
    )
    for kind in ("CR1S", "CR2", "CR3"):
        first, second = (cluster_variance(fit_case(one), kind) for one in (case, moved))
        np.testing.assert_allclose(first.std_error, second.std_error, rtol=1e-5)
        np.testing.assert_allclose(first.df, second.df, rtol=1e-9)


def test_factors():
    fit = fit_case(make_case())
    plain, rows, groups = cluster_variance(fit, "CR0").covariance, len(fit.residual), 6
    few = groups / (groups - 1)
    parameters = 24 + 4 + 2
    assert fit.n_parameters == parameters
    np.testing.assert_allclose(cluster_variance(fit, "CR1").covariance, plain * few)
    for count, k in (("all", parameters), ("slopes", 6)):
        found = cluster_variance(fit, "CR1S", count=count).covariance
        np.testing.assert_allclose(found, plain * few * (rows - 1) / (rows - k))


def test_a_slope_that_one_cluster_determines():
    case = make_case()
    alone = case._replace(x=np.column_stack([(case.clusters == 2) * (case.period > 2), case.x[:, 1]]).astype(float))
    for kind in ("CR2", "CR3"):
        for weights in (alone.weights, np.ones(len(alone.y))):
            found = cluster_variance(fit_case(alone._replace(weights=weights)), kind)
            assert found.reasons == (SOLE.format("2"), "")
            assert np.isnan(found.std_error[0])
            assert np.isnan(found.df[0])
            assert found.std_error[1] > 0
    row = cluster_variance(fit_case(alone), "CR2").to_frame().iloc[0]
    assert np.isnan(row[["conf_low", "conf_high", "p_value"]].to_numpy(float)).all()
    assert not row["reliable"]


def test_collinear_regressors_have_no_slope():
    case = make_case()
    by_unit = np.random.default_rng(1).normal(size=24)[case.unit]
    found = cluster_variance(fit_linear(case.y, np.column_stack([case.x, by_unit]), case.unit, case.period), "CR2")
    assert found.reasons == ("", "", NOT_DETERMINED)
    assert np.isnan(found.estimate[2])
    twice = fit_linear(case.y, case.x[:, [0, 0, 1]], case.unit, case.period)
    assert cluster_variance(twice, "CR3").reasons == (NOT_DETERMINED, NOT_DETERMINED, "")


def test_without_variance():
    case = make_case()
    one = cluster_variance(fit_case(case._replace(clusters=np.zeros(len(case.y)))), "CR1")
    assert one.reasons == (ONE_CLUSTER, ONE_CLUSTER)
    assert np.isnan(one.std_error).all()
    exact = fit_linear(2.0 * case.x[:, 0], case.x, case.unit, case.period)
    assert cluster_variance(exact, "CR2").reasons[0] == NOT_POSITIVE


def test_two_ways():
    case = make_case(2)
    fit = fit_case(case)
    both = two_way_variance(fit, case.clusters, case.period, kind="CR0")
    assert not both.repaired
    pairs = np.unique(np.stack([case.clusters, case.period]), axis=1, return_inverse=True)[1].ravel()
    parts = [by_the_books(case._replace(clusters=labels), "CR0")[0] for labels in (case.clusters, case.period, pairs)]
    np.testing.assert_allclose(both.std_error**2, parts[0] + parts[1] - parts[2], rtol=1e-8)
    assert both.df.tolist() == [4.0, 4.0]
    # one way inside the other: the outer one decides, up to its own factor
    inner = two_way_variance(fit, case.clusters, case.unit, kind="CR0")
    np.testing.assert_allclose(inner.covariance, cluster_variance(fit, "CR0").covariance, rtol=1e-9)


def test_two_ways_may_cancel():
    """Some panels give a negative sum: no standard error, and the covariance is repaired."""
    negative = 0
    for seed in range(40):
        case = make_case(seed, n=8, periods=3, groups=3, gaps=0.0)
        fit = fit_case(case)
        if np.isnan(fit.estimate).any():
            continue
        found = two_way_variance(fit, case.clusters, case.period, kind="CR0")
        assert np.linalg.eigvalsh(found.covariance)[0] > -1e-10
        raw = found.reasons != ("", "")
        negative += raw
        assert found.repaired or not raw
        assert np.isnan(found.std_error).tolist() == [reason == NOT_POSITIVE for reason in found.reasons]
    assert negative > 0


def test_repair():
    matrix = np.array([[1.0, 2.0, np.nan], [2.0, 1.0, np.nan], [np.nan, np.nan, np.nan]])
    out, changed = repair(matrix)
    assert changed
    np.testing.assert_allclose(out[:2, :2], [[1.5, 1.5], [1.5, 1.5]])
    assert np.isnan(out[2]).all()
    assert not repair(np.eye(2))[1]
    assert not repair(np.full((1, 1), np.nan))[1]


def test_shared_shocks_over_time():
    case = make_case()
    fit = fit_case(case)
    np.testing.assert_allclose(
        driscoll_kraay(fit, 0), cluster_variance(recluster(fit, case.period), "CR0").covariance, rtol=1e-10
    )
    scores = sum_by(estimating_rows(fit, PLAIN).rows * fit.residual[:, None], fit.period, 5)
    weights = np.maximum(1 - np.abs(np.subtract.outer(np.arange(5), np.arange(5))) / 3, 0)
    np.testing.assert_allclose(driscoll_kraay(fit, 2), scores.T @ weights @ scores, rtol=1e-10)
    with pytest.raises(EvaltoolkitError, match="between 0 and 4"):
        driscoll_kraay(fit, 5)


@pytest.mark.parametrize("form", ["static", "event"])
def test_the_door_from_a_design(form):
    design = awkward(controls=2, k=1)
    effects = estimate(design, "two_way", form=form)
    fit = fit_design(design, form=form)
    found = cluster_variance(fit, "CR0")
    named = effects.labels.set_index("name").assign(estimate=effects.estimate, error=std_errors(effects))
    kept = [name for name in fit.names if not name.startswith("adjustment")]
    assert set(kept) == {name for name, reason in zip(named.index, effects.reasons, strict=True) if not reason}
    np.testing.assert_allclose(fit.estimate[: len(kept)], named.loc[kept, "estimate"], rtol=1e-8)
    np.testing.assert_allclose(found.std_error[: len(kept)], named.loc[kept, "error"], rtol=1e-8)


def test_wrong_use():
    case = make_case()
    with pytest.raises(EvaltoolkitError, match=r'no kind "CR4".*CR0, CR1'):
        cluster_variance(fit_case(case), "CR4")
    with pytest.raises(EvaltoolkitError, match='no kind "CR2" here'):
        two_way_variance(fit_case(case), case.clusters, case.period, kind="CR2")
    with pytest.raises(FaultsError, match=r"(?s)missing in some rows.*not positive"):
        fit_linear(case.y * np.nan, case.x, case.unit, case.period, weights=case.weights * 0)
    with pytest.raises(FaultsError, match="one value per row"):
        fit_linear(case.y, case.x, case.unit[1:], case.period)
    with pytest.raises(EvaltoolkitError, match="one per row"):
        recluster(fit_case(case), case.clusters[1:])
    with pytest.raises(EvaltoolkitError, match="between 0 and 1"):
        cluster_variance(fit_case(case)).to_frame(level=95)


def rejections(correlation, *, n_treated, draws=4000, seed=20):
    """Shares of 5 % tests that reject a true zero: 20 districts over six years, a few treated from half on."""
    rng = np.random.default_rng(seed)
    n, periods = 20, 6
    unit, period = np.divmod(np.arange(n * periods), periods)
    treated = ((unit < n_treated) & (period >= 3)).astype(float)
    fit = fit_linear(np.zeros(n * periods), treated, unit, period)
    shape = (n, periods, draws)
    shared = np.zeros(shape)
    shared[:, 0] = rng.normal(size=(n, draws))
    for t in range(1, periods):
        step = rng.normal(size=(n, draws)) * np.sqrt(1 - correlation**2)
        shared[:, t] = correlation * shared[:, t - 1] + step
    y = shared.reshape(-1, draws)
    inner = (shared - shared.mean(axis=1, keepdims=True)).reshape(-1, draws)
    slopes_ = fit.columns.T @ inner
    residual, beta = inner - fit.columns @ slopes_, (fit.loading.T @ slopes_)[0]
    np.testing.assert_allclose(beta[0], fit_linear(y[:, 0], treated, unit, period).estimate[0], rtol=1e-9)
    out = {}
    for kind, exponent in (("CR1", PLAIN), ("CR2", SQUARE_ROOT)):
        rows = estimating_rows(fit, exponent).rows
        scores = sum_by(rows * residual, fit.clusters, n)
        error = np.sqrt((scores**2).sum(axis=0) * (n / (n - 1) if kind == "CR1" else 1.0))
        df = np.full(1, n - 1.0) if kind == "CR1" else satterthwaite_df(fit, rows)
        out[kind] = float((np.abs(beta) > student_critical(0.95, df) * error).mean())
    return out


@pytest.mark.parametrize(("correlation", "n_treated"), [(0.0, 3), (0.6, 3), (0.0, 5), (0.6, 5)])
def test_size_with_few_treated(correlation, n_treated):
    """Nominal 5 %, three Monte Carlo standard errors of 4,000 draws above: 6.03 %; CR1 with G-1 is beyond."""
    found = rejections(correlation, n_treated=n_treated)
    allowed = 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)
    assert found["CR2"] < allowed
    assert found["CR1"] > allowed


def test_student():
    assert student_p(np.array([2.0, np.nan]), np.array([5.0, 5.0]))[0] == pytest.approx(0.1019394793)
    assert student_critical(0.95, np.array([5.0]))[0] == pytest.approx(2.5705818356)
