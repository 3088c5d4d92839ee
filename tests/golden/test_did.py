"""Group-time effects against R `did` 2.5.1: all entries, all rows, all aggregations."""

import numpy as np
import pytest
from did_cases import ENTRIES, read_case

from evaltoolkit.effects.aggregate import aggregate_effects
from evaltoolkit.effects.inference import chi_square_tail, joint_wald, std_errors
from evaltoolkit.estimators import adjustment, cross_sections
from evaltoolkit.estimators.logit import Logit
from evaltoolkit.estimators.registry import estimate

TO = {"simple": "overall", "dynamic": "event", "group": "cohort", "calendar": "calendar"}
EXACT = {"rtol": 1e-10, "atol": 1e-10}
# R's glm stops early, see README.md.
LOGIT = {"rtol": 3e-7, "atol": 3e-8}


def has_logit(options, design):
    return options["adjust"] != "reg" and bool(design.covariates.shape[1])


def numbers(values):
    return np.array(
        [np.nan if value is None else value for value in np.atleast_1d(np.array(values, dtype=object))], float
    )


def window(kind):
    if "balance" in kind:
        return {"balance_event": int(kind[-1])}
    return {"min_event": -2, "max_event": 2} if "min" in kind else {}


def check_aggregation(effects, kind, expected, tolerance):
    result = aggregate_effects(effects, TO[kind.split("_")[0]], **window(kind))
    overall = result.overall or result
    np.testing.assert_allclose(overall.estimate, expected["overall_att"], **tolerance)
    np.testing.assert_allclose(std_errors(overall), expected["overall_se"], **tolerance)
    if "egt" not in expected:
        return
    defined = np.isfinite(result.estimate)
    np.testing.assert_array_equal(result.labels.iloc[:, 0][defined], numbers(expected["egt"]))
    np.testing.assert_allclose(result.estimate[defined], numbers(expected["att"]), **tolerance)
    np.testing.assert_allclose(std_errors(result)[defined], numbers(expected["se"]), **tolerance)
    if "vcov_iid" in expected:
        psi = result.influence[:, defined]
        np.testing.assert_allclose((psi.T @ psi / len(psi) ** 2).ravel(), expected["vcov_iid"], **tolerance)


def pre_period_sign_of_r(rows, fits):
    """`compare_rows` weighting with the pre-period regression's influence signed as in DRDID::drdid_rc."""
    result = _WEIGHTING(rows, fits)
    fit = fits.get((False, False))
    if fit is None or result.reason:
        return result
    score = cross_sections.fit_logit(rows.treated.astype(float), rows.regressors, rows.weights).probability
    odds = rows.weights * ~rows.treated * score / (1 - score) * ~rows.post
    own = rows.weights * rows.treated * ~rows.post
    imbalance = own @ rows.regressors / own.sum() - odds @ rows.regressors / odds.sum()
    return result._replace(influence=result.influence - 2 * fit.slopes @ imbalance)


_WEIGHTING = cross_sections._weighting


@pytest.mark.parametrize("name", ENTRIES)
def test_did_entry(name, monkeypatch):
    design, options, entry = read_case(name)
    expected = entry["result"]
    if options["missing"] == "repeated_cross_sections" and options["adjust"] == "dr":
        monkeypatch.setattr(cross_sections, "_weighting", pre_period_sign_of_r)
    tolerance = LOGIT if has_logit(options, design) else EXACT
    effects = estimate(design, "group_time", **options)
    defined = np.isfinite(effects.estimate)
    assert all(effects.reasons[i] for i in np.flatnonzero(~defined))
    np.testing.assert_array_equal(effects.labels["cohort"][defined], expected["group"])
    np.testing.assert_array_equal(effects.labels["time"][defined], expected["time"])
    np.testing.assert_allclose(effects.estimate[defined], expected["att"], **tolerance)
    np.testing.assert_allclose(std_errors(effects)[defined], numbers(expected["se"]), **tolerance)
    assert expected["n_units"] == len(effects.units)
    test = joint_wald(effects, (effects.labels["time"] < effects.labels["cohort"]).to_numpy())
    np.testing.assert_allclose(test.statistic, numbers(expected["W"])[0], rtol=1e-9 if tolerance is EXACT else 3e-6)
    np.testing.assert_allclose(chi_square_tail(test.statistic, test.df), expected["Wpval"], atol=6e-6)
    kinds = [kind for kind in entry["extra"] if isinstance(entry["extra"][kind], dict)]
    assert set(TO) <= set(kinds)
    for kind in kinds:
        check_aggregation(effects, kind, entry["extra"][kind], tolerance)


def glm_of_r(treated, regressors, weights):
    """Iteratively reweighted least squares with the start and the stopping rule of R's glm."""

    def deviance(mean):
        return -2 * np.sum(weights * np.log(np.where(treated > 0, mean, 1 - mean)))

    scale = weights.mean()
    weights = weights / scale
    mean = (weights * treated + 0.5) / (weights + 1)
    predictor, last = np.log(mean / (1 - mean)), np.inf
    while abs(deviance(mean) - last) / (abs(deviance(mean)) + 0.1) >= 1e-8:
        last, spread = deviance(mean), mean * (1 - mean)
        information = (regressors * (weights * spread)[:, None]).T @ regressors
        working = predictor + (treated - mean) / spread
        predictor = regressors @ np.linalg.solve(information, regressors.T @ (weights * spread * working))
        mean = 1 / (1 + np.exp(-predictor))
    return Logit(mean, np.linalg.inv(information) / scale, "")


@pytest.mark.parametrize("name", [name for name in ENTRIES if has_logit(read_case(name)[1], read_case(name)[0])])
def test_did_points_agree_when_the_logit_stops_as_in_r(name, monkeypatch):
    design, options, entry = read_case(name)
    for module in (adjustment, cross_sections):
        monkeypatch.setattr(module, "fit_logit", glm_of_r)
    effects = estimate(design, "group_time", **options)
    np.testing.assert_allclose(
        effects.estimate[np.isfinite(effects.estimate)], entry["result"]["att"], rtol=1e-10, atol=1e-10
    )
