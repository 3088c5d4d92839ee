"""Time the wild cluster bootstrap: 9999 draws, one cluster per unit, the null imposed, against the peers.

Half of the units are treated from the middle period on; two-way regression, p-value and (where a peer has it) interval
by inverting the test. Every tool starts from what a user holds: the peers from a long table, the toolkit from a design.
Then what no peer has: the overall effect, and a whole event study, of group-time effects under staggered treatment.

    python benchmarks/wild.py [--sizes 300x12 581x40] [--draws 9999] [--repeats 3]
"""

# The number of threads must be set before numpy is loaded.
# ruff: noqa: E402
import argparse
import importlib.util
import os
import statistics
import sys
import time
import warnings
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import pandas as pd

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from evaltoolkit.designs.design import Design
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.inference.wild import bootstrap_effects, bootstrap_two_way


def make_panel(n, periods, starts, seed=1):
    """Design, and the same as a long table; a third of the units never treated where there are several starts."""
    rng = np.random.default_rng(seed)
    cohort = np.resize(np.array([np.inf, *starts], dtype=float), n)
    times = np.arange(1.0, periods + 1)
    outcome = rng.normal(size=(n, 1)) + rng.normal(size=(n, periods)).cumsum(axis=1) / 3
    outcome += 0.1 * (times >= cohort[:, None])
    units = np.array([f"u{i:06d}" for i in range(n)])
    design = Design(
        units=units,
        times=times,
        outcome=outcome,
        cohort=cohort,
        covariates=np.empty((n, 0)),
        covariate_names=(),
        weights=np.ones(n),
        clusters=units,
    )
    unit, period = np.repeat(np.arange(n), periods), np.tile(np.arange(periods), n)
    treated = np.isfinite(cohort)[unit].astype(int)
    post = (times[period] >= min(starts)).astype(int)
    frame = {
        "unit": unit,
        "period": period,
        "y": outcome.ravel(),
        "treated": treated,
        "post": post,
        "d": treated * post,
    }
    return design, pd.DataFrame(frame)


def run_evaltoolkit(design, _frame, draws):
    result = bootstrap_two_way(design, draws=draws)
    return result.restricted.p_value, (result.restricted.conf_low, result.restricted.conf_high)


def run_diff_diff(_design, frame, draws):
    from diff_diff import DifferenceInDifferences

    model = DifferenceInDifferences(cluster="unit", inference="wild_bootstrap", n_bootstrap=draws, seed=1)
    found = model.fit(frame, outcome="y", treatment="treated", post="post")
    return found.p_value, found.conf_int


def run_pyfixest(_design, frame, draws):
    import pyfixest

    # its wild bootstrap takes one absorbed effect at most: treated and post say the same in a balanced panel
    model = pyfixest.feols("y ~ d + treated + post", frame, vcov={"CRV1": "unit"})
    return float(model.wildboottest(reps=draws, param="d", cluster="unit", seed=1)["Pr(>|t|)"]), None


def run_wildboottest(_design, frame, draws):
    from wildboottest.wildboottest import WildboottestCL

    x = np.column_stack([np.ones(len(frame)), frame[["treated", "post", "d"]].to_numpy(float)])
    boot = WildboottestCL(
        X=x, Y=frame["y"].to_numpy(), cluster=frame["unit"].to_numpy(), R=np.array([0, 0, 0, 1.0]), B=draws, seed=1
    )
    boot.get_scores(bootstrap_type="11", impose_null=True)
    boot.get_weights(weights_type="rademacher")
    boot.get_numer()
    boot.get_denom()
    boot.get_tboot()
    boot.get_vcov()
    boot.get_tstat()
    boot.get_pvalue(pval_type="two-tailed")
    return float(boot.pvalue), None


TOOLS = {
    "evaltoolkit": (run_evaltoolkit, ()),
    "diff_diff": (run_diff_diff, ("diff_diff",)),
    "pyfixest": (run_pyfixest, ("pyfixest", "wildboottest")),
    "wildboottest": (run_wildboottest, ("wildboottest",)),
}


def measure(run, repeats):
    """First call, minimum and median of the later ones, and the result."""
    seconds = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - begin)
    return seconds[0], min(seconds[1:]), statistics.median(seconds[1:]), result


def compare(size, draws, repeats):
    n, periods = (int(side) for side in size.split("x"))
    design, frame = make_panel(n, periods, [periods // 2 + 1])
    print(f"\n{size}, {n} clusters, {draws} draws; Monte Carlo error of a p-value at most {0.5 / draws**0.5:.4f}")
    least = None
    for name, (run, needed) in TOOLS.items():
        missing = [one for one in needed if importlib.util.find_spec(one) is None]
        if missing:
            print(f"  {name:12s} left out: {', '.join(missing)} not installed")
            continue
        first, minimum, median, (p_value, ends) = measure(lambda run=run: run(design, frame.copy(), draws), repeats)
        least = least or minimum
        interval = "no interval" if ends is None else f"[{ends[0]:.4f}, {ends[1]:.4f}]"
        print(
            f"  {name:12s} first {first:8.4f}  min {minimum:8.4f}  median {median:8.4f}  ratio {minimum / least:7.1f}"
            f"  p {p_value:.4f}  {interval}"
        )
    design, _ = make_panel(n, periods, [periods // 3 + 1, periods // 2 + 1])
    effects = estimate(design)
    for to in ("overall", "event"):
        rows = effects.aggregate(to)
        _, minimum, median, found = measure(lambda rows=rows: bootstrap_effects(rows, draws=draws), repeats)
        print(f"  group-time, {to}: {len(found)} rows  min {minimum:8.4f}  median {median:8.4f}")


def run_benchmark():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["300x12", "581x40"])
    parser.add_argument("--draws", type=int, default=9999)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for size in arguments.sizes:
        compare(size, arguments.draws, arguments.repeats)


if __name__ == "__main__":
    run_benchmark()
