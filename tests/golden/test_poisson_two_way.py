"""Poisson two-way fixed effects against R fixest 0.14.2 (`fixest.R`): points, CR0 and fixest's own factors."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from did_cases import make_design
from scipy.stats import norm
from two_way_cases import errors

from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.registry import estimate

HERE = Path(__file__).parent / "r"
ENTRIES = {entry["id"]: entry for entry in json.loads((HERE / "expected_poisson.json").read_text("utf-8"))["entries"]}
# fixest takes its variance one step before the last (glm.tol): 4e-9 from a likelihood with every dummy, from which
# the toolkit is 1e-14
VARIANCE = 1e-8


def read_case(name, clusters=None):
    frame = pd.read_csv(HERE / f"{ENTRIES[name]['panel']}.csv")
    people = frame.pivot(index="unit", columns="year", values="pop").to_numpy(float)
    more = {} if "nooffset" in name else {"exposure": people}
    return make_design(frame, covariates=("x1",) if name.endswith("_x") else (), clusters=clusters, **more)


def result(name, column, count):
    return np.atleast_1d(np.array(ENTRIES[name]["result"][column], dtype=float))[:count]


@pytest.mark.parametrize("name", ENTRIES)
def test_fixest(name):
    form = "event" if "eventstudy" in name else "static"
    for by in ("unit", "zone"):
        clusters = None if by == "unit" else by
        plain = estimate(read_case(name, clusters), "two_way", form=form, family="poisson")
        kept = np.array([reason == "" for reason in plain.reasons])
        count = int(kept.sum())
        np.testing.assert_allclose(plain.estimate[kept], result(name, "estimate", count), rtol=1e-11)
        found = errors(plain.influence[:, kept], plain.clusters)
        np.testing.assert_allclose(found, result(name, f"se_{by}_none", count), rtol=VARIANCE)
        scaled = estimate(read_case(name, clusters), "two_way", form=form, family="poisson", factor="fixest")
        error = std_errors(scaled)[kept]
        np.testing.assert_allclose(error, result(name, f"se_{by}_default", count), rtol=VARIANCE)
        p_values = 2 * norm.sf(np.abs(plain.estimate[kept]) / error)
        np.testing.assert_allclose(p_values, result(name, f"p_{by}_default", count), rtol=1e-6)
    if form == "event":
        assert [f"rel::{time:g}" for time in plain.labels["event_time"][kept]] == ENTRIES[name]["result"]["label"]
    assert np.isfinite(read_case(name).outcome).sum() == ENTRIES[name]["result"]["nobs"]


@pytest.mark.parametrize("name", ENTRIES)
def test_linearmodels_on_the_last_step(name):
    form = "event" if "eventstudy" in name else "static"
    found = estimate(read_case(name), "two_way", form=form, family="poisson", engine="linearmodels")
    kept = np.array([reason == "" for reason in found.reasons])
    np.testing.assert_allclose(found.estimate[kept], result(name, "estimate", kept.sum()), rtol=1e-7)


def test_all_four_entries():
    assert len(ENTRIES) == 4
