"""Small designs for the audit: three cohorts, untreated units, one covariate."""

from dataclasses import replace

import numpy as np

from evaltoolkit.designs.design import Design

TIMES = np.arange(2015.0, 2022.0)


def make_design(seed=0, n=90, **changes):
    rng = np.random.default_rng(seed)
    cohort = np.resize([2018.0, 2019.0, 2020.0, np.inf, np.inf], n)
    treated = cohort[:, None] <= TIMES
    x = rng.normal(size=(n, 1)) + 0.3 * np.isfinite(cohort)[:, None]
    outcome = rng.normal(size=(n, 1)) + x * 0.1 * (TIMES - 2015) + rng.normal(size=(n, len(TIMES))) + treated
    design = Design(
        units=np.array([f"u{i:03d}" for i in range(n)]),
        times=TIMES,
        outcome=outcome,
        cohort=cohort,
        covariates=np.empty((n, 0)),
        covariate_names=(),
        weights=np.ones(n),
        clusters=np.array([f"u{i:03d}" for i in range(n)]),
    )
    named = {"x": {"covariates": x, "covariate_names": ("x",)}}
    given = {}
    for name, value in changes.items():
        given |= named.get(name, {name: value}) if name in named else {name: value}
    return replace(design, **given)


def with_gaps(design, seed=1, share=0.1):
    rng = np.random.default_rng(seed)
    return replace(design, outcome=np.where(rng.random(design.outcome.shape) < share, np.nan, design.outcome))


def random_design(seed):
    """A design with a random choice of what designs can have: covariates, weights, clusters, gaps, odd waves."""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([60, 90, 150]))
    has = dict(
        zip(("x", "weights", "clusters", "anticipation", "waves", "gaps", "all"), rng.random(7) < 0.3, strict=True)
    )
    comparison = "not_yet_treated" if has["all"] or rng.random() < 0.5 else "never_treated"
    cohort = rng.choice([2016.0, 2017.0, 2018.0, 2019.0, 2020.0, 2021.0, np.inf, np.inf, np.inf], n)
    cohort = np.where(np.isinf(cohort) & has["all"], 2021.0, cohort)
    outcome = rng.normal(size=(n, 1)) + rng.normal(size=(n, len(TIMES))) + (cohort[:, None] <= TIMES)
    changes = {"cohort": cohort, "outcome": outcome, "comparison": comparison, "anticipation": int(has["anticipation"])}
    if has["weights"]:
        weights = rng.uniform(0.5, 1.5, n)
        changes["weights"] = weights / weights.mean()
    if has["clusters"]:
        changes["clusters"] = np.array([f"c{i}" for i in rng.integers(0, n // 3, n)])
    design = make_design(seed, n, **changes | ({"x": True} if has["x"] else {}))
    if has["gaps"]:
        design = with_gaps(design, seed, 0.05)
    if has["waves"]:
        times = np.array([2014.0, 2015.5, 2017.0, 2018.0, 2019.0, 2020.25, 2023.0])
        moved = times[np.minimum(np.where(np.isfinite(cohort), cohort, 2015) - 2015, 6).astype(int)]
        design = replace(design, times=times, cohort=np.where(np.isfinite(cohort), moved, np.inf))
    return design
