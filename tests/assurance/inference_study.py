"""How often ``infer`` finds an effect where there is none, and how often one that is there: cell by cell.

    python tests/assurance/inference_study.py [--jobs 2] [--draws 5000] [--cells 0 40]

Cells: 1, 2, 3, 5, 10, 20 or 40 treated of 60 or 300 units, starting at once or in two steps, and ten treated in five
cohorts of two; noise independent, serially correlated, falling with size, growing with size (totals), Poisson and
negative-binomial rates with means of 0.5 and 5 per unit and period, or shared among neighbours; treated by lot
(declared as such) or with chances that grow with size (not declared). Every assignment serves a batch of outcomes,
whose statistics are computed as a stack; the rule that chooses is the one of ``infer``. ``interval_study.py`` adds the
coverage of intervals to the same table.

Columns: ``naive`` is the two-sided normal test with cluster-robust errors, ``refused`` the share without a p-value,
``oracle`` a test that knows the standard deviation of the estimate. Resumable: a cell that is stored is not run again.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtri

from evaltoolkit.designs.design import Design
from evaltoolkit.estimators.registry import estimate
from evaltoolkit.inference.choose import choose_method
from evaltoolkit.inference.contrasts import contrast_table, effects_of
from evaltoolkit.inference.randomisation import draw_assignments, permuted_statistics, share_as_large
from evaltoolkit.inference.runners import tell_own_spread
from evaltoolkit.inference.sized import draw_orders, sized_p_values

STORED = Path(__file__).with_name("inference.csv")
DRAWS, BATCH, PERMUTATIONS = 5000, 50, 399
KEYS = ["units", "treated", "steps", "noise", "by"]
COLUMNS = [*KEYS, "draws", "rejection", "refused", "naive", "power", "oracle"]
TIMES = np.arange(1.0, 7.0)
NOISES = (
    "independent",
    "serial",
    "by size",
    "Poisson 0.5",
    "Poisson 5",
    "negative binomial 0.5",
    "negative binomial 5",
    "neighbours",
)
Z = float(ndtri(0.975))


def is_refused(cell):
    """Say beforehand where there is no p-value: one unit that was not drawn by lot could be anything."""
    return cell["treated"] == 1 and cell["by"] == "size"


def list_cells():
    """Name every cell: units, treated, steps, noise, assignment."""
    cells = []
    # the place of a cell in this list is part of its seed: what is new comes last
    for noises in (NOISES, ("totals",)):
        for n, treated, steps, noise, by in itertools.product(
            (60, 300), (1, 2, 3, 5, 10, 20, 40), (1, 2), noises, ("lot", "size")
        ):
            if steps <= treated:
                cells.append({"units": n, "treated": treated, "steps": steps, "noise": noise, "by": by})
        for n, noise, by in itertools.product((60, 300), noises, ("lot", "size")):
            cells.append({"units": n, "treated": 10, "steps": 5, "noise": noise, "by": by})
    return cells


def sizes_of(n):
    """Log-normal sizes of mean one, dealt out by a fixed shuffle."""
    sizes = np.exp(ndtri((np.arange(n) + 0.5) / n))
    np.random.default_rng(5).shuffle(sizes)
    return sizes / sizes.mean()


def draw_noise(kind, sizes, count, rng):
    """(n, T, R) outcomes without any effect."""
    n, periods = len(sizes), len(TIMES)
    shape = (n, periods, count)
    if kind == "independent":
        return rng.standard_normal(shape)
    if kind == "serial":
        noise = rng.standard_normal(shape)
        for t in range(1, periods):
            noise[:, t] = 0.7 * noise[:, t - 1] + np.sqrt(1 - 0.49) * noise[:, t]
        return noise
    if kind in ("by size", "totals"):
        rates = np.sqrt(0.1 + 0.4 / sizes)[:, None, None] * rng.standard_normal(shape)
        return rates * sizes[:, None, None] if kind == "totals" else rates
    if kind == "neighbours":
        place = np.arange(n) // 5
        common = rng.standard_normal((place.max() + 1, periods, count))[place]
        return np.sqrt(0.2) * common + np.sqrt(0.8) * rng.standard_normal(shape)
    mean = float(kind.split()[-1]) * sizes[:, None, None]
    factor = rng.gamma(2.0, 0.5, shape) if kind.startswith("negative") else 1.0
    return rng.poisson(mean * factor, shape) / sizes[:, None, None]


def draw_cohorts(cell, sizes, rng):
    chances = None if cell["by"] == "lot" else sizes / sizes.sum()
    chosen = rng.choice(len(sizes), cell["treated"], replace=False, p=chances)
    cohort = np.full(len(sizes), np.inf)
    starts = (4.0, 5.0) if cell["steps"] <= 2 else (2.0, 3.0, 4.0, 5.0, 6.0)
    for start, part in zip(starts, np.array_split(chosen, cell["steps"]), strict=False):
        cohort[part] = start
    return cohort


def make_design(cohort, outcome):
    n = len(cohort)
    units = np.array([f"{i:04d}" for i in range(n)])
    return Design(
        units=units, times=TIMES, outcome=outcome, cohort=cohort, covariates=np.empty((n, 0)), covariate_names=(),
        weights=np.ones(n), clusters=units,
    )  # fmt: skip


def stack_of(design, outcomes):
    """Contrast table of the design, and the sums (n, C, R) of a stack of outcomes through the same contrasts."""
    table = contrast_table(design, estimate(design).aggregate("overall"))
    # the contrast is the same for every unit: read it off an outcome that is one in one period
    basis = [_table(design.cohort, np.tile(row, (len(design.cohort), 1))).sums[0] for row in np.eye(len(TIMES))]
    return table, np.einsum("tc,ntr->ncr", np.array(basis), outcomes)


def _table(cohort, outcome):
    design = make_design(cohort, outcome)
    return contrast_table(design, estimate(design).aggregate("overall"))


def run_batch(cell, seed, effect):
    """Rejections of a batch of outcomes under one assignment: auto, refused, naive, oracle."""
    rng = np.random.default_rng([seed, list_cells().index(cell)])
    sizes = sizes_of(cell["units"])
    cohort = draw_cohorts(cell, sizes, rng)
    outcomes = draw_noise(cell["noise"], sizes, BATCH, rng)
    table, sums = stack_of(make_design(cohort, outcomes[:, :, 0]), outcomes)
    known = 1.0
    if effect:
        _, more = stack_of(make_design(cohort, outcomes[:, :, 0]), draw_noise(cell["noise"], sizes, 400, rng))
        known = effects_of(more, table.sizes, table.group, len(table.cohorts))[0][0].std()
        sums = sums + effect * known * table.moves[:, :, None]
    found, errors = (one[0] for one in effects_of(sums, table.sizes, table.group, len(table.cohorts)))
    with np.errstate(divide="ignore"):
        naive = np.mean(np.abs(found / errors) > Z)
    method = method_of(cell)
    p_values = p_values_of(method, table, sums, sizes, seed)
    return np.array([
        np.mean(p_values <= 0.05) if method else 0.0,
        0.0 if method else 1.0,
        naive,
        np.mean(np.abs(found) > Z * known) if effect else np.nan,
    ])  # fmt: skip


def method_of(cell):
    """The method that ``infer`` takes here; empty where it refuses."""
    counts = (cell["treated"], cell["units"] - cell["treated"])
    return choose_method(counts, by_lot=cell["by"] == "lot", cohorts=cell["steps"])[0]


def p_values_of(method, table, sums, sizes, seed):
    """The p-values that ``infer`` gives, for a stack."""
    if method == "sized":
        order = draw_orders(len(table.group), PERMUTATIONS, seed)
        return sized_p_values(sums, table.sizes, table.group, len(table.cohorts), sizes, order)
    if not method:
        return np.full(sums.shape[2], np.nan)
    others, exact = draw_assignments(table, None, None, PERMUTATIONS, seed)
    many = tell_own_spread(int(table.treated[table.group].sum()), int(table.treated.sum()))
    own, drawn = permuted_statistics(
        sums, table.sizes, table.group, others, studentise=True, sizes=None if many else sizes
    )
    return share_as_large(own, drawn, exact=exact)


def run_cell(cell, draws):
    """One row of the table: rejection without effect, and power where the oracle has about 80 %."""
    batches = draws // BATCH
    null = np.mean([run_batch(cell, seed, 0.0) for seed in range(batches)], axis=0)
    moved = np.mean([run_batch(cell, 100_000 + seed, 2.8) for seed in range(max(4, batches // 5))], axis=0)
    return cell | {
        "draws": draws,
        "rejection": null[0],
        "refused": null[1],
        "naive": null[2],
        "power": moved[0],
        "oracle": moved[3],
    }


def write(stored):
    """Store the table."""
    stored.to_csv(STORED, index=False, float_format="%.6g", lineterminator="\n")


def main():
    """Run the cells that are not stored yet."""
    from joblib import Parallel, delayed
    from rich.progress import track

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--cells", type=int, nargs=2, default=(0, len(list_cells())))
    arguments = parser.parse_args()
    stored = pd.read_csv(STORED) if STORED.exists() else pd.DataFrame(columns=COLUMNS)
    done = {tuple(row) for row in stored[stored["draws"] == arguments.draws][KEYS].itertuples(index=False)}
    wanted = [cell for cell in list_cells()[slice(*arguments.cells)] if tuple(cell.values()) not in done]
    # in mixed order, so that what is stored so far says something about all of them
    np.random.default_rng(1).shuffle(wanted)
    run = Parallel(n_jobs=arguments.jobs, return_as="generator")(delayed(run_cell)(c, arguments.draws) for c in wanted)
    for row in track(run, total=len(wanted), description="inference"):
        stored = pd.concat([stored, pd.DataFrame([row])], ignore_index=True)
        write(stored)
    order = {tuple(cell.values()): place for place, cell in enumerate(list_cells())}
    places = [order[tuple(row)] for row in stored[KEYS].itertuples(index=False)]
    write(stored.iloc[np.argsort(places)])
    print(stored.describe().round(4).to_string())


if __name__ == "__main__":
    main()
