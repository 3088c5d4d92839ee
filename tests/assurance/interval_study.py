"""How often intervals of ``infer`` hold the truth, and how long they are: a stated sample of the cells.

    python tests/assurance/interval_study.py [--jobs 2] [--draws 1000]

The sample: 2, 5 and 20 treated of 60 or 300 units in two steps, and ten in five cohorts of two; five kinds of noise;
by lot and by size. The effect is as large as 2.8 standard deviations of its estimate.

Columns, added to those of ``inference_study.py`` in one table: ``coverage`` of an effect that is the same for all,
which is promised; ``varied`` the coverage of the mean effect on the treated where effects differ between units with a
standard deviation as large as their mean, which is not; ``open`` the share of intervals with an infinite end;
``length`` the median length over that of an interval which knows the standard deviation of the estimate; ``intervals``
the number of draws, empty outside the sample. There the coverage of a constant effect is one less ``rejection``: an
interval holds what its test does not reject. Resumable: a cell that is stored is not run again.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
import inference_study as study

from evaltoolkit.inference.contrasts import effects_of
from evaltoolkit.inference.randomisation import draw_assignments, permuted_statistics, share_as_large
from evaltoolkit.inference.runners import tell_own_spread
from evaltoolkit.inference.sized import draw_orders, sized_p_values

STORED = study.STORED
DRAWS = 1000
KEYS = study.KEYS
COLUMNS = ["coverage", "varied", "open", "length", "intervals"]
SAMPLED = ("independent", "by size", "Poisson 0.5", "negative binomial 5", "totals")
EFFECT = 2.8
DOUBLINGS, HALVINGS = 8, 8


def list_cells():
    """The cells of the study of tests that are looked at here."""
    wanted = {(2, 2), (5, 2), (20, 2), (10, 5)}
    return [
        cell
        for cell in study.list_cells()
        if (cell["treated"], cell["steps"]) in wanted and cell["noise"] in SAMPLED
    ]  # fmt: skip


def make_test(method, table, sizes, seed):
    """The p-values of ``infer`` as a function of sums (G, C, R): draws are made once."""
    if method == "sized":
        order = draw_orders(len(table.group), study.PERMUTATIONS, seed)
        return lambda sums: sized_p_values(sums, table.sizes, table.group, len(table.cohorts), sizes, order)
    others, exact = draw_assignments(table, None, None, study.PERMUTATIONS, seed)
    many = tell_own_spread(int(table.treated[table.group].sum()), int(table.treated.sum()))
    known = None if many else sizes

    def p_values(sums):
        own, drawn = permuted_statistics(sums, table.sizes, table.group, others, studentise=True, sizes=known)
        return share_as_large(own, drawn, exact=exact)

    return p_values


def find_ends(rejected, estimate, step):
    """(R,) ends of the intervals on one side of the estimates, searched as ``invert_test`` does."""
    inside, outside, step = estimate.copy(), estimate + step, step.copy()
    bounded = np.zeros(len(estimate), bool)
    for _ in range(DOUBLINGS):
        bounded |= rejected(outside)
        inside = np.where(bounded, inside, outside)
        step = np.where(bounded, step, 2 * step)
        outside = np.where(bounded, outside, outside + step)
        if bounded.all():
            break
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        out = rejected(middle)
        inside, outside = np.where(out, inside, middle), np.where(out, middle, outside)
    return np.where(bounded, inside, np.sign(step) * np.inf)


def run_batch(cell, seed):
    """Coverage of constant and of varied effects, share of open intervals, relative length."""
    rng = np.random.default_rng([seed, list_cells().index(cell), 5])
    sizes = study.sizes_of(cell["units"])
    cohort = study.draw_cohorts(cell, sizes, rng)
    outcomes = study.draw_noise(cell["noise"], sizes, study.BATCH, rng)
    design = study.make_design(cohort, outcomes[:, :, 0])
    table, noise = study.stack_of(design, outcomes)
    _, more = study.stack_of(design, study.draw_noise(cell["noise"], sizes, 400, rng))
    known = effects_of(more, table.sizes, table.group, len(table.cohorts))[0][0].std()
    factors = 1 + rng.standard_normal((len(cohort), 1, study.BATCH))
    test = make_test(study.method_of(cell), table, sizes, seed)
    covered, length = [], np.zeros(study.BATCH)
    for factor in (np.ones_like(factors), factors):
        added = EFFECT * known * table.moves[:, :, None]
        sums = noise + factor * added
        truth = effects_of(factor * added, table.sizes, table.group, len(table.cohorts))[0][0]
        low, high = intervals_of(test, sums, table, known)
        covered.append(np.mean((low <= truth) & (truth <= high)))
        if len(covered) == 1:
            length = high - low
    return np.array([*covered, np.isinf(length).mean(), np.median(length) / (2 * study.Z * known)])


def intervals_of(test, sums, table, scale):
    """(R,) lower and upper ends for a stack of outcomes."""
    estimate = effects_of(sums, table.sizes, table.group, len(table.cohorts))[0][0]

    def rejected(effect):
        return test(sums - effect * table.moves[:, :, None]) <= 0.05

    step = np.full(len(estimate), float(scale))
    return find_ends(rejected, estimate, -step), find_ends(rejected, estimate, step)


def run_cell(cell, draws):
    """One row of the table; nothing where ``infer`` refuses, of which the sample has no cell."""
    found = np.array([run_batch(cell, seed) for seed in range(draws // study.BATCH)])
    coverage, varied, unbounded = found[:, :3].mean(axis=0)
    numbers = (coverage, varied, unbounded, np.median(found[:, 3]), draws)
    return cell | dict(zip(COLUMNS, numbers, strict=True))


def main():
    """Run the cells that are not stored yet."""
    from joblib import Parallel, delayed
    from rich.progress import track

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--draws", type=int, default=DRAWS)
    arguments = parser.parse_args()
    stored = pd.read_csv(STORED).reindex(columns=[*study.COLUMNS, *COLUMNS]).set_index(KEYS)
    done = set(stored.index[stored["intervals"] == arguments.draws])
    wanted = [cell for cell in list_cells() if tuple(cell.values()) not in done]
    run = Parallel(n_jobs=arguments.jobs, return_as="generator")(delayed(run_cell)(c, arguments.draws) for c in wanted)
    for row in track(run, total=len(wanted), description="intervals"):
        stored.loc[tuple(row[key] for key in KEYS), COLUMNS] = [row[column] for column in COLUMNS]
        study.write(stored.reset_index())
    print(stored[COLUMNS].describe().round(4).to_string())


if __name__ == "__main__":
    main()
