"""Time robust intervals under violations of parallel trends against the peers that compute the same interval.

The event study of panel A1 of the golden values (three periods before, three after, first period after treatment).
Relative magnitudes, Mbar = 1, by the C-LF hybrid and by the conditional test (peers: 1,000 grid points, their default;
the toolkit solves the ends), and the optimal fixed-length interval under smoothness, M = 0.05. Every tool in a process
of its own, one thread, in turns. diff-diff has the fixed-length interval only: under relative magnitudes it computes
another interval than R.

moderndid needs scipy 1.17 and dowhy, which the toolkit depends on, an older one: give the Python of an environment that
holds `moderndid[didhonest]`. HonestDiD 0.2.6 took 13.3, 35.5 and 54.6 seconds on such machines, in another run.

    python benchmarks/sensitivity.py [--moderndid PYTHON] [--rounds 3] [--calls 3] [--only hybrid]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ONE_THREAD = dict.fromkeys(["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"], "1")
WORKLOADS = ("hybrid", "conditional", "fixed_length")
STEP = 40 / 999
SLOW_SECONDS = 5
# of the standard error: two grid steps, and what a simulated critical value or an approximate optimum may move
AGREES = {"hybrid": 2 * STEP + 0.05, "conditional": 2 * STEP, "fixed_length": 0.02}


def load_study():
    entries = json.loads((HERE.parent / "tests/golden/r/expected_honest.json").read_text(encoding="utf-8"))["entries"]
    extra = next(one["extra"] for one in entries if one["id"] == "honest_did_x_first_original")
    size, before, after = len(extra["betahat"]), extra["numPrePeriods"], extra["numPostPeriods"]
    sigma = [extra["sigma"][row * size : (row + 1) * size] for row in range(size)]
    return extra["betahat"], sigma, before, after, extra["l_vec"]


def call_evaltoolkit(workload, study):
    sys.path[:0] = [str(HERE.parent)]
    from evaltoolkit.sensitivity.restrictions import Assumed
    from evaltoolkit.sensitivity.sets import robust_sets

    beta, sigma, before, after, weights = study
    assumed, amount = (
        (Assumed("smoothness"), 0.05) if workload == "fixed_length" else (Assumed("relative_magnitudes"), 1.0)
    )
    found = robust_sets(beta, sigma, before, after, [amount], assumed=assumed, l_vec=weights, method=workload)[0]
    return found.low, found.high


def call_moderndid(workload, study):
    import numpy as np
    from moderndid import create_sensitivity_results_rm, create_sensitivity_results_sm

    beta, sigma, before, after, weights = study
    given = (np.array(beta), np.array(sigma), before, after)
    if workload == "fixed_length":
        table = create_sensitivity_results_sm(*given, method="FLCI", m_vec=[0.05], l_vec=np.array(weights))
    else:
        method = {"hybrid": "C-LF", "conditional": "Conditional"}[workload]
        table = create_sensitivity_results_rm(*given, method=method, m_bar_vec=[1.0], l_vec=np.array(weights))
    return float(table["lb"][0]), float(table["ub"][0])


def call_diff_diff(workload, study):
    import numpy as np
    from diff_diff.honest_did import _compute_optimal_flci

    beta, sigma, before, after, weights = study
    if workload != "fixed_length":
        raise ImportError("another interval")
    beta = np.array(beta)
    return _compute_optimal_flci(beta[:before], beta[before:], np.array(sigma), np.array(weights), before, after, 0.05)


CALLS = {"evaltoolkit": call_evaltoolkit, "moderndid": call_moderndid, "diff_diff": call_diff_diff}


def run_one(workload, tool, calls):
    study = load_study()
    for _ in range(calls + 1):
        begin = time.perf_counter()
        low, high = CALLS[tool](workload, study)
        print(json.dumps({"seconds": time.perf_counter() - begin, "low": float(low), "high": float(high)}), flush=True)


def ask(python, workload, tool, calls):
    command = [python, str(HERE / "sensitivity.py"), "--one", workload, tool, "--calls", str(calls)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **ONE_THREAD}, check=False)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def compare(workload, tools, options, error):
    """Agreement first, then first call (with import), median, minimum, and the ratio of the minima."""
    lines = {tool: [] for tool in tools}
    for turn in range(options.rounds):
        order = list(tools)[turn % len(tools) :] + list(tools)[: turn % len(tools)]
        for tool in order:
            # a call of ten seconds needs no repeats to be known, and one that fails fails again
            done = any(not one or one[-1]["seconds"] > SLOW_SECONDS for one in lines[tool])
            if not done:
                lines[tool].append(ask(tools[tool], workload, tool, options.calls))
    own = None
    print(workload)
    for tool, rounds in lines.items():
        rounds = [one for one in rounds if len(one) > 1]
        if not rounds:
            print(f"  {tool:12s} not installed, or another interval")
            continue
        warm = [line["seconds"] for one in rounds for line in one[1:]]
        low, high = rounds[0][0]["low"], rounds[0][0]["high"]
        own = own or (min(warm), low, high)
        gap = max(abs(low - own[1]), abs(high - own[2])) / error
        word = "agrees" if gap <= AGREES[workload] else "DOES NOT AGREE"
        print(
            f"  {tool:12s} [{low:.5f}, {high:.5f}]  {gap:.4f} standard errors, {word}   first "
            f"{min(one[0]['seconds'] for one in rounds):8.3f}  median {statistics.median(warm):9.5f}  minimum "
            f"{min(warm):9.5f} s  ratio {min(warm) / own[0]:8.1f}"
        )


def run_benchmark():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moderndid", default=sys.executable, help="Python of an environment with moderndid")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=WORKLOADS, default=WORKLOADS)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run_one(*options.one, options.calls)
        return
    tools = {"evaltoolkit": sys.executable, "moderndid": options.moderndid, "diff_diff": sys.executable}
    _, sigma, before, _, weights = load_study()
    after = [row[before:] for row in sigma[before:]]
    variance = sum(one * two * after[i][j] for i, one in enumerate(weights) for j, two in enumerate(weights))
    for workload in options.only:
        compare(workload, tools, options, variance**0.5)


if __name__ == "__main__":
    run_benchmark()
