"""Imputed effects against R didimputation 0.5.0 and did2s 1.2.0: all entries, all rows."""

import numpy as np
import pandas as pd
import pytest
from imputation_cases import COVARIATES, ENTRIES, Dense, by_rows, cluster_error, dense, read_case, split

from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.imputation_fit import Regressors, fit_untreated
from evaltoolkit.estimators.registry import estimate

# R's first stage stops at fixest's default tolerance of 1e-6.
R = {"rtol": 1e-7, "atol": 1e-7}
EXACT = {"rtol": 1e-9, "atol": 1e-10}


def aggregate(effects, design, labels):
    """Estimates and influence of the labels of an entry: by rows, as R does."""
    cohort, time = (effects.labels[name].to_numpy() for name in ("cohort", "time"))
    static = labels[0] in ("treat", "d::1")
    groups = [time >= cohort] if static else [time - cohort == int(label) for label in labels]
    return by_rows(effects, design, np.array(groups))


def errors_like_r(rows, package, labels, clusters):
    method = rows.conservative if package == "bjs" else rows.gardner
    return np.array([method(label, clusters) for label in labels])


def small_sample(frame, covariates, clusters, leads=3):
    """Factor of fixest's default clustered errors of the leads: units are nested in clusters and do not count."""
    rows = (frame["d"] == 0).sum()
    n_clusters = frame.loc[frame["d"] == 0, clusters].nunique()
    periods = frame["year"].nunique()
    count = leads + periods + len(COVARIATES[covariates]) * (periods - 1)
    return np.sqrt(n_clusters / (n_clusters - 1) * (rows - 1) / (rows - count))


@pytest.mark.parametrize("name", ENTRIES)
def test_entry(name):
    package, panel, covariates, weights, clusters, kind = split(name)
    design, options, labels, expected, frame = read_case(name)
    effects = estimate(design, "imputation", **options)
    assert len(effects.units) == len(design.units)
    assert all(np.isfinite(effects.estimate))
    points, influence = aggregate(effects, design, labels)
    errors = cluster_error(influence, design.clusters)
    np.testing.assert_allclose(points, expected["estimate"], **R)
    lead = np.array([package == "bjs" and kind == "es" and int(label) < 0 for label in labels])
    after = [label for label, early in zip(labels, lead, strict=True) if not early]
    if lead.any():
        factor = small_sample(frame, covariates, clusters)
        np.testing.assert_allclose(errors[lead] * factor, expected["se"][lead], **R)
    # the toolkit against every dummy written out: always
    exact = dense(ENTRIES[name]["panel"], covariates, weights)
    np.testing.assert_allclose(errors[~lead], errors_like_r(exact, package, after, clusters), **EXACT)
    # R against the same with its two faults (README.md): always; without them where they do not bite
    faulty = dense(ENTRIES[name]["panel"], covariates, weights, package=package, faulty=True)
    np.testing.assert_allclose(errors_like_r(faulty, package, after, clusters), expected["se"][~lead], **R)
    if covariates == "none" and (weights == "none" or package == "did2s"):
        np.testing.assert_allclose(errors[~lead], expected["se"][~lead], **R)
    else:
        assert not np.allclose(errors[~lead], expected["se"][~lead], **R)
    if panel == 1:
        result = effects.aggregate("overall" if kind == "static" else "event")
        np.testing.assert_allclose(result.estimate, points, **EXACT)
        np.testing.assert_allclose(std_errors(result), errors, **EXACT)
        if kind == "es":
            np.testing.assert_array_equal(result.labels["event_time"], [int(label) for label in labels])


def test_covariates_misplaced_by_r_belong_to_other_units():
    """The fault is told by R's own point estimates: they take the covariates in their place."""
    *_, expected, frame = read_case("bjs_1_x_none_unit_static")
    assert Dense(frame, "x", "none").estimate("treat") == pytest.approx(expected["estimate"][0], abs=1e-7)
    right, wrong = Dense(frame, "x", "none"), Dense(frame, "x", "none", matrix_of_r=True)
    root = ~right.d
    refit = wrong.x @ np.linalg.lstsq(wrong.x[root], frame["y"].to_numpy()[root], rcond=None)[0]
    assert abs((frame["y"] - refit)[right.d].mean() - expected["estimate"][0]) > 0.1


@pytest.mark.shared
def test_heterogeneous_effects_of_did2s(shared):
    """df_het with state and year effects, clustered by state: 2.152214632405348 (.04760659497297119) from R.

    Its effects belong to states, with treated and untreated units in the same state and year; a design has unit
    effects. So the regression itself is tested, with states as units: untreated means by state and year, weighted by
    their number, and the treated mean of each state and year held against its prediction.
    """
    frame = pd.read_csv(shared / "golden" / "published" / "df_het.csv.gz")
    parts = {
        treated: frame[frame["treat"] == treated].pivot_table(
            index="state", columns="year", values="dep_var", aggfunc=["mean", "size"]
        )
        for treated in (False, True)
    }
    states, years = np.unique(frame["state"]), np.unique(frame["year"])
    tables = {
        (treated, what): part[what].reindex(index=states, columns=years).fillna(0.0).to_numpy(float)
        for treated, part in parts.items()
        for what in ("mean", "size")
    }
    n = len(states)
    fit = fit_untreated(Regressors(tables[False, "size"], np.ones((n, 1)), np.zeros((n, len(years), 0))))
    rest, _ = fit.residuals(tables[False, "mean"])
    effect = tables[True, "mean"] - (tables[False, "mean"] - rest)
    share = tables[True, "size"] / tables[True, "size"].sum()
    point = (share * effect).sum()
    assert point == pytest.approx(2.152214632405348, abs=1e-7)
    direction = fit.inverse @ fit.moments(np.arange(n), share).sum(axis=1, keepdims=True)
    scores = (share * (effect - point)).sum(axis=1) - fit.scores(tables[False, "size"] * rest, direction)[:, 0]
    assert np.sqrt((scores**2).sum()) == pytest.approx(0.04760659497297119, abs=1e-7)
