"""Time group-time effects against diff-diff and csdid: one run, one thread, the same panel.

Prints seconds (minimum and median of warm calls), the ratio to the toolkit and the largest difference in ATT(g,t).
Peers that are not installed are left out. Every call starts from what a user holds: the peers from a long table, the
toolkit from a design (the time to pivot the long table is printed, and included in its total).

    python benchmarks/group_time.py [--sizes 300x12 581x40] [--repeats 7]
"""

# The number of threads must be set before numpy is loaded.
# ruff: noqa: E402
import argparse
import contextlib
import importlib.util
import io
import os
import statistics
import sys
import time
import warnings
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import pandas as pd

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "tests/golden/r")]

from generate import timing_panel

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.registry import estimate


def make_design(frame, covariates):
    wide = frame.set_index(["unit", "year"])["y"].unstack()  # noqa: PD010
    first = frame.drop_duplicates("unit").set_index("unit").loc[wide.index]
    units = wide.index.astype(str).to_numpy(str)
    return Design(
        units=units,
        times=wide.columns.to_numpy(float),
        outcome=wide.to_numpy(float),
        cohort=np.where(first["g"] > 0, first["g"], np.inf).astype(float),
        covariates=first[covariates].to_numpy(float),
        covariate_names=tuple(covariates),
        weights=np.ones(len(units)),
        clusters=units,
    )


def run_evaltoolkit(frame, covariates):
    effects = estimate(make_design(frame, covariates), "group_time")
    event = effects.aggregate("event")
    std_errors(effects), std_errors(event)
    labels = zip(effects.labels["cohort"], effects.labels["time"], strict=True)
    return dict(zip(labels, effects.estimate, strict=True))


def run_diff_diff(frame, covariates):
    from diff_diff import CallawaySantAnna

    model = CallawaySantAnna(estimation_method="dr")
    options = {"covariates": covariates} if covariates else {}
    result = model.fit(frame, "y", "unit", "year", "g", aggregate="event_study", **options)
    return {key: cell["effect"] for key, cell in result.group_time_effects.items()}


def run_csdid(frame, covariates):
    from csdid.att_gt import ATTgt

    formula = "y ~ " + (" + ".join(covariates) or "1")
    with contextlib.redirect_stdout(io.StringIO()):
        result = ATTgt("y", "year", "unit", "g", frame, control_group=["nevertreated"], xformla=formula)
        result = result.fit(est_method="dr", bstrap=False)
        result.aggte("dynamic", bstrap=False, cband=False)
    return dict(
        zip(zip(result.results["group"], result.results["year"], strict=True), result.results["att"], strict=True)
    )


TOOLS = {"evaltoolkit": run_evaltoolkit, "diff_diff": run_diff_diff, "csdid": run_csdid}


def measure(run, frame, covariates, repeats):
    """First call, minimum and median of the later ones, and the estimates."""
    seconds = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        result = run(frame.copy(), list(covariates))
        seconds.append(time.perf_counter() - begin)
    return seconds[0], min(seconds[1:]), statistics.median(seconds[1:]), result


def compare(size, covariates, repeats):
    n, periods = (int(side) for side in size.split("x"))
    frame = pd.DataFrame(timing_panel(n, periods))
    begin = time.perf_counter()
    make_design(frame, list(covariates))
    setup = time.perf_counter() - begin
    print(f"\n{size}, covariates {', '.join(covariates) or 'none'} (long table to design: {setup:.4f} s)")
    own = None
    for name, run in TOOLS.items():
        if name != "evaltoolkit" and importlib.util.find_spec(name) is None:
            print(f"  {name:12s} not installed")
            continue
        first, least, median, result = measure(run, frame, covariates, repeats)
        own = own or (least, result)
        common = own[1].keys() & result.keys()
        gap = max(abs(own[1][key] - result[key]) for key in common)
        print(
            f"  {name:12s} first {first:8.4f}  min {least:8.4f}  median {median:8.4f}  ratio {least / own[0]:7.2f}"
            f"  ATT(g,t) {len(common)}/{len(own[1])} compared, largest difference {gap:.1e}"
        )


def run_benchmark():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["300x12", "581x40"])
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for size in arguments.sizes:
        for covariates in ((), ("x1", "x2")):
            compare(size, covariates, arguments.repeats)


if __name__ == "__main__":
    run_benchmark()
