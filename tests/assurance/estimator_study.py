"""Bias and coverage of every estimator in a world made for its assumption, 2,000 draws with fixed seeds.

    python tests/assurance/estimator_study.py [--jobs 2]

writes estimators.csv beside this file; ``test_estimator_study.py`` holds it to its gates and makes some of it again.
Who starts when is drawn anew in every draw, so that cohort shares vary as the standard errors assume; where a method
takes them as fixed, the truth is that of the drawn shares.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from evaltoolkit.designs.design import Design
from evaltoolkit.effects.inference import std_errors
from evaltoolkit.estimators.registry import estimate

STORED = Path(__file__).with_name("estimators.csv")
DRAWS, BATCH, FIRST_SEED = 2000, 100, 30_000
N = 300
TIMES = np.arange(2018.0, 2024.0)
COHORTS, CHANCES = np.array([2020.0, 2022.0, np.inf]), np.array([0.3, 0.3, 0.4])
Z = 1.959963984540054


def effect_of(cohort, time):
    """Effects grow with time since treatment and differ between cohorts."""
    return np.where(time >= cohort, 0.4 + 0.15 * (time - cohort) + 0.2 * (cohort == 2020), 0.0)


def noise(rng, n, rho=0.5):
    """Unit levels, common shocks, first-order serial correlation."""
    own = rng.normal(size=(n, len(TIMES)))
    for t in range(1, len(TIMES)):
        own[:, t] = rho * own[:, t - 1] + np.sqrt(1 - rho**2) * own[:, t]
    return rng.normal(size=(n, 1)) + rng.normal(size=len(TIMES)) + own


def draw_cohorts(rng, n=N):
    return COHORTS[rng.choice(3, size=n, p=CHANCES)]


def make(outcome, cohort, **more):
    n = len(cohort)
    units = np.array([f"u{i:04d}" for i in range(n)])
    base = {
        "units": units, "times": TIMES, "outcome": outcome, "cohort": cohort, "covariates": np.empty((n, 0)),
        "covariate_names": (), "weights": np.ones(n), "clusters": units,
    }  # fmt: skip
    return Design(**(base | more))


def average(cohort, values, shares):
    """Overall truth: cohort by cohort and period by period, weighted by size (its share in the draw, or its chance)."""
    total = weight = 0.0
    for g, chance in zip(COHORTS[:2], CHANCES[:2], strict=True):
        size = np.mean(cohort == g) if shares == "fixed" else chance
        for t in TIMES[g <= TIMES]:
            total, weight = total + size * values(g, t), weight + size
    return total / weight


def linear_world(rng, *, covariate=False, gaps=0.0, zones=1):
    """Additive effects; trends depend on a covariate that also moves who starts; values missing at random; zones."""
    n = N
    x = rng.normal(size=n)
    cohort = draw_cohorts(rng, n)
    if covariate:
        lean = expit(0.5 * x)
        late = rng.random(n) < 0.5
        cohort = np.where(rng.random(n) < 0.9 * lean, np.where(late, 2022.0, 2020.0), np.inf)
    outcome = noise(rng, n) + effect_of(cohort[:, None], TIMES)
    if covariate:
        outcome = outcome + 0.3 * x[:, None] * (TIMES - TIMES[0])
    clusters = np.array([f"u{i:04d}" for i in range(n)])
    if zones > 1:
        place = np.arange(n) // zones
        cohort = cohort[place * zones]
        shock = rng.normal(size=(n // zones, len(TIMES)))[place]
        outcome = noise(rng, n) + shock + effect_of(cohort[:, None], TIMES)
        clusters = np.array([f"z{i}" for i in place])
    outcome[rng.random(outcome.shape) < gaps] = np.nan
    design = make(
        outcome, cohort, covariates=x[:, None] if covariate else np.empty((n, 0)),
        covariate_names=("x",) if covariate else (), clusters=clusters,
    )  # fmt: skip
    return design, lambda shares: average(cohort, effect_of, shares)


def count_world(rng):
    """Counts per inhabitant with a constant ratio of rates; gamma noise from period to period."""
    cohort = draw_cohorts(rng)
    people = rng.lognormal(0, 0.5, N)[:, None] * np.ones(len(TIMES))
    level = np.where(np.isinf(cohort), 3.0, np.where(cohort == 2020, 4.0, 5.0))[:, None]
    untreated = people * level * np.exp(0.1 * (TIMES - TIMES[0])) * np.exp(0.05 * np.sin(TIMES))
    ratio = np.where(cohort[:, None] <= TIMES, 0.8, 1.0)
    outcome = rng.poisson(untreated * ratio * rng.gamma(4, 0.25, untreated.shape)).astype(float)
    return make(outcome, cohort, exposure=people), lambda shares: np.log(0.8)


def share_world(rng):
    """Shares between zero and one that move together on the scale of log odds; a constant effect there."""
    cohort = draw_cohorts(rng)
    level = np.where(np.isinf(cohort), 0.2, np.where(cohort == 2020, -0.1, 0.4))[:, None]
    odds = level + 0.1 * (TIMES - TIMES[0]) + np.where(cohort[:, None] <= TIMES, 0.3, 0.0)
    mean = expit(odds)
    outcome = rng.beta(8 * mean, 8 * (1 - mean))
    return make(outcome, cohort), lambda shares: 0.3


def factor_world(rng):
    """Few treated among donors that lean alike on two common factors; one start."""
    n, treated = 60, 12
    cohort = np.full(n, np.inf)
    cohort[rng.permutation(n)[:treated]] = 2022.0
    loading = rng.normal(size=(n, 2))
    factors = rng.normal(size=(2, len(TIMES)))
    outcome = loading @ factors + rng.normal(size=(n, 1)) + 0.5 * rng.normal(size=(n, len(TIMES)))
    outcome = outcome + np.where(cohort[:, None] <= TIMES, 0.7, 0.0)
    return make(outcome, cohort), lambda shares: 0.7


def switching_world(rng):
    """Action that may stop; every period of treatment adds the same."""
    cohort = draw_cohorts(rng)
    on = (cohort[:, None] <= TIMES).astype(float)
    stop = rng.random(N) < 0.3
    on[stop & (cohort == 2020), 4:] = 0.0
    outcome = noise(rng, N) + 0.5 * on
    return make(outcome, cohort, treatment=on), lambda shares: 0.5


def dose_world(rng):
    """Effect proportional to the dose; the overall effect is that of the doses of those treated."""
    cohort = draw_cohorts(rng)
    dose = np.where(np.isfinite(cohort), rng.uniform(1, 5, N), 0.0)
    outcome = noise(rng, N) + 0.2 * dose[:, None] * (cohort[:, None] <= TIMES)
    return make(outcome, cohort, dose=dose), lambda shares: 0.6


def constant_world(rng):
    """One effect for all, the only world of two-way fixed effects."""
    cohort = draw_cohorts(rng)
    return make(noise(rng, N) + 0.5 * (cohort[:, None] <= TIMES), cohort), lambda shares: 0.5


def with_fixed_truth(rng, **options):
    """A world in which cohorts depend on a covariate: their shares are those of the draw."""
    design, _ = linear_world(rng, covariate=True, **options)
    return design, lambda shares: average(design.cohort, effect_of, "fixed")


CASES = {
    "group_time": (linear_world, {}, "group_time", {}),
    "group_time, gaps": (linear_world, {"gaps": 0.1}, "group_time", {}),
    "group_time, zones": (linear_world, {"zones": 3}, "group_time", {}),
    "group_time, doubly robust": (with_fixed_truth, {}, "group_time", {"adjust": "dr"}),
    "group_time, regression": (with_fixed_truth, {}, "group_time", {"adjust": "reg"}),
    "group_time, weighting": (with_fixed_truth, {}, "group_time", {"adjust": "ipw"}),
    "imputation": (linear_world, {}, "imputation", {}),
    "imputation, gaps": (linear_world, {"gaps": 0.1}, "imputation", {}),
    "imputation, covariate": (with_fixed_truth, {}, "imputation", {}),
    "imputation, two-stage errors": (linear_world, {}, "imputation", {"se": "gardner"}),
    "extended_two_way": (linear_world, {}, "extended_two_way", {}),
    "extended_two_way, Poisson": (count_world, {}, "extended_two_way", {"family": "poisson", "scale": "link"}),
    "extended_two_way, logit": (share_world, {}, "extended_two_way", {"family": "logit", "scale": "link"}),
    "sun_abraham": (linear_world, {}, "sun_abraham", {}),
    "synthetic_did": (factor_world, {}, "synthetic_did", {}),
    "switchers": (switching_world, {}, "switchers", {}),
    "dose": (dose_world, {}, "dose", {}),
    "two_way": (constant_world, {}, "two_way", {}),
    "two_way, Poisson": (count_world, {}, "two_way", {"family": "poisson"}),
    "efficient": (linear_world, {}, "efficient", {}),
}


def overall_of(effects):
    if effects.kind == "group_time":
        return effects.aggregate("overall")
    return effects if effects.overall is None else effects.overall


def run_draw(name, seed):
    """Return estimate, standard error and truth of one draw."""
    world, settings, method, options = CASES[name]
    design, truth = world(np.random.default_rng([seed, list(CASES).index(name)]), **settings)
    overall = overall_of(estimate(design, method, **options))
    return float(overall.estimate[0]), float(std_errors(overall)[0]), truth(overall.info.get("shares", "estimated"))


def run_batch(name, first, count=BATCH):
    """Sums over a batch of draws: one row of the stored table."""
    found = np.array([run_draw(name, FIRST_SEED + seed) for seed in range(first, first + count)])
    wrong = found[:, 0] - found[:, 2]
    return {
        "case": name,
        "first": first,
        "draws": count,
        "truth": found[:, 2].mean(),
        "bias": wrong.mean(),
        "square": np.square(wrong).mean(),
        "std_error": found[:, 1].mean(),
        "covered": np.mean(np.abs(wrong) <= Z * found[:, 1]),
    }


def summarise(table):
    """Bias, its Monte Carlo error, spread, mean standard error and coverage of each case."""
    rows = []
    for name, part in table.groupby("case", sort=False):
        weight = part["draws"] / part["draws"].sum()
        bias, square = float(weight @ part["bias"]), float(weight @ part["square"])
        spread, draws = np.sqrt(square - bias**2), int(part["draws"].sum())
        rows.append(
            {
                "case": name,
                "draws": draws,
                "truth": float(weight @ part["truth"]),
                "bias": bias,
                "bias_mc_error": spread / np.sqrt(draws),
                "spread": spread,
                "std_error": float(weight @ part["std_error"]),
                "coverage": float(weight @ part["covered"]),
            }
        )
    return pd.DataFrame(rows)


def main():
    """Run what is asked for and store the table, batch by batch."""
    from joblib import Parallel, delayed
    from rich.progress import track

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cases", nargs="*", default=list(CASES))
    arguments = parser.parse_args()
    kept = pd.read_csv(STORED) if STORED.exists() else pd.DataFrame({"case": []})
    tasks = [(name, first) for name in arguments.cases for first in range(0, DRAWS, BATCH)]
    run = Parallel(n_jobs=arguments.jobs, return_as="generator")(delayed(run_batch)(*task) for task in tasks)
    fresh = pd.DataFrame(list(track(run, total=len(tasks), description="estimators")))
    table = pd.concat([kept[~kept["case"].isin(arguments.cases)], fresh])
    order = {name: place for place, name in enumerate(CASES)}
    table = table.sort_values(
        ["case", "first"], key=lambda column: column.map(order) if column.name == "case" else column
    )
    table.to_csv(STORED, index=False, float_format="%.10g", lineterminator="\n")
    print(summarise(table).round(4).to_string(index=False))


if __name__ == "__main__":
    main()
