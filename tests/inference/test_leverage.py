"""Leverage and effective numbers of clusters: against dense algebra, by hand, and in the limits."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "estimators"))

from robust_cases import design_matrix, dummies, make_case, slopes
from small_designs import simulate

from evaltoolkit.effects.treated import equal_number
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.findings import EvaltoolkitError
from evaltoolkit.inference.effective_treated import effective_treated
from evaltoolkit.inference.leverage import ABSORBED, cluster_leverage, effective_clusters
from evaltoolkit.inference.linear_fit import fit_linear


def fit_case(case):
    return fit_linear(*case.arguments, weights=case.weights, clusters=case.clusters, names=("treated", "other"))


def hat(columns, weights):
    return columns @ np.linalg.pinv((columns * weights[:, None]).T @ columns, rcond=1e-11) @ (columns.T * weights)


@pytest.mark.parametrize("clusters", ["nested", "periods"])
def test_dense_algebra(clusters):
    case = make_case(clusters=clusters)
    found = cluster_leverage(fit_case(case))
    # what the other columns add to the unit effects
    extra = np.diag(hat(design_matrix(case), case.weights)) - np.diag(hat(dummies(case.unit), case.weights))
    labels = np.unique(case.clusters)
    expected = [extra[case.clusters == label].sum() for label in labels]
    np.testing.assert_allclose(found.leverage, expected, rtol=1e-8)
    assert found.leverage.sum() == pytest.approx(2 + 4)
    for j in range(2):
        others = np.delete(design_matrix(case), j, axis=1)
        free = case.x[:, j] - hat(others, case.weights) @ case.x[:, j]
        shares = np.array([(case.weights * free**2)[case.clusters == label].sum() for label in labels])
        np.testing.assert_allclose(found.partial[:, j], shares / shares.sum(), rtol=1e-8)
    for g, label in enumerate(labels):
        np.testing.assert_allclose(found.without[g], slopes(case, case.clusters != label), rtol=1e-8)


def test_table_names_the_weightiest_first():
    case = make_case()
    found = cluster_leverage(fit_case(case))
    table = found.to_frame("treated")
    assert table["partial_leverage"].is_monotonic_decreasing
    assert table["partial_leverage"].sum() == pytest.approx(1)
    assert table["rows"].sum() == len(case.y)
    np.testing.assert_allclose(table["change"], table["estimate_without"] - found.estimate[0])
    assert table.loc[0, "cluster"] == found.labels[found.partial[:, 0].argmax()]
    with pytest.raises(EvaltoolkitError, match='no slope "treat"'):
        found.to_frame("treat")


def two_arms(n_treated, n=24, periods=4):
    unit, period = np.divmod(np.arange(n * periods), periods)
    treated = ((unit < n_treated) & (period >= 2)).astype(float)
    return np.random.default_rng(1).normal(size=n * periods), treated, unit, period


def test_effective_number_by_the_formula():
    """G / (1 + Gamma), Gamma the squared coefficient of variation of the parts; dense, with correlation."""
    case = make_case(clusters="mixed")
    x = design_matrix(case)
    bread = np.linalg.pinv((x * case.weights[:, None]).T @ x, rcond=1e-11)
    for rho in (0.0, 0.4, 1.0):
        parts = []
        for label in np.unique(case.clusters):
            mine = case.clusters == label
            scores = (x * case.weights[:, None])[mine] @ bread[:, :2]
            working = (1 - rho) * np.eye(mine.sum()) + rho
            parts.append(np.diag(scores.T @ working @ scores))
        parts = np.array(parts)
        gamma = ((parts - parts.mean(axis=0)) ** 2).mean(axis=0) / parts.mean(axis=0) ** 2
        found = effective_clusters(fit_case(case), rho=rho)
        np.testing.assert_allclose(found.effective, len(parts) / (1 + gamma), rtol=1e-7)
        assert found.reasons == ("", "")


def test_effective_number_in_the_limits():
    half = effective_clusters(fit_linear(*two_arms(12)))
    assert half.effective[0] == pytest.approx(24)
    assert half.n_clusters == 24
    # the treated one of n units has (n-1)^2 times the part of each other one
    for n in (10, 40):
        one = effective_clusters(fit_linear(*two_arms(1, n=n)))
        assert one.effective[0] == pytest.approx((n * (n - 1)) ** 2 / ((n - 1) ** 4 + n - 1))


def test_what_units_share_is_absorbed():
    found = effective_clusters(fit_linear(*two_arms(4)), rho=1.0)
    assert np.isnan(found.effective[0])
    assert found.reasons == (ABSORBED,)
    with pytest.raises(EvaltoolkitError, match="between 0 and 1"):
        effective_clusters(fit_linear(*two_arms(4)), rho=2.0)


def test_equal_parts():
    np.testing.assert_allclose(equal_number(np.array([[1.0, 9.0, 1.0], [1.0, 0.0, 3.0]])), [2.0, 1.0, 1.6])
    assert np.isnan(equal_number(np.zeros((3, 1)))[0])


@pytest.mark.parametrize("adjust", [0, 1])
@pytest.mark.parametrize("kind", ["group_time", "event", "cohort", "calendar"])
def test_alike_clusters_count_fully(kind, adjust):
    """Also with covariates, where the influence is an array; every post-period of the row holds both cohorts alike."""
    design = simulate(n=30, k=adjust)
    effects = estimate(design, "group_time")
    rows = effects if kind == "group_time" else effects.aggregate(kind)
    table = effective_treated(rows)
    defined = table["effective_treated"].notna()
    assert defined.sum() >= 2
    np.testing.assert_allclose(table["effective_treated"][defined], table["n_treated"][defined])


def test_weights_by_hand():
    design = simulate(n=12, weights=np.r_[4.0, np.ones(11)])
    cohort = np.full(12, np.inf)
    cohort[:4], cohort[4:6] = 2020, 2021
    design = dataclasses.replace(design, cohort=cohort, weights=design.weights / design.weights.mean())
    effects = estimate(design, "group_time")
    rows = effective_treated(effects.aggregate("event")).set_index("event_time")["effective_treated"]
    # at two years only the first cohort is seen: 4, 1, 1, 1
    assert rows[2] == pytest.approx(7**2 / 19)
    assert rows[0] == pytest.approx(9**2 / 21)
    overall = effective_treated(effects.aggregate("overall"))["effective_treated"][0]
    # three years from 2020 on, two from 2021 on
    assert overall == pytest.approx((12 + 9 + 4) ** 2 / (12**2 + 3 * 9 + 2 * 4))
    together = dataclasses.replace(design, clusters=np.array(["a", "a", "b", "b", *design.clusters[4:]]))
    joined = effective_treated(estimate(together, "group_time"))
    first = joined[(joined["cohort"] == 2020) & (joined["time"] == 2020)]
    assert first["effective_treated"].iloc[0] == pytest.approx(7**2 / (5**2 + 2**2))


def test_other_methods_have_the_same_weights():
    design = simulate(n=12, weights=np.r_[4.0, np.ones(11)])
    expected = effective_treated(estimate(design, "group_time").aggregate("overall"))["effective_treated"][0]
    for method in ("imputation", "two_way"):
        effects = estimate(design, method)
        effects = effects if method == "two_way" else effects.aggregate("overall")
        assert effective_treated(effects)["effective_treated"].iloc[-1] == pytest.approx(expected)


def test_influence_tells_what_happened():
    design = simulate(n=60)
    outcome = design.outcome.copy()
    hit = np.flatnonzero(design.cohort == 2020)[0]
    outcome[hit, 3:] += 1000
    effects = estimate(dataclasses.replace(design, outcome=outcome), "group_time").aggregate("overall")
    assert effective_treated(effects, by="weights")["effective_treated"][0] > 35
    assert effective_treated(effects, by="influence")["effective_treated"][0] < 1.5
    psi = np.asarray(effects.influence)[np.isfinite(effects.cohort), 0]
    expected = (psi**2).sum() ** 2 / (psi**4).sum()
    assert effective_treated(effects, by="influence")["effective_treated"][0] == pytest.approx(expected)
    with pytest.raises(EvaltoolkitError, match=r'by "weight".*Did you mean "weights"'):
        effective_treated(effects, by="weight")


def test_references_and_mere_comparisons_have_no_treated():
    design = simulate(n=30, comparison="not_yet_treated", times=(2018, 2019, 2020, 2021))
    design = dataclasses.replace(design, cohort=np.where(np.isinf(design.cohort), 2021.0, design.cohort))
    effects = estimate(design, "group_time", base="universal")
    assert effects.info["comparison_only_cohorts"] == (2021.0,)
    table = effective_treated(effects)
    reference = table["time"] == 2019
    assert table["effective_treated"][reference].isna().all()
    # in 2021 nobody is left to compare with
    defined = np.isfinite(effects.estimate) & ~reference
    assert table["effective_treated"].notna().tolist() == defined.tolist()
    np.testing.assert_allclose(table["effective_treated"][defined], table["n_treated"][defined])
    overall = effective_treated(effects.aggregate("overall"))
    assert overall["effective_treated"][0] == pytest.approx(overall["n_treated"][0])
