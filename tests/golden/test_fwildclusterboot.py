"""The wild cluster bootstrap against R: enumeration written out in R, and fwildclusterboot 0.13.0 (``small.R``)."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from did_cases import make_design

from evaltoolkit.inference.wild import bootstrap_rows, bootstrap_two_way

HERE = Path(__file__).parent / "r"
ENTRIES = {entry["id"]: entry["result"] for entry in json.loads((HERE / "expected_wild.json").read_text())["entries"]}
FRAME = pd.read_csv(HERE / "A5_few_treated.csv")
# fwildclusterboot's search for the ends of an interval stops this many standard errors from where the test turns
SEARCH = 2e-4


def dummies(codes):
    return (np.asarray(codes)[:, None] == np.unique(codes)).astype(float)


def run(name, door):
    """The bootstrap of one entry, from a design or from rows."""
    weights = "pop" if "_pop_" in name else None
    if "5agg" in name:
        means = FRAME.groupby(["zone", "year"], as_index=False)[["y", "d"]].mean()
        frame = means.assign(unit=means["zone"], g=0)
    else:
        frame = FRAME
    if door == "rows":
        return bootstrap_rows(
            frame["y"].to_numpy(float),
            frame["d"].to_numpy(float),
            frame["zone"],
            common=dummies(frame["year"]),
            nested=frame["unit"],
            weights=None if weights is None else frame[weights].to_numpy(float),
        )
    treatment = frame.pivot(index="unit", columns="year", values="d").to_numpy(float)
    return bootstrap_two_way(make_design(frame, weights=weights, clusters="zone", treatment=treatment))


def version(name, found):
    return found.restricted if name.endswith(("WCR", "TRUE")) else found.unrestricted


def small_sample(name):
    """G/(G-1) (N-1)/(N-K), all dummies counted: the factor of R's variance."""
    frame = FRAME if "5agg" not in name else FRAME.drop_duplicates(["zone", "year"])
    groups, units, years = (frame[column].nunique() for column in ("zone", "unit", "year"))
    k = (groups if "5agg" in name else units) + years
    return groups / (groups - 1) * (len(frame) - 1) / (len(frame) - k)


@pytest.mark.parametrize("door", ["rows", "design"])
@pytest.mark.parametrize("name", [name for name in ENTRIES if "_enum_" in name])
def test_enumeration(name, door):
    expected, found = ENTRIES[name], run(name, door)
    assert found.estimate == pytest.approx(expected["beta"], rel=1e-11)
    assert found.statistic == pytest.approx(expected["t_crv0"], rel=1e-11)
    assert version(name, found).p_value == expected["p_strict"]
    assert version(name, found).p_with_ties == expected["p_weak"]
    # a pattern and its opposite give the same statistic
    assert 2 * found.draws == expected["n_draws"]


@pytest.mark.parametrize("door", ["rows", "design"])
@pytest.mark.parametrize("name", [name for name in ENTRIES if "_boottest_" in name])
def test_boottest(name, door):
    expected, found = ENTRIES[name], run(name, door)
    assert found.estimate == pytest.approx(expected["estimate"], rel=1e-11)
    assert found.statistic / np.sqrt(small_sample(name)) == pytest.approx(expected["t"], rel=1e-11)
    assert version(name, found).p_value == expected["p"]
    assert version(name, found).conf_low == pytest.approx(expected["ci_low"], abs=SEARCH * found.std_error)
    assert version(name, found).conf_high == pytest.approx(expected["ci_high"], abs=SEARCH * found.std_error)


def test_every_entry_is_tested():
    assert len(ENTRIES) == 10
    assert all("_enum_" in name or "_boottest_" in name for name in ENTRIES)
