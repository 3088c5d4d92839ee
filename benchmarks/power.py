"""Time simulated power against diff-diff: the same kind of study, estimator, effects and number of simulations.

300 units, half of them treated from period 7 of 12 on, normal noise, constant effects, group-time effects compared with
the never treated, overall. Every effect has its own simulated studies in both packages ("like for like"). The toolkit
can also draw once and shift, as a constant effect allows; that is timed apart.

    python benchmarks/power.py [--simulations 500]
"""

# The number of threads must be set before numpy is loaded.
# ruff: noqa: E402
import argparse
import os
import sys
import time
import warnings
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from evaltoolkit.plans.declared import power_from_study, simulate_estimates
from evaltoolkit.plans.study import Study

EFFECTS = [0.05, 0.1, 0.15, 0.2, 0.3]
STUDY = Study.model_validate(
    {
        "periods": 12,
        "comparison_units": 150,
        "cohorts": [{"start": 7, "units": 150}],
        "outcome": {"kind": "continuous", "sd": 0.5},
    }
)


def run_evaltoolkit(simulations):
    powers = []
    for place, effect in enumerate(EFFECTS):
        estimates, halves = simulate_estimates(STUDY, effect, draws=simulations, seed=100 + place)
        powers.append(float(np.mean(np.abs(estimates) > halves)))
    return powers


def run_shared_draws(simulations):
    return power_from_study(STUDY, EFFECTS, draws=simulations, seed=7).table["power"].tolist()


def run_diff_diff(simulations):
    from diff_diff import CallawaySantAnna, simulate_power

    result = simulate_power(
        CallawaySantAnna(),
        n_units=300,
        n_periods=12,
        treatment_fraction=0.5,
        treatment_period=6,
        sigma=0.5,
        n_simulations=simulations,
        effect_sizes=EFFECTS,
        seed=3,
        progress=False,
    )
    curve = result.power_curve_df()
    return curve["power"].tolist()


def run_benchmark():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=500)
    simulations = parser.parse_args().simulations
    warnings.simplefilter("ignore")
    print(f"{simulations} simulations x {len(EFFECTS)} effects, 300 units x 12 periods; power at {EFFECTS}")
    run_evaltoolkit(10)
    own = None
    runs = {
        "evaltoolkit": run_evaltoolkit,
        "evaltoolkit, draws shared": run_shared_draws,
        "diff_diff": run_diff_diff,
    }
    for name, run in runs.items():
        begin = time.perf_counter()
        try:
            powers = run(simulations)
        except ImportError:
            print(f"  {name:26s} not installed")
            continue
        seconds = time.perf_counter() - begin
        own = own or (seconds, powers)
        error = np.sqrt(2 * 0.25 / simulations)
        gap = max(abs(one - other) for one, other in zip(powers, own[1], strict=True))
        print(
            f"  {name:26s} {seconds:8.3f} s  ratio {seconds / own[0]:7.2f}  power "
            + " ".join(f"{power:.3f}" for power in powers)
            + f"  largest difference {gap:.3f} (two Monte Carlo errors at most {2 * error:.3f})"
        )


if __name__ == "__main__":
    run_benchmark()
