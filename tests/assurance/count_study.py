"""How often ``infer`` finds an effect on counts where there is none, and where there is one: cell by cell.

    python tests/assurance/count_study.py [--jobs 2] [--draws 500]

Cells: 1, 2, 5 or 20 treated of 60 or 300 units of unlike size, in one or two steps; counts with an exposure, means of
0.5 or 3 per unit of average size and period, Poisson, or negative binomial with a shock of its own in every unit and
period, or with one shared by the periods before and one by those after the first start; treated by lot (declared as
such) or with chances that grow with size (not declared). All periods before treatment are compared with.

Columns: ``rejection`` and ``refused`` (no p-value) without an effect, ``naive`` the two-sided normal test of the
Poisson regression with cluster-robust errors, in the first 150 studies; ``exact`` the share decided by the conditional
exact test; ``power`` and ``coverage`` (of the ratio) where treatment halves the rate, in the first 500 studies;
``rejection``, ``power`` and ``coverage`` among studies that have a p-value. Resumable: a cell that is stored
with as many draws, or more, is not run again.
"""

import argparse
import itertools
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
import inference_study as study

from evaltoolkit.designs.design import Design
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.inference.contrasts import lie_within
from evaltoolkit.inference.count_choice import choose_count_method, most_events
from evaltoolkit.inference.count_table import count_table
from evaltoolkit.inference.count_test import count_ratio, count_test
from evaltoolkit.inference.dispersion import measure_dispersion
from evaltoolkit.inference.exact_counts import exact_test
from evaltoolkit.inference.floor import is_attainable

STORED = Path(__file__).with_name("counts.csv")
DRAWS, PERMUTATIONS = 500, 399
# studies of a cell in which the Poisson regression is fitted
NAIVE = 150
KEYS = ["units", "treated", "steps", "noise", "mean", "by"]
NOISES = ("Poisson", "negative binomial", "shared shocks")
RATIO = 0.5
# orders in which units change places: the same for all studies, whose outcomes and treated are new
ORDERS = {n: np.argsort(np.random.default_rng([n, 3]).random((PERMUTATIONS, n)), axis=1) for n in (60, 300)}


def is_refused(cell):
    """Say beforehand where there may be no p-value: one unit that was not drawn by lot, unless counts are Poisson."""
    return cell["treated"] == 1 and cell["by"] == "size"


def list_cells():
    """Name every cell."""
    return [
        dict(zip(KEYS, (n, treated, steps, noise, mean, by), strict=True))
        for n, (treated, steps), noise, mean, by in itertools.product(
            (60, 300), ((1, 1), (2, 2), (5, 1), (20, 2)), NOISES, (0.5, 3.0), ("lot", "size")
        )
    ]


def make_design(cell, ratio, rng):
    """One study: counts of units of unlike size whose rates grow by half over six periods."""
    sizes = study.sizes_of(cell["units"])
    cohort = study.draw_cohorts(cell, sizes, rng)
    exposure = np.repeat(sizes[:, None], len(study.TIMES), axis=1)
    mean = cell["mean"] * exposure * np.linspace(1, 1.5, len(study.TIMES))
    mean = np.where(cohort[:, None] <= study.TIMES, ratio, 1.0) * mean
    if cell["noise"] == "negative binomial":
        mean = mean * rng.gamma(2.0, 0.5, mean.shape)
    if cell["noise"] == "shared shocks":
        mean = mean * np.repeat(rng.gamma(4.0, 0.25, (len(sizes), 2)), 3, axis=1)
    units = np.array([f"{i:04d}" for i in range(len(sizes))])
    return Design(
        units=units, times=study.TIMES, outcome=rng.poisson(mean).astype(float), cohort=cohort,
        covariates=np.empty((len(units), 0)), covariate_names=(), weights=np.ones(len(units)), clusters=units,
        comparison="not_yet_treated", exposure=exposure,
    )  # fmt: skip


def run_study(cell, ratio, seed):
    """P-values of no effect and of the truth (NaN where refused), whether the exact test decided, the naive one."""
    design = make_design(cell, ratio, np.random.default_rng([seed, list_cells().index(cell), round(10 * ratio)]))
    # the table needs nothing but units and clusters of the estimate
    table = count_table(design, SimpleNamespace(units=design.units, clusters=design.clusters))
    treated = table.treated[table.group]
    counts = (int(treated.sum()), int((~treated).sum()))
    inside = lie_within(treated, design.exposure[:, 0])
    method, _ = choose_count_method(counts, most_events(table), by_lot=cell["by"] == "lot", inside=inside)
    return [*p_values_of(method, table, ratio, seed), naive_p_value(design) if seed < NAIVE else math.nan]


def naive_p_value(design):
    """The two-sided normal p-value of the Poisson regression, by cluster."""
    overall = estimate(design, "extended_two_way", family="poisson").aggregate("overall")
    influence = overall.influence[:, 0]
    error = math.sqrt(np.square(influence).sum()) / len(influence)
    return math.erfc(abs(overall.estimate[0]) / error / math.sqrt(2)) if error > 0 else math.nan


def p_values_of(method, table, ratio, seed):
    """P-values of a ratio of one and of the true one, as ``infer`` has them, and whether they are exact ones."""
    if method == "single":
        found = count_ratio(table)
        found = 1.0 if math.isnan(found) else min(max(found, 1e-6), 1e6)
        cohort = int(np.flatnonzero(table.treated)[0])
        if not measure_dispersion(table, cohort, found, draws=PERMUTATIONS, seed=seed).ruled_out:
            return [math.nan, math.nan, 0.0]
        test = exact_test(table)
        if not is_attainable(test.smallest_p, 0.95):
            return [math.nan, math.nan, 0.0]
        return [test.p_value, 1.0 if test.low <= ratio <= test.high else 0.0, 1.0]
    if not method:
        return [math.nan, math.nan, 0.0]
    assignments = table.group[ORDERS[len(table.group)]]
    found = [count_test(table, ratio=one, assignments=assignments) for one in dict.fromkeys((1.0, ratio))]
    if not is_attainable(found[0].smallest_p, 0.95):
        return [math.nan, math.nan, 0.0]
    return [found[0].p_value, found[-1].p_value, 0.0]


def run_cell(cell, draws):
    """One row of the table."""
    null = np.array([run_study(cell, 1.0, seed) for seed in range(draws)])
    moved = np.array([run_study(cell, RATIO, 100_000 + seed) for seed in range(min(draws, DRAWS))])
    answered, decided = np.isfinite(null[:, 0]), np.isfinite(moved[:, 0])

    def share(values):
        return values.mean() if len(values) else np.nan

    return cell | {
        "draws": draws,
        "rejection": share(null[answered, 0] <= 0.05),
        "refused": 1 - answered.mean(),
        "naive": share(null[:, 3][np.isfinite(null[:, 3])] <= 0.05),
        "exact": null[:, 2].mean(),
        "power": share(moved[decided, 0] <= 0.05),
        "coverage": share(moved[decided, 1] > 0.05),
    }


def main():
    """Run the cells that are not stored yet."""
    from joblib import Parallel, delayed
    from rich.progress import track

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--draws", type=int, default=DRAWS)
    arguments = parser.parse_args()
    stored = pd.read_csv(STORED) if STORED.exists() else pd.DataFrame(columns=[*KEYS, "draws"])
    done = {tuple(row) for row in stored[stored["draws"] >= arguments.draws][KEYS].itertuples(index=False)}
    wanted = [cell for cell in list_cells() if tuple(cell.values()) not in done]
    # in mixed order, so that what is stored so far says something about all of them
    np.random.default_rng(1).shuffle(wanted)
    run = Parallel(n_jobs=arguments.jobs, return_as="generator")(delayed(run_cell)(c, arguments.draws) for c in wanted)
    for row in track(run, total=len(wanted), description="counts"):
        stored = pd.concat([stored, pd.DataFrame([row])], ignore_index=True)
        stored.to_csv(STORED, index=False, float_format="%.6g", lineterminator="\n")
    stored.sort_values(KEYS).to_csv(STORED, index=False, float_format="%.6g", lineterminator="\n")
    print(stored.describe().round(4).to_string())


if __name__ == "__main__":
    main()
