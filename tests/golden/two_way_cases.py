"""Read the two-way, Sun-Abraham, Bacon and weights calls of tests/golden/r as designs."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from did_cases import make_design

HERE = Path(__file__).parent / "r"
ENTRIES = {entry["id"]: entry for entry in json.loads((HERE / "expected_two_way.json").read_text())["entries"]}


def names(prefix, *endings):
    return [name for name in ENTRIES if name.startswith(prefix) and (not endings or name.endswith(endings))]


def read_frame(name):
    frame = pd.read_csv(HERE / f"{ENTRIES[name]['panel']}.csv")
    if "g" not in frame:
        first = frame[frame["d"] == 1].groupby("unit")["year"].min()
        frame = frame.assign(g=frame["unit"].map(first).fillna(0))
    return frame.assign(y=frame["y"] / frame["pop"] * 1e4) if "_rate_" in name else frame


def read_case(name, clusters="zone"):
    """Design of one R call, clustered by zone; treatment as it was where it stops and restarts."""
    frame = read_frame(name)
    weighted = "pop" in name.split("_")
    covariates = ("x1", "x2") if name.endswith(("_x_by_year", "_att_x")) else ()
    treatment = None
    if "A4" in ENTRIES[name]["panel"]:
        treatment = frame.pivot(index="unit", columns="year", values="d").to_numpy(float)
    return make_design(
        frame,
        covariates=covariates,
        weights="pop" if weighted else None,
        clusters=clusters,
        treatment=treatment,
    )


def result(name, column):
    """One column of a result as numbers."""
    return np.atleast_1d(np.array(ENTRIES[name]["result"][column], dtype=float))


def errors(influence, labels):
    """CR0 standard errors: influence summed by label, no factor."""
    sums = pd.DataFrame(influence).groupby(np.asarray(labels)).sum().to_numpy()
    return np.sqrt((sums**2).sum(axis=0)) / len(influence)
