"""Poisson with two-way effects: against a likelihood with every dummy, zeros, separation, and what must not matter."""

from dataclasses import replace

import numpy as np
import pytest
from two_way_designs import awkward, dummies, event_columns, reversing

from evaltoolkit.effects.inference import covariance, std_errors
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.estimators.two_way import COLLINEAR
from evaltoolkit.estimators.two_way_poisson import ONLY_ZEROS, SEPARATED
from evaltoolkit.findings import EvaltoolkitError

EFFECTS = ["unit_period", "unit_trends", "cluster_period"]


def on(design):
    return (design.times >= design.cohort[:, None]).astype(float)


def counts(seed, *, level=2.0, exposure=True, **options):
    """Awkward designs whose outcome is a count per inhabitant."""
    design = awkward(seed, **options)
    rng = np.random.default_rng(seed + 1)
    people = rng.uniform(0.5, 3, design.outcome.shape)
    mean = level * people * np.exp(0.4 * rng.normal(size=(60, 1)) + 0.3 * on(design))
    outcome = np.where(np.isfinite(design.outcome), rng.poisson(mean), np.nan)
    return replace(design, outcome=outcome, exposure=people if exposure else None)


def dense(design, columns, effects="unit_period"):
    """Newton steps with all dummies: coefficients and influence (n, k) of (n, T) ``columns``."""
    unit, period = np.nonzero(np.isfinite(design.outcome))
    clusters = np.unique(design.clusters, return_inverse=True)[1]
    parts = [dummies(unit), dummies(period)]
    if effects == "cluster_period":
        parts = [dummies(unit), dummies(clusters[unit] * 1000 + period)]
    if effects == "unit_trends":
        parts.append(dummies(unit) * (design.times[period] - design.times.mean())[:, None])
    parts += [covariate[unit, None] * dummies(period) for covariate in design.covariates.T]
    if design.controls is not None:
        parts.append(design.controls[unit, period])
    x = np.column_stack([np.column_stack([column[unit, period] for column in columns]), *parts])
    w, y, k = design.weights[unit], design.outcome[unit, period], len(columns)
    offset = np.zeros(len(y)) if design.exposure is None else np.log(design.exposure[unit, period])
    left, size, right = np.linalg.svd(x, full_matrices=False)
    kept = size > 1e-9 * size[0]
    back = right[kept].T / size[kept]
    q, b = left[:, kept], np.zeros(kept.sum())
    b = np.linalg.lstsq(q, np.log((y + y.mean()) / 2) - offset, rcond=None)[0]
    for _ in range(60):
        mean = np.exp(offset + q @ b)
        b = b + np.linalg.solve((q * (w * mean)[:, None]).T @ q, q.T @ (w * (y - mean)))
    mean = np.exp(offset + q @ b)
    inverse = np.linalg.inv((q * (w * mean)[:, None]).T @ q)
    scores = (q * (w * (y - mean))[:, None]) @ inverse @ back.T[:, :k]
    influence = np.array([scores[unit == i].sum(axis=0) for i in range(len(design.units))])
    return (back @ b)[:k], len(design.units) * influence


CASES = {
    "balanced": lambda: counts(3, gaps=0.0),
    "gaps, weights and exposure": lambda: counts(4),
    "without exposure": lambda: counts(5, exposure=False),
    "covariates and controls": lambda: counts(6, k=1, controls=1),
}


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("case", CASES)
def test_it_is_the_likelihood_with_dummies(case, effects):
    # many incidents: no unit, period or trend has zeros only
    design = CASES[case]()
    design = replace(design, outcome=design.outcome + 1)
    slopes, influence = dense(design, [on(design)], effects)
    for engine, close in (("exact", 1e-9), ("linearmodels", 1e-7)):
        found = estimate(design, "two_way", family="poisson", effects=effects, engine=engine)
        np.testing.assert_allclose(found.estimate, slopes, rtol=close)
        np.testing.assert_allclose(found.influence, influence, atol=1e-8)
    event = estimate(design, "two_way", family="poisson", effects=effects, form="event")
    kept = np.array([reason == "" for reason in event.reasons])
    slopes, influence = dense(design, event_columns(design, event.labels["event_time"][kept]), effects)
    np.testing.assert_allclose(event.estimate[kept], slopes, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(event.influence[:, kept], influence, atol=1e-7)


def test_treatment_that_stops_is_the_regressor():
    design = reversing(4, gaps=0.0)
    outcome = np.random.default_rng(1).poisson(3, design.outcome.shape) + 1.0
    design = replace(design, outcome=outcome)
    found = estimate(design, "two_way", family="poisson")
    np.testing.assert_allclose(found.estimate, dense(design, [design.treatment])[0], rtol=1e-9)


def test_units_and_periods_of_zeros_are_listed_and_change_nothing():
    design = counts(7, level=3.0)
    outcome = np.where(np.isfinite(design.outcome), design.outcome + 1, np.nan)
    none = [3, 9, 20]
    outcome[none] = np.where(np.isfinite(outcome[none]), 0.0, np.nan)
    outcome[:, 0] = np.where(np.isfinite(outcome[:, 0]), 0.0, np.nan)
    design = replace(design, outcome=outcome)
    found = estimate(design, "two_way", family="poisson")
    assert set(found.info["dropped_units"][ONLY_ZEROS]) == {design.units[i] for i in none}
    kept = np.setdiff1d(np.arange(60), none)
    assert found.info["rows_with_zeros_only"] == np.isfinite(outcome[kept, 0]).sum()
    without = replace(
        design, **{name: getattr(design, name)[kept] for name in ("units", "cohort", "covariates", "clusters")},
        outcome=outcome[kept, 1:], exposure=design.exposure[kept, 1:], times=design.times[1:],
        weights=design.weights[kept] / design.weights[kept].mean(),
    )  # fmt: skip
    slopes, influence = dense(without, [on(without)])
    np.testing.assert_allclose(found.estimate, slopes, rtol=1e-9)
    np.testing.assert_allclose(found.influence, influence, atol=1e-8)


def test_an_event_time_of_zeros_has_no_ratio():
    """Nothing counted two years after the start: that coefficient runs away, all others stay as without these rows."""
    design = counts(8, gaps=0.0)
    outcome = design.outcome + 1
    gone = design.times - design.cohort[:, None] == 1
    outcome[gone] = 0
    effects = estimate(replace(design, outcome=outcome), "two_way", family="poisson", form="event")
    told = dict(zip(effects.labels["event_time"], effects.reasons, strict=True))
    assert told[1] == SEPARATED
    assert [time for time, reason in told.items() if not reason] == [-3, -2, 0, 2]
    assert effects.info["rows_separated"] == gone.sum()
    assert np.isnan(effects.estimate[4])
    assert np.isnan(effects.influence[:, 4]).all()
    without = replace(design, outcome=np.where(gone, np.nan, outcome))
    expected = estimate(without, "two_way", family="poisson", form="event")
    np.testing.assert_allclose(effects.estimate[[0, 1, 3, 5]], expected.estimate[[0, 1, 3, 4]], rtol=1e-9)
    np.testing.assert_allclose(std_errors(effects)[[0, 1, 3, 5]], std_errors(expected)[[0, 1, 3, 4]], rtol=1e-8)


def test_separation_by_a_trend():
    """A count in the last period only: with a trend of its own such a unit says nothing, and the others go on."""
    design = counts(9, gaps=0.0)
    outcome = design.outcome + 1
    outcome[11, :-1] = 0
    found = estimate(replace(design, outcome=outcome), "two_way", family="poisson", effects="unit_trends")
    assert found.info["rows_separated"] == 4
    without = replace(design, outcome=np.where((np.arange(60) == 11)[:, None], np.nan, outcome))
    expected = estimate(without, "two_way", family="poisson", effects="unit_trends")
    np.testing.assert_allclose(found.estimate, expected.estimate, rtol=1e-8)


def test_a_sparse_count_with_zeros_everywhere():
    design = counts(10, level=0.3)
    found = estimate(design, "two_way", family="poisson")
    left = found.info["dropped_units"][ONLY_ZEROS]
    assert len(left) + len(found.units) == 60
    assert np.isfinite(found.estimate).all()
    rescaled = estimate(replace(design, outcome=7 * design.outcome), "two_way", family="poisson")
    np.testing.assert_allclose(rescaled.estimate, found.estimate, rtol=1e-8)
    np.testing.assert_allclose(covariance(rescaled), covariance(found), rtol=1e-7)


def test_refusals():
    design = counts(11)
    with pytest.raises(EvaltoolkitError, match="has no exposure"):
        estimate(design, "two_way")
    negative = design.outcome.copy()
    negative[2, 3] = -1
    with pytest.raises(EvaltoolkitError, match="takes counts or amounts"):
        estimate(replace(design, outcome=negative), "two_way", family="poisson")
    nothing = np.where(design.treated[:, None] & np.isfinite(design.outcome), 0.0, design.outcome)
    with pytest.raises(EvaltoolkitError, match="No treated unit has any count"):
        estimate(replace(design, outcome=nothing), "two_way", family="poisson")


def test_all_treated_at_once_is_collinear():
    design = counts(12)
    effects = estimate(replace(design, cohort=np.full(60, 2020.0)), "two_way", family="poisson")
    assert effects.reasons == (COLLINEAR,)
    assert np.isnan(effects.estimate).all()


def test_the_factor_multiplies_every_clustered_variance():
    design = counts(13, gaps=0.0)
    plain = estimate(design, "two_way", family="poisson")
    scaled = estimate(design, "two_way", family="poisson", factor="fixest")
    rows, clusters = len(plain.units) * 5, 10
    if ONLY_ZEROS not in plain.info["dropped_units"]:
        assert rows == 300
    expected = clusters / (clusters - 1) * (rows - 1) / (rows - 1 - 5)
    np.testing.assert_allclose(covariance(scaled), expected * covariance(plain), rtol=1e-12)
    assert "fixest" in scaled.info["se_convention"]
