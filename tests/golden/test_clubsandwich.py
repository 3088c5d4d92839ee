"""Cluster-robust variances against R clubSandwich 0.5.8, sandwich and plm: every entry of panels A1 and A5."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaltoolkit.inference.cluster_blocks import PLAIN, estimating_rows
from evaltoolkit.inference.cluster_robust import cluster_variance, two_way_variance
from evaltoolkit.inference.linear_fit import fit_linear, recluster
from evaltoolkit.inference.period_hac import driscoll_kraay

HERE = Path(__file__).parent / "r"
STORED = json.loads((HERE / "expected_small.json").read_text())
ENTRIES = {entry["id"]: entry for entry in STORED["entries"]}
COLUMNS = {"estimate": "estimate", "std_error": "se", "df": "df", "p_value": "p", "conf_low": "ci_low"}
CLUB = [name for name in ENTRIES if name.startswith(("cr_", "crplm_"))]


def read_fit(name, clusters):
    """The regression of one R call: on rows, on rows weighted by population, or on means by zone and year."""
    frame = pd.read_csv(HERE / f"{ENTRIES[name]['panel']}.csv")
    if "agg" in name:
        frame = frame.groupby(["zone", "year"])[["y", "d"]].mean().reset_index().assign(unit=lambda z: z["zone"])
    return fit_linear(
        frame["y"].to_numpy(float),
        frame["d"].to_numpy(float),
        frame["unit"],
        frame["year"],
        weights=frame["pop"].to_numpy(float) if "_pop_" in name else None,
        clusters=frame[clusters],
        names=["d"],
    ), frame


@pytest.mark.parametrize("name", CLUB)
def test_club_sandwich(name):
    parts = name.split("_")
    fit, _ = read_fit(name, parts[2])
    # plm absorbs the unit effects and does not count them; lm counts every dummy
    count = "slopes" if parts[0] == "crplm" else "all"
    row = cluster_variance(fit, parts[-1], count=count).to_frame().iloc[0]
    expected = ENTRIES[name]["result"]
    for ours, theirs in {**COLUMNS, "conf_high": "ci_high"}.items():
        assert row[ours] == pytest.approx(expected[theirs], rel=1e-9), ours
    assert row["reason"] == ""


@pytest.mark.parametrize("panel", [1, 5])
def test_sandwich(panel):
    name = f"sandwich_{panel}"
    fit, frame = read_fit(name, "zone")
    rows, parameters = len(frame), fit.n_parameters
    by_unit, by_row = recluster(fit, frame["unit"]), recluster(fit, np.arange(rows))
    every = np.sqrt((rows - 1) / (rows - parameters))

    def error(variance):
        return variance.std_error[0]

    found = {
        "HC0_unit_cadjF": error(cluster_variance(by_unit, "CR0")),
        "HC0_unit_cadjT": error(cluster_variance(by_unit, "CR1")),
        "HC1_unit": error(cluster_variance(by_unit, "CR1S")),
        "HC0_zone_cadjF": error(cluster_variance(fit, "CR0")),
        "HC1_zone": error(cluster_variance(fit, "CR1S")),
        # there the factor of rows stands before the three parts are added up; here inside each
        "HC1_zone_year_twoway": error(two_way_variance(fit, frame["zone"], frame["year"], kind="CR1")) * every,
        "HC3_obs": error(cluster_variance(by_row, "CR3")),
        "HC1_obs": error(cluster_variance(by_row, "CR1S")),
        "PL_lag2": np.sqrt(driscoll_kraay(fit, 2)[0, 0] * rows / (rows - parameters)),
    }
    expected = dict(zip(ENTRIES[name]["result"]["label"], ENTRIES[name]["result"]["se"], strict=True))
    assert found == pytest.approx(expected, rel=1e-9)
    twice = two_way_variance(fit, frame["zone"], frame["year"], kind="CR1S")
    assert error(twice) == pytest.approx(expected["HC1_zone_year_twoway"], rel=1e-9)


@pytest.mark.parametrize("panel", [1, 5])
def test_plm(panel):
    name = f"plm_{panel}"
    fit, frame = read_fit(name, "unit")
    rows = len(frame)
    weights = estimating_rows(fit, PLAIN).rows[:, 0]
    squares = (weights**2).sum()
    # HC3 of plm: residuals over one minus the leverage of the row in the demeaned regressor, then summed by unit
    by_unit = np.bincount(fit.unit, weights=weights * fit.residual / (1 - weights**2 / squares))
    plain = cluster_variance(fit, "CR0").std_error[0]
    found = {
        "HC0": plain,
        "HC1": plain * np.sqrt(rows / (rows - 1)),
        "sss": cluster_variance(fit, "CR1").std_error[0],
        "HC3": np.sqrt((by_unit**2).sum()),
        "classical": np.sqrt((fit.residual**2).sum() / (rows - fit.n_parameters) * squares),
        "DriscollKraay_HC0_maxlag2": np.sqrt(driscoll_kraay(fit, 2)[0, 0]),
    }
    expected = dict(zip(ENTRIES[name]["result"]["label"], ENTRIES[name]["result"]["se"], strict=True))
    assert found == pytest.approx(expected, rel=1e-9)


def test_every_entry_is_used():
    assert set(ENTRIES) == {*CLUB, *(f"{package}_{panel}" for package in ("sandwich", "plm") for panel in (1, 5))}
    assert len(CLUB) == 44


BY_HAND = [entry["id"].replace(" ", "_") for entry in STORED["failed"]]


@pytest.mark.parametrize("name", [name for name in BY_HAND if "unit" not in name])
def test_where_r_is_singular_leaving_out_decides(name):
    """R cannot invert one minus the leverage with dummies of the units; leaving a zone out can be done by hand."""
    fit, frame = read_fit(name.replace("CR3", "CR2"), "zone")
    changes = []
    for label in np.unique(frame["zone"]):
        kept = (frame["zone"] != label).to_numpy()
        x = np.column_stack(
            [frame["d"], *[frame[by].to_numpy()[:, None] == np.unique(frame[by]) for by in ("unit", "year")]]
        )[kept].astype(float)
        weighted = (x * fit.weight[kept, None]).T
        slopes = np.linalg.pinv(weighted @ x, rcond=1e-11, hermitian=True) @ (weighted @ frame["y"].to_numpy()[kept])
        changes.append(slopes[0] - fit.estimate[0])
    found = cluster_variance(fit, "CR3").std_error[0]
    assert found == pytest.approx(np.sqrt(np.square(changes).sum()), rel=1e-8)


@pytest.mark.parametrize("name", [name for name in BY_HAND if "unit" in name])
def test_where_r_is_singular_absorbed_units_decide(name):
    """The same regression with the unit effects absorbed, which R can invert."""
    fit, _ = read_fit(name.replace("CR3", "CR2"), "unit")
    expected = ENTRIES[name.replace("cr_", "crplm_")]["result"]["se"]
    assert cluster_variance(fit, "CR3").std_error[0] == pytest.approx(expected, rel=1e-9)
