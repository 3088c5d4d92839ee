"""Time permutation and bootstrap inference: all draws at once, against the peers and against estimating anew per draw.

1. Wild cluster bootstrap of a two-way regression, 9999 draws, 300 clusters (the whole comparison: ``wild.py``).
2. Permutation of a 2x2 design, 999 draws, 300 units and 12 periods, half of them treated. ``ritest`` of pyfixest is
   left out: it draws treatment anew by row, or fails (0.60.0, with clusters).
3. Randomisation inference of a staggered design, 999 draws, 300 units and 12 periods in three cohorts, the overall
   group-time effect over its standard error. No peer has it: a loop that draws the cohorts and estimates anew, with the
   toolkit itself and with diff-diff, of which ``--refits`` draws are run and the time is scaled to 999.
4. Permutation of counts, 999 draws, staggered, with an exposure: a loop over Poisson regressions is the alternative.

Everybody starts from a long table, one thread, one run.

    python benchmarks/inference.py [--repeats 3] [--refits 20]
"""

# The number of threads must be set before numpy is loaded.
# ruff: noqa: E402
import argparse
import importlib.util
import os
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

from wild import make_panel, run_diff_diff, run_evaltoolkit

from evaltoolkit.designs.table import design_from_table
from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.inference.contrasts import contrast_table
from evaltoolkit.inference.count_table import count_table
from evaltoolkit.inference.count_test import count_test
from evaltoolkit.inference.randomisation import randomisation_test

DRAWS, WILD = 999, 9999


def to_table(design, exposure=None):
    """The design as a long table: unit, period, y, g (0 never), and an exposure."""
    import pandas as pd

    n, periods = design.outcome.shape
    first = np.where(np.isfinite(design.cohort), design.cohort, 0)
    frame = {
        "unit": np.repeat(np.arange(n), periods),
        "period": np.tile(design.times.astype(int), n),
        "y": design.outcome.ravel(),
        "g": np.repeat(first, periods).astype(int),
    }
    if exposure is not None:
        frame["exposure"] = np.repeat(exposure, periods)
    return pd.DataFrame(frame)


def read(frame, **options):
    return design_from_table(frame, "y", unit="unit", period="period", treated_from="g", never=0, **options)


def wild_own(design, frame):
    return run_evaltoolkit(design, frame, WILD)[0]


def wild_diff_diff(design, frame):
    return run_diff_diff(design, frame, WILD)[0]


def permute_own(frame, studentise):
    design = read(frame)
    table = contrast_table(design, estimate(design).aggregate("overall"))
    return randomisation_test(table, draws=DRAWS, studentise=studentise).p_value


def permute_2x2_own(_design, frame):
    # means before and after, as the peers' regression on treated and post compares them
    means = frame.groupby(["unit", "post", "treated"], as_index=False)["y"].mean()
    return permute_own(means.assign(period=means["post"], g=means["treated"]), studentise=False)


def permute_2x2_diff_diff(_design, frame):
    from diff_diff import permutation_test

    return permutation_test(frame, "y", "treated", post="post", unit="unit", n_permutations=DRAWS, seed=1).p_value


def staggered_own(_design, frame):
    return permute_own(frame, studentise=True)


def _loop(design, refits, statistic):
    """Share of drawn assignments whose statistic, estimated anew, is at least as large as the real one's; and seconds.

    The seconds are those of the draws, scaled to all of them; reading the table is not counted.
    """
    rng = np.random.default_rng(1)
    own = abs(statistic(design))
    begin = time.perf_counter()
    drawn = [abs(statistic(replace(design, cohort=rng.permutation(design.cohort)))) for _ in range(refits)]
    seconds = time.perf_counter() - begin
    return (1 + np.sum(np.array(drawn) >= own)) / (1 + refits), seconds * DRAWS / refits


def _t(effects):
    return float(effects.estimate[0] / std_errors(effects)[0])


def staggered_loop(_design, frame, refits):
    return _loop(read(frame), refits, lambda design: _t(estimate(design).aggregate("overall")))


def staggered_diff_diff(design, frame, refits):
    from diff_diff import CallawaySantAnna

    def fit(one):
        table = frame.assign(g=to_table(one)["g"].to_numpy())
        found = CallawaySantAnna().fit(table, "y", "unit", "period", "g")
        return found.overall_att / found.overall_se

    return _loop(design, refits, fit)


def count_own(_design, frame):
    design = read(frame, exposure="exposure")
    overall = estimate(design, "extended_two_way", family="poisson").aggregate("overall")
    return count_test(count_table(design, overall), draws=DRAWS).p_value


def count_loop(_design, frame, refits):
    def fit(design):
        return _t(estimate(design, "extended_two_way", family="poisson", scale="link").aggregate("overall"))

    return _loop(read(frame, exposure="exposure"), refits, fit)


def make_counts(n, periods, starts):
    """Counts with a mean of two per unit of average size and period."""
    design, _ = make_panel(n, periods, starts)
    rng = np.random.default_rng(2)
    sizes = rng.gamma(2.0, 0.5, n)
    return to_table(replace(design, outcome=rng.poisson(2 * sizes[:, None], (n, periods)).astype(float)), sizes)


def list_works():
    """Name, goal, data, and who is timed: function, what must be installed, whether it is a loop that is scaled."""
    simple, wild = make_panel(300, 12, [7])
    wild = wild.assign(g=to_table(simple)["g"].to_numpy())
    numbered = wild.assign(period=wild["period"] + 1)
    staggered, _ = make_panel(300, 12, [5, 7, 9])
    long = to_table(staggered)
    counts = make_counts(300, 12, [5, 7, 9])
    return [
        ("wild bootstrap, 9999 x 300 clusters", 15, (simple, wild), {
            "evaltoolkit": (wild_own, "", False), "diff_diff": (wild_diff_diff, "diff_diff", False),
        }),
        ("2x2 permutation, 999", 50, (simple, numbered), {
            "evaltoolkit": (permute_2x2_own, "", False), "diff_diff": (permute_2x2_diff_diff, "diff_diff", False),
        }),
        ("staggered randomisation inference, 999", 100, (staggered, long), {
            "evaltoolkit": (staggered_own, "", False), "own loop": (staggered_loop, "", True),
            "diff_diff loop": (staggered_diff_diff, "diff_diff", True),
        }),
        ("staggered permutation of counts, 999", None, (staggered, counts), {
            "evaltoolkit": (count_own, "", False), "own loop": (count_loop, "", True),
        }),
    ]  # fmt: skip


def measure(run, repeats):
    """Minimum and median seconds of calls after the first, and the result."""
    result, seconds = run(), []
    for _ in range(repeats):
        begin = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - begin)
    return min(seconds), float(np.median(seconds)), result


def compare(name, goal, data, tools, repeats, refits):
    print(f"\n{name}" + (f"; goal {goal} times as fast as the fastest other" if goal else ""))
    own, others = None, []
    for tool, (run, needed, looped) in tools.items():
        if needed and importlib.util.find_spec(needed) is None:
            print(f"  {tool:15s} left out: {needed} not installed")
            continue
        if looped:
            p_value, least = min((run(*data, refits) for _ in range(2)), key=lambda one: one[1])
            median = least
        else:
            least, median, p_value = measure(lambda run=run: run(*data), repeats if own is None else 3)
        own = own or least
        others += [least / own] if least != own else []
        scaled = f"  {refits} draws, scaled" if looped else ""
        print(f"  {tool:15s} min {least:9.4f}  median {median:9.4f}  ratio {least / own:8.1f}  p {p_value:.4f}{scaled}")
    if goal and others:
        print(f"  -> {min(others):.0f} times as fast; goal {goal}: {'reached' if min(others) >= goal else 'missed'}")


def run_benchmark():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--refits", type=int, default=20)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for work in list_works():
        compare(*work, arguments.repeats, arguments.refits)


if __name__ == "__main__":
    run_benchmark()
