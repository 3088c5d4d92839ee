"""How often ``infer`` finds an effect where covariates or gaps enter the estimate: where there is none, and one.

    python tests/assurance/linear_study.py [--jobs 2] [--draws 5000]

Cells: 2, 5 or 20 treated of 60 units in two steps, treated with chances that grow with size (not declared); noise that
falls with size; methods with a covariate that bends the trend of every unit and goes with size, or with
one value in twenty missing. Every design serves a batch of outcomes, whose estimates are sums under the same weights,
read once off the estimator; the rule that chooses is the one of ``infer``.

Columns: ``rejection`` without an effect, ``power`` where the estimate's standard deviation is 1 / 2.8 of the effect,
``oracle`` of a test that knows that deviation, ``naive`` the two-sided normal test of the same estimates with the
method's own standard error, in ten outcomes per design, where there is no effect. Resumable: a cell that is stored is
not run again.
"""

import argparse
import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
import inference_study as study

from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.inference.choose import choose_method
from evaltoolkit.inference.exchange import exchange_p_values, usable_orders
from evaltoolkit.inference.linear_weights import linear_weights
from evaltoolkit.inference.noise import noise_table

STORED = Path(__file__).with_name("linear.csv")
DRAWS, BATCH, NAIVE = 5000, 250, 10
KEYS = ["method", "with", "treated"]
FORMS = (
    ("group_time", "covariate"),
    ("imputation", "covariate"),
    ("imputation", "gaps"),
    ("sun_abraham", "covariate"),
    ("extended_two_way", "covariate"),
    ("extended_two_way", "gaps"),
)


def list_cells():
    """Name every cell."""
    return [dict(zip(KEYS, (*form, treated), strict=True)) for form, treated in itertools.product(FORMS, (2, 5, 20))]


def make_world(cell, rng):
    """A design with one outcome, and a stack of outcomes observed where that one is."""
    sizes = study.sizes_of(60)
    cohort = study.draw_cohorts({"treated": cell["treated"], "steps": 2, "by": "size"}, sizes, rng)
    outcomes = study.draw_noise("by size", sizes, BATCH, rng)
    design = study.make_design(cohort, outcomes[:, :, 0])
    if cell["with"] == "covariate":
        x = np.log(sizes) + rng.standard_normal(60)
        outcomes = outcomes + x[:, None, None] * (study.TIMES[:, None] - 3) / 2
        return replace(design, outcome=outcomes[:, :, 0], covariates=x[:, None], covariate_names=("x",)), outcomes
    hidden = rng.random(design.outcome.shape) < 0.05
    outcomes = np.where(hidden[:, :, None], np.nan, outcomes)
    return replace(design, outcome=outcomes[:, :, 0]), outcomes


def run_batch(cell, seed):
    """Rejection of no effect, power, oracle, and the naive test."""
    rng = np.random.default_rng([seed, list_cells().index(cell), 71])
    design, outcomes = make_world(cell, rng)
    overall = estimate(design, cell["method"]).aggregate("overall")
    noise = noise_table(design, overall, linear_weights(design, overall), outcomes)
    method = choose_method((cell["treated"], 60 - cell["treated"]), by_lot=False, cohorts=2)[0]
    studentise, sizes = method == "studentised", study.sizes_of(60)
    order = usable_orders(noise, study.PERMUTATIONS, seed)
    found = np.trace(noise.places)
    effect = 2.8 * found.std()

    def rejected(tested):
        known = None if studentise else sizes
        return exchange_p_values(noise, known, order, effect=tested, studentise=studentise) <= 0.05

    # taking the effect out of noise tests against one that is there, with the sign turned
    naive = [normal_test(replace(design, outcome=outcomes[:, :, one]), cell["method"]) for one in range(NAIVE)]
    power, oracle = rejected(effect).mean(), np.mean(np.abs(found - effect) > study.Z * found.std())
    return np.array([rejected(0.0).mean(), power, oracle, np.mean(naive)])


def normal_test(design, method):
    overall = estimate(design, method).aggregate("overall")
    return abs(overall.estimate[0]) > study.Z * std_errors(overall)[0]


def run_cell(cell, draws):
    """One row of the table."""
    found = np.mean([run_batch(cell, seed) for seed in range(draws // BATCH)], axis=0)
    return cell | {"draws": draws} | dict(zip(("rejection", "power", "oracle", "naive"), found, strict=True))


def main():
    """Run the cells that are not stored yet."""
    from joblib import Parallel, delayed
    from rich.progress import track

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--draws", type=int, default=DRAWS)
    arguments = parser.parse_args()
    stored = pd.read_csv(STORED) if STORED.exists() else pd.DataFrame(columns=[*KEYS, "draws"])
    done = {tuple(row) for row in stored[stored["draws"] == arguments.draws][KEYS].itertuples(index=False)}
    wanted = [cell for cell in list_cells() if tuple(cell.values()) not in done]
    np.random.default_rng(1).shuffle(wanted)
    run = Parallel(n_jobs=arguments.jobs, return_as="generator")(delayed(run_cell)(c, arguments.draws) for c in wanted)
    for row in track(run, total=len(wanted), description="linear"):
        stored = pd.concat([stored, pd.DataFrame([row])], ignore_index=True)
        stored.to_csv(STORED, index=False, float_format="%.6g", lineterminator="\n")
    stored.sort_values(KEYS).to_csv(STORED, index=False, float_format="%.6g", lineterminator="\n")
    print(stored.describe().round(4).to_string())


if __name__ == "__main__":
    main()
