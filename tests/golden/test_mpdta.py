"""County teen employment (mpdta): R `did` scenarios, and the covariate-adjusted numbers on which two peers agree."""

import numpy as np
import pandas as pd
import pytest
from did_cases import make_design

from evaltoolkit.effects.inference import chi_square_tail, joint_wald, std_errors
from evaltoolkit.estimators.registry import estimate

pytestmark = pytest.mark.shared
SCENARIOS = {
    "mpdta_nev_dr": ("never_treated", "dr", ()),
    "mpdta_nyt_dr": ("not_yet_treated", "dr", ()),
    "mpdta_nev_reg_cov": ("never_treated", "reg", ("lpop",)),
    "mpdta_nev_ipw": ("never_treated", "ipw", ()),
}
TO = {"simple": "overall", "dynamic": "event", "group": "cohort", "calendar": "calendar"}
# Overall effect with ~lpop as csdid 0.4.3 and moderndid 0.2.0 (dr, ipw) and R (reg) have it, to the digits published.
ADJUSTED = {
    ("never_treated", "dr"): (-0.0417517721, 0.0115028382, 6e-11),
    ("never_treated", "ipw"): (-0.0417771, 0.0114997, 6e-8),
    ("never_treated", "reg"): (-0.0419686124, 0.0114448298, 6e-11),
    ("not_yet_treated", "dr"): (-0.0413516293, 0.0114278391, 6e-11),
    ("not_yet_treated", "ipw"): (-0.0413894, 0.0114193, 6e-8),
    ("not_yet_treated", "reg"): (-0.0413748, 0.0113772, 6e-8),
}


@pytest.fixture(scope="module")
def published(shared):
    return shared / "golden" / "published"


def mpdta(published, comparison, covariates):
    frame = pd.read_csv(published / "mpdta.csv")
    return make_design(
        frame,
        outcome="lemp",
        unit="countyreal",
        cohort="first.treat",
        covariates=covariates,
        comparison=comparison,
    )


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenario(published, scenario):
    comparison, adjust, covariates = SCENARIOS[scenario]
    effects = estimate(mpdta(published, comparison, covariates), "group_time", adjust=adjust)
    expected = pd.read_csv(published / "GOLD_mpdta_sim_attgt_R.csv").query("scenario == @scenario")
    assert len(expected) == len(effects.estimate) == 12
    np.testing.assert_array_equal(effects.labels[["cohort", "time"]], expected[["group", "t"]])
    np.testing.assert_allclose(effects.estimate, expected["att"], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(std_errors(effects), expected["se"], rtol=1e-11)
    aggregates = pd.read_csv(published / "GOLD_mpdta_sim_aggte_R.csv").query("scenario == @scenario")
    assert set(aggregates["type"]) == set(TO)
    for kind, rows in aggregates.groupby("type"):
        result = effects.aggregate(TO[kind])
        overall = result.overall or result
        np.testing.assert_allclose(overall.estimate, rows["overall_att"].iloc[:1], rtol=1e-11)
        np.testing.assert_allclose(std_errors(overall), rows["overall_se"].iloc[:1], rtol=1e-11)
        if kind != "simple":
            np.testing.assert_array_equal(result.labels.iloc[:, 0], rows["egt"])
            np.testing.assert_allclose(result.estimate, rows["att_egt"], rtol=1e-11, atol=1e-12)
            np.testing.assert_allclose(std_errors(result), rows["se_egt"], rtol=1e-11)
    wald = pd.read_csv(published / "GOLD_mpdta_pretest_R.csv").set_index("scenario").loc[scenario]
    test = joint_wald(effects, (effects.labels["time"] < effects.labels["cohort"]).to_numpy())
    np.testing.assert_allclose(test.statistic, wald["W"], rtol=1e-10)
    np.testing.assert_allclose(test.p_value, wald["Wpval"], atol=6e-6)
    assert test.p_value == chi_square_tail(test.statistic, test.df)


@pytest.mark.parametrize("comparison_and_adjust", ADJUSTED)
def test_adjusted_for_population(published, comparison_and_adjust):
    comparison, adjust = comparison_and_adjust
    point, error, tolerance = ADJUSTED[comparison_and_adjust]
    overall = estimate(mpdta(published, comparison, ("lpop",)), adjust=adjust).aggregate("overall")
    assert overall.estimate[0] == pytest.approx(point, abs=tolerance)
    assert std_errors(overall)[0] == pytest.approx(error, abs=tolerance)


def test_sun_abraham_without_covariate(published):
    """On a balanced panel they equal Sun-Abraham's estimates (base_stagg, two independent engines)."""
    frame = pd.read_csv(published / "base_stagg.csv")
    frame["g"] = frame["year_treated"].where(frame["year_treated"] < 1000, 0)
    effects = estimate(make_design(frame, unit="id"), base="universal")
    overall = effects.aggregate("overall")
    assert overall.estimate[0] == pytest.approx(-0.75519012, abs=6e-9)
    event = effects.aggregate("event")
    at_zero = event.labels["event_time"] == 0
    assert event.estimate[at_zero][0] == pytest.approx(-5.04151533, abs=6e-9)
