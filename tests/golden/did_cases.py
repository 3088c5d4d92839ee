"""Read the panels and R calls of tests/golden/r as designs and options."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

from evaltoolkit.designs.design import Design

HERE = Path(__file__).parent / "r"
ENTRIES = {entry["id"]: entry for entry in json.loads((HERE / "expected_did.json").read_text())["entries"]}
MISSING = {"TRUE": "repeated_cross_sections", "FALSE": "complete_units", None: "pairs"}
COMPARISON = {"nevertreated": "never_treated", "notyettreated": "not_yet_treated"}


def r_option(call, name, default=None):
    found = re.search(rf'{name}="?([^",)]+)"?', call)
    return found.group(1) if found else default


def make_design(
    frame, *, outcome="y", unit="unit", time="year", cohort="g", covariates=(), weights=None, clusters=None, **rest
):
    wide = frame.pivot(index=unit, columns=time, values=outcome)
    first = frame.groupby(unit).first()
    weight = np.ones(len(first)) if weights is None else first[weights].to_numpy(float)
    label = first.index.to_series() if clusters is None else first[clusters]
    return Design(
        units=first.index.astype(str).to_numpy(str),
        times=wide.columns.to_numpy(float),
        outcome=wide.to_numpy(float),
        cohort=np.where(first[cohort] > 0, first[cohort], np.inf).astype(float),
        covariates=first[list(covariates)].to_numpy(float).reshape(len(first), len(covariates)),
        covariate_names=tuple(covariates),
        weights=weight / weight.mean(),
        clusters=label.astype(str).to_numpy(str),
        **rest,
    )


def read_case(name):
    """Design and options of one R call."""
    entry = ENTRIES[name]
    call = entry["call"]
    frame = pd.read_csv(HERE / f"{entry['panel']}.csv")
    if "noneverpanel" in name:
        frame = frame[frame["g"] > 0]
    if "_rate_" in name:
        frame = frame.assign(y=frame["y"] / frame["pop"] * 1e4)
    formula = r_option(call, "xformla", "~1")
    design = make_design(
        frame,
        covariates=() if formula == "~1" else tuple(part.strip() for part in formula[1:].split("+")),
        weights=r_option(call, "weightsname"),
        clusters=r_option(call, "clustervars"),
        comparison=COMPARISON[r_option(call, "control_group")],
        anticipation=int(r_option(call, "anticipation", 0)),
    )
    options = {
        "adjust": r_option(call, "est_method"),
        "base": r_option(call, "base_period", "varying"),
        "missing": MISSING[r_option(call, "allow_unbalanced_panel")],
    }
    return design, options, entry
