"""Effects by dose against diff-diff's ContinuousDiD (peers/dose.json, made by peers/make_dose.py)."""

import json
from pathlib import Path

import numpy as np
import pytest

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.registry import estimate

PEER = json.loads((Path(__file__).parent / "peers" / "dose.json").read_text(encoding="utf-8"))


def make_design(case):
    outcome, dose = np.array(case["outcome"]), np.array(case["dose"])
    n = len(dose)
    units = np.array([f"u{i:03d}" for i in range(n)])
    return Design(
        units=units,
        times=np.array(PEER["times"], dtype=float),
        outcome=outcome,
        cohort=np.where(dose > 0, float(PEER["start"]), np.inf),
        covariates=np.empty((n, 0)),
        covariate_names=(),
        weights=np.ones(n),
        clusters=units,
        dose=dose,
    )


@pytest.mark.parametrize("curve", PEER["cases"])
def test_estimates_and_errors(curve):
    case = PEER["cases"][curve]
    effects = estimate(make_design(case), "dose", curve=curve, assume="strong_parallel_trends")
    ours = effects.labels.assign(estimate=effects.estimate, error=std_errors(effects)).set_index("name")
    for name in ("overall", "level"):
        np.testing.assert_allclose(ours.loc[[name], ["estimate", "error"]], np.atleast_2d(case[name]), rtol=1e-9)
    np.testing.assert_allclose(ours.loc[["level"], "dose"], case["grid"], rtol=1e-12)
    if curve == "bins":
        # the peer's first slope is from no dose to the lowest one; ours are between doses that were given
        np.testing.assert_allclose(ours.loc[["slope"], ["estimate", "error"]], case["slope"][1:], rtol=1e-9)
        return
    np.testing.assert_allclose(ours.loc["mean slope", "estimate"], case["mean_slope"][0], rtol=1e-9)
    slopes = case["slope"] if curve == "spline" else case["slope"][:1]
    row = "slope" if curve == "spline" else "mean slope"
    np.testing.assert_allclose(ours.loc[[row], ["estimate", "error"]], slopes, rtol=1e-9)


@pytest.mark.parametrize("curve", ["linear", "spline"])
def test_error_of_the_mean_slope(curve):
    """The peer takes the doses as given; here the mean is over doses drawn with the units, which adds their spread."""
    case = PEER["cases"][curve]
    design = make_design(case)
    effects = estimate(design, "dose", curve=curve, assume="strong_parallel_trends")
    j = effects.labels["name"].tolist().index("mean slope")
    treated = design.dose > 0
    own = np.zeros(len(design.units))
    if curve == "spline":
        # the slope of this spline is straight on either side of the knot: three points tell all of it
        slopes = effects.labels.assign(slope=effects.estimate).query("name == 'slope'")
        knot = np.median(design.dose[treated])
        below, middle, above = slopes["slope"].iloc[[0, 4, 8]]
        first, _, last = slopes["dose"].iloc[[0, 4, 8]]
        rises = (middle - below) / (knot - first), (above - middle) / (last - knot)
        distance = design.dose[treated] - knot
        height = middle + np.where(distance < 0, rises[0], rises[1]) * distance
        assert height.mean() == pytest.approx(effects.estimate[j], rel=1e-9)
        own[treated] = (height - height.mean()) * len(treated) / treated.sum()
    given = effects.influence[:, j] - own
    np.testing.assert_allclose(np.sqrt((given**2).sum()) / len(given), case["mean_slope"][1], rtol=1e-9)
